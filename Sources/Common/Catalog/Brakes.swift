import Domain
package import Postgres

/// What the Monitor's brakes look at and do.
package enum BrakeStatements {
    /// Running tasks with counted failures: task, jobs done, attempts' wall seconds that ended well (of the last hours that are
    /// kept), and by fingerprint: jobs, failures, lost wall seconds.
    package static let counts = Statement<Int64, Int64, Double, String, Int64, Int64, Double>(
        "brakes.counts",
        """
        SELECT t.id, coalesce((SELECT sum(c.done + c.aborted)::bigint FROM task_counter c WHERE c.task = t.id), 0),
               coalesce((SELECT sum(p.good_wall) FROM place_tally p WHERE p.task = t.id), 0), f.fingerprint, f.jobs, f.failures, f.lost_seconds
        FROM task t JOIN failure_tally f ON f.task = t.id
        WHERE t.state IN ('running', 'scouting') ORDER BY t.id, f.jobs DESC
        """,
        returning: Int64.self,
        Int64.self,
        Double.self,
        String.self,
        Int64.self,
        Int64.self,
        Double.self
    )

    /// How attempts ended by place since a moment: site, node, task, good, failed, wall seconds of both.
    package static func places(since: Moment) -> Statement<String, String, Int64, Int64, Int64, Double, Double> {
        Statement(
            "brakes.places",
            """
            SELECT site, node, task, sum(good)::bigint, sum(failed)::bigint, sum(good_wall), sum(failed_wall)
            FROM place_tally WHERE minute >= \(since) GROUP BY site, node, task ORDER BY site, node, task
            """,
            returning: String.self,
            String.self,
            Int64.self,
            Int64.self,
            Int64.self,
            Double.self,
            Double.self
        )
    }

    /// Every site: name, access, whether the Monitor set it, cores its agents offer.
    package static let sites = Statement<String, String, Bool, Int64>(
        "brakes.sites",
        """
        SELECT s.name, s.access, coalesce(s.who = 'monitor', false),
               coalesce((SELECT sum(a.cores)::bigint FROM agent_session a WHERE a.site = s.name AND a.state = 'here'), 0)
        FROM site s ORDER BY s.name
        """,
        returning: String.self,
        String.self,
        Bool.self,
        Int64.self
    )

    /// What is excluded: site, node, phase, round, pause, seconds in this phase, reason.
    package static let excluded = Statement<String, String, String, Int32, Double, Double, String>(
        "brakes.excluded",
        """
        SELECT site, node, phase, round, pause_seconds, extract(epoch FROM clock_timestamp() - since)::double precision, reason
        FROM excluded_place ORDER BY site, node
        """,
        returning: String.self,
        String.self,
        String.self,
        Int32.self,
        Double.self,
        Double.self,
        String.self
    )

    /// Nodes that get no work at the moment: site, node.
    package static let restingNodes = Statement<String, String>(
        "brakes.restingNodes",
        "SELECT site, node FROM excluded_place WHERE node <> '' AND phase = 'resting' ORDER BY site, node",
        returning: String.self,
        String.self
    )

    /// Keeps a place from work. A site is drained as well, in the same transaction.
    package static func exclude(
        site: String,
        node: String?,
        reason: String,
        pauseSeconds: Double,
        probes: Int
    ) -> [SQL] {
        let place = node ?? ""
        var statements: [SQL] = [
            """
            INSERT INTO excluded_place (site, node, phase, reason, round, pause_seconds, probes)
            VALUES (\(site), \(place), 'resting', \(reason), 1, \(pauseSeconds), \(Int32(clamping: probes)))
            ON CONFLICT DO NOTHING
            """,
            // What led to it is used up: after its return only what is new counts.
            "DELETE FROM place_tally WHERE site = \(site) AND (node = \(place) OR \(place) = '')",
        ]
        if node == nil { statements.append(Self.access(site, "draining", reason: reason)) }
        return statements
    }

    /// Puts a place into another phase of its way back.
    package static func move(site: String, node: String, phase: String, round: Int, pauseSeconds: Double) -> [SQL] {
        var statements: [SQL] = [
            """
            UPDATE excluded_place SET phase = \(phase), round = \(Int32(clamping: round)), pause_seconds = \(pauseSeconds),
                since = clock_timestamp() WHERE site = \(site) AND node = \(node)
            """,
            "DELETE FROM place_tally WHERE site = \(site) AND (node = \(node) OR \(node) = '')",
        ]
        if node.isEmpty {
            let access = phase == "probing" ? "allowed" : "draining"
            statements.append(Self.access(site, access, reason: "\(phase) after it failed"))
        }
        return statements
    }

    /// A place is as all others again.
    package static func readmit(site: String, node: String) -> [SQL] {
        var statements: [SQL] = ["DELETE FROM excluded_place WHERE site = \(site) AND node = \(node)"]
        if node.isEmpty { statements.append(Self.access(site, "allowed", reason: "its probes went well")) }
        return statements
    }

    /// What an operator has decided meanwhile outranks: then nothing is changed.
    private static func access(_ site: String, _ access: String, reason: String) -> SQL {
        """
        UPDATE site SET access = \(access), reason = \(reason), who = 'monitor', version = version + 1
        WHERE name = \(site) AND access <> \(access) AND (access = 'allowed' OR who = 'monitor')
        """
    }

    /// One Monitor at a time: false, another is at it.
    package static let tryLock = Statement<Bool>(
        "brakes.tryLock",
        "SELECT pg_try_advisory_xact_lock(7142, 2)",
        returning: Bool.self
    )

    /// Old minutes say nothing any more.
    package static func forget(before: Moment) -> SQL { "DELETE FROM place_tally WHERE minute < \(before)" }

    static var examples: [AnyStatement] {
        let changes =
            Self.exclude(site: "x", node: nil, reason: "x", pauseSeconds: 1, probes: 1)
            + Self.move(site: "x", node: "", phase: "resting", round: 1, pauseSeconds: 1)
            + Self.readmit(site: "x", node: "") + [Self.forget(before: Moment(microseconds: 0))]
        return [
            Self.counts.erased, Self.places(since: Moment(microseconds: 0)).erased, Self.sites.erased,
            Self.excluded.erased, Self.restingNodes.erased, Self.tryLock.erased,
        ] + changes.enumerated().map { Command("brakes.change.\($0)", $1).erased }
    }
}
