package import Postgres

/// The failures of a task or of a request, grouped by fingerprint and then by site and node: where to look first.
package enum DebugStatements {
    /// Whose failures.
    package enum Scope: Sendable {
        case task(Int64)
        case request(Int64)
    }

    /// The newest failures that are read; a scope with more is answered from these.
    package static let mostFailures = 100_000
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

    /// The groups, those that lost most wall time first: code, the failures read in all, and the group as JSON.
    ///
    /// Large sets are sorted and never joined with one another: no estimate of their sizes can make that slow.
    package static func groups(
        _ scope: Scope,
        mostFailures: Int = Self.mostFailures
    ) -> Statement<Int32, Int64, String> {
        Statement(
            "debug.groups",
            """
            WITH \(fragment: Self.failed(scope, mostFailures)), \(fragment: Self.keyed), \(fragment: Self.counted),
            \(fragment: Self.ranked), \(fragment: Self.told)
            SELECT max(t.code), (SELECT count(*) FROM failed),
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

    /// The newest verdicts of the scope with their attempts, by key, whatever the planner thinks of their number:
    /// looking for them from the newest verdict of all backwards could read every one there is.
    private static func failed(_ scope: Scope, _ mostFailures: Int) -> SQL {
        let condition: SQL =
            switch scope {
            case .task(let task): "v.task = \(task)"
            case .request(let request): "v.task = ANY(ARRAY(SELECT id FROM task WHERE request = \(request)))"
            }
        return """
            picked AS MATERIALIZED (
                SELECT * FROM (
                    SELECT v.task, v.index, v.attempt, v.fingerprint, v.site, v.node, v.action, v.rule, v.blame, v.code,
                           v.at
                    FROM verdict v WHERE \(fragment: condition) OFFSET 0
                ) v ORDER BY v.at DESC LIMIT \(mostFailures)
            ), failed AS MATERIALIZED (
                SELECT v.task, v.index, v.attempt, v.fingerprint, v.site, coalesce(v.node, '') AS node, v.action,
                       v.rule, v.blame, v.code, a.ended_at, \(fragment: WallTime.ofAttempt) AS lost
                FROM picked v CROSS JOIN LATERAL (
                    SELECT * FROM attempt a
                    WHERE a.task = v.task AND a.index = v.index AND a.attempt = v.attempt OFFSET 0
                ) a
            )
            """
    }

    /// Each failure twice: as one of its fingerprint, and as one of its place; whether it is the last of its job there.
    private static let keyed: SQL = """
        keyed AS (
            SELECT k.*, row_number() OVER (PARTITION BY k.fingerprint, k.is_place, k.site, k.node, k.task, k.index
                                           ORDER BY k.attempt DESC) = 1 AS is_last
            FROM (SELECT f.fingerprint, l.is_place, CASE WHEN l.is_place THEN f.site ELSE '' END AS site,
                         CASE WHEN l.is_place THEN f.node ELSE '' END AS node, f.task, f.index, f.attempt, f.action,
                         f.rule, f.blame, f.code, f.ended_at, f.lost
                  FROM failed f CROSS JOIN (VALUES (false), (true)) l(is_place)) k
        )
        """

    /// The figures of each group, and its three jobs that failed last.
    private static let counted: SQL = """
        counted AS (
            SELECT fingerprint, is_place, site, node, count(*) AS failures, count(*) FILTER (WHERE is_last) AS jobs,
                   sum(lost) AS lost, min(ended_at) AS first, max(ended_at) AS last, max(code) AS code,
                   mode() WITHIN GROUP (ORDER BY blame) AS blame, mode() WITHIN GROUP (ORDER BY rule) AS rule,
                   array_agg(action) AS actions,
                   (array_agg(task ORDER BY ended_at DESC, task, index) FILTER (WHERE is_last))[1:3] AS tasks,
                   (array_agg(index ORDER BY ended_at DESC, task, index) FILTER (WHERE is_last))[1:3] AS indexes,
                   (array_agg(attempt ORDER BY ended_at DESC, task, index) FILTER (WHERE is_last))[1:3] AS attempts
            FROM keyed GROUP BY fingerprint, is_place, site, node
        )
        """

    /// The groups that are shown: fingerprints in their order, and the worst places of each.
    private static let ranked: SQL = """
        weighed AS (
            SELECT c.*, max(lost) FILTER (WHERE NOT is_place) OVER same AS whole_lost,
                   max(failures) FILTER (WHERE NOT is_place) OVER same AS whole_failures,
                   count(*) FILTER (WHERE is_place) OVER same AS places,
                   row_number() OVER (PARTITION BY fingerprint, is_place ORDER BY lost DESC, failures DESC, site, node)
                       AS place_rank
            FROM counted c WINDOW same AS (PARTITION BY fingerprint)
        ), ranked AS MATERIALIZED (
            SELECT * FROM (
                SELECT w.*, dense_rank() OVER (ORDER BY whole_lost DESC, whole_failures DESC, fingerprint) AS rank
                FROM weighed w
            ) r WHERE r.rank <= \(Self.mostGroups) AND (NOT r.is_place OR r.place_rank <= \(Self.mostPlaces))
        )
        """

    /// What is said of each group: of all (`told`), of a fingerprint (`whole`), of a place (`place`).
    private static let told: SQL = """
        told AS (
            SELECT r.rank, r.is_place, r.place_rank, r.code,
                   jsonb_build_object('failures', r.failures, 'jobs', r.jobs, 'lost_wall_seconds', r.lost,
                       'first', r.first, 'last', r.last, 'blame', r.blame, 'rule', r.rule, 'samples', s.samples,
                       'log_line', s.log_line, 'actions', (
                           SELECT jsonb_object_agg(c.action, c.n)
                           FROM (SELECT u.action, count(*) AS n FROM unnest(r.actions) u(action) GROUP BY 1) c)
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
                FROM unnest(r.tasks, r.indexes, r.attempts) WITH ORDINALITY u(task, index, attempt, position)
                CROSS JOIN LATERAL (
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
