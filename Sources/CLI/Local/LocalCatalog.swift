import AMQP
import Catalog
import Logging
import Postgres

/// The catalogue and the broker, for the commands that need more than the HTTP API.
enum LocalCatalog {
    /// What libraries have to say goes nowhere: a command says in one line what matters.
    static let quiet = Logger(label: "millrace") { _ in SwiftLogNoOpLogHandler() }

    /// Gives `body` a running client of the catalogue.
    static func with<Result: Sendable>(
        _ url: String,
        likeServices: Bool = false,
        _ body: @Sendable @escaping (PostgresClient) async throws -> Result
    ) async throws -> Result {
        var options = PostgresOptions()
        options.applicationName = "millrace/cli"
        options.acquireTimeout = .seconds(10)
        if likeServices { options.setForBatches() }
        // The doctor reads whole tables.
        options.statementTimeout = .seconds(1800)
        options.idleInTransactionTimeout = .seconds(1800)
        let client = PostgresClient(url: url, options: options, logger: Self.quiet)
        return try await self.running({ try await client.run() }, { try await body(client) })
    }

    /// Gives `body` a running publisher.
    static func withBroker<Result: Sendable>(
        _ url: String,
        _ body: @Sendable @escaping (AMQPPublisher) async throws -> Result
    ) async throws -> Result {
        let publisher = AMQPPublisher(endpoint: try AMQPEndpoint(url: url), name: "millrace cli", logger: Self.quiet)
        return try await self.running({ try await publisher.run() }, { try await body(publisher) })
    }

    /// Runs `body` while `service` runs; an end of the service before is an error.
    private static func running<Result: Sendable>(
        _ service: @Sendable @escaping () async throws -> Void,
        _ body: @Sendable @escaping () async throws -> Result
    ) async throws -> Result {
        try await withThrowingTaskGroup(of: Result?.self) { group in
            group.addTask {
                try await service()
                return nil
            }
            group.addTask { try await body() }
            defer { group.cancelAll() }
            while let result = try await group.next() {
                if let result { return result }
            }
            throw CommandFailure(.failed, "the connection was closed before the work was done: try again")
        }
    }
}
