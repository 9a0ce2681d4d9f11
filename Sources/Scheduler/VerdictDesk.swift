import Catalog
import CentralKit
import Domain
import Logging
import Postgres

/// Carries verdicts out: the job waits again, is given up, or its task pauses. What happens when a job fails ends here; it
/// begins in the Monitor's `FailureDesk`.
struct VerdictDesk: Sendable {
    let database: PostgresClient
    let outbox: OutboxService
    let bell: FeedBell
    let pulse: Pulse
    /// Rung when jobs wait again.
    let wake: @Sendable () -> Void

    func carryOut(_ attempts: [AttemptKey]) async throws {
        guard !attempts.isEmpty else { return }
        let ended = try await self.database.withTransaction { try await self.carryOut(attempts, in: $0) }
        self.bell.ring()
        self.pulse.add(attempts.count)
        self.wake()
        let words = try await Settlement.settle(ended, in: self.database)
        self.outbox.send(words)
        if !words.isEmpty { self.bell.ring() }
    }

    /// - Returns: tasks in which a job was given up: they may have ended.
    private func carryOut(_ attempts: [AttemptKey], in transaction: PostgresTransaction) async throws -> [Int64] {
        let open = try await transaction.query(VerdictStatements.open(attempts))
        var moves: [(job: JobKey, to: JobState, counted: Bool, cause: String)] = []
        var waiting: [VerdictStatements.Resubmission] = []
        var paused: Set<Int64> = []
        for row in open {
            guard let action = VerdictAction(rawValue: row.3) else { continue }
            let job = JobKey(task: row.0, index: row.1)
            let cause = "verdict on attempt \(row.2): \(action.rawValue), \(row.6)"
            switch action {
            case .abort:
                moves.append((job, .aborted, false, cause))
            case .resubmit, .pause:
                moves.append((job, .waiting, false, cause))
                waiting.append(.init(job: job, notBefore: row.4, excludedSites: row.5))
                if action == .pause { paused.insert(row.0) }
            }
        }
        guard !moves.isEmpty else { return [] }
        for task in paused.sorted() {
            try await transaction.execute(TaskControlStatements.pause(task, cause: "a verdict paused it", who: nil))
        }
        try await transaction.execute([
            VerdictStatements.wait(waiting), ReportStatements.moveJobs(moves),
            VerdictStatements.carriedOut(open.map { AttemptKey(task: $0.0, index: $0.1, attempt: Int($0.2)) }),
        ])
        return Set(moves.filter { $0.to == .aborted }.map(\.job.task)).sorted()
    }
}
