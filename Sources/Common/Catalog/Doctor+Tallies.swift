import Postgres

extension Doctor {
    /// Minutes are there for the last days alone.
    private static let isKept: SQL = "(grain = 'h' OR at >= now() - minutes_kept() + interval '1 hour')"

    /// Of a task that is to be counted anew nothing is said.
    private static let isSettled: SQL = "NOT EXISTS (SELECT 1 FROM recount r WHERE r.task = p.task)"

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
        isSomething: "(sum(failures), sum(jobs)) <> (0, 0)",
        where: "\(fragment: Self.isKept) AND \(fragment: Self.isSettled)"
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
        where: Self.isSettled
    )

    private static let rules: SQL = Self.counted(
        "rule_total",
        "rule_counted",
        key: "grain, at, task, rule, use",
        sums: "sum(count), max(last)",
        figures: "count, last",
        isSomething: "sum(count) <> 0",
        where: "\(fragment: Self.isKept) AND \(fragment: Self.isSettled)"
    )

    /// Sums by time, and the failures that are not in them.
    static var tallies: [Invariant] {
        [
            Invariant(
                "sums-by-time-are-counted",
                "what ended and failed by minute, hour and place is what the attempts and verdicts of the tasks at hand add up to",
                "\(fragment: Self.ended) UNION ALL \(fragment: Self.failures) UNION ALL \(fragment: Self.places) UNION ALL \(fragment: Self.rules)"
            ),
            Invariant(
                "uncounted-failures-are-listed",
                "the list of failures that are not in the sums holds those without a verdict, and none that did not fail",
                """
                SELECT format('attempt %s.%s.%s has no verdict, and is not listed', p.task, p.index, p.attempt) AS example
                FROM attempt p WHERE p.state IN ('failed', 'lost') AND \(fragment: Self.isAtHand("p.task")) AND \(fragment: Self.isSettled)
                  AND NOT EXISTS (SELECT 1 FROM verdict v WHERE v.task = p.task AND v.index = p.index AND v.attempt = p.attempt)
                  AND NOT EXISTS (SELECT 1 FROM uncounted u WHERE u.task = p.task AND u.index = p.index AND u.attempt = p.attempt)
                UNION ALL
                SELECT format('attempt %s.%s.%s did not fail, and is listed', p.task, p.index, p.attempt)
                FROM uncounted p WHERE \(fragment: Self.isAtHand("p.task")) AND \(fragment: Self.isSettled) AND NOT EXISTS (
                    SELECT 1 FROM attempt a WHERE a.task = p.task AND a.index = p.index AND a.attempt = p.attempt AND a.state IN ('failed', 'lost'))
                """
            ),
        ]
    }
}
