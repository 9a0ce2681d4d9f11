package import Postgres

/// The error matrix: tasks or requests by site.
package enum MatrixStatements {
    /// What a row of the matrix is.
    package enum By: String, CaseIterable, Sendable {
        case task
        case request

        fileprivate var key: SQL {
            switch self {
            case .task: "t.id"
            case .request: "t.request"
            }
        }

        /// What is said of a row besides its figures, in front of them.
        fileprivate var facts: SQL {
            switch self {
            case .task:
                """
                (SELECT json_build_object('task', t.id, 'name', t.name, 'request', t.request, 'state', t.state)
                 FROM task t WHERE t.id = r.key)
                """
            case .request:
                """
                (SELECT json_build_object('request', q.id, 'title', q.title, 'state', q.state) FROM request q
                 WHERE q.id = r.key)
                """
            }
        }
    }

    /// The rows that are shown at most, the worst first; `items_total` says how many there are.
    private static let mostShown = 200

    /// The matrix as one JSON object: `items`, `sites`, `total`, `since`, `archived`, `items_total`, `complete`. Failures that an
    /// operator caused do not count.
    ///
    /// - Parameter request: only the tasks of this request.
    package static func matrix(_ by: By, since start: WindowStart, request: Int64? = nil) -> Statement<String> {
        let mine: SQL = request.map { "t.request = \($0)" } ?? "true"
        return Statement(
            "errors.matrix.\(by.rawValue)",
            """
            WITH \(fragment: TotalWindow.span(start)), \(fragment: TotalWindow.archived(of: request)), \(fragment: TotalWindow.ended),
            \(fragment: TotalWindow.kinds), \(fragment: TotalWindow.failed(.none)), judged AS (
                SELECT \(fragment: by.key) AS key, e.site, sum(e.finished) AS finished, sum(e.failed) AS failed
                FROM (SELECT task, site, sum(done) AS finished, 0 AS failed FROM ended GROUP BY 1, 2 HAVING sum(done) > 0
                      UNION ALL
                      SELECT f.task, f.site, 0, f.failures FROM failed f JOIN kinds k ON k.id = f.kind
                      WHERE f.failures > 0 AND k.blame IS DISTINCT FROM 'operator') e
                JOIN task t ON t.id = e.task WHERE \(fragment: mine) GROUP BY 1, 2
            ), cells AS MATERIALIZED (
                SELECT c.*, json_build_object('site', c.site, 'finished', c.finished, 'failed', c.failed,
                           'success_percent', c.success_percent) AS cell
                FROM (SELECT key, site, coalesce(sum(finished), 0) AS finished, coalesce(sum(failed), 0) AS failed,
                             (100 * (sum(finished) / sum(finished + failed)))::double precision AS success_percent
                      FROM judged GROUP BY GROUPING SETS ((key, site), (key), (site), ())) c
            ), rows AS MATERIALIZED (
                SELECT r.*, row_number() OVER (ORDER BY r.success_percent, r.failed DESC, r.key) AS rank
                FROM cells r WHERE r.key IS NOT NULL AND r.site IS NULL
            ), shown AS (
                SELECT r.rank, \(fragment: by.facts)::jsonb || (r.cell::jsonb - 'site') || jsonb_build_object('cells',
                           (SELECT json_agg(c.cell ORDER BY c.site) FROM cells c
                            WHERE c.key = r.key AND c.site IS NOT NULL)) AS item
                FROM rows r WHERE r.rank <= \(Self.mostShown)
            )
            SELECT json_build_object(
                'items', coalesce((SELECT json_agg(s.item ORDER BY s.rank) FROM shown s), '[]'), 'next', NULL,
                'sites', coalesce((SELECT json_agg(c.cell ORDER BY c.success_percent, c.failed DESC, c.site)
                                   FROM cells c WHERE c.key IS NULL AND c.site IS NOT NULL), '[]'),
                'total', (SELECT c.cell::jsonb - 'site' FROM cells c WHERE c.key IS NULL AND c.site IS NULL),
                'since', (SELECT since FROM w),
                \(fragment: TotalWindow.completeness(of: "(SELECT count(*) FROM rows r)", shown: Self.mostShown)))::text
            """,
            returning: String.self
        )
    }

    static var examples: [AnyStatement] {
        By.allCases.map { Self.matrix($0, since: .secondsAgo(60), request: 1).erased }
    }
}
