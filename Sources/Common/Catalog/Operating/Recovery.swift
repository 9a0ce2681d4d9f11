import Domain
import Messages
import Postgres

/// One recovery of a task whose request and row are locked.
struct Recovery {
    let locked: LockedTask
    let who: String
    /// Why, in the operator's words; nil: the plan's.
    let reason: String?
    let graceSeconds: Double
    /// What was found, and for the jobs that were changed what was done.
    private(set) var survey: RecoverySurvey
    private var verdicts: [Int64] = []
    /// Files that were taken out of datasets of people, by the dataset's name.
    private var takenOut: [String: Int64] = [:]

    /// Jobs in one statement.
    private static let batch = 5000

    init(locked: LockedTask, who: String, reason: String?, graceSeconds: Double, survey: RecoverySurvey) {
        self.locked = locked
        self.who = who
        self.reason = reason
        self.graceSeconds = graceSeconds
        self.survey = survey
    }

    /// What is made instead is a file of its own: people have chosen what is in their datasets, and choose again.
    var lines: [String] {
        self.takenOut.sorted { $0.key < $1.key }.map { name, files in
            "dataset \(name) loses \(files) file\(files == 1 ? "" : "s"): what is made instead is not in it until somebody adds it (millrace dataset add \(name))"
        }
    }

    var letsJobsWait: Bool { self.survey.jobs(.waitAgain) + self.survey.jobs(.makeAgain) > 0 }

    /// Whether anything was done or is to be told.
    var isChange: Bool { self.letsJobsWait || self.survey.jobs(.giveUp) > 0 || !self.verdicts.isEmpty }

    /// Locks the jobs that were found, plans once more from what is true now, and does it.
    mutating func apply(to found: RecoverySurvey, in transaction: PostgresTransaction) async throws {
        let task = self.locked.id
        let takers = Takers(jobs: found.takers, who: self.who)
        var plans: [(row: RecoveryFacts.Row, plan: RecoveryPlan)] = []
        // All ranges before all jobs, and all jobs before any file: the order of locks everywhere.
        for indexes in Self.batches(found.openInRanges) {
            _ = try await transaction.query(RecoveryStatements.lockRanges(task, indexes))
        }
        try await takers.lockRanges(in: transaction)
        for indexes in Self.batches(found.open) {
            _ = try await transaction.query(
                ReportStatements.lockJobs(indexes.map { JobKey(task: task, index: $0) })
            )
        }
        try await takers.lockJobs(in: transaction)
        // Files before the look: what a task takes of them at this moment is seen by it.
        for indexes in Self.batches(found.open) {
            _ = try await transaction.query(RecoveryStatements.lockFiles(task, indexes))
        }
        for indexes in Self.batches(found.open) {
            for row in try await transaction.query(RecoveryFacts.of(task, indexes)) {
                let row = try RecoveryFacts.row(task, row).asSeen(by: takers.jobs)
                plans.append((row, RecoveryPolicy.plan(row.condition)))
            }
        }
        try await self.takeBack(plans.filter { $0.plan.action.isChange }.map(\.row), takers, in: transaction)
        for start in stride(from: 0, to: plans.count, by: Self.batch) {
            let batch = Array(plans[start..<min(start + Self.batch, plans.count)])
            try await self.carryOut(batch, in: transaction)
            for one in batch { self.survey.add(one.row, one.plan) }
        }
        self.verdicts = plans.filter { $0.plan.action == .carryOut }.map(\.row.job.index)
    }

    private mutating func carryOut(
        _ plans: [(row: RecoveryFacts.Row, plan: RecoveryPlan)],
        in transaction: PostgresTransaction
    ) async throws {
        let task = self.locked.id
        let done = plans.filter { $0.plan.action.isChange && $0.row.condition.state == .done }
        let ranges = plans.filter { $0.plan.action.isChange && $0.row.condition.state == .waiting }
        let again = plans.filter { [.waitAgain, .makeAgain].contains($0.plan.action) }
        let givenUp = plans.filter { $0.plan.action == .giveUp }
        for (plan, jobs) in Dictionary(grouping: done, by: \.plan).sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
            try await self.withdraw(jobs.map(\.row.job.index), cause: self.cause(plan), in: transaction)
        }
        // Done jobs that are given up go by way of waiting: there is no other legal way.
        let waiting = again + givenUp.filter { $0.row.condition.state == .done }
        try await transaction.execute([
            RecoveryStatements.leaveRanges(task, ranges.map(\.row.job.index)),
            RecoveryStatements.move(task, self.moves(waiting), to: .waiting, who: self.who),
            RecoveryStatements.move(task, self.moves(givenUp), to: .aborted, who: self.who),
            RecoveryStatements.wait(task, again.map(\.row.job.index)),
        ])
    }

    /// Whoever was to read what these jobs made lets go of it: all at once, since one job may have been to read of several.
    private func takeBack(
        _ rows: [RecoveryFacts.Row],
        _ takers: Takers,
        in transaction: PostgresTransaction
    ) async throws {
        let taken = rows.filter { !$0.takers.isEmpty }
        guard !taken.isEmpty else { return }
        let indexes = taken.map(\.job.index)
        var files: [Int64] = []
        for indexes in Self.batches(indexes) {
            files += try await transaction.query(RecoveryStatements.lockFiles(self.locked.id, indexes))
        }
        let jobs = Set(taken.flatMap(\.takers))
        try await takers.letGo(jobs, of: files, madeBy: self.locked.id, indexes, in: transaction)
    }

    private mutating func withdraw(
        _ indexes: [Int64],
        cause: String,
        in transaction: PostgresTransaction
    ) async throws {
        let files = try await transaction.query(RecoveryStatements.lockFiles(self.locked.id, indexes))
        for (dataset, count) in try await transaction.query(RecoveryStatements.selections(of: files)) {
            self.takenOut[dataset, default: 0] += count
        }
        _ = try await transaction.query(RecoveryStatements.sayWhy(who: self.who, cause: cause))
        try await transaction.execute(
            RecoveryStatements.withdraw(
                self.locked.id,
                indexes,
                files: files,
                who: self.who,
                cause: cause,
                graceSeconds: self.graceSeconds
            )
        )
    }

    /// Takes a winner out of the books, and lets its job wait again. The caller has locked the job, its files and those who are to read them, and
    /// has seen that nobody has read them.
    mutating func revoke(
        _ row: RecoveryFacts.Row,
        _ takers: Takers,
        cause: String,
        in transaction: PostgresTransaction
    ) async throws {
        let index = row.job.index
        try await self.takeBack([row], takers, in: transaction)
        try await self.withdraw([index], cause: cause, in: transaction)
        try await transaction.execute([
            RecoveryStatements.move(self.locked.id, [(index: index, cause: cause)], to: .waiting, who: self.who),
            RecoveryStatements.wait(self.locked.id, [index]),
        ])
    }

    private func moves(_ plans: [(row: RecoveryFacts.Row, plan: RecoveryPlan)]) -> [(index: Int64, cause: String)] {
        plans.map { ($0.row.job.index, self.cause($0.plan)) }
    }

    private func cause(_ plan: RecoveryPlan) -> String {
        self.reason.map { "\($0) (recovery: \(plan.words))" } ?? "recovery: \(plan.words)"
    }

    private static func batches(_ indexes: [Int64]) -> [[Int64]] {
        stride(from: 0, to: indexes.count, by: Self.batch).map {
            Array(indexes[$0..<min($0 + Self.batch, indexes.count)])
        }
    }

    /// What other services are told.
    func messages(in transaction: PostgresTransaction) async throws -> [OutboxMessage] {
        guard self.isChange else { return [] }
        var messages = try OutboxMessage.control("scheduler", .work)
        // The last jobs may just have been given up.
        if self.survey.jobs(.giveUp) > 0 {
            messages += try OutboxMessage.messages(
                [BooksItem(kind: .settled, id: self.locked.id)],
                routingKey: RoutingKey.books(BooksItem.Kind.settled.rawValue)
            )
        }
        for indexes in Self.batches(self.verdicts) {
            let open = try await transaction.query(RecoveryStatements.openVerdicts(self.locked.id, indexes))
            let items = try open.map { try VerdictItem(task: self.locked.id, open: $0) }
            for (action, items) in Dictionary(grouping: items, by: \.action.rawValue).sorted(by: { $0.key < $1.key }) {
                messages += try OutboxMessage.messages(items, routingKey: RoutingKey.verdict(action))
            }
        }
        return messages
    }
}

extension VerdictItem {
    fileprivate init(
        task: Int64,
        open row: (
            Int64, Int32, String, String?, String, String, String, Int32, String, String, Bool, Moment?, JSONText,
            Moment
        )
    ) throws {
        let key = AttemptKey(task: task, index: row.0, attempt: Int(row.1))
        guard let action = VerdictAction(rawValue: row.4), let blame = Blame(rawValue: row.6) else {
            throw CatalogRefusal(
                .state,
                "the verdict on attempt \(key) is \(row.4) of \(row.6), which this program does not know"
            )
        }
        self.init(
            key: key,
            site: row.2,
            node: row.3,
            action: action,
            class: row.5,
            blame: blame,
            code: Int(row.7),
            diagnostic: row.8,
            rule: row.9,
            counted: row.10,
            notBefore: row.11,
            changes: try WireFormat.value(VerdictChanges.self, from: row.12.text),
            at: row.13
        )
    }
}
