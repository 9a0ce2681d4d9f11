import AsyncHTTPClient
import Glibc
import Logging
import NIOConcurrencyHelpers
import NIOCore
import NIOHTTP1
import PrivateServers

/// A process that a keeper starts, watches and stops: one of our programs or a private server.
protocol ManagedProcess: Sendable {
    var name: String { get }
    var logFile: String { get }

    /// Starts it. - Returns: its process numbers, its own first.
    func launch() async throws -> [Int32]
    /// - Returns: true when it is ready; false if it ended before.
    func awaitReady() async throws -> Bool
    /// Waits for its end. - Returns: nil if it was not started.
    func awaitEnd() async -> ProcessExit?
    /// Asks it to stop, and makes it if it takes too long. Returns when it is gone.
    func stop() async
    /// Ends it at once.
    func kill() async
}

/// One of our programs.
final class ProgramProcess: ManagedProcess {
    private let program: PlannedProgram
    private let process = NIOLockedValueBox<ServerProcess?>(nil)
    /// How long it may take to stop.
    private let grace: Duration
    let logFile: String

    var name: String { self.program.name }

    init(_ program: PlannedProgram, logFile: String, grace: Duration = .seconds(8)) {
        self.program = program
        self.logFile = logFile
        self.grace = grace
    }

    func launch() async throws -> [Int32] {
        // Asked to end when we die, not killed as servers of the tests are: it may have something to finish.
        let command = ServerProcess.Command(
            executable: "/usr/bin/setpriv",
            arguments: ["--pdeathsig", "TERM", "--", self.program.executable],
            environment: self.program.environment,
            logFile: self.logFile,
            diesWithUs: false
        )
        let process = try await ServerProcess.start(command)
        self.process.withLockedValue { $0 = process }
        return [process.pid]
    }

    func awaitReady() async throws -> Bool {
        guard let process = self.process.withLockedValue({ $0 }) else { return false }
        let begin = ContinuousClock.now
        while process.exit == nil {
            if await self.isReady() { return true }
            if let limit = self.program.readyAfter, .now - begin >= limit { return process.exit == nil }
            try await Task.sleep(for: .milliseconds(50))
        }
        return false
    }

    private func isReady() async -> Bool {
        let request = HTTPClientRequest(url: "http://127.0.0.1:\(self.program.adminPort)/readyz")
        do {
            return try await HTTPClient.shared.execute(request, timeout: .seconds(2)).status == .ok
        } catch {
            // Not there yet: refused, or slow under load. What it cannot do it says in its log.
            return false
        }
    }

    func awaitEnd() async -> ProcessExit? {
        guard let process = self.process.withLockedValue({ $0 }) else { return nil }
        return ProcessExit(await process.waitForExit())
    }

    func stop() async { await self.process.withLockedValue { $0 }?.terminate(grace: self.grace) }

    func kill() async {
        self.process.withLockedValue { $0 }?.signal(SIGKILL)
    }
}

/// The private PostgreSQL.
struct DatabaseProcess: ManagedProcess {
    let server: PrivatePostgres
    let logFile: String

    var name: String { FarmPlan.database }

    func launch() async throws -> [Int32] {
        try await self.server.start()
        return await [self.server.processID].compactMap { $0 }
    }

    func awaitReady() -> Bool { true }
    func awaitEnd() async -> ProcessExit? { await self.server.waitForExit().map { ProcessExit($0) } }
    func stop() async { await self.server.stop() }
    func kill() async { await self.server.kill9() }
}

/// The private RabbitMQ.
struct BrokerProcess: ManagedProcess {
    let server: PrivateBroker

    var name: String { FarmPlan.broker }
    var logFile: String { self.server.logFile }

    func launch() async throws -> [Int32] {
        try await self.server.start()
        return await self.server.processIDs
    }

    func awaitReady() -> Bool { true }
    func awaitEnd() async -> ProcessExit? { await self.server.waitForExit().map { ProcessExit($0) } }
    func stop() async { await self.server.stop() }
    func kill() async { await self.server.kill9() }
}
