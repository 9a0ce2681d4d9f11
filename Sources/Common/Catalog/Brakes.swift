import Domain
package import Postgres

/// What the Monitor's brakes look at and do.
package enum BrakeStatements {
    /// Running tasks with counted failures: task, jobs done, attempts' wall seconds that ended well (lately: see ``goodWall(of:)``),
    /// and by fingerprint: jobs, failures, lost wall seconds, failures whose jobs got more.
    package static let counts = Statement<Int64, Int64, Double, String, Int64, Int64, Double, Int64>(
        "brakes.counts",
        """
        SELECT t.id, coalesce((SELECT sum(c.done + c.aborted)::bigint FROM task_counter c WHERE c.task = t.id), 0),
               coalesce((SELECT sum(p.good_wall) FROM place_tally p WHERE p.task = t.id), 0), f.fingerprint, f.jobs, f.failures, f.lost_seconds,
               f.remedied
        FROM task t JOIN failure_tally f ON f.task = t.id
        WHERE t.state IN ('running', 'scouting') ORDER BY t.id, f.jobs DESC
        """,
        returning: Int64.self,
        Int64.self,
        Double.self,
        String.self,
        Int64.self,
        Int64.self,
        Double.self,
        Int64.self
    )

    /// Wall seconds of all attempts of a task that ended well, however long ago. It costs a row for each hour and site of the task, and is
    /// asked only of one that lost more than went well of late.
    package static func goodWall(of task: Int64) -> Statement<Double> {
        Statement(
            "brakes.goodWall",
            """
            SELECT coalesce(sum(done_us), 0)::double precision / 1000000 FROM ended_total WHERE task = \(task) AND grain = 'h'
            """,
            returning: Double.self
        )
    }

    /// On how many nodes a task has failures that count, and on how many others it runs or has jobs that ended well. Of very many
    /// a part is looked at.
    package static func spread(of task: Int64) -> Statement<Int64, Int64> {
        Statement(
            "brakes.spread",
            """
            SELECT count(*) FILTER (WHERE failed), count(*) FILTER (WHERE NOT failed) FROM (
                SELECT site, node, bool_or(failed) AS failed FROM (
                    SELECT site, coalesce(node, '') AS node, true AS failed
                    FROM (SELECT * FROM verdict WHERE task = \(task) AND counted AND NOT forgiven LIMIT 5000) v
                    UNION ALL
                    SELECT a.site, coalesce(a.node, ''), false
                    FROM (SELECT * FROM lease WHERE task = \(task) AND state = 'running' LIMIT 5000) l
                    JOIN attempt a ON a.task = l.task AND a.index = l.index AND a.attempt = l.attempt
                    UNION ALL
                    SELECT site, node, false FROM place_tally WHERE task = \(task) AND good > 0
                ) x GROUP BY site, node
            ) y
            """,
            returning: Int64.self,
            Int64.self
        )
    }

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

    /// Nodes and sites (empty node) that are resting or probed: site, node.
    package static let places = Statement<String, String>(
        "brakes.excludedPlaces",
        "SELECT site, node FROM excluded_place",
        returning: String.self,
        String.self
    )

    /// Nodes that get no work at the moment: site, node.
    package static let restingNodes = Statement<String, String>(
        "brakes.restingNodes",
        "SELECT site, node FROM excluded_place WHERE node <> '' AND phase = 'resting' ORDER BY site, node",
        returning: String.self,
        String.self
    )

    /// What failed at a place since a moment no longer uses up attempts of its jobs: it has turned out to be the place's fault.
    /// The jobs are locked first, as by everybody who gives or carries out a verdict.
    package static func forgive(site: String, node: String?, since: Moment) -> SQL {
        let place = node ?? ""
        return """
            WITH mine AS MATERIALIZED (
                SELECT v.task, v.index, v.attempt, v.fingerprint FROM verdict v
                WHERE v.at >= \(since) AND v.site = \(site) AND (coalesce(v.node, '') = \(place) OR \(place) = '')
                  AND v.counted AND NOT v.forgiven AND v.blame NOT IN ('operator', 'definition', 'data')
            ), locked AS MATERIALIZED (
                SELECT j.task, j.index FROM job j JOIN (SELECT DISTINCT task, index FROM mine) m ON m.task = j.task AND m.index = j.index
                ORDER BY j.task, j.index FOR NO KEY UPDATE OF j
            ), f AS (
                UPDATE verdict v SET forgiven = true FROM mine m JOIN locked l ON l.task = m.task AND l.index = m.index
                WHERE v.task = m.task AND v.index = m.index AND v.attempt = m.attempt AND NOT v.forgiven
                RETURNING v.task, v.index, v.attempt, v.fingerprint, gets_more(v.action, v.changes) AS remedied
            ), d AS (
                UPDATE job j SET failures = greatest(0, j.failures - x.count)
                FROM (SELECT task, index, count(*)::int AS count FROM f GROUP BY task, index) x WHERE j.task = x.task AND j.index = x.index
            )
            UPDATE failure_tally t SET failures = greatest(0, t.failures - x.failures), jobs = greatest(0, t.jobs - x.jobs),
                remedied = greatest(0, t.remedied - x.remedied), lost_seconds = greatest(0, t.lost_seconds - x.wall)
            FROM (
                SELECT f.task, f.fingerprint, count(*) FILTER (WHERE NOT f.remedied) AS failures,
                       count(*) FILTER (WHERE f.remedied) AS remedied, coalesce(sum(a.wall_seconds), 0) AS wall,
                       count(DISTINCT f.index) FILTER (WHERE NOT f.remedied AND NOT EXISTS (
                           SELECT 1 FROM verdict o WHERE o.task = f.task AND o.index = f.index AND o.fingerprint = f.fingerprint AND o.counted
                             AND NOT o.forgiven AND NOT gets_more(o.action, o.changes)
                             AND NOT EXISTS (SELECT 1 FROM f g WHERE g.task = o.task AND g.index = o.index AND g.attempt = o.attempt))) AS jobs
                FROM f JOIN attempt a ON a.task = f.task AND a.index = f.index AND a.attempt = f.attempt GROUP BY f.task, f.fingerprint
            ) x WHERE t.task = x.task AND t.fingerprint = x.fingerprint
            """
    }

    /// Keeps a place from work. A site is drained as well, in the same transaction.
    package static func exclude(
        site: String,
        node: String?,
        reason: String,
        pauseSeconds: Double,
        probes: Int
    ) -> [SQL] {
        let place = node ?? ""
        // The site first: so does an operator.
        var statements: [SQL] = node == nil ? [Self.lock(site)] : []
        statements += [
            """
            INSERT INTO excluded_place (site, node, phase, reason, round, pause_seconds, probes)
            VALUES (\(site), \(place), 'resting', \(reason), 1, \(pauseSeconds), \(Int32(clamping: probes)))
            ON CONFLICT DO NOTHING
            """,
            // What led to it is used up: after its return only what is new counts.
            "DELETE FROM place_tally WHERE site = \(site) AND (node = \(place) OR \(place) = '')",
        ]
        if node == nil { statements.append(Self.access(site, "draining", reason: reason, phase: "resting")) }
        return statements
    }

    /// Puts a place into another phase of its way back.
    package static func move(site: String, node: String, phase: String, round: Int, pauseSeconds: Double) -> [SQL] {
        var statements: [SQL] = node.isEmpty ? [Self.lock(site)] : []
        statements += [
            """
            UPDATE excluded_place SET phase = \(phase), round = \(Int32(clamping: round)), pause_seconds = \(pauseSeconds),
                since = clock_timestamp() WHERE site = \(site) AND node = \(node)
            """,
            "DELETE FROM place_tally WHERE site = \(site) AND (node = \(node) OR \(node) = '')",
        ]
        if node.isEmpty {
            let access = phase == "probing" ? "allowed" : "draining"
            statements.append(Self.access(site, access, reason: "\(phase) after it failed", phase: phase))
        }
        return statements
    }

    /// A place is as all others again.
    package static func readmit(site: String, node: String) -> [SQL] {
        guard node.isEmpty else { return ["DELETE FROM excluded_place WHERE site = \(site) AND node = \(node)"] }
        return [
            Self.lock(site), Self.access(site, "allowed", reason: "its probes went well", phase: "probing"),
            "DELETE FROM excluded_place WHERE site = \(site) AND node = ''",
        ]
    }

    /// Lets sites in whose operator said until when, once that time is over. That the Monitor kept one out as well, and what failed there
    /// before, is forgotten as when an operator allows it; its nodes go on with their way back, nobody spoke of them.
    package static let timesOver = Statement<String>(
        "brakes.timesOver",
        """
        WITH ended AS (
            UPDATE site SET access = 'allowed', reason = 'its time is over', until = NULL, who = 'monitor', version = version + 1
            WHERE access <> 'allowed' AND until <= clock_timestamp() RETURNING name
        ), place AS (
            DELETE FROM excluded_place p USING ended e WHERE p.site = e.name AND p.node = ''
        ), tally AS (
            DELETE FROM place_tally t USING ended e WHERE t.site = e.name
        )
        SELECT name FROM ended ORDER BY name
        """,
        returning: String.self
    )

    private static func lock(_ site: String) -> SQL { "SELECT FROM site WHERE name = \(site) FOR NO KEY UPDATE" }

    /// What an operator has decided meanwhile outranks: then nothing is changed. One who allowed the site has also forgotten that it was
    /// excluded: without a place in this phase nobody would let it in again.
    private static func access(_ site: String, _ access: String, reason: String, phase: String) -> SQL {
        """
        UPDATE site SET access = \(access), reason = \(reason), until = NULL, who = 'monitor', version = version + 1
        WHERE name = \(site) AND access <> \(access) AND (access = 'allowed' OR who = 'monitor')
          AND EXISTS (SELECT 1 FROM excluded_place p WHERE p.site = \(site) AND p.node = '' AND p.phase = \(phase))
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
            + Self.readmit(site: "x", node: "") + [
                Self.forget(before: Moment(microseconds: 0)),
                Self.forgive(site: "x", node: nil, since: Moment(microseconds: 0)),
            ]
        return [
            Self.counts.erased, Self.spread(of: 1).erased, Self.goodWall(of: 1).erased,
            Self.places(since: Moment(microseconds: 0)).erased,
            Self.sites.erased,
            Self.excluded.erased, Self.places.erased, Self.restingNodes.erased, Self.tryLock.erased,
            Self.timesOver.erased,
        ] + changes.enumerated().map { Command("brakes.change.\($0)", $1).erased }
    }
}
