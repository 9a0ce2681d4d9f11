import Domain
import Postgres

/// The jobs that were to read what is now made again. They let go of it: each is cancelled, a new job of its task reads what else it was to
/// read, and what is made again comes to the task as a new input.
struct Takers {
    let jobs: Set<JobKey>
    let who: String

    /// Requests, tasks and later ranges and jobs are locked in the order of their numbers, all of a kind before any of the next.
    static func lock(requestsOf tasks: [Int64], in transaction: PostgresTransaction) async throws {
        _ = try await transaction.query(TakerStatements.lockRequests(of: tasks))
        _ = try await transaction.query(TakerStatements.lockTasks(tasks))
    }

    private var byTask: [(task: Int64, indexes: [Int64])] { Self.byTask(self.jobs) }

    private static func byTask(_ jobs: some Sequence<JobKey>) -> [(task: Int64, indexes: [Int64])] {
        Dictionary(grouping: jobs, by: \.task).sorted { $0.key < $1.key }.map {
            (task: $0.key, indexes: $0.value.map(\.index).sorted())
        }
    }

    func lockRanges(in transaction: PostgresTransaction) async throws {
        for (task, indexes) in self.byTask {
            _ = try await transaction.query(RecoveryStatements.lockRanges(task, indexes))
        }
    }

    func lockJobs(in transaction: PostgresTransaction) async throws {
        guard !self.jobs.isEmpty else { return }
        _ = try await transaction.query(ReportStatements.lockJobs(self.jobs.sorted()))
    }

    /// - Parameters:
    ///   - jobs: those that were to read the outputs of the jobs `indexes` of the task `source`.
    ///   - files: the outputs.
    func letGo(
        _ jobs: Set<JobKey>,
        of files: [Int64],
        madeBy source: Int64,
        _ indexes: [Int64],
        in transaction: PostgresTransaction
    ) async throws {
        var rests: [(task: Int64, jobs: [Rest])] = []
        for (task, takers) in Self.byTask(jobs) {
            let found = try await transaction.query(TakerStatements.rest(of: task, takers, without: files))
                .map { Rest(index: $0.0, state: $0.1, gone: $0.2, left: $0.3) }
            rests.append((task, found))
        }
        for rest in rests where !rest.jobs.isEmpty {
            try await self.cancel(rest.task, rest.jobs, madeBy: source, in: transaction)
        }
        try await transaction.execute(TakerStatements.letGo(of: files, madeBy: source, indexes))
        for rest in rests { try await self.moveRests(rest.task, rest.jobs, in: transaction) }
    }

    /// A job, and what becomes of it without the files.
    private struct Rest {
        let index: Int64
        let state: String
        /// Events it was to read of them.
        let gone: Int64
        /// Events it was to read of others.
        let left: Int64
    }

    private func cancel(
        _ task: Int64,
        _ jobs: [Rest],
        madeBy source: Int64,
        in transaction: PostgresTransaction
    ) async throws {
        let cause = "what task \(source) made for it is made again"
        let causes = { (jobs: [Rest]) in jobs.map { (index: $0.index, cause: cause) } }
        let aborted = jobs.filter { $0.state == JobState.aborted.rawValue }
        let waiting = jobs.filter { $0.state == JobState.waiting.rawValue }
        // A job that was given up is cancelled by way of waiting: there is no other legal way.
        try await transaction.execute([
            RecoveryStatements.leaveRanges(task, waiting.map(\.index)),
            RecoveryStatements.move(task, causes(aborted), to: .waiting, who: self.who),
            RecoveryStatements.move(task, causes(jobs), to: .cancelled, who: self.who),
            TakerStatements.shrink(task, by: jobs.reduce(0) { $0 + $1.gone }, who: self.who),
        ])
    }

    private func moveRests(_ task: Int64, _ jobs: [Rest], in transaction: PostgresTransaction) async throws {
        let rests = jobs.filter { $0.left > 0 }.map { (index: $0.index, events: $0.left) }
        guard !rests.isEmpty else { return }
        let first = try await transaction.query(SplitStatements.extend(task: task, by: Int64(rests.count))).first
        guard let first else { throw CatalogRefusal(.missing, "there is no task \(task)") }
        try await transaction.execute(TakerStatements.moveRests(task, rests, to: first))
    }
}
