import Catalog
import CentralKit
import Domain
import Logging
import Messages
import Postgres

/// Carries verdicts out: the job waits again, is given up, or its task pauses. What happens when a job fails ends here; it
/// begins in the Monitor's `FailureDesk`.
struct VerdictDesk: Sendable {
    let database: PostgresClient
    let outbox: OutboxService
    let bell: FeedBell
    let pulse: Pulse
    let classes: ClassTable
    let logger: Logger
    /// Rung when jobs wait again.
    let wake: @Sendable () -> Void

    /// A job whose events go to several.
    struct Split {
        let job: JobKey
        /// The most events each of them is to have.
        let events: Int64
        /// How each of them waits; the indexes are not yet known.
        let waiting: VerdictStatements.Resubmission
        /// Whether the class they wait in is another than that of the job.
        let isRaised: Bool
        let cause: String
    }

    /// What the verdicts of one batch come to.
    private struct Plan {
        var moves: [(job: JobKey, to: JobState, counted: Bool, cause: String)] = []
        var waiting: [VerdictStatements.Resubmission] = []
        /// Jobs to be replaced by smaller ones.
        var splits: [Split] = []
        var raised: [(job: JobKey, classID: Int32)] = []
        /// Tasks whose every job gets so much memory, MB.
        var raisedTasks: [Int64: Int] = [:]
        var paused: Set<Int64> = []
        /// Tasks whose siblings are paused with them.
        var pausedWithSiblings: Set<Int64> = []
        var aborted: Set<Int64> = []

        mutating func note(_ measure: TaskMeasure?, of task: Int64) {
            switch measure {
            case .pause: self.paused.insert(task)
            case .pauseSiblings: self.pausedWithSiblings.insert(task)
            case .abort: self.aborted.insert(task)
            case nil: break
            }
        }
    }

    func carryOut(_ attempts: [AttemptKey]) async throws {
        guard !attempts.isEmpty else { return }
        let plan = try await self.database.withTransaction { try await self.carryOut(attempts, in: $0) }
        self.bell.ring()
        self.pulse.add(attempts.count)
        self.wake()
        try await self.abort(plan.aborted)
        // Of a task that was ended nothing more may come now to those that read it.
        let ended = Set(plan.moves.filter { [.aborted, .cancelled].contains($0.to) }.map(\.job.task)).sorted()
        let words = try await Settlement.settle(ended, in: self.database)
        self.outbox.send(words)
        if !words.isEmpty { self.bell.ring() }
    }

    /// What a process left undone that died after it had carried a verdict out: see ``VerdictStatements/unended``.
    func abortUnended() async throws {
        try await self.abort(Set(try await self.database.query(VerdictStatements.unended)))
    }

    /// A task is aborted as an operator does it, once its verdicts are carried out.
    private func abort(_ tasks: Set<Int64>) async throws {
        let operations = Operations(self.database, caller: Caller(who: "a verdict", role: .administrator))
        for task in tasks.sorted() {
            do {
                self.outbox.send(
                    try await operations.abort(task: task, version: nil, reason: "a rule aborts it").messages
                )
            } catch let refusal as CatalogRefusal where refusal.kind == .state {
                // It has ended meanwhile.
                self.logger.info("task not aborted", metadata: ["task": "\(task)", "reason": "\(refusal)"])
            }
        }
    }

    private func carryOut(_ attempts: [AttemptKey], in transaction: PostgresTransaction) async throws -> Plan {
        var locks = QueryBatch()
        let tasks = locks.add(VerdictStatements.lockTasks(attempts))
        let rows = locks.add(VerdictStatements.open(attempts))
        let found = try await transaction.results(of: locks)
        let locked = try found.of(tasks)
        let ended = locked.reduce(into: [Int64: TaskState]()) { ended, row in
            guard let state = TaskState(rawValue: row.1), state.isTerminal else { return }
            ended[row.0] = state
        }
        let open = try found.of(rows)
        var plan = Plan()
        for row in open {
            guard let action = VerdictAction(rawValue: row.3) else { continue }
            let job = JobKey(task: row.0, index: row.1)
            if let state = ended[row.0] {
                // An attempt that failed or was lost after its task was ended: nothing is tried again.
                plan.moves.append((job, .cancelled, false, "its task is \(state.rawValue)"))
                continue
            }
            let changes = try WireFormat.value(VerdictChanges.self, from: row.5.text)
            plan.note(changes.task, of: row.0)
            let cause = "verdict on attempt \(row.2): \(action.rawValue), \(row.6)"
            if action == .abort {
                plan.moves.append((job, .aborted, false, cause))
                continue
            }
            if action == .pause { plan.paused.insert(row.0) }
            let classID = try await self.classID(row.7, changes, in: transaction)
            if changes.raisesTask == true, let memory = changes.memoryMB {
                plan.raisedTasks[row.0] = max(plan.raisedTasks[row.0] ?? 0, memory)
            }
            let again = VerdictStatements.Resubmission(
                job: job,
                notBefore: row.4,
                excludedSites: changes.excludedSites ?? [],
                excludedNodes: changes.excludedNodes ?? [],
                classID: classID
            )
            if let events = changes.events {
                plan.splits.append(
                    Split(job: job, events: events, waiting: again, isRaised: classID != row.7, cause: cause)
                )
                continue
            }
            plan.moves.append((job, .waiting, false, cause))
            plan.waiting.append(again)
            if classID != row.7 { plan.raised.append((job, classID)) }
        }
        guard !open.isEmpty else { return plan }
        if !plan.splits.isEmpty { try await self.split(&plan, in: transaction) }
        let siblings =
            plan.pausedWithSiblings.isEmpty
            ? [] : try await transaction.query(VerdictStatements.siblings(of: plan.pausedWithSiblings.sorted()))
        for task in plan.paused.union(plan.pausedWithSiblings).union(siblings).sorted() {
            try await transaction.execute(TaskControlStatements.pause(task, cause: "a verdict paused it", who: nil))
        }
        var writes = [VerdictStatements.wait(plan.waiting)]
        if !plan.raised.isEmpty { writes.append(VerdictStatements.raise(plan.raised)) }
        // Behind these: what waits again in the class of its task waits in the new one. No task gets less than it has.
        for (task, _, present) in locked {
            guard let memory = plan.raisedTasks[task] else { continue }
            let changes = VerdictChanges(memoryMB: memory)
            let classID = try await self.classID(present, changes, in: transaction)
            if classID != present { writes += VerdictStatements.raise(task: task, to: classID) }
        }
        writes += [
            ReportStatements.moveJobs(plan.moves),
            VerdictStatements.carriedOut(open.map { AttemptKey(task: $0.0, index: $0.1, attempt: Int($0.2)) }),
        ]
        try await transaction.executeAndCommit(writes)
        return plan
    }

    /// Replaces jobs by smaller ones, behind the last index of their task. One that cannot be divided waits again as it is.
    private func split(_ plan: inout Plan, in transaction: PostgresTransaction) async throws {
        var parts: [JobKey: (events: [EventPart], level: Int, whole: Bool)] = [:]
        for row in try await transaction.query(SplitStatements.parts(plan.splits.map(\.job))) {
            let job = JobKey(task: row.0, index: row.1)
            parts[job, default: ([], Int(row.5), row.6)].events.append(
                EventPart(file: row.2, first: row.3, count: row.4)
            )
        }
        var made: [SplitStatements.Part] = []
        for one in plan.splits {
            let (events, level, whole) = parts[one.job] ?? ([], 0, false)
            let divided = JobSplit.divide(events, most: one.events, whole: whole)
            if one.isRaised { plan.raised.append((one.job, one.waiting.classID)) }
            guard divided.count > 1 else {
                plan.moves.append((one.job, .waiting, false, one.cause))
                plan.waiting.append(one.waiting)
                continue
            }
            let count = Int64(divided.count)
            let extended = try await transaction.query(SplitStatements.extend(task: one.job.task, by: count))
            guard let first = extended.first else {
                throw CatalogRefusal(
                    .missing,
                    "task \(one.job.task), whose job \(one.job.index) is to be split, is not there"
                )
            }
            for (place, events) in divided.enumerated() {
                made.append(
                    SplitStatements.Part(
                        job: JobKey(task: one.job.task, index: first + Int64(place)),
                        from: one.job.index,
                        level: level + 1,
                        classID: one.isRaised ? one.waiting.classID : nil,
                        events: events
                    )
                )
            }
            plan.moves.append(
                (one.job, .replaced, false, "\(one.cause); its events went to jobs \(first) to \(first + count - 1)")
            )
            plan.waiting.append(
                one.waiting.moved(to: JobKey(task: one.job.task, index: first), last: first + count - 1)
            )
        }
        try await transaction.execute(SplitStatements.insert(made))
    }

    /// The class a job waits in: its present one, or the same with more memory or time.
    private func classID(
        _ present: Int32,
        _ changes: VerdictChanges,
        in transaction: PostgresTransaction
    ) async throws -> Int32 {
        guard changes.memoryMB != nil || changes.walltimeSeconds != nil else { return present }
        guard var requirement = try await self.classes.requirement(present) else { return present }
        if let memory = changes.memoryMB { requirement.memoryMB = max(requirement.memoryMB, memory) }
        if let time = changes.walltimeSeconds { requirement.walltimeSeconds = max(requirement.walltimeSeconds, time) }
        return try await transaction.query(RequestStatements.classID(requirement)).first ?? present
    }
}
