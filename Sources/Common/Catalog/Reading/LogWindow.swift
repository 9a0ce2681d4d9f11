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

/// The attempts that ended in a window, found in the log: by its key, so that the cost is that of the window and never
/// of the catalogue.
package enum LogWindow {
    /// The rows of the log that are read at most; a window with more is answered from the newest.
    package static let mostRows: Int64 = 1_000_000

    /// `w(since)`, `span(first, complete)`: the rows of the log to read, and whether they hold the whole window.
    ///
    /// The log's ids grow with its times but for what was written at once: the search is for a minute earlier, and
    /// what reads the rows looks at the times again.
    static func span(_ start: WindowStart, mostRows: Int64) -> SQL {
        """
        w AS (SELECT \(fragment: start.sql) AS since), search AS (
            SELECT coalesce(min(id), 0) AS low, coalesce(max(id), 0) + 1 AS high, coalesce(max(id), 0) AS last
            FROM transition
            UNION ALL
            SELECT CASE WHEN t.at < w.since - interval '1 minute' THEN m.middle + 1 ELSE s.low END,
                   CASE WHEN t.at < w.since - interval '1 minute' THEN s.high ELSE m.middle END, s.last
            FROM search s CROSS JOIN w CROSS JOIN LATERAL (SELECT (s.low + s.high) / 2 AS middle) m
            CROSS JOIN LATERAL (SELECT x.at FROM transition x WHERE x.id >= m.middle ORDER BY x.id LIMIT 1) t
            WHERE s.low < s.high
        ), span AS MATERIALIZED (
            SELECT greatest(max(low), max(last) - \(mostRows) + 1) AS first,
                   max(low) > max(last) - \(mostRows) AS complete
            FROM search
        )
        """
    }

    /// `ended`: the attempts that ended in the span done, failed or lost: their key, site, state, blame, ended_at,
    /// cpu_seconds and wall_seconds as reported, and `wall`, the seconds of wall time that count.
    static let ended: SQL = """
        logged AS MATERIALIZED (
            SELECT (x.detail ->> 'task')::bigint AS task, (x.detail ->> 'index')::bigint AS index,
                   (x.detail ->> 'attempt')::int AS attempt
            FROM transition x
            WHERE x.id >= (SELECT first FROM span) AND x.kind = 'attempt' AND x.to_state IN ('done', 'failed', 'lost')
        ), ended AS MATERIALIZED (
            SELECT a.task, a.index, a.attempt, a.site, a.state, a.blame, a.ended_at, a.cpu_seconds, a.wall_seconds,
                   \(fragment: WallTime.ofAttempt) AS wall
            FROM logged l CROSS JOIN LATERAL (
                SELECT * FROM attempt a
                WHERE a.task = l.task AND a.index = l.index AND a.attempt = l.attempt OFFSET 0
            ) a
            WHERE a.ended_at >= (SELECT since FROM w)
        )
        """
}
