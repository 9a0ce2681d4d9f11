import Glibc
import NIOConcurrencyHelpers
package import PrivateServers

/// The one broker of a test process, shared by all its suites, and brokers of their own for those that break them.
///
/// Tests of the shared one keep apart by names: see ``uniqueName(_:)``.
package enum TestBroker {
    private static let shared = Task { try await Self.start("shared") }

    /// The shared broker, started by whoever asks first.
    ///
    /// - Throws: ``ServerError``: a test without a broker fails.
    package static func start() async throws -> PrivateBroker { try await self.shared.value }

    /// A broker of the caller's, to be stopped by it.
    ///
    /// - Throws: ``ServerError``.
    package static func startOwn(_ extraSettings: [String] = []) async throws -> PrivateBroker {
        try await self.start("own", extraSettings)
    }

    /// Runs `body` with a broker of its own.
    package static func withOwn<Result: Sendable>(
        _ extraSettings: [String] = [],
        _ body: (PrivateBroker) async throws -> Result
    ) async throws -> Result {
        let broker = try await self.startOwn(extraSettings)
        do {
            let result = try await body(broker)
            await broker.stop()
            return result
        } catch {
            await broker.stop()
            throw error
        }
    }

    /// A name nobody else uses: for queues, exchanges and connections of one test.
    package static func uniqueName(_ stem: String) -> String {
        "\(stem).\(getpid()).\(String(UInt64.random(in: 0 ... .max), radix: 36))"
    }

    private static func start(_ purpose: String, _ extraSettings: [String] = []) async throws -> PrivateBroker {
        let folder = try TestFolder.make("broker-\(purpose)")
        var configuration = try PrivateBroker.Configuration(
            folder: folder,
            nodeName: "test-\(purpose)-\(getpid())-\(String(UInt32.random(in: 0 ... .max), radix: 36))",
            password: String(UInt64.random(in: 0 ... .max), radix: 36)
        )
        configuration.extraSettings = extraSettings
        let broker = PrivateBroker(configuration)
        TestFolder.beforeRemoval { broker.killAndWait() }
        try await broker.start()
        return broker
    }
}
