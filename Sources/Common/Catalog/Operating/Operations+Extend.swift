import Domain
import Messages
import Postgres

extension Operations {
    /// More events for a request that is under way: its generating task gets more jobs behind those it has. What reads the task's
    /// output must not have taken it yet.
    ///
    /// - Parameter events: so many more.
    package func extend(_ request: Int64, by events: Int64, version: Int64?, reason: String?) async throws -> Outcome {
        try await self.change { transaction in
            let locked = try await self.lock(request, in: transaction)
            try locked.check(.extend, by: self.caller, expected: version)
            guard (1...1_000_000_000_000).contains(events) else {
                throw CatalogRefusal(.invalid, "events: \(events) is not from 1 to 1000000000000")
            }
            let task = try await self.extensible(request, in: transaction)
            let (total, perJob) = (task.events + events, task.perJob)
            let jobs = EventSlice.jobs(events: total, perJob: perJob)
            let more = jobs - task.jobs
            try await transaction.execute([
                ExtendStatements.extend(task: task.id, jobs: more, events: events, who: self.caller.who),
                ExtendStatements.touch(
                    request: request,
                    what: "extended by \(events) events",
                    reason: reason,
                    who: self.caller.who
                ),
            ])
            if task.state != .waiting {
                let ranges = IndexRange.cut(jobs: more, limit: 4).map {
                    IndexRange(first: $0.first + task.total, last: $0.last + task.total)
                }
                try await transaction.execute([
                    ExpansionStatements.insertRanges(
                        task: task.id,
                        ranges: ranges,
                        classID: task.classID,
                        priority: task.priority
                    ), TaskControlStatements.hold(task: task.id),
                ])
            }
            return Outcome(
                lines: [
                    "request \(request) gets \(events) events more: \(more) jobs in task \(task.id) (\(task.name)), \(total) events in all"
                ],
                result: try await self.object(
                    OperatingStatements.requestRow(request),
                    in: transaction,
                    "request \(request)"
                ),
                messages: try OutboxMessage.control("scheduler", .request, ids: [request])
                    + OutboxMessage.control("scheduler", .work)
            )
        }
    }

    private struct Extensible {
        let id: Int64
        let name: String
        let state: TaskState
        /// Jobs there are, those that a verdict made by splitting included.
        let total: Int64
        let events: Int64
        let perJob: Int64
        let classID: Int32
        let priority: Int32

        /// Jobs that the events make.
        var jobs: Int64 { EventSlice.jobs(events: self.events, perJob: self.perJob) }
    }

    private func extensible(_ request: Int64, in transaction: PostgresTransaction) async throws -> Extensible {
        let rows = try await transaction.query(ExtendStatements.generating(request))
        guard rows.count == 1, let row = rows.first else {
            throw CatalogRefusal(
                .state,
                "request \(request) has \(rows.count) generating tasks; only one with exactly one can be extended: make another request"
            )
        }
        guard let state = TaskState(rawValue: row.2), !state.isTerminal, state != .finishing else {
            throw CatalogRefusal(.state, "task \(row.0) (\(row.1)) is \(row.2): make another request for more events")
        }
        guard row.4 % row.5 == 0 else {
            throw CatalogRefusal(
                .state,
                "the last job of task \(row.0) (\(row.1)) has \(row.4 % row.5) events, the others \(row.5): make another request for more"
            )
        }
        guard row.3 == row.4 / row.5 else {
            throw CatalogRefusal(
                .state,
                "jobs of task \(row.0) (\(row.1)) were split: its events are no longer where their number says; make another request"
            )
        }
        if let child = try await transaction.query(ExtendStatements.readers(of: row.0)).first {
            throw CatalogRefusal(.state, "task \(child.0) (\(child.1)) has taken the output of task \(row.0) already")
        }
        return Extensible(
            id: row.0,
            name: row.1,
            state: state,
            total: row.3,
            events: row.4,
            perJob: row.5,
            classID: row.6,
            priority: row.7
        )
    }
}
