package import Postgres
package import ServiceKit
import ServiceLifecycle

/// The catalogue's connections as a part of a service: up for as long as the service runs, closed after everything that uses
/// them has stopped.
package struct Database: Service, CustomStringConvertible {
    package let client: PostgresClient

    /// - Parameters:
    ///   - pool: connections for transactions.
    ///   - worksByKey: true for a service that works by key; false for one that answers any question.
    package init(context: ServiceContext, pool: Int = 4, worksByKey: Bool = true) {
        var options = PostgresOptions()
        options.applicationName = "\(context.identity.service)/\(context.identity.instance)"
        options.poolSize = pool
        if worksByKey { options.setForBatches() }
        self.client = PostgresClient(
            url: context.environment.databaseURL.value,
            options: options,
            logger: context.logger
        )
        let client = self.client
        // Handlers hold their batches longer while the database is known to be away.
        context.health.watch(connection: "database") { client.problem }
    }

    package var description: String { "database" }

    package func run() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await self.client.run() }
            group.addTask { try await gracefulShutdown() }
            defer { group.cancelAll() }
            try await group.next()
        }
    }
}
