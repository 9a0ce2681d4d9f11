package import Hummingbird
package import Logging
import Messages
import NIOConcurrencyHelpers
import NIOCore
import ServiceLifecycle

/// `/healthz`, `/readyz` and `/metrics` of a process.
package enum AdminRoutes {
    /// Adds them to a router: of the admin server, or of the Gateway's own.
    package static func add<Context: RequestContext>(
        to router: Router<Context>,
        health: HealthState,
        metrics: PrometheusRegistry
    ) {
        router.get("healthz") { _, _ in try Self.answer(health.liveness()) }
        router.get("readyz") { _, _ in try Self.answer(health.readiness()) }
        router.get("metrics") { _, _ in
            Response(
                status: .ok,
                headers: [.contentType: PrometheusText.contentType],
                body: ResponseBody(byteBuffer: ByteBuffer(string: metrics.exposition()))
            )
        }
    }

    private static func answer(_ report: HealthReport) throws -> Response {
        Response(
            status: report.ok ? .ok : .serviceUnavailable,
            headers: [.contentType: "application/json"],
            body: ResponseBody(byteBuffer: ByteBuffer(string: try WireFormat.text(report) + "\n"))
        )
    }
}

/// The server of ``AdminRoutes``, on an address of its own.
package struct AdminServer: Service, CustomStringConvertible {
    private let address: HostPort
    private let health: HealthState
    private let metrics: PrometheusRegistry
    private let logger: Logger
    private let onListening: @Sendable (HostPort) async -> Void

    /// - Parameter onListening: told the address, with the port that was chosen.
    package init(
        address: HostPort,
        health: HealthState,
        metrics: PrometheusRegistry,
        logger: Logger,
        onListening: @escaping @Sendable (HostPort) async -> Void = { _ in }
    ) {
        self.address = address
        self.health = health
        self.metrics = metrics
        self.logger = logger
        self.onListening = onListening
    }

    package var description: String { "admin server" }

    /// - Throws: ``StartupError`` if the address cannot be had.
    package func run() async throws {
        let router = Router()
        AdminRoutes.add(to: router, health: self.health, metrics: self.metrics)
        var quiet = self.logger
        quiet.logLevel = max(quiet.logLevel, .warning)
        let application = Application(
            router: router,
            configuration: ApplicationConfiguration(address: .hostname(self.address.host, port: self.address.port)),
            onServerRunning: { channel in
                let port = channel.localAddress?.port ?? self.address.port
                let chosen = HostPort(host: self.address.host, port: port)
                self.logger.notice("admin server listens", metadata: ["address": "\(chosen)"])
                await self.onListening(chosen)
            },
            logger: quiet
        )
        do {
            try await application.run()
        } catch let error as IOError {
            throw StartupError("the admin server cannot listen on \(self.address): \(error); choose MILLRACE_ADMIN")
        }
    }
}
