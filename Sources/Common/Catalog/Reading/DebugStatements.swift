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

    /// The groups, those that lost most wall time first: code, the failures read in all, and the group as JSON.
    package static func groups(
        _ scope: Scope,
        mostFailures: Int = Self.mostFailures
    ) -> Statement<Int32, Int64, String> {
        Statement(
            "debug.groups",
            """
            WITH \(fragment: Self.failed(scope, mostFailures)), \(fragment: Self.keyed), \(fragment: Self.counted),
            \(fragment: Self.chosen), \(fragment: Self.sampled), places AS (
                SELECT fingerprint, max(groups) AS total, json_agg(json_build_object(
                           'site', site, 'node', nullif(node, ''), 'failures', failures, 'jobs', jobs,
                           'lost_wall_seconds', lost, 'first', first, 'last', last, 'blame', blame, 'rule', rule,
                           'actions', actions, 'samples', samples, 'log_line', log_line) ORDER BY rank) AS places
                FROM sampled WHERE is_place GROUP BY fingerprint
            )
            SELECT g.code, (SELECT count(*) FROM failed), json_build_object(
                       'fingerprint', g.fingerprint, 'code', g.code, 'blame', g.blame, 'rule', g.rule,
                       'failures', g.failures, 'jobs', g.jobs, 'lost_wall_seconds', g.lost, 'first', g.first,
                       'last', g.last, 'actions', g.actions, 'diagnostic', g.diagnostic, 'samples', g.samples,
                       'log_line', g.log_line, 'places_total', p.total, 'places', p.places)::text
            FROM sampled g JOIN places p ON p.fingerprint = g.fingerprint
            WHERE NOT g.is_place ORDER BY g.rank
            """,
            returning: Int32.self,
            Int64.self,
            String.self
        )
    }

    /// The newest verdicts of the scope with their attempts, by key, whatever the planner thinks of their number.
    private static func failed(_ scope: Scope, _ mostFailures: Int) -> SQL {
        let condition: SQL =
            switch scope {
            case .task(let task): "v.task = \(task)"
            case .request(let request): "v.task = ANY(ARRAY(SELECT id FROM task WHERE request = \(request)))"
            }
        return """
            picked AS MATERIALIZED (
                SELECT v.task, v.index, v.attempt, v.fingerprint, v.site, v.node, v.action, v.rule, v.blame, v.code
                FROM verdict v WHERE \(fragment: condition) ORDER BY v.at DESC LIMIT \(mostFailures)
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

    /// Each failure twice: as one of its fingerprint, and as one of its place.
    private static let keyed: SQL = """
        keyed AS MATERIALIZED (
            SELECT f.fingerprint, l.is_place, CASE WHEN l.is_place THEN f.site ELSE '' END AS site,
                   CASE WHEN l.is_place THEN f.node ELSE '' END AS node, f.task, f.index, f.attempt, f.action, f.rule,
                   f.blame, f.code, f.ended_at, f.lost
            FROM failed f CROSS JOIN (VALUES (false), (true)) l(is_place)
        )
        """

    /// The figures of each group, and its place in the order: fingerprints among all, places among those of
    /// their fingerprint.
    private static let counted: SQL = """
        counted AS (
            SELECT fingerprint, is_place, site, node, count(*) AS failures, count(DISTINCT (task, index)) AS jobs,
                   sum(lost) AS lost, min(ended_at) AS first, max(ended_at) AS last, max(code) AS code,
                   mode() WITHIN GROUP (ORDER BY blame) AS blame, mode() WITHIN GROUP (ORDER BY rule) AS rule
            FROM keyed GROUP BY fingerprint, is_place, site, node
        ), ranked AS MATERIALIZED (
            SELECT c.*, row_number() OVER (within ORDER BY lost DESC, failures DESC, fingerprint, site, node) AS rank,
                   count(*) OVER within AS groups
            FROM counted c WINDOW within AS (PARTITION BY is_place, CASE WHEN is_place THEN fingerprint END)
        ), actions AS (
            SELECT fingerprint, is_place, site, node, json_object_agg(action, n ORDER BY action) AS actions
            FROM (SELECT fingerprint, is_place, site, node, action, count(*) AS n FROM keyed GROUP BY 1, 2, 3, 4, 5) k
            GROUP BY 1, 2, 3, 4
        )
        """

    /// The newest failure of each of the three jobs that failed last, for the groups that are shown.
    private static let chosen: SQL = """
        chosen AS MATERIALIZED (
            SELECT * FROM (
                SELECT k.*, row_number() OVER (PARTITION BY k.fingerprint, k.is_place, k.site, k.node
                                               ORDER BY k.ended_at DESC, k.task, k.index) AS position
                FROM (SELECT DISTINCT ON (fingerprint, is_place, site, node, task, index) fingerprint, is_place, site,
                             node, task, index, attempt, ended_at
                      FROM keyed ORDER BY fingerprint, is_place, site, node, task, index, attempt DESC) k
                JOIN ranked r ON r.fingerprint = k.fingerprint AND r.is_place = k.is_place AND r.site = k.site
                             AND r.node = k.node
                             AND r.rank <= CASE WHEN k.is_place THEN \(Self.mostPlaces) ELSE \(Self.mostGroups) END
            ) n WHERE n.position <= 3
        )
        """

    /// The groups that are shown, with samples and the last line of the newest log.
    private static let sampled: SQL = """
        samples AS (
            SELECT c.fingerprint, c.is_place, c.site, c.node,
                   json_agg(json_build_object('task', c.task, 'index', c.index, 'attempt', c.attempt, 'site', a.site,
                       'node', a.node, 'at', c.ended_at,
                       'log', '/api/v1/jobs/' || c.task || '/' || c.index || '/log?attempt=' || c.attempt)
                       ORDER BY c.position) AS samples,
                   (array_agg(a.line ORDER BY c.position) FILTER (WHERE a.line <> ''))[1] AS log_line,
                   (array_agg(a.diagnostic ORDER BY c.position))[1] AS diagnostic
            FROM chosen c CROSS JOIN LATERAL (
                SELECT a.site, coalesce(v.node, a.node) AS node, left(v.diagnostic, 400) AS diagnostic,
                       \(fragment: LogText.lastLine) AS line
                FROM attempt a JOIN verdict v ON v.task = a.task AND v.index = a.index AND v.attempt = a.attempt
                WHERE a.task = c.task AND a.index = c.index AND a.attempt = c.attempt OFFSET 0
            ) a GROUP BY c.fingerprint, c.is_place, c.site, c.node
        ), sampled AS (
            SELECT r.*, s.samples, s.log_line, s.diagnostic, x.actions
            FROM ranked r JOIN samples s USING (fingerprint, is_place, site, node)
            JOIN actions x USING (fingerprint, is_place, site, node)
        )
        """

    static var examples: [AnyStatement] {
        [
            Self.exists(.task(1)).erased, Self.exists(.request(1)).erased, Self.groups(.task(1)).erased,
            Self.groups(.request(1)).erased,
        ]
    }
}
