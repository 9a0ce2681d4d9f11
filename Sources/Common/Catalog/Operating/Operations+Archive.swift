import Domain
import Messages
import Postgres

extension Operations {
    /// The most requests that one change puts into the archive.
    private static let mostRequests = 500

    /// The rows of a task that has ended leave the tables that are worked with; the Bookkeeper moves them, step by step. Files, datasets,
    /// counters and the log stay.
    ///
    /// - Throws: ``CatalogRefusal`` (missing, or state when something still needs the rows).
    package func archive(task: Int64, reason: String?) async throws -> Outcome {
        try self.caller.need(.operator, to: "archive a task")
        return try await self.change { transaction in
            let tasks: [Int64] = [try await self.existing(task, in: transaction)]
            return try await self.archive(self.facts(tasks, in: transaction), reason: reason, in: transaction)
        }
    }

    /// All tasks of a request.
    package func archive(request: Int64, reason: String?) async throws -> Outcome {
        try self.caller.need(.operator, to: "archive a request")
        return try await self.change { transaction in
            let tasks = try await self.tasks(of: request, in: transaction)
            return try await self.archive(self.facts(tasks, in: transaction), reason: reason, in: transaction)
        }
    }

    /// All tasks of requests that ended so long ago; those that something still needs are left where they are, and told.
    ///
    /// - Parameter closed: those with open datasets are not looked at: somebody has to close them first.
    package func archive(olderThan seconds: Double, closed: Bool = false, reason: String?) async throws -> Outcome {
        try self.caller.need(.operator, to: "archive requests")
        return try await self.change { transaction in
            var kept: [Int64: String] = [:]
            var requests: [Int64] = []
            var wanted: [ArchiveFacts] = []
            // A page of requests that all stay hides none that could go.
            repeat {
                requests = try await transaction.query(
                    ArchivingStatements.old(
                        seconds: seconds,
                        after: requests.last ?? 0,
                        closed: closed,
                        limit: Self.mostRequests
                    )
                )
                let page = Self.split(try await self.facts(of: requests, in: transaction))
                kept.merge(page.kept) { $1 }
                wanted = page.going
            } while wanted.isEmpty && requests.count == Self.mostRequests
            var outcome = try await self.archive(wanted, reason: reason, in: transaction)
            outcome.lines += kept.sorted { $0.key < $1.key }.map { "request \($0.key) is left: \($0.value)" }
            if requests.count == Self.mostRequests {
                outcome.lines.append("these are the first \(requests.count): run it again for more")
            }
            return outcome
        }
    }

    package func restore(task: Int64, reason: String?) async throws -> Outcome {
        try self.caller.need(.operator, to: "restore a task")
        return try await self.change { transaction in
            try await self.restore([self.existing(task, in: transaction)], reason: reason, in: transaction)
        }
    }

    package func restore(request: Int64, reason: String?) async throws -> Outcome {
        try self.caller.need(.operator, to: "restore a request")
        return try await self.change { transaction in
            let tasks = try await self.tasks(of: request, in: transaction)
            return try await self.restore(tasks, reason: reason, in: transaction)
        }
    }

    // MARK: Steps

    /// A task, its request locked.
    private func existing(_ task: Int64, in transaction: PostgresTransaction) async throws -> Int64 {
        guard let request = try await transaction.query(OperatingStatements.requestOfTask(task)).first else {
            throw CatalogRefusal(.missing, "there is no task \(task)")
        }
        _ = try await transaction.query(ArchivingStatements.lockRequests([request]))
        return task
    }

    private func tasks(of request: Int64, in transaction: PostgresTransaction) async throws -> [Int64] {
        guard try await !transaction.query(ArchivingStatements.lockRequests([request])).isEmpty else {
            throw CatalogRefusal(.missing, "there is no request \(request)")
        }
        return try await transaction.query(ArchivingStatements.tasks(of: [request]))
    }

    private func facts(of requests: [Int64], in transaction: PostgresTransaction) async throws -> [ArchiveFacts] {
        _ = try await transaction.query(ArchivingStatements.lockRequests(requests))
        let tasks = try await transaction.query(ArchivingStatements.tasks(of: requests))
        return try await self.facts(tasks, in: transaction)
    }

    private func facts(_ tasks: [Int64], in transaction: PostgresTransaction) async throws -> [ArchiveFacts] {
        try await transaction.query(ArchivingStatements.facts(tasks)).map(ArchivingStatements.facts(row:))
    }

    /// Which requests stay, with the reason of each, and what is known of the tasks of the others. A request that stays may keep another: as
    /// long as one does, those that are left are looked at again.
    static func split(_ facts: [ArchiveFacts]) -> (kept: [Int64: String], going: [ArchiveFacts]) {
        var kept: [Int64: String] = [:]
        while true {
            let left = facts.filter { kept[$0.request] == nil }
            let tasks = Set(left.map(\.task))
            let refused = left.compactMap { one in one.refusal(with: tasks).map { (one.request, $0) } }
            if refused.isEmpty { return (kept, left) }
            for (request, reason) in refused where kept[request] == nil { kept[request] = reason }
        }
    }

    /// - Parameter facts: of the tasks, read in this transaction when their requests were locked.
    private func archive(
        _ facts: [ArchiveFacts],
        reason: String?,
        in transaction: PostgresTransaction
    ) async throws -> Outcome {
        let tasks = facts.map(\.task)
        for one in facts {
            if let refusal = one.refusal(with: Set(tasks)) { throw CatalogRefusal(.state, refusal) }
        }
        let new = facts.filter { $0.place == nil }
        if !new.isEmpty {
            try await transaction.execute(
                ArchivingStatements.archive(new.map(\.task), reason: reason, who: self.caller.who)
            )
        }
        let lines = facts.map { one in
            switch one.place {
            case nil: "task \(one.task) (\(one.name)) of request \(one.request) goes into the archive: \(one.jobs) jobs"
            case .archived: "task \(one.task) (\(one.name)) is archived already"
            case .archiving, .restoring: "task \(one.task) (\(one.name)) is on its way into the archive already"
            }
        }
        return try await self.moved(tasks, changed: !new.isEmpty, lines: lines, in: transaction)
    }

    private func restore(_ tasks: [Int64], reason: String?, in transaction: PostgresTransaction) async throws -> Outcome
    {
        let facts = try await self.facts(tasks, in: transaction)
        guard facts.contains(where: { $0.place != nil }) else {
            throw CatalogRefusal(
                .state,
                tasks.count == 1 ? "task \(tasks[0]) is not archived" : "none of its tasks is archived"
            )
        }
        for one in facts where one.place != nil {
            if let refusal = one.restoreRefusal(with: Set(tasks)) { throw CatalogRefusal(.state, refusal) }
        }
        let leaving = facts.filter { $0.place == .archived || $0.place == .archiving }
        if !leaving.isEmpty {
            try await transaction.execute([
                ArchivingStatements.restore(leaving.map(\.task), reason: reason, who: self.caller.who),
                ArchivingStatements.touch(requestsOf: leaving.map(\.task)),
            ])
        }
        let lines = facts.filter { $0.place != nil }.map { one in
            one.place == .restoring
                ? "task \(one.task) (\(one.name)) is being restored already"
                : "task \(one.task) (\(one.name)) of request \(one.request) comes back: \(one.jobs) jobs"
        }
        return try await self.moved(tasks, changed: !leaving.isEmpty, lines: lines, in: transaction)
    }

    private func moved(
        _ tasks: [Int64],
        changed: Bool,
        lines: [String],
        in transaction: PostgresTransaction
    ) async throws -> Outcome {
        Outcome(
            changed: changed,
            lines: lines,
            result: try await self.object(ArchivingStatements.row(tasks), in: transaction, "archived task"),
            messages: changed ? try OutboxMessage.control("bookkeeper", .task, ids: []) : []
        )
    }
}
