package import Domain
import Messages
import Postgres

extension Operations {
    /// Withdraws what was accepted of a job that is done, and makes it wait again: what it made is wrong, although the books found nothing.
    /// Jobs that are to read it let go of it.
    ///
    /// - Throws: ``CatalogRefusal``: it has no winner, its outputs were merged or read, their dataset is closed, its inputs are gone
    ///   for good, or its task has ended.
    package func revoke(_ job: JobKey, reason: String?) async throws -> Outcome {
        try self.caller.need(.operator, to: "revoke the winner of a job")
        let found = try await self.database.query(RecoveryFacts.of(job.task, [job.index])).first
        let takers = Takers(
            jobs: Set(try found.map { try RecoveryFacts.row(job.task, $0).takers } ?? []),
            who: self.caller.who
        )
        return try await self.change { transaction in
            if !takers.jobs.isEmpty {
                let tasks = Set(takers.jobs.map(\.task)).union([job.task])
                try await Takers.lock(requestsOf: tasks.sorted(), in: transaction)
            }
            let locked = try await self.lock(task: job.task, in: transaction)
            guard !locked.state.isTerminal else {
                throw CatalogRefusal(
                    .state,
                    "task \(job.task) is \(locked.state.rawValue): a task that has ended is never changed; make another request"
                )
            }
            try await takers.lockRanges(in: transaction)
            guard try await !transaction.query(ReportStatements.lockJobs([job])).isEmpty else {
                throw CatalogRefusal(.missing, "job \(job) has never left the queue, or does not exist")
            }
            try await takers.lockJobs(in: transaction)
            _ = try await transaction.query(RecoveryStatements.lockFiles(job.task, [job.index]))
            guard let row = try await transaction.query(RecoveryFacts.of(job.task, [job.index])).first else {
                throw CatalogRefusal(.missing, "there is no job \(job)")
            }
            let facts = try RecoveryFacts.row(job.task, row).asSeen(by: takers.jobs)
            try Self.check(job, facts)
            try await Self.checkInputs(job, facts, in: transaction)
            var recovery = Recovery(
                locked: locked,
                who: self.caller.who,
                reason: reason,
                graceSeconds: Self.graceSeconds,
                survey: RecoverySurvey()
            )
            try await recovery.revoke(
                facts,
                takers,
                cause: "revoked: \(reason ?? "by \(self.caller.who)")",
                in: transaction
            )
            if locked.state == .finishing {
                try await transaction.execute(
                    self.moved(locked, to: .running, pausedFrom: nil, cause: reason ?? "job \(job) was revoked")
                )
            }
            try await transaction.execute(
                ExtendStatements.note(
                    task: job.task,
                    what: "job \(job) revoked",
                    reason: reason,
                    who: self.caller.who
                )
            )
            return Outcome(
                lines: Self.told(job, facts) + recovery.lines,
                result: try await self.object(
                    OperatingStatements.taskRow(job.task),
                    in: transaction,
                    "task \(job.task)"
                ),
                messages: try OutboxMessage.control("scheduler", .work)
            )
        }
    }

    private static func told(_ job: JobKey, _ facts: RecoveryFacts.Row) -> [String] {
        let files = "its \(facts.events) events are out of the books, its files are deleted in an hour"
        let takers = facts.takers.map { "job \($0), which was to read them, lets go of them" }
        let input =
            facts.condition.inputs == .there
            ? nil
            : facts.producer.map {
                "its input \(facts.lostInput ?? "file") is gone: job \($0) has to make it again, too (see millrace recover)"
            }
        return ["job \(job) waits again: \(files)"] + takers + (input.map { [$0] } ?? [])
    }

    private static func check(_ job: JobKey, _ facts: RecoveryFacts.Row) throws(CatalogRefusal) {
        guard facts.condition.hasWinner, facts.condition.state == .done else {
            throw CatalogRefusal(
                .state,
                "job \(job) is \(facts.condition.state.rawValue): only a winner can be revoked"
            )
        }
        switch facts.condition.use {
        case .free, .taken: break
        case .read:
            throw CatalogRefusal(
                .state,
                "outputs of job \(job) were taken by job \(facts.reader ?? "of another task"): revoke that one first, or abort its task if it only waits"
            )
        case .closed:
            throw CatalogRefusal(
                .state,
                "dataset \(facts.closedDataset ?? "of job \(job)") is closed: what is in it never changes"
            )
        }
    }

    /// What is gone and can be made again comes back by recovering the task that made it, if it comes to this one by itself.
    private static func checkInputs(
        _ job: JobKey,
        _ facts: RecoveryFacts.Row,
        in transaction: PostgresTransaction
    ) async throws {
        if facts.condition.inputs == .there { return }
        let input = "input \(facts.lostInput ?? "files") of job \(job) is not there"
        guard facts.condition.inputs == .producible else {
            throw CatalogRefusal(.state, "\(input): it could not be made again")
        }
        guard try await transaction.query(TakerStatements.getsAgain(job)).first == true else {
            throw CatalogRefusal(
                .state,
                "\(input), and what is made instead would not come to task \(job.task), which takes no inputs any more: it could not be made again"
            )
        }
    }
}
