package import Postgres

/// How often each rule decided.
package enum RuleUseStatements {
    /// The rules of the verdicts since, as one JSON object: `items`, `verdicts`, `since`, `archived`, `complete`. A rule of
    /// action decides and a rule of blame blames; one that is only observed would have. Rules that are gone are among them.
    package static func uses(since start: WindowStart) -> Statement<String> {
        Statement(
            "errors.rules",
            """
            WITH \(fragment: TotalWindow.span(start)), \(fragment: TotalWindow.archived()), used AS (
                SELECT t.rule, t.use, t.count, t.last FROM rule_total t WHERE \(fragment: TotalWindow.hours)
                UNION ALL
                SELECT t.rule, t.use, t.count, t.last FROM rule_total t WHERE \(fragment: TotalWindow.minutes)
                UNION ALL
                SELECT u.rule, u.use, 1, v.at FROM verdict v CROSS JOIN LATERAL (
                    SELECT v.rule, 'decided' AS use UNION ALL SELECT v.blame_rule, 'blamed' WHERE v.blame_rule IS NOT NULL
                    UNION ALL SELECT o, 'observed' FROM unnest(v.observed) o
                ) u WHERE v.at >= (SELECT since FROM w) AND v.at < (SELECT minute FROM w)
                    AND \(fragment: TotalWindow.isAtHand("v"))
            ), counted AS (
                SELECT rule, coalesce(sum(count) FILTER (WHERE use = 'decided'), 0) AS decided,
                       coalesce(sum(count) FILTER (WHERE use = 'blamed'), 0) AS blamed,
                       coalesce(sum(count) FILTER (WHERE use = 'observed'), 0) AS observed, max(last) AS last
                FROM used GROUP BY rule HAVING sum(count) > 0
            )
            SELECT json_build_object(
                'items', coalesce((SELECT json_agg(json_build_object('rule', c.rule, 'decided', c.decided,
                    'blamed', c.blamed, 'observed', c.observed, 'last', c.last) ORDER BY c.rule) FROM counted c), '[]'),
                'next', NULL, 'verdicts', (SELECT coalesce(sum(decided), 0) FROM counted), 'since', (SELECT since FROM w),
                \(fragment: TotalWindow.completeness))::text
            """,
            returning: String.self
        )
    }

    static var examples: [AnyStatement] { [Self.uses(since: .secondsAgo(60)).erased] }
}
