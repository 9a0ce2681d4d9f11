import Catalog
import CentralKit
import Domain
import Logging
import Postgres

/// Makes jobs of inputs as they come, for tasks that read datasets which are still open. ``InputGrouping`` decides which.
struct FeedDesk: Sendable {
    let database: PostgresClient
    let outbox: OutboxService
    let bell: FeedBell
    /// Rung when jobs wait.
    let wake: @Sendable () -> Void
    let logger: Logger
    /// Inputs that are looked at in one transaction.
    var page = 10_000

    /// One look at every task that is fed. - Returns: whether there may be more at once.
    func feed() async throws -> Bool {
        var made = false
        var isMore = false
        var ended: [Int64] = []
        for row in try await self.database.query(FeedingStatements.fed) {
            let task = Fed(row: row)
            let fill = try await OneOfMany.attempt(task.id, "cannot be fed", logger: self.logger) {
                try await self.database.withTransaction { try await self.feed(task, in: $0) }
            }
            guard let outcome = fill else { continue }
            if outcome.jobs > 0 { made = true }
            if outcome.isFullPage { isMore = true }
            if outcome.hasEnded { ended.append(task.id) }
        }
        if made {
            self.bell.ring()
            self.wake()
        }
        // The last of its jobs may have ended before the last of its inputs.
        if !ended.isEmpty { self.outbox.send(try await Settlement.settle(ended, in: self.database)) }
        return isMore
    }

    private struct Fed: Sendable {
        let id: Int64
        let kind: String
        let size: JobSize
        let flushAfter: Double
        let isClosed: Bool
        let groupBy: [String]
        let isContinuation: Bool

        init(row: (Int64, String, Int64?, Int64?, Int64?, Int32?, Bool, [String], Int64?)) {
            self.id = row.0
            self.kind = row.1
            self.size = JobSize(events: row.2, files: row.3, bytes: row.4)
            self.flushAfter = row.5.map(Double.init) ?? .infinity
            self.isClosed = row.6
            self.groupBy = row.7
            self.isContinuation = row.8 != nil
        }
    }

    /// What operators may change of a task that is fed: as it is while the task is locked.
    private struct Present {
        let jobs: Int64
        let flush: Bool
        let scouts: Int64
        let classID: Int32
        let priority: Int32

        init(row: (Int64, Bool, Int32, Int32, Int32)) {
            self.jobs = row.0
            self.flush = row.1
            self.scouts = Int64(row.2)
            self.classID = row.3
            self.priority = row.4
        }
    }

    private struct Fill: Sendable {
        var jobs = 0
        var isFullPage = false
        var hasEnded = false
    }

    private func feed(_ task: Fed, in transaction: PostgresTransaction) async throws -> Fill {
        guard let present = try await transaction.query(FeedingStatements.lock(task.id)).first.map(Present.init(row:))
        else { return Fill() }
        let rows = try await transaction.query(FeedingStatements.pending(task.id, limit: self.page))
        let isFullPage = rows.count == self.page
        var files = rows.map { row in
            let origin = row.4.flatMap { task in row.5.map { JobKey(task: task, index: $0) } }
            return InputFile(file: row.0, events: row.1, bytes: row.2, origin: origin, stream: row.6)
        }
        if task.isContinuation { files = try await EarlierReads.leaveOut(of: files, for: task.id, in: transaction) }
        let (jobs, rest) = InputGrouping.arrived(
            kind: task.kind,
            inputs: try await InputKeys.read(files, by: task.groupBy, in: transaction),
            size: task.size,
            flush: present.flush || (task.isClosed && !isFullPage),
            overdue: Set(rows.filter { $0.3 >= task.flushAfter }.map(\.0)),
            page: self.page
        )
        try await self.make(jobs, of: task, present, in: transaction)
        // With a full page more may wait: it is flushed with the next one.
        if present.flush, !isFullPage { try await transaction.execute(FeedingStatements.flushed(task.id)) }
        let kept = Set(rest.map(\.file))
        try await transaction.execute(
            FeedingStatements.taken(task.id, files: rows.map(\.0).filter { !kept.contains($0) })
        )
        var fill = Fill(jobs: jobs.count, isFullPage: isFullPage)
        if task.isClosed, try await transaction.query(FeedingStatements.isAnyPending(task.id)).first == false {
            try await transaction.execute(FeedingStatements.end([task.id]))
            fill.hasEnded = true
        }
        return fill
    }

    private func make(
        _ jobs: [GroupedJob],
        of task: Fed,
        _ present: Present,
        in transaction: PostgresTransaction
    ) async throws {
        guard !jobs.isEmpty else { return }
        let (first, count) = (present.jobs, Int64(jobs.count))
        var statements = [
            ExpansionStatements.insertJobs(task: task.id, jobs: jobs, from: first),
            ExpansionStatements.insertInputs(task: task.id, jobs: jobs, from: first),
        ]
        if task.kind == "merge" {
            statements.append(ExpansionStatements.insertMergeInputs(task: task.id, jobs: jobs, from: first))
        }
        statements += [
            ExpansionStatements.insertRanges(
                task: task.id,
                ranges: IndexRange(first: first, last: first + count - 1).cut(at: present.scouts),
                classID: present.classID,
                priority: present.priority
            ), FeedingStatements.grow(task.id, jobs: count, events: jobs.reduce(0) { $0 + $1.events }),
            TaskControlStatements.hold(task: task.id),
        ]
        try await transaction.execute(statements)
    }
}
