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

    /// The rows that are shown at most, the worst first.
    private static let mostShown = 200

    /// The matrix as one JSON object: `items`, `sites`, `total`, `since`, `complete`. Failures that an operator caused
    /// do not count.
    ///
    /// - Parameters:
    ///   - request: only the tasks of this request.
    ///   - mostRows: the rows of the log that are read at most.
    package static func matrix(
        _ by: By,
        since start: WindowStart,
        request: Int64? = nil,
        mostRows: Int64 = LogWindow.mostRows
    ) -> Statement<String> {
        let mine: SQL = request.map { "t.request = \($0)" } ?? "true"
        return Statement(
            "errors.matrix.\(by.rawValue)",
            """
            WITH RECURSIVE \(fragment: LogWindow.span(start, mostRows: mostRows)), \(fragment: LogWindow.ended),
            judged AS (
                SELECT \(fragment: by.key) AS key, e.site, e.state = 'done' AS finished
                FROM ended e JOIN task t ON t.id = e.task LEFT JOIN LATERAL (
                    SELECT v.blame FROM verdict v
                    WHERE v.task = e.task AND v.index = e.index AND v.attempt = e.attempt OFFSET 0
                ) v ON e.state <> 'done'
                WHERE \(fragment: mine) AND (e.state = 'done' OR coalesce(v.blame, e.blame, '') <> 'operator')
            ), cells AS MATERIALIZED (
                SELECT c.*, json_build_object('site', c.site, 'finished', c.finished, 'failed', c.failed,
                           'success_percent', c.success_percent) AS cell
                FROM (SELECT key, site, count(*) FILTER (WHERE finished) AS finished,
                             count(*) FILTER (WHERE NOT finished) AS failed,
                             (100 * avg(finished::int))::double precision AS success_percent
                      FROM judged GROUP BY GROUPING SETS ((key, site), (key), (site), ())) c
            ), rows AS (
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
                'since', (SELECT since FROM w), 'complete', (SELECT complete FROM span))::text
            """,
            returning: String.self
        )
    }

    static var examples: [AnyStatement] {
        By.allCases.map { Self.matrix($0, since: .secondsAgo(60), request: 1).erased }
    }
}
