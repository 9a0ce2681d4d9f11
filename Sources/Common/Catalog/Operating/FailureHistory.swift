import Domain
import Messages
import Postgres

/// Past failures as the policy sees them.
enum FailureHistory {
    /// The most that is read: the newest. ``ReplayReach`` says when there are more.
    static let limit = 50_000

    /// In the order of jobs and attempts, so that each knows the ones before it; without those of tasks that are archived, or on their
    /// way there or back.
    static func read(_ database: PostgresClient, since: Moment) async throws -> [FailedAttempt] {
        var earlier: [JobKey: (fingerprints: [String], rules: [String: Int], counted: Int)] = [:]
        return try await database.query(Self.rows(since: since, limit: Self.limit)).map { row in
            let key = AttemptKey(task: row.0, index: row.1, attempt: Int(row.2))
            let before = earlier[key.job] ?? ([], [:], 0)
            let attempt = FailedAttempt(
                key: key,
                site: row.3,
                node: row.4,
                workflow: row.7,
                taskKind: row.5,
                failures: try row.8.map { try WireFormat.value([Failure].self, from: $0.text) } ?? [],
                countedBefore: before.counted,
                maxAttempts: Int(row.6),
                earlierFingerprints: before.fingerprints,
                ruleUses: before.rules,
                otherSites: 1,
                otherNodes: 1
            )
            earlier[key.job] = (
                before.fingerprints + [row.9], before.rules.merging([row.10: 1], uniquingKeysWith: +),
                before.counted + (row.11 ? 1 : 0)
            )
            return attempt
        }
    }

    /// Task, index, attempt, site, node, kind, allowed attempts, workflow, failures, fingerprint, rule, counted.
    private static func rows(
        since: Moment,
        limit: Int
    ) -> Statement<
        Int64, Int64, Int32, String, String?, String, Int32, String, JSONText?, String, String, Bool
    > {
        Statement(
            "failureHistory.rows",
            """
            SELECT v.task, v.index, v.attempt, v.site, v.node, t.kind, t.max_attempts, w.name, a.failures, v.fingerprint, v.rule, v.counted
            FROM (SELECT * FROM verdict WHERE at >= \(since) AND \(fragment: TotalWindow.isAtHand("verdict"))
                  ORDER BY at DESC LIMIT \(limit)) v
            CROSS JOIN LATERAL (
                SELECT a.failures FROM attempt a WHERE a.task = v.task AND a.index = v.index AND a.attempt = v.attempt OFFSET 0) a
            JOIN task t ON t.id = v.task JOIN request r ON r.id = t.request JOIN workflow w ON w.id = r.workflow
            ORDER BY v.task, v.index, v.attempt
            """,
            returning: Int64.self,
            Int64.self,
            Int32.self,
            String.self,
            String?.self,
            String.self,
            Int32.self,
            String.self,
            JSONText?.self,
            String.self,
            String.self,
            Bool.self
        )
    }

    static var examples: [AnyStatement] {
        [Self.rows(since: Moment(microseconds: 0), limit: 1).erased] + ReplayReach.examples
    }
}
