package import Postgres

/// The failures of a task or of a request, grouped by fingerprint and then by site and node: where to look first.
package enum DebugStatements {
    /// Whose failures.
    package enum Scope: Sendable {
        case task(Int64)
        case request(Int64)
    }

    /// The fingerprints that are shown, and the places of each.
    private static let mostGroups = 100
    private static let mostPlaces = 20

    /// Whether there is such a task or request: one row.
    package static func exists(_ scope: Scope) -> Statement<Int64> {
        switch scope {
        case .task(let task):
            return Statement("debug.task", "SELECT id FROM task WHERE id = \(task)", returning: Int64.self)
        case .request(let request):
            return Statement("debug.request", "SELECT id FROM request WHERE id = \(request)", returning: Int64.self)
        }
    }

    /// The tasks of the scope whose failures are in the archive, or on their way there or back: task, state, since, who.
    package static func archived(_ scope: Scope) -> Statement<Int64, String, Moment, String> {
        let condition: SQL =
            switch scope {
            case .task(let task): "a.task = \(task)"
            case .request(let request): "a.task IN (SELECT id FROM task WHERE request = \(request))"
            }
        return Statement(
            "debug.archived",
            "SELECT a.task, a.state, a.since, a.who FROM archived_task a WHERE \(fragment: condition) ORDER BY a.task",
            returning: Int64.self,
            String.self,
            Moment.self,
            String.self
        )
    }

    /// The groups, those that lost most wall time first: code, the failures in all, and the group as JSON.
    ///
    /// They are put together from the sums by task and place, so that the cost is that of the places where something failed and never of
    /// the failures; only what is shown of the newest ones is read.
    package static func groups(_ scope: Scope) -> Statement<Int32, Int64, String> {
        Statement(
            "debug.groups",
            """
            WITH \(fragment: Self.cells(scope)), \(fragment: Self.counted), \(fragment: Self.ranked), \(fragment: Self.told)
            SELECT max(t.code), (SELECT coalesce(sum(failures), 0)::bigint FROM cells),
                   ((jsonb_agg(t.told || t.whole) FILTER (WHERE NOT t.is_place) -> 0)
                    || jsonb_build_object('places', jsonb_agg(t.told || t.place ORDER BY t.place_rank)
                                                    FILTER (WHERE t.is_place)))::text
            FROM told t GROUP BY t.rank ORDER BY t.rank
            """,
            returning: Int32.self,
            Int64.self,
            String.self
        )
    }

    /// The sums of the scope. What is archived, or on its way there or back, does not count.
    private static func cells(_ scope: Scope) -> SQL {
        let condition: SQL =
            switch scope {
            case .task(let task): "p.task = \(task)"
            case .request(let request): "p.task = ANY(ARRAY(SELECT id FROM task WHERE request = \(request)))"
            }
        return """
            cells AS MATERIALIZED (
                SELECT p.task, p.site, p.node, p.action, p.failures, p.lost_us, p.jobs_fingerprint, p.jobs_place, p.first, p.last,
                       p.newest, k.code, k.blame, k.fingerprint, k.rule
                FROM failure_place p JOIN failure_kind k ON k.id = p.kind
                WHERE \(fragment: condition) AND p.failures > 0
                  AND NOT EXISTS (SELECT 1 FROM archived_task z WHERE z.task = p.task)
            )
            """
    }

    /// The figures of each fingerprint, and of each of its places.
    private static let counted: SQL = """
        counted AS (
            SELECT fingerprint, is_place, site, node, sum(failures) AS failures, sum(jobs) AS jobs, sum(lost_us) AS lost_us,
                   min(first) AS first, max(last) AS last, max(code) AS code, array_agg(failures) AS counts,
                   array_agg(blame) AS blames, array_agg(rule) AS rules, array_agg(action) AS actions, array_agg(task) AS tasks,
                   array_agg(newest) AS newest
            FROM (SELECT c.fingerprint, l.is_place, CASE WHEN l.is_place THEN c.site ELSE '' END AS site,
                         CASE WHEN l.is_place THEN c.node ELSE '' END AS node,
                         CASE WHEN l.is_place THEN c.jobs_place ELSE c.jobs_fingerprint END AS jobs, c.failures, c.lost_us, c.first,
                         c.last, c.code, c.blame, c.rule, c.action, c.task, c.newest
                  FROM cells c CROSS JOIN (VALUES (false), (true)) l(is_place)) k
            GROUP BY fingerprint, is_place, site, node
        )
        """

    /// The groups that are shown: fingerprints in their order, and the worst places of each.
    private static let ranked: SQL = """
        weighed AS (
            SELECT c.*, max(lost_us) FILTER (WHERE NOT is_place) OVER same AS whole_lost,
                   max(failures) FILTER (WHERE NOT is_place) OVER same AS whole_failures,
                   count(*) FILTER (WHERE is_place) OVER same AS places,
                   row_number() OVER (PARTITION BY fingerprint, is_place
                                      ORDER BY lost_us DESC, failures DESC, site, node) AS place_rank
            FROM counted c WINDOW same AS (PARTITION BY fingerprint)
        ), ranked AS MATERIALIZED (
            SELECT * FROM (
                SELECT w.*, dense_rank() OVER (ORDER BY whole_lost DESC, whole_failures DESC, fingerprint) AS rank
                FROM weighed w
            ) r WHERE r.rank <= \(Self.mostGroups) AND (NOT r.is_place OR r.place_rank <= \(Self.mostPlaces))
        )
        """

    /// The word that most failures of a group have.
    private static func most(_ words: SQL) -> SQL {
        """
        (SELECT u.word FROM unnest(\(fragment: words), r.counts) u(word, n) GROUP BY u.word ORDER BY sum(u.n) DESC, u.word LIMIT 1)
        """
    }

    /// What is said of each group: of all (`told`), of a fingerprint (`whole`), of a place (`place`).
    private static let told: SQL = """
        told AS (
            SELECT r.rank, r.is_place, r.place_rank, r.code,
                   jsonb_build_object('failures', r.failures, 'jobs', r.jobs,
                       'lost_wall_seconds', r.lost_us::double precision / 1000000, 'first', r.first, 'last', r.last,
                       'blame', \(fragment: Self.most("r.blames")), 'rule', \(fragment: Self.most("r.rules")),
                       'samples', s.samples, 'log_line', s.log_line, 'actions', (
                           SELECT jsonb_object_agg(c.action, c.n)
                           FROM (SELECT u.action, sum(u.n) AS n FROM unnest(r.actions, r.counts) u(action, n) GROUP BY 1) c)
                       ) AS told,
                   jsonb_build_object('fingerprint', r.fingerprint, 'code', r.code, 'diagnostic', s.diagnostic,
                       'places_total', r.places) AS whole,
                   jsonb_build_object('site', r.site, 'node', nullif(r.node, '')) AS place
            FROM ranked r CROSS JOIN LATERAL (
                SELECT jsonb_agg(jsonb_build_object('task', a.task, 'index', a.index, 'attempt', a.attempt,
                           'site', a.site, 'node', coalesce(v.node, a.node), 'at', a.ended_at,
                           'log', '/api/v1/jobs/' || a.task || '/' || a.index || '/log?attempt=' || a.attempt)
                           ORDER BY u.position) AS samples,
                       (array_agg(l.line ORDER BY u.position) FILTER (WHERE l.line <> ''))[1] AS log_line,
                       (array_agg(left(v.diagnostic, 400) ORDER BY u.position))[1] AS diagnostic
                FROM (
                    -- The three jobs that failed last: of each group of sums the three are here, a job once for each place.
                    SELECT j.*, row_number() OVER (ORDER BY j.at DESC, j.task, j.index) AS position FROM (
                        SELECT DISTINCT ON (r.tasks[(n.position + 2) / 3], n.index) r.tasks[(n.position + 2) / 3] AS task, n.index, n.attempt, n.at
                        FROM unnest(r.newest) WITH ORDINALITY n(at, index, attempt, position)
                        WHERE n.index IS NOT NULL ORDER BY 1, n.index, n.attempt DESC) j
                    ORDER BY position LIMIT 3
                ) u CROSS JOIN LATERAL (
                    SELECT * FROM attempt a
                    WHERE a.task = u.task AND a.index = u.index AND a.attempt = u.attempt OFFSET 0
                ) a CROSS JOIN LATERAL (
                    SELECT * FROM verdict v
                    WHERE v.task = u.task AND v.index = u.index AND v.attempt = u.attempt OFFSET 0
                ) v CROSS JOIN LATERAL (SELECT \(fragment: LogText.lastLine) AS line OFFSET 0) l
            ) s
        )
        """

    static var examples: [AnyStatement] {
        [
            Self.exists(.task(1)).erased, Self.exists(.request(1)).erased, Self.groups(.task(1)).erased,
            Self.groups(.request(1)).erased, Self.archived(.task(1)).erased, Self.archived(.request(1)).erased,
        ]
    }
}
