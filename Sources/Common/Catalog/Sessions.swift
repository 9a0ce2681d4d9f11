package import Domain
package import Postgres

/// Heartbeats, silence, and the kills that are wished for.
package enum SessionStatements {
    package struct Beat: Sendable {
        package let site: String
        package let agent: String
        package let session: UUIDText
        package let held: HeldSummary
        package let staying: Bool

        package init(site: String, agent: String, session: UUIDText, held: HeldSummary, staying: Bool) {
            self.site = site
            self.agent = agent
            self.session = session
            self.held = held
            self.staying = staying
        }
    }

    /// Takes in heartbeats. Returns holder, site, agent, whether the site lets it work, what the catalogue thinks the agent holds
    /// (count and hash), and whether attempts of it are to be killed. An agent that has never asked for work, or that is in
    /// another session by now, is not among them.
    package static func beat(
        _ beats: [Beat]
    ) -> Statement<Int32, String, String, Bool, Int64, Int64, Bool, Double> {
        Statement(
            "sessions.beat",
            """
            WITH i AS MATERIALIZED (
                SELECT * FROM unnest(\(beats.map(\.site)), \(beats.map(\.agent)), \(beats.map(\.session)), \(beats.map(\.held.count)),
                                     \(beats.map(\.held.hash)), \(beats.map(\.staying))) AS i(site, agent, session, count, hash, staying)
            ), s AS MATERIALIZED (
                SELECT s.id, i.* FROM i JOIN agent_session s ON s.site = i.site AND s.agent = i.agent AND s.session = i.session
                ORDER BY i.site, i.agent FOR NO KEY UPDATE OF s
            ), u AS (
                UPDATE agent_session a SET last_seen = clock_timestamp(), held_count = s.count, held_hash = s.hash,
                    state = CASE WHEN s.staying THEN 'here' ELSE 'gone' END, room = CASE WHEN s.staying THEN a.room ELSE 0 END,
                    reserved_for = CASE WHEN s.staying THEN a.reserved_for END, reserved_at = CASE WHEN s.staying THEN a.reserved_at END
                FROM s WHERE a.id = s.id
            )
            SELECT s.id, s.site, s.agent, site.access = 'allowed', coalesce(h.count, 0), coalesce(h.hash, 0),
                   EXISTS (SELECT 1 FROM kill_wish k WHERE k.holder = s.id), extract(epoch FROM site.lost_after)::double precision
            FROM s JOIN site ON site.name = s.site CROSS JOIN LATERAL (
                SELECT sum(h.count)::bigint AS count, sum(h.hash)::bigint AS hash FROM held_tally h WHERE h.holder = s.id
            ) h
            """,
            returning: Int32.self,
            String.self,
            String.self,
            Bool.self,
            Int64.self,
            Int64.self,
            Bool.self,
            Double.self
        )
    }

    /// Leases of an agent that is not among what it says it holds and that are old enough for the offer to have arrived:
    /// task, index, attempt, site, whether it was ever reported.
    package static func missing(
        holder: Int32,
        held: [AttemptKey],
        olderThanSeconds: Double
    ) -> Statement<Int64, Int64, Int32, String, Bool> {
        Statement(
            "sessions.missing",
            """
            SELECT l.task, l.index, l.attempt, l.site, l.sequence > 0 FROM lease l
            WHERE l.holder = \(holder) AND l.since < clock_timestamp() - make_interval(secs => \(olderThanSeconds))
              AND NOT EXISTS (
                SELECT 1 FROM unnest(\(held.map(\.task)), \(held.map(\.index)), \(held.map { Int32($0.attempt) })) AS i(task, index, attempt)
                WHERE i.task = l.task AND i.index = l.index AND i.attempt = l.attempt)
            ORDER BY l.task, l.index
            """,
            returning: Int64.self,
            Int64.self,
            Int32.self,
            String.self,
            Bool.self
        )
    }

    /// Which of the attempts an agent holds have no lease of its own any more: they are to be killed.
    package static func foreign(holder: Int32, held: [AttemptKey]) -> Statement<Int64, Int64, Int32> {
        Statement(
            "sessions.foreign",
            """
            SELECT i.task, i.index, i.attempt
            FROM unnest(\(held.map(\.task)), \(held.map(\.index)), \(held.map { Int32($0.attempt) })) AS i(task, index, attempt)
            WHERE NOT EXISTS (SELECT 1 FROM lease l WHERE l.task = i.task AND l.index = i.index AND l.attempt = i.attempt
                              AND l.holder = \(holder))
            """,
            returning: Int64.self,
            Int64.self,
            Int32.self
        )
    }

    /// The kills wished for of these agents: holder, task, index, attempt, reason.
    package static func kills(holders: [Int32]) -> Statement<Int32, Int64, Int64, Int32, String> {
        Statement(
            "sessions.kills",
            """
            SELECT holder, task, index, attempt, reason FROM kill_wish WHERE holder = ANY(\(holders))
            ORDER BY holder, task, index, attempt LIMIT 500
            """,
            returning: Int32.self,
            Int64.self,
            Int64.self,
            Int32.self,
            String.self
        )
    }

    /// An attempt is to be ended; wishing twice is wishing once.
    package static func wishKill(_ attempt: AttemptKey, holder: Int32, reason: String) -> SQL {
        """
        INSERT INTO kill_wish (task, index, attempt, holder, reason)
        VALUES (\(attempt.task), \(attempt.index), \(Int32(attempt.attempt)), \(holder), \(reason)) ON CONFLICT DO NOTHING
        """
    }

    /// Agents that are here and have something to kill.
    package static let holdersWithKills = Statement<Int32>(
        "sessions.holdersWithKills",
        """
        SELECT DISTINCT k.holder FROM kill_wish k JOIN agent_session s ON s.id = k.holder AND s.state = 'here' ORDER BY 1
        """,
        returning: Int32.self
    )

    package static func killed(_ attempts: [AttemptKey]) -> SQL {
        """
        DELETE FROM kill_wish k USING unnest(\(attempts.map(\.task)), \(attempts.map(\.index)), \(attempts.map { Int32($0.attempt) }))
            AS i(task, index, attempt)
        WHERE k.task = i.task AND k.index = i.index AND k.attempt = i.attempt
        """
    }

    /// Where to send answers: holder, reply queue, agent, session.
    package static func addresses(holders: [Int32]) -> Statement<Int32, String, String, UUIDText> {
        Statement(
            "sessions.addresses",
            "SELECT id, reply_to, agent, session FROM agent_session WHERE id = ANY(\(holders))",
            returning: Int32.self,
            String.self,
            String.self,
            UUIDText.self
        )
    }

    /// Agents silent for longer than their site's lost_after become silent: they get no offers. Returns id, site, agent.
    ///
    /// - Parameter connectedSeconds: how long this Monitor has had database and broker without a break; time in which the
    ///   centre itself was deaf does not count.
    package static func silence(connectedSeconds: Double) -> Statement<Int32, String, String> {
        Statement(
            "sessions.silence",
            """
            UPDATE agent_session s SET state = 'silent', room = 0, reserved_for = NULL, reserved_at = NULL FROM site
            WHERE site.name = s.site AND s.state = 'here' AND s.last_seen < clock_timestamp() - site.lost_after
              AND make_interval(secs => \(connectedSeconds)) > least(site.lost_after, interval '1 minute')
            RETURNING s.id, s.site, s.agent
            """,
            returning: Int32.self,
            String.self,
            String.self
        )
    }

    /// Attempts of agents that are silent or gone: task, index, attempt, site. Looked up by agent, and only of agents that hold some: the
    /// effort does not grow with what runs.
    package static let orphans = Statement<Int64, Int64, Int32, String>(
        "sessions.orphans",
        """
        SELECT l.task, l.index, l.attempt, l.site FROM agent_session s JOIN site ON site.name = s.site CROSS JOIN LATERAL (
            SELECT l.task, l.index, l.attempt, l.site FROM lease l WHERE l.holder = s.id OFFSET 0) l
        WHERE s.state <> 'here' AND s.last_seen < clock_timestamp() - CASE s.state WHEN 'gone' THEN interval '5 seconds' ELSE site.lost_after END
          AND (SELECT sum(h.count) FROM held_tally h WHERE h.holder = s.id) > 0
        LIMIT 500
        """,
        returning: Int64.self,
        Int64.self,
        Int32.self,
        String.self
    )

    /// Attempts that have been too long in their state: task, index, attempt, site, holder, state (leased or running), seconds in it.
    package static func overdue(
        _ timeouts: AttemptTimeouts
    ) -> Statement<Int64, Int64, Int32, String, Int32, String, Double> {
        Statement(
            "sessions.overdue",
            """
            SELECT l.task, l.index, l.attempt, l.site, l.holder, l.state,
                   extract(epoch FROM clock_timestamp() - CASE l.state WHEN 'leased' THEN l.since ELSE a.started_at END)::double precision
            FROM unnest(\(timeouts.bands.map { Int32(clamping: $0.priority) }), \(timeouts.highest.map { Int32(clamping: $0) }),
                        \(timeouts.bands.map(\.leased)), \(timeouts.bands.map(\.overdue))) AS b(low, high, leased, overdue)
            JOIN task t ON t.priority BETWEEN b.low AND b.high AND t.state IN ('running', 'scouting', 'paused', 'finishing')
            JOIN class c ON c.id = t.class
            JOIN lease l ON l.task = t.id
             AND l.since < clock_timestamp() - make_interval(secs => CASE l.state WHEN 'leased' THEN b.leased ELSE c.walltime_s + b.overdue END)
            JOIN attempt a ON a.task = l.task AND a.index = l.index AND a.attempt = l.attempt
            JOIN job j ON j.task = l.task AND j.index = l.index LEFT JOIN class o ON o.id = j.class
            WHERE l.state = 'leased'
               OR a.started_at < clock_timestamp() - make_interval(secs => coalesce(o.walltime_s, c.walltime_s) + b.overdue)
            ORDER BY l.task, l.index LIMIT 500
            """,
            returning: Int64.self,
            Int64.self,
            Int32.self,
            String.self,
            Int32.self,
            String.self,
            Double.self
        )
    }

    static var examples: [AnyStatement] {
        [
            Self.overdue(.defaults).erased, Self.beat([]).erased,
            Self.missing(holder: 1, held: [], olderThanSeconds: 1).erased,
            Self.foreign(holder: 1, held: []).erased, Self.kills(holders: []).erased, Self.holdersWithKills.erased,
            Command(
                "sessions.wishKill",
                Self.wishKill(AttemptKey(task: 1, index: 1, attempt: 1), holder: 1, reason: "x")
            ).erased,
            Command("sessions.killed", Self.killed([])).erased,
            Self.addresses(holders: []).erased, Self.silence(connectedSeconds: 1).erased, Self.orphans.erased,
        ]
    }
}
