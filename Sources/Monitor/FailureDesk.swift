import Catalog
import CentralKit
import Domain
import Logging
import Messages
import NIOConcurrencyHelpers
import Postgres

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

    /// Ends the attempts and gives their verdicts, inside the caller's transaction. The caller holds the locks of the jobs, and of
    /// the leases for those that still have one.
    ///
    /// - Returns: the commands to send once it has committed.
    func fail(_ failed: [Failed], in transaction: PostgresTransaction) async throws -> [OutboxMessage] {
        guard !failed.isEmpty else { return [] }
        let jobs = failed.map(\.key.job)
        let counts = try await transaction.query(ReportStatements.lockJobs(jobs))
            .reduce(into: [JobKey: Int]()) { $0[JobKey(task: $1.0, index: $1.1)] = Int($1.3) }
        let facts = try await transaction.query(ReportStatements.taskFacts(Set(jobs.map(\.task)).sorted()))
            .reduce(into: [Int64: (kind: String, attempts: Int)]()) { $0[$1.0] = ($1.1, Int($1.2)) }
        let earlier = try await transaction.query(ReportStatements.fingerprints(jobs))
            .reduce(into: [JobKey: [String]]()) { $0[JobKey(task: $1.0, index: $1.1), default: []].append($1.2) }
        let sites = try await transaction.query(ReportStatements.allowedSites)
        let policy = try await self.rules.policy()
        let now = Moment.now
        var ended: [ReportStatements.Ended] = []
        var verdicts: [ReportStatements.NewVerdict] = []
        for one in failed {
            let verdict = policy.decide(
                FailedAttempt(
                    key: one.key,
                    site: one.site,
                    taskKind: facts[one.key.task]?.kind ?? "",
                    failures: one.failures,
                    countedBefore: counts[one.key.job] ?? 0,
                    maxAttempts: facts[one.key.task]?.attempts ?? 1,
                    earlierFingerprints: earlier[one.key.job] ?? [],
                    otherSites: sites.filter { $0 != one.site }.count
                )
            )
            verdicts.append(try Self.row(one, verdict, now))
            if let end = one.end { ended.append(try Self.end(one, end, verdict)) }
        }
        let messages = try Self.messages(verdicts)
        try await transaction.execute([
            ReportStatements.end(ended),
            ReportStatements.moveJobs(
                verdicts.map {
                    ($0.key.job, .recovering, $0.verdict.counted, "attempt \($0.key.attempt): \($0.verdict.reason)")
                }
            ), ReportStatements.insertVerdicts(verdicts), OutboxStatements.insert(messages),
        ])
        return messages
    }

    private static func row(_ one: Failed, _ verdict: Verdict, _ now: Moment) throws -> ReportStatements.NewVerdict {
        ReportStatements.NewVerdict(
            key: one.key,
            site: one.site,
            node: one.node,
            verdict: verdict,
            at: now,
            notBefore: verdict.pauseSeconds > 0 ? now.adding(seconds: verdict.pauseSeconds) : nil,
            changes: JSONText(try WireFormat.text(Self.changes(verdict)))
        )
    }

    private static func changes(_ verdict: Verdict) -> VerdictChanges {
        VerdictChanges(excludedSites: verdict.excludedSites.isEmpty ? nil : verdict.excludedSites)
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

/// The rules in force, compiled; read again when somebody says they changed, and now and then anyway.
final class RuleTable: Sendable {
    private struct Held {
        var policy: VerdictPolicy?
        var readAt: ContinuousClock.Instant?
    }

    private let database: PostgresClient
    private let held = NIOLockedValueBox(Held())
    private let age: Duration

    init(database: PostgresClient, age: Duration = .seconds(30)) {
        self.database = database
        self.age = age
    }

    func changed() { self.held.withLockedValue { $0.readAt = nil } }

    /// - Throws: ``RuleError`` for a rule that cannot be used.
    func policy() async throws -> VerdictPolicy {
        let known = self.held.withLockedValue { held -> VerdictPolicy? in
            guard let readAt = held.readAt, readAt.duration(to: .now) < self.age else { return nil }
            return held.policy
        }
        if let known { return known }
        let rules = try await self.database.query(VerdictStatements.rules).map { row in
            let scope = try WireFormat.value(RuleScope.self, from: row.5.text)
            return FailureRule(
                name: row.0,
                priority: Int(row.1),
                codes: Int(row.2)...Int(row.3),
                pattern: row.4,
                site: scope.site,
                taskKind: scope.taskKind,
                blame: row.6.flatMap(Blame.init(rawValue:)),
                action: VerdictAction(rawValue: row.7) ?? .resubmit,
                parameters: try WireFormat.value(RuleParameters.self, from: row.8.text)
            )
        }
        let policy = try VerdictPolicy(rules: rules)
        self.held.withLockedValue { $0 = Held(policy: policy, readAt: .now) }
        return policy
    }

    private struct RuleScope: Codable {
        var site: String?
        var taskKind: String?
    }
}
