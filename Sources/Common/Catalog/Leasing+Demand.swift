import Domain
package import Postgres

/// What agents ask for, and what they have been offered.
extension LeasingStatements {
    /// So long an offer may be on its way.
    package static let offerSeconds = 20.0

    /// Takes in demand. The agents come back whose question was new: one older than the last is ignored, as is a site that is
    /// not in the catalogue. A site that is not allowed gets its session, but no room.
    ///
    /// What was offered and had not reached the agent when it counted its free cores is not free: it is taken off. An offer that was lost is
    /// made up for by the next that comes, or when none was made for as long as one may be on its way, or with the reply queue: to another one
    /// nothing is on its way. An agent that does not say what has reached it is believed (`greatest` leaves nulls out).
    package static func takeDemand(_ demands: [Demand]) -> Statement<Int32> {
        Statement(
            "leasing.takeDemand",
            """
            INSERT INTO agent_session AS s (site, agent, session, sequence, reply_to, room, cores, memory_mb, walltime_s, disk_mb, platform,
                                            tags, storage, node, taken, queue, last_seen)
            SELECT i.site, i.agent, i.session, i.sequence, i.reply_to, CASE WHEN site.access = 'allowed' THEN i.room ELSE 0 END, i.cores,
                   i.memory_mb, i.walltime_s, i.disk_mb, i.platform, string_to_array(i.tags, ','), string_to_array(i.storage, ','),
                   i.node, i.taken, i.queue, clock_timestamp()
            FROM unnest(\(demands.map(\.site)), \(demands.map(\.agent)), \(demands.map(\.session)), \(demands.map(\.question)),
                        \(demands.map(\.replyTo)), \(demands.map { Int32(clamping: $0.room) }),
                        \(demands.map { Int32(clamping: $0.capacity.cores) }),
                        \(demands.map { Int32(clamping: $0.capacity.memoryMBPerCore) }),
                        \(demands.map { Int32(clamping: $0.capacity.walltimeSeconds) }),
                        \(demands.map { Int32(clamping: $0.capacity.diskMB) }), \(demands.map(\.capacity.platform)),
                        \(demands.map { $0.capacity.tags.joined(separator: ",") }),
                        \(demands.map { $0.capacity.storage.joined(separator: ",") }), \(demands.map(\.node)),
                        \(demands.map(\.taken)), \(demands.map(\.queue)))
                 AS i(site, agent, session, sequence, reply_to, room, cores, memory_mb, walltime_s, disk_mb, platform, tags, storage, node,
                      taken, queue)
            JOIN site ON site.name = i.site
            ORDER BY i.site, i.agent
            ON CONFLICT (site, agent) DO UPDATE SET
                session = excluded.session, sequence = excluded.sequence, reply_to = excluded.reply_to,
                room = CASE WHEN s.session = excluded.session AND s.queue IS NOT DISTINCT FROM excluded.queue
                             AND s.offered_at > clock_timestamp() - make_interval(secs => \(offerSeconds))
                            THEN greatest(0, excluded.room - greatest(0, s.offered - excluded.taken)) ELSE excluded.room END,
                offered = CASE WHEN s.session = excluded.session THEN s.offered ELSE 0 END, taken = excluded.taken,
                offered_at = CASE WHEN s.session = excluded.session AND s.queue IS NOT DISTINCT FROM excluded.queue
                                  THEN s.offered_at ELSE '-infinity' END,
                queue = excluded.queue,
                cores = excluded.cores, memory_mb = excluded.memory_mb, walltime_s = excluded.walltime_s, disk_mb = excluded.disk_mb,
                platform = excluded.platform, tags = excluded.tags, storage = excluded.storage, node = excluded.node,
                last_seen = excluded.last_seen,
                reserved_for = CASE WHEN s.session = excluded.session AND excluded.room > 0 THEN s.reserved_for END,
                reserved_at = CASE WHEN s.session = excluded.session AND excluded.room > 0 THEN s.reserved_at END,
                state = 'here', started = CASE WHEN s.session = excluded.session THEN s.started ELSE now() END
            WHERE s.session <> excluded.session OR s.sequence < excluded.sequence
            RETURNING s.id
            """,
            returning: Int32.self
        )
    }

    /// Agents with room after this one, in their order.
    package static func withRoom(after: Int32, limit: Int) -> Statement<Int32> {
        Statement(
            "leasing.withRoom",
            """
            SELECT id FROM agent_session WHERE room > 0 AND state = 'here' AND id > \(after) ORDER BY id LIMIT \(limit)
            """,
            returning: Int32.self
        )
    }

    /// Those of these agents that have room, locked: one that a second Scheduler serves is left to it, and one whose only node rests is left
    /// out. The last columns are the newest class there is, the cores of all that was offered in this session, the node that all its jobs
    /// run on, how many jobs its site and it may have because the site or the node is probed (null: any number), for which class it keeps
    /// its cores, and how many agents have done so for longer.
    package static func openDemand(
        _ holders: [Int32]
    ) -> Statement<
        Int32, String, String, UUIDText, Int64, String, Int32, Int32, Int32, Int32, Int32, String, [String], [String],
        Int32, Int64, String?, Int64?, Int64?, Int32?, Int64
    > {
        Statement(
            "leasing.openDemand",
            """
            WITH keeping AS (SELECT s.id, s.reserved_for, s.reserved_at \(fragment: Self.reservingAgents))
            SELECT s.id, s.site, s.agent, s.session, s.sequence, s.reply_to,
                   s.room, s.cores, s.memory_mb, s.walltime_s, s.disk_mb,
                   s.platform, s.tags, s.storage, coalesce((SELECT max(id) FROM class), 0), s.offered, s.node,
                   CASE WHEN p.site IS NOT NULL THEN p.probes - (SELECT count(*) FROM lease l WHERE l.site = s.site) END,
                   CASE WHEN n.site IS NOT NULL THEN n.probes - (SELECT count(*) FROM lease l WHERE l.holder = s.id) END,
                   s.reserved_for,
                   (SELECT count(*) FROM keeping k WHERE k.reserved_for = s.reserved_for AND (k.reserved_at, k.id) < (s.reserved_at, s.id))
            FROM agent_session s JOIN site ON site.name = s.site AND site.access = 'allowed'
            LEFT JOIN excluded_place p ON p.site = s.site AND p.node = ''
            LEFT JOIN excluded_place n ON n.site = s.site AND n.node = s.node
            WHERE s.id = ANY(\(holders)) AND s.room > 0 AND s.state = 'here' AND n.phase IS DISTINCT FROM 'resting'
            ORDER BY s.id FOR NO KEY UPDATE OF s SKIP LOCKED
            """,
            returning: Int32.self,
            String.self,
            String.self,
            UUIDText.self,
            Int64.self,
            String.self,
            Int32.self,
            Int32.self,
            Int32.self,
            Int32.self,
            Int32.self,
            String.self,
            [String].self,
            [String].self,
            Int32.self,
            Int64.self,
            String?.self,
            Int64?.self,
            Int64?.self,
            Int32?.self,
            Int64.self
        )
    }

    /// Which of these agents have room, locked or not: as ``openDemand(_:)`` sees it.
    package static func stillOpen(_ holders: [Int32]) -> Statement<Int32> {
        Statement(
            "leasing.stillOpen",
            """
            SELECT s.id FROM agent_session s JOIN site ON site.name = s.site AND site.access = 'allowed'
            LEFT JOIN excluded_place n ON n.site = s.site AND n.node = s.node
            WHERE s.id = ANY(\(holders)) AND s.room > 0 AND s.state = 'here' AND n.phase IS DISTINCT FROM 'resting'
            """,
            returning: Int32.self
        )
    }

    /// What is left of an agent's room.
    package struct RoomLeft: Sendable {
        package let holder: Int32
        package let room: Int
        /// Cores of the jobs that it is offered now.
        package let offered: Int
        /// The class for which the rest is kept; nil: none.
        package let reserved: Int32?

        package init(holder: Int32, room: Int, offered: Int, reserved: Int32? = nil) {
            self.holder = holder
            self.room = room
            self.offered = offered
            self.reserved = reserved
        }
    }

    package static func setRoom(_ rooms: [RoomLeft]) -> SQL {
        """
        UPDATE agent_session s SET room = i.room, offered = s.offered + i.offered,
            offered_at = CASE WHEN i.offered > 0 THEN clock_timestamp() ELSE s.offered_at END,
            reserved_for = i.reserved,
            reserved_at = CASE WHEN i.reserved IS NULL THEN NULL WHEN i.reserved = s.reserved_for THEN s.reserved_at ELSE clock_timestamp() END
        FROM unnest(\(rooms.map(\.holder)), \(rooms.map { Int32(clamping: $0.room) }), \(rooms.map { Int64($0.offered) }),
                    \(rooms.map(\.reserved)))
            AS i(id, room, offered, reserved)
        WHERE s.id = i.id
        """
    }

    /// A session whose reply queue is gone asks no more; what was on its way has come back.
    package static func sessionGone(holders: [Int32]) -> SQL {
        """
        UPDATE agent_session SET room = 0, reserved_for = NULL, reserved_at = NULL, offered_at = '-infinity', state = CASE state WHEN 'here' THEN 'silent' ELSE state END
        WHERE id = ANY(\(holders))
        """
    }
}
