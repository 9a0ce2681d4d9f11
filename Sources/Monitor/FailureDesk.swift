import Catalog
import CentralKit
import Domain
import Logging
import Messages
import NIOConcurrencyHelpers
import Postgres
import ServiceKit

/// What happens when an attempt fails: it ends, its job recovers, the verdict is written and published. One place for failures
/// that agents report, attempts that are lost, and manifests the books refused. The Scheduler's `VerdictDesk` carries the
/// verdict out.
struct FailureDesk: Sendable {
    /// One attempt that failed.
    struct Failed: Sendable {
        let key: AttemptKey
        let site: String
        let node: String?
        let failures: [Failure]
        /// failed or lost; nil when the books have ended it already.
        let end: AttemptState?
        var steps: JSONText?
        var tail: String?
        var usage: Usage?
    }

    let rules: RuleTable
    /// Adds what failed to the sums of failures, when all is said and done.
    let sums: PeriodicSweep

    /// Ends the attempts, gives their verdicts and commits the caller's transaction. The caller holds the locks of the jobs, and of
    /// the leases for those that still have one.
    ///
    /// - Parameter facts: what was asked of at least these jobs, and what was found.
    /// - Returns: the commands to send now.
    func failAndCommit(
        _ failed: [Failed],
        facts: (asked: FailureFacts.Asked, found: QueryBatch.Results),
        in transaction: PostgresTransaction
    ) async throws -> [OutboxMessage] {
        guard !failed.isEmpty else { return [] }
        let facts = try await FailureFacts(failed, facts.asked, facts.found, in: transaction)
        let policy = try await self.rules.policy()
        let now = Moment.now
        var ended: [ReportStatements.Ended] = []
        var verdicts: [ReportStatements.NewVerdict] = []
        for one in failed {
            let verdict = policy.decide(facts.attempt(one))
            verdicts.append(try Self.row(one, verdict, now))
            if let end = one.end { ended.append(try Self.end(one, end, verdict)) }
        }
        let messages = try Self.messages(verdicts)
        try await self.report(failed, verdicts, facts, in: transaction)
        try await transaction.executeAndCommit([
            ReportStatements.end(ended),
            ReportStatements.moveJobs(
                verdicts.map {
                    ($0.key.job, .recovering, $0.verdict.counted, "attempt \($0.key.attempt): \($0.verdict.reason)")
                }
            ), ReportStatements.insertVerdicts(verdicts), OutboxStatements.insert(messages),
        ])
        self.sums.ring()
        return messages
    }

    /// How much more a failure weighs against a place when a rule says that it is the place.
    private static let strikeWeight: Int64 = 4

    /// What the verdicts say of inputs and places.
    private func report(
        _ failed: [Failed],
        _ verdicts: [ReportStatements.NewVerdict],
        _ facts: FailureFacts,
        in transaction: PostgresTransaction
    ) async throws {
        let suspicions = zip(failed, verdicts).flatMap {
            one,
            row -> [(file: Int64, symptom: SuspicionStatements.Symptom)] in
            guard row.verdict.reportsInput, let symptom = FailureFacts.symptom(one) else { return [] }
            return (facts.suspects[one.key.job] ?? []).map { ($0, symptom) }
        }
        if !suspicions.isEmpty { try await transaction.execute(SuspicionStatements.report(suspicions)) }
        let strikes = verdicts.compactMap { row -> (site: String, node: String, task: Int64)? in
            guard let target = row.verdict.strike else { return nil }
            return (row.site, target == .site ? "" : row.node ?? "", row.key.task)
        }
        if !strikes.isEmpty {
            try await transaction.execute(SuspicionStatements.strike(strikes, weight: Self.strikeWeight))
        }
    }

    private static func row(_ one: Failed, _ verdict: Verdict, _ now: Moment) throws -> ReportStatements.NewVerdict {
        let changes = Self.changes(verdict)
        return ReportStatements.NewVerdict(
            key: one.key,
            site: one.site,
            node: one.node,
            verdict: verdict,
            at: now,
            notBefore: verdict.pauseSeconds > 0 ? now.adding(seconds: verdict.pauseSeconds) : nil,
            // Nearly every verdict changes nothing.
            changes: JSONText(changes == VerdictChanges() ? "{}" : try WireFormat.text(changes))
        )
    }

    /// What is different in the next attempt, and what is done about the task.
    private static func changes(_ verdict: Verdict) -> VerdictChanges {
        VerdictChanges(
            memoryMB: verdict.memoryMB,
            walltimeSeconds: verdict.walltimeSeconds.map { Int($0.rounded(.up)) },
            events: verdict.eventsPerPart.map(Int64.init),
            excludedSites: verdict.excludedSites.isEmpty ? nil : verdict.excludedSites,
            excludedNodes: verdict.excludedNodes.isEmpty ? nil : verdict.excludedNodes,
            raisesTask: verdict.raisesTask ? true : nil,
            task: verdict.taskAction
        )
    }

    private static func end(_ one: Failed, _ state: AttemptState, _ verdict: Verdict) throws -> ReportStatements.Ended {
        ReportStatements.Ended(
            key: one.key,
            state: state,
            node: one.node,
            code: verdict.code,
            blame: verdict.blame.rawValue,
            diagnostic: verdict.diagnostic,
            failures: JSONText(try WireFormat.text(one.failures)),
            steps: one.steps,
            tail: one.tail,
            cpuSeconds: one.usage?.cpuSeconds,
            wallSeconds: one.usage?.wallSeconds,
            memoryPeak: one.usage?.memoryPeak,
            cause: "\(FailureCode(rawValue: verdict.code)?.name ?? "code \(verdict.code)")"
        )
    }

    /// One message for each action.
    private static func messages(_ verdicts: [ReportStatements.NewVerdict]) throws -> [OutboxMessage] {
        try Dictionary(grouping: verdicts, by: \.verdict.action).sorted { $0.key.rawValue < $1.key.rawValue }.flatMap {
            action,
            rows in
            try OutboxMessage.messages(
                rows.map { row in
                    VerdictItem(
                        key: row.key,
                        site: row.site,
                        node: row.node,
                        action: action,
                        class: FailureLayer(rawValue: row.verdict.code / 1000)?.name ?? "unknown",
                        blame: row.verdict.blame,
                        code: row.verdict.code,
                        diagnostic: row.verdict.diagnostic,
                        rule: row.verdict.rule,
                        counted: row.verdict.counted,
                        notBefore: row.notBefore,
                        changes: Self.changes(row.verdict),
                        at: row.at
                    )
                },
                routingKey: RoutingKey.verdict(action.rawValue)
            )
        }
    }
}
