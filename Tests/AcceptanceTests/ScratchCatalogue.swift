import AMQP
import Catalog
import CentralKit
import Logging
import Postgres
import ServiceKit
import TestSupport

/// A catalogue of its own with nobody at work in it, for tests of one part of a service.
struct ScratchCatalogue: Sendable {
    let database: PostgresClient
    let outbox: OutboxService
    let bell: FeedBell

    static let logger = Logger(label: "scratch-catalogue") { _ in SwiftLogNoOpLogHandler() }

    /// - Parameter script: what is in it.
    static func with(
        _ script: String,
        _ body: @escaping @Sendable (ScratchCatalogue) async throws -> Void
    ) async throws {
        let url = try await TestDatabase.make(template: "millrace_template") { url in
            _ = try await Migrator.migrate(url: url, logger: Self.logger)
        }
        try await PostgresSession.with(url: url, logger: Self.logger) { try await $0.executeScript(script) }
        let client = PostgresClient(url: url, logger: Self.logger)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await client.run() }
            defer { group.cancelAll() }
            try await body(ScratchCatalogue(client))
        }
    }

    /// With a publisher that is not connected: nothing is sent from here.
    private init(_ database: PostgresClient) throws {
        let health = HealthState(identity: Identity(service: "test"))
        let publisher = MessagePublisher(
            endpoint: try AMQPEndpoint(url: "amqp://nobody:nothing@localhost:1/"),
            identity: Identity(service: "test"),
            health: health,
            logger: Self.logger
        )
        self.database = database
        self.outbox = OutboxService(database: database, publisher: publisher, health: health, logger: Self.logger)
        self.bell = FeedBell(publisher: publisher, health: health, logger: Self.logger)
    }

    /// The one text of a query.
    func text(_ sql: SQL) async throws -> String? {
        try await self.database.query(
            Statement("test.text", "SELECT (\(fragment: sql))::text", returning: String?.self)
        ).first ?? nil
    }
}
