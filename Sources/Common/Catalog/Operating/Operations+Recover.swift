import Domain
import Messages
import Postgres

extension Operations {
    private static let page = 5000
    /// How long the files of a withdrawn winner are kept: a worker may still copy one of them.
    static let graceSeconds = 3600.0

    /// What ``recover(task:version:reason:)`` would do, without a lock and without a change: each job as it was at some moment.
    ///
    /// - Returns: the row of the task with `plan` and `lines`, as JSON.
    /// - Throws: ``CatalogRefusal`` (missing).
    package func check(task: Int64) async throws -> String {
        guard let row = try await self.database.query(OperatingStatements.taskRow(task)).first else {
            throw CatalogRefusal(.missing, "there is no task \(task)")
        }
        if let (state, since, _) = try await self.database.query(ArchiveStatements.archived(task)).first {
            throw CatalogRefusal(
                .state,
                "task \(task) is \(state) since \(since): millrace task restore \(task) brings its jobs back"
            )
        }
        let facts = try WireFormat.value(TaskRow.self, from: row)
        let survey = try await self.survey(task)
        var lines = survey.lines(facts)
        if facts.state.isTerminal { lines.append(Self.ended(task, facts.state)) }
        return ObjectText.adding("lines", try WireFormat.text(lines), to: try survey.adding(to: row))
    }

    /// Makes again what is lost or missing of a task, job by job as ``RecoveryPolicy`` plans.
    ///
    /// The jobs are looked at page by page without locks; those that need something are locked, looked at once more and changed
    /// in one transaction. So it may run while the task does, again, and twice at once.
    ///
    /// - Throws: ``CatalogRefusal``: the task has ended, or is at another version.
    package func recover(task: Int64, version: Int64?, reason: String?) async throws -> Outcome {
        try self.caller.need(TaskAction.recover.role, to: "recover task \(task)")
        let found = try await self.survey(task)
        return try await self.change { transaction in
            let takers = Set(found.takers.map(\.task))
            if !takers.isEmpty {
                try await Takers.lock(requestsOf: takers.union([task]).sorted(), in: transaction)
            }
            let locked = try await self.lock(task: task, in: transaction)
            guard !locked.state.isTerminal else { throw CatalogRefusal(.state, Self.ended(task, locked.state)) }
            try locked.check(.recover, by: self.caller, expected: version)
            var recovery = Recovery(
                locked: locked,
                who: self.caller.who,
                reason: reason,
                graceSeconds: Self.graceSeconds,
                survey: found.withoutOpen()
            )
            try await recovery.apply(to: found, in: transaction)
            if recovery.letsJobsWait && locked.state == .finishing {
                try await transaction.execute(
                    self.moved(locked, to: .running, pausedFrom: nil, cause: reason ?? "recovered")
                )
            }
            if recovery.isChange {
                try await transaction.execute(
                    ExtendStatements.note(task: task, what: "recovered", reason: reason, who: self.caller.who)
                )
            }
            let row = try await self.object(OperatingStatements.taskRow(task), in: transaction, "task \(task)")
            let facts = try WireFormat.value(TaskRow.self, from: row)
            return Outcome(
                changed: recovery.isChange,
                lines: recovery.survey.lines(facts) + recovery.lines,
                result: try recovery.survey.adding(to: row),
                messages: try await recovery.messages(in: transaction)
            )
        }
    }

    private func survey(_ task: Int64) async throws -> RecoverySurvey {
        var survey = RecoverySurvey()
        var after: Int64 = -1
        while let last = try await self.database.query(RecoveryFacts.page(task, after: after, size: Self.page)).first
            ?? nil
        {
            for row in try await self.database.query(RecoveryFacts.doubtful(task, after: after, through: last)) {
                let job = try RecoveryFacts.row(task, row)
                survey.add(job, RecoveryPolicy.plan(job.condition))
            }
            after = last
        }
        return survey
    }

    private static func ended(_ task: Int64, _ state: TaskState) -> String {
        "task \(task) is \(state.rawValue): a task that has ended is never changed; what it lacks is made by a new request"
    }
}

/// What recovery says of a task, from its row.
private struct TaskRow: Decodable {
    let task: Int64
    let name: String
    let state: TaskState
    let jobs_total: Int64?
}

extension RecoverySurvey {
    fileprivate func lines(_ task: TaskRow) -> [String] {
        self.lines(task: task.task, name: task.name, state: task.state, total: task.jobs_total)
    }
}
