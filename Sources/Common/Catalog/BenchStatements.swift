package import Postgres

/// What only benchmarks ask.
package enum BenchStatements {
    /// Any agent that has asked at the benchmark's site.
    package static let holder = Statement<Int32>(
        "bench.holder",
        "SELECT id FROM agent_session WHERE site = 'BENCH' ORDER BY id LIMIT 1",
        returning: Int32.self
    )

    /// Rows of waiting work that these requests have.
    package static func waitingRows(of requests: [Int64]) -> Statement<Int64> {
        Statement(
            "bench.waitingRows",
            "SELECT count(*) FROM waiting w JOIN task t ON t.id = w.task WHERE t.request = ANY(\(requests))",
            returning: Int64.self
        )
    }

    /// How many tasks of these requests have waiting work.
    package static func waitingTasks(of requests: [Int64]) -> Statement<Int64> {
        Statement(
            "bench.waitingTasks",
            "SELECT count(DISTINCT w.task) FROM waiting w JOIN task t ON t.id = w.task WHERE t.request = ANY(\(requests))",
            returning: Int64.self
        )
    }

    /// What autovacuum would otherwise do while something is measured.
    package static let settle: SQL = "VACUUM (ANALYZE)"

    /// What the server would otherwise write to the disk while something is measured.
    package static let writeOut: SQL = "CHECKPOINT"

    /// Leases of the benchmark's site that have not reported so far yet.
    package static func behind(sequence: Int64, tasks: [Int64]) -> Statement<Int64> {
        Statement(
            "bench.behind",
            "SELECT count(*) FROM lease WHERE task = ANY(\(tasks)) AND sequence < \(sequence)",
            returning: Int64.self
        )
    }

    /// Agents of the benchmark that hold attempts and want no more.
    package static func agents(_ count: Int, replyTo: String) -> SQL {
        """
        INSERT INTO agent_session AS s (site, agent, session, sequence, reply_to, room, cores, memory_mb, walltime_s, disk_mb, platform, tags,
                                        storage, last_seen)
        SELECT 'BENCH', 'beat' || n, gen_random_uuid(), 1, \(replyTo), 0, 1, 2000, 86400, 10000, 'any', '{}', '{}', clock_timestamp()
        FROM generate_series(1, \(Int32(clamping: count))) n ORDER BY 2
        ON CONFLICT (site, agent) DO UPDATE SET session = excluded.session, last_seen = excluded.last_seen, state = 'here', room = 0
        """
    }

    /// Those agents were heard of just now.
    package static let heard: SQL =
        "UPDATE agent_session SET last_seen = clock_timestamp() WHERE site = 'BENCH' AND agent LIKE 'beat%'"

    /// A piece of a request's jobs, each with a running attempt, dealt out to those agents.
    package static func lease(request: Int64, first: Int64, count: Int64, agents: Int) -> [SQL] {
        [
            "DELETE FROM waiting w USING task t WHERE t.request = \(request) AND w.task = t.id",
            """
            WITH n AS MATERIALIZED (
                SELECT t.id AS task, i AS index, gen_random_uuid() AS token, 'beat' || (i % \(Int64(agents)) + 1) AS agent
                FROM task t, generate_series(\(first), \(first) + \(count) - 1) i WHERE t.request = \(request)
            ), j AS (
                INSERT INTO job (task, index, events_expected, state, attempts, cause) SELECT task, index, 1, 'active', 1, 'leased' FROM n
            ), a AS (
                INSERT INTO attempt (task, index, attempt, token, site, agent, events_expected, started_at)
                SELECT task, index, 1, token, 'BENCH', agent, 1, clock_timestamp() FROM n
            )
            INSERT INTO lease (task, index, attempt, holder, token, site, state, sequence)
            SELECT n.task, n.index, 1, s.id, n.token, 'BENCH', 'leased', 1
            FROM n JOIN agent_session s ON s.site = 'BENCH' AND s.agent = n.agent
            """,
            """
            UPDATE lease l SET state = 'running', version = l.version + 1 FROM task t
            WHERE t.request = \(request) AND l.task = t.id AND l.index BETWEEN \(first) AND \(first) + \(count) - 1
            """,
        ]
    }

    /// A piece of those jobs is cancelled.
    package static func unlease(request: Int64, first: Int64, count: Int64) -> [SQL] {
        [
            """
            WITH l AS (
                DELETE FROM lease l USING task t
                WHERE t.request = \(request) AND l.task = t.id AND l.index BETWEEN \(first) AND \(first) + \(count) - 1
                RETURNING l.task, l.index, l.state, l.version
            )
            UPDATE attempt a SET state = 'cancelled', left_from = l.state, version = l.version + 1, ended_at = clock_timestamp()
            FROM l WHERE a.task = l.task AND a.index = l.index AND a.attempt = 1
            """,
            """
            UPDATE job j SET state = 'cancelled', version = j.version + 1, cause = 'benchmark done' FROM task t
            WHERE t.request = \(request) AND j.task = t.id AND j.index BETWEEN \(first) AND \(first) + \(count) - 1
            """,
        ]
    }

    /// Whether the feed has yet to publish what there is: before, its relay is at work, in the Monitor. False where nobody feeds.
    package static let isFeedBehind = Statement<Bool>(
        "bench.isFeedBehind",
        """
        SELECT lease_until > clock_timestamp() AND published < (SELECT coalesce(max(id), 0) FROM transition) FROM relay
        """,
        returning: Bool.self
    )

    /// What each of those agents holds: agent, session, count, hash.
    package static let held = Statement<String, UUIDText, Int64, Int64>(
        "bench.held",
        """
        SELECT s.agent, s.session, sum(h.count)::bigint, sum(h.hash)::bigint FROM agent_session s JOIN held_tally h ON h.holder = s.id
        WHERE s.site = 'BENCH' AND s.agent LIKE 'beat%' GROUP BY s.id ORDER BY s.id
        """,
        returning: String.self,
        UUIDText.self,
        Int64.self,
        Int64.self
    )

    /// The processes of the Monitors, and the session that asks: process, whether it is the session.
    package static let monitorProcesses = Statement<Int32, Bool>(
        "bench.monitorProcesses",
        """
        SELECT pid, false FROM service_instance WHERE service = 'monitor' AND seen_at > clock_timestamp() - interval '1 minute'
        UNION ALL SELECT pg_backend_pid(), true
        """,
        returning: Int32.self,
        Bool.self
    )

    static let examples: [AnyStatement] = [
        Command("bench.agents", Self.agents(1, replyTo: "x")).erased, Command("bench.heard", Self.heard).erased,
        Command("bench.lease.0", Self.lease(request: 1, first: 0, count: 1, agents: 1)[0]).erased,
        Command("bench.lease.1", Self.lease(request: 1, first: 0, count: 1, agents: 1)[1]).erased,
        Command("bench.lease.2", Self.lease(request: 1, first: 0, count: 1, agents: 1)[2]).erased,
        Command("bench.unlease.0", Self.unlease(request: 1, first: 0, count: 1)[0]).erased,
        Command("bench.unlease.1", Self.unlease(request: 1, first: 0, count: 1)[1]).erased,
        Self.isFeedBehind.erased, Self.held.erased, Self.monitorProcesses.erased,
        Self.behind(sequence: 1, tasks: [1]).erased,
        Self.holder.erased, Self.waitingRows(of: []).erased, Self.waitingTasks(of: []).erased,
    ]
}
