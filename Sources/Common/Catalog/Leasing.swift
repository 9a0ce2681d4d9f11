package import Domain
package import Postgres

/// What the Scheduler writes when it serves demand: all of it in one transaction.
package enum LeasingStatements {
    /// Due ranges of these classes, best first within a class, locked.
    ///
    /// - Parameters:
    ///   - site: ranges that exclude this site are left out; nil: none is.
    ///   - node: ranges that exclude this node are left out; nil: none is.
    ///   - patient: wait for rows another Scheduler holds, instead of passing them by. Used before it says "nothing for you".
    package static func candidates(
        classes: [Int32],
        site: String?,
        node: String?,
        perClass: Int,
        patient: Bool
    ) -> Statement<Int64, Int64, Int64, Int32, Int32, [String], [String]> {
        let lock: SQL = patient ? "FOR NO KEY UPDATE" : "FOR NO KEY UPDATE SKIP LOCKED"
        return Statement(
            "leasing.candidates",
            """
            SELECT w.task, w.first, w.last, w.class, w.priority, w.excluded, w.excluded_nodes
            FROM unnest(\(classes)) AS c(class) CROSS JOIN LATERAL (
                SELECT * FROM waiting w WHERE w.class = c.class AND w.due AND NOT w.held
                  AND (\(site)::text IS NULL OR \(site)::text <> ALL (w.excluded))
                  AND (\(node)::text IS NULL OR \(node)::text <> ALL (w.excluded_nodes))
                ORDER BY w.priority DESC, w.task, w.first LIMIT \(perClass) \(fragment: lock)
            ) w
            """,
            returning: Int64.self,
            Int64.self,
            Int64.self,
            Int32.self,
            Int32.self,
            [String].self,
            [String].self
        )
    }

    /// In which of these classes jobs wait that a site, and its node if it is one alone, may have, whoever holds their rows at the moment:
    /// site, class, node.
    package static func stillWaiting(
        _ wanted: [(site: String, class: Int32, node: String?)]
    ) -> Statement<String, Int32, String?> {
        Statement(
            "leasing.stillWaiting",
            """
            SELECT i.site, i.class, i.node
            FROM unnest(\(wanted.map(\.site)), \(wanted.map(\.class)), \(wanted.map(\.node))) AS i(site, class, node)
            WHERE EXISTS (SELECT 1 FROM waiting w WHERE w.class = i.class AND w.due AND NOT w.held AND i.site <> ALL (w.excluded)
                                                    AND (i.node IS NULL OR i.node <> ALL (w.excluded_nodes)))
            """,
            returning: String.self,
            Int32.self,
            String?.self
        )
    }

    /// Shortens or removes the ranges that were cut; nothing for what there is none of.
    package static func cut(_ cuts: [Cut]) -> [SQL] {
        let gone = cuts.filter { $0.rest == nil }
        let shorter = cuts.compactMap { cut in cut.rest.map { (cut, $0.first) } }
        return (gone.isEmpty ? [] : [Self.remove(gone)]) + (shorter.isEmpty ? [] : [Self.shorten(shorter)])
    }

    private static func remove(_ gone: [Cut]) -> SQL {
        """
        DELETE FROM waiting w USING unnest(\(gone.map(\.task)), \(gone.map(\.key))) AS i(task, first)
        WHERE w.task = i.task AND w.first = i.first
        """
    }

    private static func shorten(_ shorter: [(cut: Cut, first: Int64)]) -> SQL {
        """
        UPDATE waiting w SET first = i.new_first
        FROM unnest(\(shorter.map(\.cut.task)), \(shorter.map(\.cut.key)), \(shorter.map(\.first))) AS i(task, first, new_first)
        WHERE w.task = i.task AND w.first = i.first
        """
    }

    /// Makes job, attempt and lease of each; a job that waited as a row takes its next attempt number. One statement, so that
    /// a batch costs one round trip. The attempt keeps the class in which it is leased: for that one it counts, whatever becomes of its task.
    ///
    /// Returns task, index, attempt, expected events, and the first of them in the task where that is not as the index says.
    package static func lease(_ leases: [NewLease]) -> Statement<Int64, Int64, Int32, Int64, Int64?> {
        let leases = leases.sorted { $0.job < $1.job }
        return Statement(
            "leasing.lease",
            """
            WITH i AS MATERIALIZED (
                SELECT i.*, greatest(coalesce(least(t.events_per_job, t.events_total - i.index * t.events_per_job), 0), 0) AS events, t.class
                FROM unnest(\(leases.map(\.job.task)), \(leases.map(\.job.index)), \(leases.map(\.holder)), \(leases.map(\.site)),
                            \(leases.map(\.agent)), \(leases.map(\.token))) AS i(task, index, holder, site, agent, token)
                JOIN task t ON t.id = i.task ORDER BY i.task, i.index
            ), j AS (
                INSERT INTO job AS j (task, index, events_expected, state, attempts, cause)
                SELECT task, index, events, 'active', 1, 'leased' FROM i
                ON CONFLICT (task, index) DO UPDATE SET state = 'active', attempts = j.attempts + 1, version = j.version + 1,
                    cause = 'leased', who = NULL
                WHERE j.state = 'waiting'
                RETURNING j.task, j.index, j.attempts, j.events_expected, j.first_event, j.class
            ), a AS (
                INSERT INTO attempt (task, index, attempt, token, site, agent, events_expected, leased_class)
                SELECT j.task, j.index, j.attempts, i.token, i.site, i.agent, j.events_expected, coalesce(j.class, i.class)
                FROM j JOIN i ON i.task = j.task AND i.index = j.index
            ), l AS (
                INSERT INTO lease (task, index, attempt, holder, token, site, state)
                SELECT j.task, j.index, j.attempts, i.holder, i.token, i.site, 'leased'
                FROM j JOIN i ON i.task = j.task AND i.index = j.index
            )
            SELECT task, index, attempts, events_expected, first_event FROM j
            """,
            returning: Int64.self,
            Int64.self,
            Int32.self,
            Int64.self,
            Int64?.self
        )
    }

    /// Ranges whose pause is over become leasable. Returns how many.
    package static let makeDue: SQL =
        "UPDATE waiting SET due = true WHERE NOT due AND not_before <= clock_timestamp()"

    /// Seconds until the next range is due; no row: none waits for a time.
    package static let nextDue = Statement<Double>(
        "leasing.nextDue",
        """
        SELECT extract(epoch FROM min(not_before) - clock_timestamp())::double precision FROM waiting WHERE NOT due
        HAVING min(not_before) IS NOT NULL
        """,
        returning: Double.self
    )

    /// Every site there is.
    package static let sites = Statement<String>(
        "leasing.sites",
        "SELECT name FROM site ORDER BY name",
        returning: String.self
    )

    /// Every class in use. Small: jobs with equal needs share one.
    package static let classes = Statement<
        Int32, Int32, Int32, Int32, Int32, String, [String], [String], [String], String?
    >(
        "leasing.classes",
        """
        SELECT id, cores, memory_mb, walltime_s, disk_mb, platform, tags, sites, storage, nullif(share, '') FROM class ORDER BY id
        """,
        returning: Int32.self,
        Int32.self,
        Int32.self,
        Int32.self,
        Int32.self,
        String.self,
        [String].self,
        [String].self,
        [String].self,
        String?.self
    )

    /// The inputs of leased jobs: task, index, lfn, bytes, adler32, events, first event of the slice, storages.
    package static func inputs(
        _ jobs: [JobKey]
    ) -> Statement<Int64, Int64, String, Int64, String, Int64, Int64, [String]> {
        Statement(
            "leasing.inputs",
            """
            SELECT u.task, u.index, f.lfn, f.bytes, f.adler32, f.events, lower(u.slice),
                   ARRAY(SELECT r.storage FROM replica r WHERE r.file = f.id AND r.state = 'available' ORDER BY r.storage)
            FROM unnest(\(jobs.map(\.task)), \(jobs.map(\.index))) AS i(task, index)
            CROSS JOIN LATERAL (
                SELECT u.* FROM unit_input u WHERE \(fragment: UnitInputs.areOfJob(task: "i.task", index: "i.index")) OFFSET 0) u
            CROSS JOIN LATERAL (SELECT f.* FROM file f WHERE f.id = u.file OFFSET 0) f
            ORDER BY u.task, u.index, f.task, f.index, f.lfn, lower(u.slice)
            """,
            returning: Int64.self,
            Int64.self,
            String.self,
            Int64.self,
            String.self,
            Int64.self,
            Int64.self,
            [String].self
        )
    }

    /// The descriptions of tasks: id, spec, whether it has inputs, events per job, number of the first event.
    package static func specs(_ tasks: [Int64]) -> Statement<Int64, JSONText, Bool, Int64?, Int64> {
        Statement(
            "leasing.specs",
            """
            SELECT t.id, t.spec, EXISTS (SELECT 1 FROM task_input i WHERE i.task = t.id), t.events_per_job, t.first_event
            FROM task t WHERE t.id = ANY(\(tasks))
            """,
            returning: Int64.self,
            JSONText.self,
            Bool.self,
            Int64?.self,
            Int64.self
        )
    }

    /// Gives leases back that were never taken: nothing was tried, nothing is counted. Only a lease still in state leased
    /// under its token goes. Returns the jobs that wait again: all but those of tasks that have ended meanwhile.
    package static func giveBack(_ attempts: [(key: AttemptKey, token: UUIDText)]) -> Statement<Int64, Int64> {
        let attempts = attempts.sorted { $0.key < $1.key }
        return Statement(
            "leasing.giveBack",
            """
            WITH i AS MATERIALIZED (
                SELECT * FROM unnest(\(attempts.map(\.key.task)), \(attempts.map(\.key.index)), \(attempts.map { Int32($0.key.attempt) }),
                                     \(attempts.map(\.token))) AS i(task, index, attempt, token)
            ), t AS MATERIALIZED (
                SELECT * FROM task WHERE id = ANY(\(Set(attempts.map(\.key.task)).sorted())) ORDER BY id FOR SHARE
            ), locked AS MATERIALIZED (
                SELECT i.task, i.index FROM (SELECT i.* FROM i JOIN t ON t.id = i.task ORDER BY i.task, i.index OFFSET 0) i
                CROSS JOIN LATERAL (
                    SELECT 1 FROM job j WHERE j.task = i.task AND j.index = i.index OFFSET 0 FOR NO KEY UPDATE) j
            ), l AS (
                DELETE FROM lease l USING i, locked k
                WHERE l.task = i.task AND l.index = i.index AND k.task = i.task AND k.index = i.index
                  AND l.attempt = i.attempt AND l.token = i.token AND l.state = 'leased'
                RETURNING l.task, l.index, l.attempt, l.version
            ), a AS (
                UPDATE attempt a SET state = 'cancelled', left_from = 'leased', version = l.version + 1, ended_at = clock_timestamp(),
                    cause = 'the offer came back'
                FROM l WHERE a.task = l.task AND a.index = l.index AND a.attempt = l.attempt
            ), j AS (
                UPDATE job j SET state = CASE WHEN t.state IN ('done', 'failed', 'aborted') THEN 'cancelled' ELSE 'waiting' END,
                    version = j.version + 1, cause = 'the offer came back'
                FROM l JOIN t ON t.id = l.task WHERE j.task = l.task AND j.index = l.index RETURNING j.task, j.index, j.class, j.state
            ), w AS (
                INSERT INTO waiting (task, first, last, class, priority, held)
                SELECT j.task, j.index, j.index, coalesce(j.class, t.class), t.priority,
                       range_is_held(t.state, r.state, t.scouts, j.index)
                FROM j JOIN t ON t.id = j.task JOIN request r ON r.id = t.request WHERE j.state = 'waiting'
            )
            SELECT task, index FROM j WHERE state = 'waiting'
            """,
            returning: Int64.self,
            Int64.self
        )
    }

    static var examples: [AnyStatement] {
        [
            Self.takeDemand([]).erased, Self.openDemand([]).erased, Self.withRoom(after: 0, limit: 1).erased,
            Self.stillOpen([]).erased, Self.stillWaiting([]).erased,
            Self.reserving.erased, Self.reservedInVain.erased, Self.agentsHere.erased, Self.running([]).erased,
            Self.candidates(classes: [], site: nil, node: nil, perClass: 1, patient: false).erased,
            Self.candidates(classes: [], site: "X", node: "Y", perClass: 1, patient: true).erased,
            Command("leasing.cut.remove", Self.remove([])).erased,
            Command("leasing.cut.shorten", Self.shorten([])).erased,
            Self.lease([]).erased, Command("leasing.setRoom", Self.setRoom([])).erased,
            Command("leasing.makeDue", Self.makeDue).erased, Self.nextDue.erased, Self.sites.erased,
            Self.classes.erased,
            Self.inputs([]).erased,
            Self.specs([]).erased, Self.giveBack([]).erased,
            Command("leasing.sessionGone", Self.sessionGone(holders: [])).erased,
        ]
    }
}
