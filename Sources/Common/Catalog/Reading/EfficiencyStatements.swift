package import Postgres

/// How much of what was run was of use: by jobs, by wall time, by CPU.
package enum EfficiencyStatements {
    package enum By: String, CaseIterable, Sendable {
        case site
        case task
        case request
        case day

        fileprivate var key: SQL {
            switch self {
            case .site: "e.site"
            case .task: "t.id"
            case .request: "t.request"
            case .day: "to_char(e.at AT TIME ZONE 'UTC', 'YYYY-MM-DD')"
            }
        }

        fileprivate var facts: SQL {
            switch self {
            case .site: "jsonb_build_object('site', r.key)"
            case .day: "jsonb_build_object('day', r.key)"
            case .task:
                """
                (SELECT jsonb_build_object('task', t.id, 'name', t.name, 'request', t.request) FROM task t
                 WHERE t.id = r.key)
                """
            case .request:
                "(SELECT jsonb_build_object('request', q.id, 'title', q.title) FROM request q WHERE q.id = r.key)"
            }
        }

        /// Days as they came; the rest by the wall time that was lost.
        fileprivate var order: SQL {
            switch self {
            case .day: "r.key"
            case .site, .task, .request: "r.wall_all - r.wall_ok DESC, r.failed DESC, r.key"
            }
        }
    }

    /// The rows that are shown at most; `items_total` says how many there are.
    private static let mostShown = 500

    /// The efficiencies as one JSON object: `items`, `total`, `since`, `archived`, `items_total`, `complete`. Attempts that were
    /// cancelled do not count.
    ///
    /// CPU efficiency is that of the attempts that told both their CPU and their wall time.
    package static func efficiency(_ by: By, since start: WindowStart) -> Statement<String> {
        Statement(
            "errors.efficiency.\(by.rawValue)",
            """
            WITH \(fragment: TotalWindow.span(start)), \(fragment: TotalWindow.archived()), \(fragment: TotalWindow.ended), summed AS (
                SELECT \(fragment: by.key) AS key, grouping(\(fragment: by.key)) = 1 AS is_total,
                       coalesce(sum(e.done), 0) AS finished, coalesce(sum(e.failed), 0) AS failed,
                       coalesce(sum(e.done_us), 0)::double precision / 1000000 AS wall_ok,
                       coalesce(sum(e.wall_us), 0)::double precision / 1000000 AS wall_all,
                       coalesce(sum(e.cpu_us), 0)::double precision / 1000000 AS cpu,
                       coalesce(sum(e.told_us * c.cores), 0)::double precision / 1000000 AS core
                FROM ended e JOIN task t ON t.id = e.task JOIN class c ON c.id = t.class
                GROUP BY GROUPING SETS ((\(fragment: by.key)), ())
                HAVING grouping(\(fragment: by.key)) = 1 OR sum(e.done) + sum(e.failed) > 0
            ), figures AS MATERIALIZED (
                SELECT r.*, jsonb_build_object('finished', r.finished, 'failed', r.failed,
                           'job_efficiency', r.finished::double precision / nullif(r.finished + r.failed, 0),
                           'wall_seconds_ok', r.wall_ok, 'wall_seconds_all', r.wall_all,
                           'wall_efficiency', r.wall_ok / nullif(r.wall_all, 0),
                           'cpu_seconds', r.cpu, 'core_seconds', r.core,
                           'cpu_efficiency', r.cpu / nullif(r.core, 0)) AS figures,
                       row_number() OVER (PARTITION BY r.is_total ORDER BY \(fragment: by.order)) AS rank
                FROM summed r
            )
            SELECT json_build_object(
                'items', coalesce((SELECT json_agg(\(fragment: by.facts) || r.figures ORDER BY r.rank)
                                   FROM figures r WHERE NOT r.is_total AND r.rank <= \(Self.mostShown)), '[]'),
                'next', NULL, 'total', (SELECT r.figures FROM figures r WHERE r.is_total),
                'since', (SELECT since FROM w),
                \(fragment: TotalWindow.completeness(of: "(SELECT count(*) FROM figures r WHERE NOT r.is_total)", shown: Self.mostShown)))::text
            """,
            returning: String.self
        )
    }

    static var examples: [AnyStatement] {
        By.allCases.map { Self.efficiency($0, since: .secondsAgo(60)).erased }
    }
}
