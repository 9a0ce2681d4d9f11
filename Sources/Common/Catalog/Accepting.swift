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
    /// The statements of one batch, in order. The caller holds the locks of jobs and leases.
    package static func accept(_ batch: [Acceptance]) -> [SQL] {
        [
            self.endAttempts(batch), self.files(batch), self.outputs(batch), self.winners(batch), self.members(batch),
            self.jobsDone(batch),
        ]
    }

    private static func endAttempts(_ batch: [Acceptance]) -> SQL {
        """
        WITH i AS MATERIALIZED (
            SELECT * FROM unnest(\(batch.map(\.key.task)), \(batch.map(\.key.index)), \(batch.map { Int32($0.key.attempt) }),
                \(batch.map(\.node)), \(batch.map(\.eventsRead)), \(batch.map(\.started)), \(batch.map(\.finished)),
                \(batch.map(\.cpuSeconds)), \(batch.map(\.wallSeconds)), \(batch.map(\.memoryPeak)), \(batch.map(\.steps)))
            AS i(task, index, attempt, node, events, started, finished, cpu, wall, memory, steps)
        ), l AS (
            DELETE FROM lease l USING i WHERE l.task = i.task AND l.index = i.index AND l.attempt = i.attempt
            RETURNING l.task, l.index, l.state, l.version, l.step
        )
        UPDATE attempt a SET state = 'done', left_from = l.state, version = l.version + 2, ended_at = clock_timestamp(),
            finished_at = i.finished, started_at = coalesce(a.started_at, i.started), node = i.node, events_read = i.events,
            cpu_seconds = i.cpu, wall_seconds = i.wall, memory_peak = i.memory, steps = i.steps, step = l.step, cause = 'accepted'
        FROM i JOIN l ON l.task = i.task AND l.index = i.index
        WHERE a.task = i.task AND a.index = i.index AND a.attempt = i.attempt
        """
    }

    /// Files with their first replica, and what they were made from.
    private static func files(_ batch: [Acceptance]) -> SQL {
        let files = batch.flatMap { one in one.outputs.compactMap { out in out.file.map { (one, out, $0) } } }
        return """
            WITH i AS MATERIALIZED (
                SELECT * FROM unnest(\(files.map(\.2.lfn)), \(files.map(\.2.bytes)), \(files.map(\.2.adler32)), \(files.map(\.2.crc32c)),
                    \(files.map(\.1.events)), \(files.map(\.0.key.task)), \(files.map(\.0.key.index)),
                    \(files.map { Int32($0.0.key.attempt) }), \(files.map(\.0.software)), \(files.map(\.0.site)),
                    \(files.map(\.2.storage)))
                AS i(lfn, bytes, adler32, crc32c, events, task, index, attempt, software, site, storage)
            ), f AS (
                INSERT INTO file (lfn, bytes, adler32, crc32c, events, task, index, attempt, software, site)
                SELECT lfn, bytes, adler32, crc32c, events, task, index, attempt, software, site FROM i
                RETURNING id, lfn, task, index
            ), r AS (
                INSERT INTO replica (file, storage, state) SELECT f.id, i.storage, 'available' FROM f JOIN i ON i.lfn = f.lfn
            )
            INSERT INTO file_parent (file, parent)
            SELECT DISTINCT f.id, u.file FROM f JOIN unit_input u ON u.task = f.task AND u.index = f.index
            """
    }

    private static func outputs(_ batch: [Acceptance]) -> SQL {
        let outputs = batch.flatMap { one in one.outputs.map { (one.key, $0) } }
        return """
            INSERT INTO output (task, index, attempt, stream, events, counted, file)
            SELECT i.task, i.index, i.attempt, i.stream, i.events, i.counted, f.id
            FROM unnest(\(outputs.map(\.0.task)), \(outputs.map(\.0.index)), \(outputs.map { Int32($0.0.attempt) }),
                \(outputs.map(\.1.stream)), \(outputs.map(\.1.events)), \(outputs.map(\.1.counted)), \(outputs.map(\.1.file?.lfn)))
                AS i(task, index, attempt, stream, events, counted, lfn)
            LEFT JOIN file f ON f.lfn = i.lfn
            """
    }

    /// The winner, and one accepted row for every required stream: a missing one is NULL, and NOT NULL refuses the whole.
    ///
    /// The events come from the report, not from `output`: the foreign key compares both, and the planner has nothing to get
    /// wrong (with the table it once read all of it for each row: 850 ms instead of 15 for 200 jobs, measured with 16,000).
    private static func winners(_ batch: [Acceptance]) -> SQL {
        let outputs = batch.flatMap { one in one.outputs.map { (one.key, $0) } }
        return """
            WITH i AS MATERIALIZED (
                SELECT * FROM unnest(\(batch.map(\.key.task)), \(batch.map(\.key.index)), \(batch.map { Int32($0.key.attempt) }))
                AS i(task, index, attempt)
            ), o AS MATERIALIZED (
                SELECT * FROM unnest(\(outputs.map(\.0.task)), \(outputs.map(\.0.index)), \(outputs.map(\.1.stream)),
                                     \(outputs.map(\.1.events))) AS o(task, index, stream, events)
            ), w AS (
                INSERT INTO winner (task, index, attempt) SELECT task, index, attempt FROM i
            )
            INSERT INTO accepted (task, index, stream, attempt, events)
            SELECT i.task, i.index, s.stream, i.attempt, o.events
            FROM i JOIN task_stream s ON s.task = i.task
            LEFT JOIN o ON o.task = i.task AND o.index = i.index AND o.stream = s.stream
            """
    }

    /// Files join the dataset of their stream.
    private static func members(_ batch: [Acceptance]) -> SQL {
        """
        INSERT INTO dataset_file (dataset, file)
        SELECT d.id, o.file
        FROM unnest(\(batch.map(\.key.task)), \(batch.map(\.key.index)), \(batch.map { Int32($0.key.attempt) })) AS i(task, index, attempt)
        JOIN output o ON o.task = i.task AND o.index = i.index AND o.attempt = i.attempt
        JOIN dataset d ON d.task = o.task AND d.stream = o.stream
        WHERE o.file IS NOT NULL ORDER BY d.id, o.file
        """
    }

    private static func jobsDone(_ batch: [Acceptance]) -> SQL {
        """
        UPDATE job j SET state = 'done', version = j.version + 1, cause = 'accepted', who = NULL
        FROM unnest(\(batch.map(\.key.task)), \(batch.map(\.key.index))) AS i(task, index)
        WHERE j.task = i.task AND j.index = i.index
        """
    }

    /// Queues transfers of the files of these attempts to the homes and subscriptions of their datasets. Returns the transfer
    /// and its destination.
    package static func queueTransfers(_ attempts: [AttemptKey]) -> Statement<Int64, String> {
        Statement(
            "accept.queueTransfers",
            """
            WITH wanted AS (
                SELECT DISTINCT df.file, t.storage, src.storage AS source
                FROM unnest(\(attempts.map(\.task)), \(attempts.map(\.index)), \(attempts.map { Int32($0.attempt) })) AS i(task, index, attempt)
                JOIN output o ON o.task = i.task AND o.index = i.index AND o.attempt = i.attempt
                JOIN dataset_file df ON df.file = o.file
                JOIN dataset d ON d.id = df.dataset
                CROSS JOIN LATERAL (SELECT d.home AS storage UNION SELECT s.storage FROM subscription s WHERE s.dataset = d.id) t
                JOIN LATERAL (SELECT r.storage FROM replica r WHERE r.file = df.file AND r.state = 'available' ORDER BY 1 LIMIT 1) src ON true
                WHERE NOT EXISTS (SELECT 1 FROM replica r WHERE r.file = df.file AND r.storage = t.storage AND r.state = 'available')
            ), r AS (
                INSERT INTO replica (file, storage, state) SELECT file, storage, 'copying' FROM wanted ON CONFLICT DO NOTHING
            )
            INSERT INTO transfer (file, source, destination) SELECT file, source, storage FROM wanted
            ON CONFLICT (file, destination) WHERE state IN ('queued', 'active') DO NOTHING
            RETURNING id, destination
            """,
            returning: Int64.self,
            String.self
        )
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

    /// Which of these names are registered already.
    package static func taken(_ lfns: [String]) -> Statement<String> {
        Statement("accept.taken", "SELECT lfn FROM file WHERE lfn = ANY(\(lfns))", returning: String.self)
    }

    package static let storages = Statement<String>(
        "accept.storages",
        "SELECT name FROM storage_element ORDER BY name",
        returning: String.self
    )

    /// How these attempts ended, for reports that come again: task, index, attempt, state.
    package static func ends(_ attempts: [AttemptKey]) -> Statement<Int64, Int64, Int32, String?> {
        Statement(
            "accept.ends",
            """
            SELECT a.task, a.index, a.attempt, a.state
            FROM unnest(\(attempts.map(\.task)), \(attempts.map(\.index)), \(attempts.map { Int32($0.attempt) })) AS i(task, index, attempt)
            JOIN attempt a ON a.task = i.task AND a.index = i.index AND a.attempt = i.attempt
            """,
            returning: Int64.self,
            Int64.self,
            Int32.self,
            String?.self
        )
    }

    /// Files of attempts that did not win, to be deleted after the grace time.
    package static func discard(_ files: [(lfn: String, storage: String)], graceSeconds: Double, reason: String) -> SQL
    {
        """
        INSERT INTO garbage (lfn, storage, not_before, reason)
        SELECT i.lfn, i.storage, clock_timestamp() + make_interval(secs => \(graceSeconds)), \(reason)
        FROM unnest(\(files.map(\.lfn)), \(files.map(\.storage))) AS i(lfn, storage)
        WHERE EXISTS (SELECT 1 FROM storage_element s WHERE s.name = i.storage)
          AND NOT EXISTS (SELECT 1 FROM file f WHERE f.lfn = i.lfn)
        ON CONFLICT DO NOTHING
        """
    }

    static var examples: [AnyStatement] {
        Self.accept([]).enumerated().map { Command("accept.\($0)", $1).erased } + [
            Self.queueTransfers([]).erased, Self.streams([]).erased, Self.taken([]).erased, Self.storages.erased,
            Self.ends([]).erased,
            Command("accept.discard", Self.discard([], graceSeconds: 1, reason: "x")).erased,
        ]
    }
}
