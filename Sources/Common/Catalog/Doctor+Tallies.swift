import Postgres

extension Doctor {
    /// Minutes are there for the last days alone.
    private static let isKept: SQL = "(grain = 'h' OR at >= now() - minutes_kept() + interval '1 hour')"

    /// That a table of sums is what its view counts anew, for the tasks at hand. A sum that was added to and taken from again, so that
    /// nothing is left, is as good as none.
    ///
    /// - Parameters:
    ///   - key: its columns, which both have.
    ///   - sums: the figures of one group of its rows.
    ///   - figures: the same of a row of the view.
    ///   - isSomething: whether anything is left of a group.
    private static func counted(
        _ table: StaticString,
        _ view: StaticString,
        key: SQL,
        sums: SQL,
        figures: SQL,
        isSomething: SQL,
        where condition: SQL = Self.isKept
    ) -> SQL {
        """
        SELECT format('\(unsafe: table): counted %s, true is %s', coalesce(c, 'nothing'), coalesce(t, 'nothing')) AS example
        FROM (
            SELECT ROW(\(fragment: key), \(fragment: sums))::text AS c, \(fragment: key) FROM \(unsafe: table) p
            WHERE \(fragment: Self.isAtHand("p.task")) AND \(fragment: condition) GROUP BY \(fragment: key) HAVING \(fragment: isSomething)
        ) p FULL JOIN (
            SELECT ROW(\(fragment: key), \(fragment: figures))::text AS t, \(fragment: key) FROM \(unsafe: view) p
            WHERE \(fragment: Self.isAtHand("p.task")) AND \(fragment: condition)
        ) x USING (\(fragment: key))
        WHERE c IS DISTINCT FROM t
        """
    }

    private static let ended: SQL = Self.counted(
        "ended_total",
        "ended_counted",
        key: "grain, at, task, site",
        sums: "sum(done), sum(failed), sum(events), sum(done_us), sum(wall_us), sum(cpu_us), sum(told_us)",
        figures: "done, failed, events, done_us, wall_us, cpu_us, told_us",
        isSomething: "(sum(done), sum(failed), sum(wall_us)) <> (0, 0, 0)"
    )

    private static let failures: SQL = Self.counted(
        "failure_total",
        "failure_counted",
        key: "grain, at, task, site, kind",
        sums: """
            sum(failures), sum(lost_us), sum(jobs), sum(jobs_class), sum(jobs_code), sum(jobs_site), sum(jobs_blame), sum(jobs_fingerprint),
            sum(jobs_rule), min(first), max(last), min(index), min(attempt)
            """,
        figures: """
            failures, lost_us, jobs, jobs_class, jobs_code, jobs_site, jobs_blame, jobs_fingerprint, jobs_rule, first, last, index, attempt
            """,
        isSomething: "(sum(failures), sum(jobs)) <> (0, 0)"
    )

    private static let places: SQL = Self.counted(
        "failure_place",
        "failure_place_counted",
        key: "task, kind, site, node, action",
        sums: """
            sum(failures), sum(lost_us), sum(jobs_fingerprint), sum(jobs_place), min(first), max(last),
            newest_three((array_agg(newest))[1:1][1:3])
            """,
        figures: "failures, lost_us, jobs_fingerprint, jobs_place, first, last, newest",
        isSomething: "(sum(failures), sum(jobs_place)) <> (0, 0)",
        where: "true"
    )

    private static let rules: SQL = Self.counted(
        "rule_total",
        "rule_counted",
        key: "grain, at, task, rule, use",
        sums: "sum(count), max(last)",
        figures: "count, last",
        isSomething: "sum(count) <> 0"
    )

    /// Sums by time, and the failures that nobody has judged.
    static var tallies: [Invariant] {
        [
            Invariant(
                "sums-by-time-are-counted",
                "what ended and failed by minute, hour and place is what the attempts and verdicts of the tasks at hand add up to",
                "\(fragment: Self.ended) UNION ALL \(fragment: Self.failures) UNION ALL \(fragment: Self.places) UNION ALL \(fragment: Self.rules)"
            ),
            Invariant(
                "unjudged-failures-are-listed",
                "the list of failures without a verdict holds exactly those that have none",
                """
                SELECT format('attempt %s.%s.%s %s, and is %s', coalesce(a.task, u.task), coalesce(a.index, u.index),
                              coalesce(a.attempt, u.attempt), CASE WHEN a.task IS NULL THEN 'is judged or did not fail' ELSE 'has no verdict' END,
                              CASE WHEN u.task IS NULL THEN 'not listed' ELSE 'listed' END) AS example
                FROM (
                    SELECT a.task, a.index, a.attempt FROM attempt a WHERE a.state IN ('failed', 'lost') AND NOT EXISTS (
                        SELECT 1 FROM verdict v WHERE v.task = a.task AND v.index = a.index AND v.attempt = a.attempt)
                    AND \(fragment: Self.isAtHand("a.task"))
                ) a FULL JOIN (SELECT * FROM unjudged u WHERE \(fragment: Self.isAtHand("u.task"))) u
                    ON u.task = a.task AND u.index = a.index AND u.attempt = a.attempt
                WHERE a.task IS NULL OR u.task IS NULL
                """
            ),
        ]
    }
}
