package import Postgres

/// Production over time: sums of what ended, day by day, which stay when the jobs are archived.
package enum ProductionStatements {
    /// What the sums are shown by.
    package enum By: String, CaseIterable, Sendable {
        case day
        case week
        case month
        case site
        case cloud
        case kind
        case `class`
        case request
        case blame

        /// Days are UTC; a week is named by its Monday.
        fileprivate var key: SQL {
            switch self {
            case .day: "to_char(p.day, 'YYYY-MM-DD')"
            case .week: "to_char(date_trunc('week', p.day::timestamp), 'YYYY-MM-DD')"
            case .month: "to_char(p.day, 'YYYY-MM')"
            case .site: "nullif(p.site, '')"
            case .cloud: "nullif(p.cloud, '')"
            case .kind: "t.kind"
            case .class: "p.class"
            case .request: "t.request"
            case .blame: "nullif(p.blame, '')"
            }
        }

        /// The name and what else there is to say of it, from the column with the key.
        fileprivate func facts(_ key: StaticString) -> SQL {
            switch self {
            case .day: "jsonb_build_object('day', \(unsafe: key))"
            case .week: "jsonb_build_object('week', \(unsafe: key))"
            case .month: "jsonb_build_object('month', \(unsafe: key))"
            case .site: "jsonb_build_object('site', \(unsafe: key))"
            case .cloud: "jsonb_build_object('cloud', \(unsafe: key))"
            case .kind: "jsonb_build_object('kind', \(unsafe: key))"
            case .blame: "jsonb_build_object('blame', \(unsafe: key))"
            case .class:
                """
                (SELECT jsonb_build_object('class', c.id, 'cores', c.cores, 'memory_mb', c.memory_mb, 'walltime_s', c.walltime_s,
                                           'share', nullif(c.share, ''))
                 FROM class c WHERE c.id = \(unsafe: key))
                """
            case .request:
                """
                (SELECT jsonb_build_object('request', q.id, 'title', q.title, 'owner', q.owner) FROM request q WHERE q.id = \(unsafe: key))
                """
            }
        }

        /// Times as they came; the rest by what was done most.
        fileprivate func order(_ key: StaticString) -> SQL {
            switch self {
            case .day, .week, .month: "\(unsafe: key)"
            case .site, .cloud, .kind, .class, .request, .blame: "r.jobs_done DESC, r.attempts DESC, \(unsafe: key)"
            }
        }
    }

    /// The rows that are shown at most: ten years of days. `complete` says whether these are all.
    private static let mostShown = 4000

    private static let sums: SQL = """
        coalesce(sum(p.jobs_done), 0)::bigint AS jobs_done, coalesce(sum(p.jobs_aborted), 0)::bigint AS jobs_aborted,
        coalesce(sum(p.events), 0)::bigint AS events, coalesce(sum(p.attempts), 0)::bigint AS attempts,
        coalesce(sum(p.failed), 0)::bigint AS failed, coalesce(sum(p.cancelled), 0)::bigint AS cancelled,
        coalesce(sum(p.core_ms), 0)::double precision / 3600000 AS core_hours,
        coalesce(sum(p.lost_core_ms), 0)::double precision / 3600000 AS lost_core_hours
        """

    /// The report as one JSON object: `items`, `total`, `records` (of all time: the best day and the best week by jobs and by events),
    /// `since`, the first day that counts.
    ///
    /// - Parameter then: what each row is divided by; nil: it is not.
    package static func report(_ by: By, then: By? = nil, since start: WindowStart) -> Statement<String> {
        let keys: SQL = then.map { "\(fragment: by.key), \(fragment: $0.key)" } ?? by.key
        let facts: SQL =
            then.map { "\(fragment: by.facts("r.key")) || \(fragment: $0.facts("r.then"))" } ?? by.facts("r.key")
        let order: SQL = then.map { "r.key, \(fragment: $0.order("r.then"))" } ?? by.order("r.key")
        return Statement(
            "production.report.\(by.rawValue)\(then.map { ".\($0.rawValue)" } ?? "")",
            """
            WITH w AS (SELECT utc_day(\(fragment: start.sql)) AS since), summed AS (
                SELECT \(fragment: by.key) AS key, \(fragment: then?.key ?? "NULL::text") AS then, grouping(\(fragment: by.key)) = 1 AS is_total,
                       \(fragment: Self.sums)
                FROM production p JOIN task t ON t.id = p.task WHERE p.day >= (SELECT since FROM w)
                GROUP BY GROUPING SETS ((\(fragment: keys)), ())
            ), figures AS MATERIALIZED (
                SELECT r.*, jsonb_build_object('jobs_done', r.jobs_done, 'jobs_aborted', r.jobs_aborted, 'events', r.events,
                           'attempts', r.attempts, 'failed', r.failed, 'cancelled', r.cancelled, 'core_hours', r.core_hours,
                           'lost_core_hours', r.lost_core_hours) AS figures,
                       row_number() OVER (PARTITION BY r.is_total ORDER BY \(fragment: order)) AS rank
                FROM summed r
            ), days AS MATERIALIZED (
                SELECT day, sum(jobs_done)::bigint AS jobs_done, sum(events)::bigint AS events FROM production GROUP BY day
            ), spans AS (
                SELECT 'day' AS span, day AS start, jobs_done, events FROM days
                UNION ALL
                SELECT 'week', date_trunc('week', day::timestamp)::date, sum(jobs_done)::bigint, sum(events)::bigint FROM days GROUP BY 2
            ), records AS (
                SELECT DISTINCT ON (s.span, v.of) s.span, v.of, v.value, s.start
                FROM spans s CROSS JOIN LATERAL (VALUES ('jobs', s.jobs_done), ('events', s.events)) v(of, value)
                WHERE v.value > 0 ORDER BY s.span, v.of, v.value DESC, s.start
            )
            SELECT json_build_object(
                'items', coalesce((SELECT json_agg(\(fragment: facts) || r.figures ORDER BY r.rank)
                                   FROM figures r WHERE NOT r.is_total AND r.rank <= \(Self.mostShown)), '[]'),
                'complete', (SELECT count(*) FROM figures r WHERE NOT r.is_total) <= \(Self.mostShown), 'next', NULL, 'total', (SELECT r.figures FROM figures r WHERE r.is_total),
                'records', coalesce((SELECT json_agg(json_build_object('span', span, 'of', of, 'value', value, 'start', start)
                                                     ORDER BY span, of DESC) FROM records), '[]'),
                'since', (SELECT since FROM w))::text
            """,
            returning: String.self
        )
    }

    /// Folds the rows of the different slots of one past day, the oldest that has any, into one each. Yesterday is left alone: what
    /// ended around midnight may still be counted. Returns how many rows there were.
    package static let fold = Statement<Int64>(
        "production.fold",
        """
        WITH old AS (
            DELETE FROM production WHERE slot <> -1 AND day = (
                SELECT min(day) FROM production WHERE slot <> -1 AND day < utc_day(now()) - 1)
            RETURNING *
        ), folded AS (
            INSERT INTO production AS p (day, task, site, class, blame, slot, cloud, jobs_done, jobs_aborted, events, attempts, failed,
                                         cancelled, core_ms, lost_core_ms)
            SELECT day, task, site, class, blame, -1, min(cloud), sum(jobs_done), sum(jobs_aborted), sum(events), sum(attempts), sum(failed),
                   sum(cancelled), sum(core_ms), sum(lost_core_ms)
            FROM old GROUP BY day, task, site, class, blame ORDER BY day, task, site, class, blame
            ON CONFLICT (day, task, site, class, blame, slot) DO UPDATE SET jobs_done = p.jobs_done + excluded.jobs_done,
                jobs_aborted = p.jobs_aborted + excluded.jobs_aborted, events = p.events + excluded.events,
                attempts = p.attempts + excluded.attempts, failed = p.failed + excluded.failed,
                cancelled = p.cancelled + excluded.cancelled, core_ms = p.core_ms + excluded.core_ms,
                lost_core_ms = p.lost_core_ms + excluded.lost_core_ms
        )
        SELECT count(*) FROM old
        """,
        returning: Int64.self
    )

    static var examples: [AnyStatement] {
        By.allCases.map { Self.report($0, since: .secondsAgo(60)).erased } + [Self.fold.erased]
            + By.allCases.filter { $0 != .month }.flatMap { by in
                [
                    Self.report(.month, then: by, since: .secondsAgo(60)).erased,
                    Self.report(by, then: .month, since: .secondsAgo(60)).erased,
                ]
            }
    }
}
