import Access
import AMQP
import Catalog
import CentralKit
import Domain
import Logging
import Messages
import Postgres
import ServiceKit
import ServiceLifecycle

/// `millrace-gateway`: the HTTP API, the live events, and the web page.
@main
enum GatewayMain {
    static func main() async {
        await ServiceRunner.main(
            "gateway",
            section: GatewayConfig.shape,
            needs: [.tokenKey],
            assemble: GatewayAssembly.services
        )
    }
}

/// What `MILLRACE_GATEWAY` and a file under `gateway:` may set.
struct GatewayConfig: Sendable {
    /// Where the API and the pages are served: `MILLRACE_GATEWAY`, else `listen`.
    let address: HostPort

    static let shape: DocumentShape = .keys(["listen": .scalar], required: [])

    init(_ values: ConfigurationValues, environment: [String: String]) throws(ConfigurationError) {
        let wanted = "must be host:port, such as 127.0.0.1:8080"
        if let text = environment["MILLRACE_GATEWAY"], !text.isEmpty {
            guard let address = HostPort(text) else {
                throw ConfigurationError(source: "environment", path: "MILLRACE_GATEWAY", "\(wanted), not \(text)")
            }
            self.address = address
            return
        }
        let text = try values.string("listen", default: "127.0.0.1:8080")
        guard let address = HostPort(text) else { throw values.error("listen", "\(wanted), not \(text)") }
        self.address = address
    }
}

enum GatewayAssembly {
    @Sendable static func services(_ context: ServiceContext) async throws -> [any Service] {
        try await self.services(context, environment: ProcessEnvironment.current()) { _ in }
    }

    /// - Parameter onListening: told the address, with the port that was chosen.
    static func services(
        _ context: ServiceContext,
        environment: [String: String],
        onListening: @escaping @Sendable (HostPort) async -> Void
    ) async throws -> [any Service] {
        let config = try GatewayConfig(context.settings, environment: environment)
        guard let keyFile = context.environment.tokenKeyFile else {
            throw ConfigurationError(source: "environment", path: "MILLRACE_TOKEN_KEY_FILE", "is not set")
        }
        let tokens = try await TokenMaker(key: try ConfigurationFile.text(path: keyFile))
        let parts = try CentralParts(context, topology: MillraceTopology.gateway, worksByKey: false)
        let hub = EventHub()
        let board = StatsBoard(database: parts.database)
        let gateway = Gateway(
            database: parts.database,
            hub: hub,
            board: board,
            identification: Identification(tokens: tokens),
            health: context.health,
            metrics: context.metrics,
            logger: context.logger,
            sent: { messages in
                parts.outbox.send(messages)
                parts.bell.ring()
                parts.pulse.add(1)
            },
            declareSite: { try await parts.publisher.broker.declare(MillraceTopology.site($0)) }
        )
        let feed = EventFeed(endpoint: parts.endpoint, context: context, hub: hub)
        return parts.services + [
            board.sweep(health: context.health, logger: context.logger), feed,
            GatewayServer(gateway: gateway, address: config.address, onListening: onListening),
        ]
    }
}
