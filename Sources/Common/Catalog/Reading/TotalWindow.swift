import Domain
import Postgres

/// From when on something is counted, by the database's clock.
package enum WindowStart: Sendable {
    case secondsAgo(Double)
    case moment(Moment)

    var sql: SQL {
        switch self {
        case .secondsAgo(let seconds): "now() - make_interval(secs => \(seconds))"
        case .moment(let moment): "\(moment)::timestamptz"
        }
    }
}

/// A window that ends now, put together from the sums by time: its first minute, which is not whole, from the rows themselves, then whole
/// minutes up to the next hour, then whole hours. The cost is that of the sums and never of what ended.
///
/// What is archived, or on its way there or back, does not count; ``archived(of:)`` says of how many tasks that is. A failure that is not
/// in the sums yet counts as one without a verdict: nearly always it is one, since ``FailureSums/complete(_:)`` comes before the question.
enum TotalWindow {
    /// `w(since, minute, hour)`: where the window, its minutes and its hours begin. A window that began before minutes are kept has none:
    /// the rest of its first hour is read from the rows.
    static func span(_ start: WindowStart) -> SQL {
        """
        w AS MATERIALIZED (
            SELECT m.since, m.minute, grain_from('h', m.minute) AS hour FROM (
                SELECT s.since, grain_from(CASE WHEN s.since < now() - minutes_kept() THEN 'h'::"char" ELSE 'm' END, s.since) AS minute
                FROM (SELECT \(fragment: start.sql) AS since) s) m
        )
        """
    }

    static func isAtHand(_ table: StaticString) -> SQL {
        "NOT EXISTS (SELECT 1 FROM archived_task z WHERE z.task = \(unsafe: table).task)"
    }

    /// `archived(tasks)`: of how many tasks that are archived, or on their way there or back, something ended since the day on which the
    /// window begins, in UTC: so much is not counted.
    ///
    /// Production knows, which outlives the rows. That both ends of its days are given makes the planner search its key, and the archive is
    /// asked for each task found there: the cost is that of the days, not of all that was ever archived.
    ///
    /// - Parameter request: only the tasks of this request.
    static func archived(of request: Int64? = nil) -> SQL {
        let mine: SQL = request.map { "(SELECT t.request FROM task t WHERE t.id = z.task) = \($0)" } ?? "true"
        return """
            archived AS (
                SELECT count(*) AS tasks FROM (
                    SELECT p.task FROM production p
                    WHERE p.day BETWEEN (SELECT utc_day(since) FROM w) AND (SELECT 'infinity'::date FROM w)
                    GROUP BY p.task HAVING sum(p.attempts) > 0
                ) p CROSS JOIN LATERAL (
                    SELECT 1 FROM archived_task z WHERE z.task = p.task AND \(fragment: mine) OFFSET 0
                ) z
            )
            """
    }

    /// What each answer says of that.
    static let completeness: SQL = """
        'archived', (SELECT tasks FROM archived), 'complete', (SELECT tasks = 0 FROM archived)
        """

    /// The same of an answer that holds the first rows only: it also says how many there are, and is complete only if it holds them all.
    static func completeness(of rows: SQL, shown most: Int) -> SQL {
        """
        'archived', (SELECT tasks FROM archived), 'items_total', \(fragment: rows),
        'complete', (SELECT tasks = 0 FROM archived) AND \(fragment: rows) <= \(most)
        """
    }

    /// Which sums `t` are the whole minutes and the whole hours of the window.
    static let minutes: SQL =
        "t.grain = 'm' AND t.at >= (SELECT minute FROM w) AND t.at < (SELECT hour FROM w) AND \(fragment: Self.isAtHand("t"))"
    static let hours: SQL = "t.grain = 'h' AND t.at >= (SELECT hour FROM w) AND \(fragment: Self.isAtHand("t"))"

    // MARK: - what ended

    private static let endedColumns: SQL =
        "t.at, t.task, t.site, t.done, t.failed, t.done_us, t.wall_us, t.cpu_us, t.told_us"

    /// `ended`: the attempts that ended done, failed or lost, summed by `at` (hour, minute or moment), task and site: how many did so well
    /// and badly, and in microseconds the wall time of the good ones and of all, and CPU and wall time of those that told both.
    ///
    /// Those of the first minute are found in the log by its key: no index holds what went well.
    static let ended: SQL = """
        ended AS (
            SELECT \(fragment: Self.endedColumns) FROM ended_total t WHERE \(fragment: Self.hours)
            UNION ALL
            SELECT \(fragment: Self.endedColumns) FROM ended_total t WHERE \(fragment: Self.minutes)
            UNION ALL
            SELECT a.ended_at, a.task, a.site, (a.state = 'done')::int, (a.state <> 'done')::int,
                   CASE a.state WHEN 'done' THEN a.us ELSE 0 END, a.us,
                   CASE WHEN a.wall_seconds IS NULL THEN 0 ELSE coalesce(round(a.cpu_seconds * 1000000)::bigint, 0) END,
                   CASE WHEN a.cpu_seconds IS NULL THEN 0 ELSE coalesce(round(a.wall_seconds * 1000000)::bigint, 0) END
            FROM (
                SELECT (x.detail ->> 'task')::bigint AS task, (x.detail ->> 'index')::bigint AS index,
                       (x.detail ->> 'attempt')::int AS attempt
                FROM transition x
                WHERE x.id >= (SELECT log_from(since - interval '1 minute') FROM w)
                  AND x.id < (SELECT log_from(minute + interval '1 minute') FROM w)
                  AND x.kind = 'attempt' AND x.to_state IN ('done', 'failed', 'lost') OFFSET 0
            ) l CROSS JOIN LATERAL (
                SELECT a.*, wall_us(a.wall_seconds, a.started_at, a.ended_at) AS us FROM attempt a
                WHERE a.task = l.task AND a.index = l.index AND a.attempt = l.attempt OFFSET 0
            ) a
            WHERE a.ended_at >= (SELECT since FROM w) AND a.ended_at < (SELECT minute FROM w)
              AND a.state IN ('done', 'failed', 'lost') AND \(fragment: Self.isAtHand("a"))
        )
        """

    // MARK: - failures

    /// What jobs are told apart by, where failures are grouped.
    struct Key: Sendable {
        /// The column of the sums with the jobs of a group.
        let jobs: SQL
        /// Whether another failure that is in the sums, with its verdict `y` of attempt `x`, is in the group of `v` of attempt `a`.
        let alike: SQL
        /// The group of a failure `a` that is not in the sums yet, and whether `y` of attempt `x` is in it.
        let unheard: SQL
        let alikeUnheard: SQL

        /// One group of all.
        static let none = Key(jobs: "jobs", alike: "true", unheard: "0", alikeUnheard: "true")
    }

    /// `unheard`, `kinds(id, class, code, blame, fingerprint, rule)`: failures that are not in the sums yet, judged or not, are of kinds of their own,
    /// below 0.
    static let kinds: SQL = """
        unheard AS MATERIALIZED (
            SELECT (-dense_rank() OVER (ORDER BY a.code, a.blame))::int AS kind, a.task, a.index, a.attempt, a.site, a.code, a.blame,
                   (\(FailureLayer.allCases.map(\.name))::text[])[a.code / 1000] AS class, a.ended_at,
                   wall_us(a.wall_seconds, a.started_at, a.ended_at) AS lost_us
            FROM uncounted u CROSS JOIN LATERAL (
                SELECT * FROM attempt a WHERE a.task = u.task AND a.index = u.index AND a.attempt = u.attempt OFFSET 0
            ) a
            WHERE a.state IN ('failed', 'lost') AND a.ended_at >= (SELECT since FROM w) AND \(fragment: Self.isAtHand("a"))
        ), kinds AS (
            SELECT id, class, code, blame, fingerprint, rule FROM failure_kind
            UNION ALL
            SELECT DISTINCT kind, class, code, blame, NULL, NULL FROM unheard
        )
        """

    /// `failed`: failures by kind, site and task, `jobs` and those told apart by `key` as `own`, lost microseconds of wall time, the first
    /// and the last, and index and attempt of that.
    static func failed(_ key: Key) -> SQL {
        let columns: SQL =
            "t.kind, t.site, t.task, t.failures, t.jobs, t.\(fragment: key.jobs) AS own, t.lost_us, t.first, t.last, t.index, t.attempt"
        return """
            failed AS (
                SELECT \(fragment: columns) FROM failure_total t WHERE \(fragment: Self.hours)
                UNION ALL
                SELECT \(fragment: columns) FROM failure_total t WHERE \(fragment: Self.minutes)
                UNION ALL
                SELECT (SELECT k.id FROM failure_kind k WHERE k.fingerprint = v.fingerprint AND k.code = v.code AND k.rule = v.rule
                            AND k.blame = v.blame AND k.class = v.class),
                       a.site, a.task, 1, \(fragment: Self.isLast("true")), \(fragment: Self.isLast(key.alike)),
                       wall_us(a.wall_seconds, a.started_at, a.ended_at), a.ended_at, a.ended_at, a.index, a.attempt
                FROM (
                    SELECT * FROM attempt a
                    WHERE a.state IN ('failed', 'lost') AND a.ended_at >= (SELECT since FROM w)
                      AND a.ended_at < (SELECT minute FROM w) AND \(fragment: Self.isAtHand("a")) OFFSET 0
                ) a CROSS JOIN LATERAL (
                    SELECT * FROM verdict v WHERE v.task = a.task AND v.index = a.index AND v.attempt = a.attempt
                       AND \(fragment: Self.isCounted("v")) OFFSET 0
                ) v
                UNION ALL
                SELECT a.kind, a.site, a.task, 1, \(fragment: Self.isUncounted(.none)), \(fragment: Self.isUncounted(key)), a.lost_us,
                       a.ended_at, a.ended_at, a.index, a.attempt
                FROM unheard a
            )
            """
    }

    /// Whether a failure is in the sums, if it has a verdict.
    private static func isCounted(_ table: StaticString) -> SQL {
        """
        NOT (SELECT EXISTS (SELECT 1 FROM uncounted q WHERE q.task = \(unsafe: table).task AND q.index = \(unsafe: table).index
                                AND q.attempt = \(unsafe: table).attempt))
        """
    }

    /// Other failures in the sums of the job of `a`.
    private static func others(_ condition: SQL) -> SQL {
        """
        EXISTS (SELECT 1 FROM verdict y CROSS JOIN LATERAL (
                    SELECT x.site, x.attempt, x.ended_at FROM attempt x
                    WHERE x.task = y.task AND x.index = y.index AND x.attempt = y.attempt AND x.state IN ('failed', 'lost') OFFSET 0
                ) x WHERE y.task = a.task AND y.index = a.index AND \(fragment: Self.isCounted("y")) AND \(fragment: condition))
        """
    }

    private static func isLast(_ alike: SQL) -> SQL {
        "(NOT \(fragment: Self.others("(x.ended_at, x.attempt) > (a.ended_at, a.attempt) AND \(fragment: alike)")))::int"
    }

    /// Whether the job is not among those of the group in the window for another failure of it.
    private static func isUncounted(_ key: Key) -> SQL {
        """
        (row_number() OVER (PARTITION BY a.task, a.index, \(fragment: key.unheard) ORDER BY a.attempt) = 1
         AND NOT \(fragment: Self.others("x.ended_at >= (SELECT since FROM w) AND \(fragment: key.alikeUnheard)")))::int
        """
    }
}
