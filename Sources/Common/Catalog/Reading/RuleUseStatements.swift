package import Postgres

/// How often each rule decided.
package enum RuleUseStatements {
    /// The newest verdicts that are read; a window with more is answered from these.
    package static let mostVerdicts: Int64 = 200_000

    /// The rules of the verdicts since, as one JSON object: `items`, `verdicts`, `since`, `complete`. A rule of action
    /// decides and a rule of blame blames; one that is only observed would have. Rules that are gone are among them.
    package static func uses(
        since start: WindowStart,
        mostVerdicts: Int64 = Self.mostVerdicts
    ) -> Statement<String> {
        Statement(
            "errors.rules",
            """
            WITH w AS (SELECT \(fragment: start.sql) AS since), newest AS MATERIALIZED (
                SELECT v.rule, v.blame_rule, v.observed, v.at FROM verdict v
                WHERE v.at >= (SELECT since FROM w) ORDER BY v.at DESC LIMIT \(mostVerdicts)
            ), uses AS (
                SELECT rule, 'decided' AS use, at FROM newest
                UNION ALL SELECT blame_rule, 'blamed', at FROM newest WHERE blame_rule IS NOT NULL
                UNION ALL SELECT o.rule, 'observed', n.at FROM newest n CROSS JOIN LATERAL unnest(n.observed) o(rule)
            ), counted AS (
                SELECT rule, count(*) FILTER (WHERE use = 'decided') AS decided,
                       count(*) FILTER (WHERE use = 'blamed') AS blamed,
                       count(*) FILTER (WHERE use = 'observed') AS observed, max(at) AS last
                FROM uses GROUP BY rule
            )
            SELECT json_build_object(
                'items', coalesce((SELECT json_agg(json_build_object('rule', c.rule, 'decided', c.decided,
                    'blamed', c.blamed, 'observed', c.observed, 'last', c.last) ORDER BY c.rule) FROM counted c), '[]'),
                'next', NULL, 'verdicts', (SELECT count(*) FROM newest), 'since', (SELECT since FROM w),
                'complete', (SELECT count(*) < \(mostVerdicts) FROM newest))::text
            """,
            returning: String.self
        )
    }

    static var examples: [AnyStatement] { [Self.uses(since: .secondsAgo(60)).erased] }
}
