import Catalog
import CentralKit
import Domain
import Messages
import NIOConcurrencyHelpers
import Postgres

/// How tasks are run, kept in memory: a task's description never changes once its request is approved.
final class TaskTable: Sendable {
    struct Entry: Sendable {
        let description: JobDescription
        let hasInputs: Bool
        let eventsPerJob: Int64?
        /// The number of the first event of its first job, when it has no inputs.
        let firstEvent: Int64
    }

    private let database: PostgresClient
    private let known = NIOLockedValueBox<[Int64: Entry]>([:])
    /// Beyond this many the table is emptied: a long-lived service must not grow with finished tasks.
    private let limit = 2000

    init(database: PostgresClient) { self.database = database }

    /// - Throws: ``UnreadableTasks`` for tasks whose stored description this version cannot read; the others are known then.
    func entries(_ tasks: Set<Int64>) async throws -> [Int64: Entry] {
        let held = self.known.withLockedValue { $0 }
        let missing = tasks.subtracting(held.keys)
        guard !missing.isEmpty else { return held }
        var all = held.count + missing.count > self.limit ? held.filter { tasks.contains($0.key) } : held
        var unreadable: [Int64: String] = [:]
        for row in try await self.database.query(LeasingStatements.specs(missing.sorted())) {
            do {
                let description = try WireFormat.value(JobDescription.self, from: row.1.text)
                all[row.0] = Entry(
                    description: description,
                    hasInputs: row.2,
                    eventsPerJob: row.3,
                    firstEvent: row.4
                )
            } catch {
                unreadable[row.0] = WireFormat.explain(error)
            }
        }
        self.known.withLockedValue { [all] in $0 = all }
        guard unreadable.isEmpty else { throw UnreadableTasks(reasons: unreadable) }
        return all
    }
}
