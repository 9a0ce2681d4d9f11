package import Logging
import Catalog
package import Postgres

/// Tasks whose stored description this version cannot read, as one that a later version wrote may be.
package struct UnreadableTasks: Error {
    /// Task to what is wrong with its description.
    package let reasons: [Int64: String]

    package init(reasons: [Int64: String]) { self.reasons = reasons }

    /// Pauses those that run, for an operator, so that they hold up nobody else and burn nothing.
    ///
    /// - Parameter who: the service that cannot read them.
    /// - Throws: ``PostgresError``; then none is paused.
    package func pause(by who: String, in database: PostgresClient, bell: FeedBell, logger: Logger) async throws {
        let tasks = self.reasons.sorted { $0.key < $1.key }
        try await database.withTransaction { transaction in
            for (task, reason) in tasks {
                let cause =
                    "this version of the \(who) cannot read the task's description: \(reason); resume it with one that can"
                try await transaction.execute(TaskControlStatements.pause(task, cause: cause, who: who))
            }
        }
        bell.ring()
        for (task, reason) in tasks {
            logger.error(
                "task paused: its description cannot be read",
                metadata: ["task": "\(task)", "reason": "\(reason)"]
            )
        }
    }
}
