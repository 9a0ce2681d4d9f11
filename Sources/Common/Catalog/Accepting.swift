package import Domain
package import Postgres

/// One attempt whose manifest passed every check: what the books write.
package struct Acceptance: Sendable {
    package struct Output: Sendable {
        package let stream: String
        package let events: Int64
        package let counted: Bool
        /// Nil for an empty stream.
        package let file: StoredFile?

        package init(stream: String, events: Int64, counted: Bool, file: StoredFile?) {
            self.stream = stream
            self.events = events
            self.counted = counted
            self.file = file
        }
    }

    package struct StoredFile: Sendable {
        package let lfn: String
        package let bytes: Int64
        package let adler32: String
        package let crc32c: String
        package let storage: String

        package init(lfn: String, bytes: Int64, adler32: String, crc32c: String, storage: String) {
            self.lfn = lfn
            self.bytes = bytes
            self.adler32 = adler32
            self.crc32c = crc32c
            self.storage = storage
        }
    }

    package let key: AttemptKey
    package let site: String
    package let node: String
    package let eventsRead: Int64
    package let started: Moment
    package let finished: Moment
    package let software: String?
    package let cpuSeconds: Double
    package let wallSeconds: Double
    package let memoryPeak: Int64
    package let steps: JSONText
    package let outputs: [Output]

    package init(
        key: AttemptKey,
        site: String,
        node: String,
        eventsRead: Int64,
        started: Moment,
        finished: Moment,
        software: String?,
        cpuSeconds: Double,
        wallSeconds: Double,
        memoryPeak: Int64,
        steps: JSONText,
        outputs: [Output]
    ) {
        self.key = key
        self.site = site
        self.node = node
        self.eventsRead = eventsRead
        self.started = started
        self.finished = finished
        self.software = software
        self.cpuSeconds = cpuSeconds
        self.wallSeconds = wallSeconds
        self.memoryPeak = memoryPeak
        self.steps = steps
        self.outputs = outputs
    }
}

/// Accepting attempts: winner, outputs, files, replicas, provenance and dataset membership in one transaction.
package enum AcceptStatements {
    /// Everything that accepting a batch writes, in one statement: the attempts end, their files, replicas and provenance, the
    /// outputs, the winner, one accepted row for every required stream (a missing one is NULL, and NOT NULL refuses the whole),
    /// membership in the datasets, transfers to the datasets' homes and subscriptions, the jobs' end. The caller holds the
    /// locks of jobs and leases. Returns the transfers that were queued, and their destinations.
    ///
    /// What was written is joined from the report and from the rows the parts return, never read again from its table: with a
    /// table the planner, which knows nothing of its growth, reads all of it (see PlanTests).
    package static func accept(_ batch: [Acceptance]) -> Statement<Int64, String> {
        Statement(
            "accept.accept",
            """
            WITH i AS MATERIALIZED (\(fragment: Self.attempts(batch))), o AS MATERIALIZED (\(fragment: Self.outputs(batch))), l AS (
                DELETE FROM lease l USING i WHERE l.task = i.task AND l.index = i.index AND l.attempt = i.attempt
                RETURNING i.*, l.state, l.version, l.step
            ), a AS (
                UPDATE attempt a SET state = 'done', left_from = l.state, version = l.version + 2, ended_at = clock_timestamp(),
                    finished_at = l.finished, started_at = coalesce(a.started_at, l.started), node = l.node, events_read = l.events,
                    cpu_seconds = l.cpu, wall_seconds = l.wall, memory_peak = l.memory, steps = l.steps, step = l.step, cause = 'accepted'
                FROM l WHERE a.task = l.task AND a.index = l.index AND a.attempt = l.attempt
            ), f AS (
                INSERT INTO file (id, lfn, bytes, adler32, crc32c, events, task, index, attempt, software, site, node)
                OVERRIDING SYSTEM VALUE
                SELECT file, lfn, bytes, adler32, crc32c, events, task, index, attempt, software, site, node FROM o WHERE file IS NOT NULL
            ), p AS (
                INSERT INTO file_parent (file, parent)
                SELECT DISTINCT o.file, u.file FROM o CROSS JOIN LATERAL (
                    SELECT u.file FROM unit_input u WHERE \(fragment: UnitInputs.areOfJob(task: "o.task", index: "o.index")) OFFSET 0) u
                WHERE o.file IS NOT NULL
            ), op AS (
                INSERT INTO output (task, index, attempt, stream, events, counted, file)
                SELECT task, index, attempt, stream, events, counted, file FROM o
            ), w AS (
                INSERT INTO winner (task, index, attempt) SELECT task, index, attempt FROM i
            ), ac AS (
                INSERT INTO accepted (task, index, stream, attempt, events)
                SELECT task, index, stream, attempt, events FROM o
                UNION ALL
                SELECT task, index, 'a stream is missing', attempt, NULL FROM (SELECT * FROM i LIMIT 1) one
                WHERE (SELECT count(*) FROM o)
                   <> (SELECT sum((SELECT count(*) FROM task_stream t WHERE t.task = x.task) * x.jobs)
                       FROM (SELECT task, count(*) AS jobs FROM i GROUP BY task) x)
            ), d AS MATERIALIZED (
                SELECT x.task, x.stream, d.id, d.home FROM (SELECT DISTINCT task, stream FROM o) x CROSS JOIN LATERAL (
                    SELECT d.id, d.home FROM dataset d WHERE d.task = x.task AND d.stream = x.stream OFFSET 0) d
            ), m AS MATERIALIZED (
                SELECT o.file, o.storage, d.id AS dataset, d.home FROM o JOIN d ON d.task = o.task AND d.stream = o.stream
                WHERE o.file IS NOT NULL
            ), df AS (
                INSERT INTO dataset_file (dataset, file) SELECT dataset, file FROM m ORDER BY dataset, file
            ), wanted AS MATERIALIZED (
                SELECT file, storage, home AS destination FROM m WHERE home <> storage
                UNION
                SELECT m.file, m.storage, b.storage FROM m JOIN subscription b ON b.dataset = m.dataset WHERE b.storage <> m.storage
            ), r AS (
                INSERT INTO replica (file, storage, state)
                SELECT file, storage, 'available' FROM o WHERE file IS NOT NULL
                UNION ALL SELECT file, destination, 'copying' FROM wanted
            ), j AS (
                UPDATE job j SET state = 'done', version = j.version + 1, cause = 'accepted', who = NULL
                FROM i WHERE j.task = i.task AND j.index = i.index
            )
            INSERT INTO transfer (file, source, destination) SELECT file, storage, destination FROM wanted
            RETURNING id, destination
            """,
            returning: Int64.self,
            String.self
        )
    }

    private static func attempts(_ batch: [Acceptance]) -> SQL {
        """
        SELECT * FROM unnest(\(batch.map(\.key.task)), \(batch.map(\.key.index)), \(batch.map { Int32($0.key.attempt) }),
            \(batch.map(\.node)), \(batch.map(\.eventsRead)), \(batch.map(\.started)), \(batch.map(\.finished)),
            \(batch.map(\.cpuSeconds)), \(batch.map(\.wallSeconds)), \(batch.map(\.memoryPeak)), \(batch.map(\.steps)))
        AS i(task, index, attempt, node, events, started, finished, cpu, wall, memory, steps)
        """
    }

    /// Every output of the batch, those without a file included; each file with the number it gets.
    private static func outputs(_ batch: [Acceptance]) -> SQL {
        let outputs = batch.flatMap { one in one.outputs.map { (of: one, out: $0) } }
        return """
            SELECT o.*, CASE WHEN o.lfn IS NOT NULL THEN nextval('file_id_seq') END AS file
            FROM unnest(\(outputs.map(\.of.key.task)), \(outputs.map(\.of.key.index)), \(outputs.map { Int32($0.of.key.attempt) }),
                \(outputs.map(\.of.software)), \(outputs.map(\.of.site)), \(outputs.map(\.of.node)),
                \(outputs.map(\.out.stream)), \(outputs.map(\.out.events)), \(outputs.map(\.out.counted)),
                \(outputs.map(\.out.file?.lfn)), \(outputs.map(\.out.file?.bytes)), \(outputs.map(\.out.file?.adler32)),
                \(outputs.map(\.out.file?.crc32c)), \(outputs.map(\.out.file?.storage)))
            AS o(task, index, attempt, software, site, node, stream, events, counted, lfn, bytes, adler32, crc32c, storage)
            """
    }

    /// What the checks need to know of the tasks: id, spec, expected streams as "name:counted".
    package static func streams(_ tasks: [Int64]) -> Statement<Int64, String, Bool> {
        Statement(
            "accept.streams",
            "SELECT task, stream, counted FROM task_stream WHERE task = ANY(\(tasks)) ORDER BY task, stream",
            returning: Int64.self,
            String.self,
            Bool.self
        )
    }

    /// Where the events of jobs begin: of those without inputs in the task, of those with one in its file; of those with several
    /// NULL. Task, index, first event.
    package static func firstEvents(_ jobs: [JobKey]) -> Statement<Int64, Int64, Int64?> {
        Statement(
            "accept.firstEvents",
            """
            SELECT i.task, i.index, CASE WHEN u.inputs < 2 THEN coalesce(u.first, j.first_event, t.first_event + j.index * t.events_per_job) END
            FROM unnest(\(jobs.map(\.task)), \(jobs.map(\.index))) AS i(task, index)
            CROSS JOIN LATERAL (SELECT j.index, j.first_event FROM job j WHERE j.task = i.task AND j.index = i.index OFFSET 0) j
            CROSS JOIN LATERAL (SELECT t.events_per_job, t.first_event FROM task t WHERE t.id = i.task OFFSET 0) t
            CROSS JOIN LATERAL (
                SELECT count(*) AS inputs, min(lower(u.slice)) AS first FROM unit_input u
                WHERE \(fragment: UnitInputs.areOfJob(task: "i.task", index: "i.index"))) u
            """,
            returning: Int64.self,
            Int64.self,
            Int64?.self
        )
    }

    /// Which of these names are registered already.
    package static func taken(_ lfns: [String]) -> Statement<String> {
        Statement("accept.taken", "SELECT lfn FROM file WHERE lfn = ANY(\(lfns))", returning: String.self)
    }

    package static let storages = Statement<String>(
        "accept.storages",
        "SELECT name FROM storage_element ORDER BY name",
        returning: String.self
    )

    /// All events of these jobs: of those without inputs in the task, of the others the slices of their files. Task, index, file, first
    /// event, events.
    package static func slices(_ jobs: [JobKey]) -> Statement<Int64, Int64, String?, Int64, Int64> {
        Statement(
            "accept.slices",
            """
            WITH i AS MATERIALIZED (SELECT * FROM unnest(\(jobs.map(\.task)), \(jobs.map(\.index))) AS i(task, index)), s AS MATERIALIZED (
                SELECT i.task, i.index, f.lfn, lower(u.slice) AS first, upper(u.slice) - lower(u.slice) AS events
                FROM i CROSS JOIN LATERAL (
                    SELECT u.* FROM unit_input u WHERE \(fragment: UnitInputs.areOfJob(task: "i.task", index: "i.index")) OFFSET 0) u
                CROSS JOIN LATERAL (SELECT f.lfn FROM file f WHERE f.id = u.file OFFSET 0) f
            )
            SELECT task, index, lfn, first, events FROM s
            UNION ALL
            SELECT i.task, i.index, NULL, n.first, j.events_expected
            FROM i CROSS JOIN LATERAL (SELECT * FROM job j WHERE j.task = i.task AND j.index = i.index OFFSET 0) j
            CROSS JOIN LATERAL (SELECT t.events_per_job, t.first_event FROM task t WHERE t.id = i.task OFFSET 0) t
            CROSS JOIN LATERAL (SELECT coalesce(j.first_event, t.first_event + j.index * t.events_per_job) AS first) n
            WHERE n.first IS NOT NULL AND (i.task, i.index) NOT IN (SELECT s.task, s.index FROM s)
            """,
            returning: Int64.self,
            Int64.self,
            String?.self,
            Int64.self,
            Int64.self
        )
    }

    /// Files of attempts that did not win, to be deleted after the grace time. One that is on the list already may have been stored once more:
    /// whoever deletes it just now does not take it off the list.
    package static func discard(_ files: [(lfn: String, storage: String)], graceSeconds: Double, reason: String) -> SQL
    {
        """
        INSERT INTO garbage AS g (lfn, storage, not_before, reason)
        SELECT i.lfn, i.storage, clock_timestamp() + make_interval(secs => \(graceSeconds)), \(reason)
        FROM (SELECT DISTINCT lfn, storage FROM unnest(\(files.map(\.lfn)), \(files.map(\.storage))) AS i(lfn, storage)) i
        WHERE EXISTS (SELECT 1 FROM storage_element s WHERE s.name = i.storage)
          AND NOT EXISTS (SELECT 1 FROM file f WHERE f.lfn = i.lfn)
          AND NOT EXISTS (SELECT 1 FROM registration n WHERE n.lfn = i.lfn AND n.storage = i.storage)
        ORDER BY i.lfn, i.storage
        ON CONFLICT (lfn, storage) DO UPDATE SET not_before = greatest(excluded.not_before, g.not_before + interval '1 microsecond')
        """
    }

    static var examples: [AnyStatement] {
        [
            Self.accept([]).erased, Self.streams([]).erased, Self.firstEvents([]).erased, Self.taken([]).erased,
            Self.storages.erased,
            Self.slices([]).erased,
            Command("accept.discard", Self.discard([], graceSeconds: 1, reason: "x")).erased,
        ]
    }
}
