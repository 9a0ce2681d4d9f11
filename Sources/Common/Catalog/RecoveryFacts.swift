import Domain
package import Postgres

/// What recovery has to know of jobs, read by key.
package enum RecoveryFacts {
    /// One job as the books describe it, with the names that an operator needs.
    struct Row: Sendable {
        let job: JobKey
        private(set) var condition: JobCondition
        /// Events the job has to make.
        let events: Int64
        let attempts: Int
        /// A closed dataset that keeps the job from being made again.
        let closedDataset: String?
        /// A job that has read the job's outputs, reads them, or cannot let go of them.
        private(set) var reader: String?
        /// A task that reads the job's outputs as well, and lacks one that is lost.
        let lacking: (task: Int64, name: String)?
        /// Jobs that are to read the job's outputs and can let go of them.
        let takers: [JobKey]
        /// The first input that is gone, and the job that made it.
        let lostInput: String?
        let producer: String?

        /// The same where one of the jobs that are to read its outputs is not among those the caller has locked: it came meanwhile.
        func asSeen(by locked: Set<JobKey>) -> Row {
            guard let unknown = self.takers.first(where: { !locked.contains($0) }) else { return self }
            var row = self
            row.condition.use = .read
            row.reader = "\(unknown)"
            return row
        }
    }

    package typealias Query = Statement<
        Int64, String, Int64, Int32, Bool, String, String, Bool, String, String, String, String, String, String?,
        String?,
        String?, String?, [Int64], [Int64], Int64?, String?
    >

    /// The last index of the next page of a task's job rows; no row: there are none after `index`.
    package static func page(_ task: Int64, after index: Int64, size: Int) -> Statement<Int64?> {
        Statement(
            "recovery.page",
            """
            SELECT max(index) FROM (
                SELECT index FROM job WHERE task = \(task) AND index > \(index) ORDER BY index LIMIT \(size)) p
            """,
            returning: Int64?.self
        )
    }

    /// Of a page, the jobs that are not plainly fine.
    package static func doubtful(_ task: Int64, after: Int64, through: Int64) -> Query {
        self.query(
            "recovery.doubtful",
            task,
            jobs: "SELECT * FROM job WHERE task = \(task) AND index > \(after) AND index <= \(through) OFFSET 0",
            filter: """
                NOT (NOT leased AND verdict <> 'open' AND (
                    state = 'done' AND winner AND streams = 'all' AND events = 'equal' AND files = 'there'
                    OR state = 'waiting' AND NOT winner AND inputs = 'there'
                    OR state IN ('cancelled', 'replaced') AND NOT winner))
                """
        )
    }

    /// These jobs, whatever they are like.
    package static func of(_ task: Int64, _ indexes: [Int64]) -> Query {
        self.query(
            "recovery.of",
            task,
            jobs: """
                SELECT j.* FROM \(fragment: RecoveryStatements.keys(task, indexes)) JOIN job j ON j.task = i.task AND j.index = i.index OFFSET 0
                """,
            filter: "true"
        )
    }

    /// The facts in the words of ``JobCondition``. What was made of the outputs is looked for last, for the jobs that remain.
    private static func query(_ name: String, _ task: Int64, jobs: SQL, filter: SQL) -> Query {
        Statement(
            name,
            """
            WITH facts AS MATERIALIZED (
                SELECT j.task, j.index, j.state, j.events_expected, j.attempts, l.task IS NOT NULL AS leased,
                       coalesce(a.state, 'none') AS last_end,
                       CASE WHEN v.task IS NULL THEN 'none' WHEN v.carried_out_at IS NULL THEN 'open' ELSE 'carriedOut' END AS verdict,
                       w.task IS NOT NULL AS winner,
                       CASE WHEN o.accepted = 0 THEN 'none' WHEN o.accepted < s.streams THEN 'some' ELSE 'all' END AS streams,
                       CASE WHEN b.events_read IS NULL THEN 'unknown' WHEN b.events_read < j.events_expected THEN 'fewer'
                            WHEN b.events_read > j.events_expected THEN 'more' ELSE 'equal' END AS events,
                       CASE WHEN o.lost = 0 THEN 'there' WHEN o.lost < o.files THEN 'someLost' ELSE 'allLost' END AS files,
                       CASE WHEN NOT s.reads THEN 'there' WHEN u.events <> j.events_expected THEN 'claimed' WHEN u.gone IS NULL THEN 'there'
                            WHEN u.declared THEN 'lost' WHEN u.missing THEN 'unavailable' ELSE 'producible' END AS inputs,
                       u.gone, u.producer
                FROM (\(fragment: jobs)) j
                CROSS JOIN (SELECT (SELECT count(*) FROM task_stream WHERE task = \(task)) AS streams,
                                   EXISTS (SELECT 1 FROM task_input WHERE task = \(task)) AS reads) s
                LEFT JOIN lease l ON l.task = j.task AND l.index = j.index
                LEFT JOIN attempt a ON a.task = j.task AND a.index = j.index AND a.attempt = j.attempts
                LEFT JOIN LATERAL (
                    SELECT v.task, v.carried_out_at FROM verdict v
                    WHERE v.task = j.task AND v.index = j.index AND v.attempt = j.attempts OFFSET 0) v ON true
                LEFT JOIN winner w ON w.task = j.task AND w.index = j.index
                LEFT JOIN attempt b ON b.task = w.task AND b.index = w.index AND b.attempt = w.attempt
                CROSS JOIN LATERAL (\(fragment: Self.outputs)) o
                CROSS JOIN LATERAL (\(fragment: Self.inputs)) u
            )
            SELECT f.index, f.state, f.events_expected, f.attempts, f.leased, f.last_end, f.verdict, f.winner, f.streams, f.events, f.files,
                   f.inputs, CASE WHEN c.name IS NOT NULL THEN 'closed' WHEN r.job IS NOT NULL THEN 'read' WHEN r.tasks <> '{}' THEN 'taken' ELSE 'free' END,
                   c.name, r.job, f.gone, f.producer, r.tasks, r.indexes, k.task, k.name
            FROM facts f
            CROSS JOIN LATERAL (\(fragment: Self.closedDataset)) c
            CROSS JOIN LATERAL (\(fragment: Self.reader)) r
            LEFT JOIN LATERAL (\(fragment: Self.lacking)) k ON true
            WHERE \(fragment: filter) ORDER BY f.index
            """,
            returning: Int64.self,
            String.self,
            Int64.self,
            Int32.self,
            Bool.self,
            String.self,
            String.self,
            Bool.self,
            String.self,
            String.self,
            String.self,
            String.self,
            String.self,
            String?.self,
            String?.self,
            String?.self,
            String?.self,
            [Int64].self,
            [Int64].self,
            Int64?.self,
            String?.self
        )
    }

    /// A good replica, or one that a worker is just making: what is being copied was good when the copy began, and is verified.
    private static let isThere: SQL = """
        (NOT f.lost AND (EXISTS (SELECT 1 FROM replica r WHERE r.file = f.id AND r.state = 'available')
                         OR EXISTS (SELECT 1 FROM transfer t WHERE t.file = f.id AND t.state = 'active')))
        """

    /// The job's accepted outputs, their files, and how many of those are lost.
    private static let outputs: SQL = """
        SELECT count(*) AS accepted, count(x.file) AS files, count(x.file) FILTER (WHERE NOT x.there) AS lost
        FROM (
            SELECT o.file, \(fragment: Self.isThere) AS there
            FROM accepted ac
            JOIN output o ON o.task = ac.task AND o.index = ac.index AND o.attempt = ac.attempt AND o.stream = ac.stream
            LEFT JOIN file f ON f.id = o.file
            WHERE ac.task = j.task AND ac.index = j.index OFFSET 0
        ) x
        """

    /// The job's slices. A file that is gone is declared lost, missing, or to be had from a task that has not ended.
    private static let inputs: SQL = """
        SELECT coalesce(sum(upper(y.slice) - lower(y.slice)), 0)::bigint AS events, min(y.lfn) AS gone, min(y.maker) AS producer,
               bool_or(y.lost AND NOT y.can_be_made) AS declared, bool_or(NOT y.can_be_made) AS missing
        FROM (
            SELECT x.slice, x.lost, CASE WHEN NOT x.there THEN x.lfn END AS lfn, CASE WHEN NOT x.there THEN x.maker END AS maker,
                   CASE WHEN NOT x.there THEN EXISTS (
                       SELECT 1 FROM task p WHERE p.id = x.task AND p.state IN ('scouting', 'running', 'finishing', 'paused')
                         AND NOT EXISTS (SELECT 1 FROM dataset_file df JOIN dataset d ON d.id = df.dataset
                                         WHERE df.file = x.id AND d.state = 'closed')) END AS can_be_made
            FROM (
                SELECT u.slice, f.id, f.lfn, f.lost, f.task, f.task || '.' || f.index AS maker, \(fragment: Self.isThere) AS there
                FROM (SELECT u.slice, u.file FROM unit_input u
                      WHERE \(fragment: UnitInputs.areOfJob(task: "j.task", index: "j.index")) OFFSET 0) u
                JOIN file f ON f.id = u.file OFFSET 0
            ) x
        ) y
        """

    /// A closed dataset the job's outputs are in, or would be added to.
    private static let closedDataset: SQL = """
        SELECT min(d.name) AS name FROM dataset d
        WHERE d.state = 'closed' AND (d.task = f.task OR d.id IN (
            SELECT df.dataset FROM accepted ac
            JOIN output o ON o.task = ac.task AND o.index = ac.index AND o.attempt = ac.attempt AND o.stream = ac.stream
            JOIN dataset_file df ON df.file = o.file WHERE ac.task = f.task AND ac.index = f.index))
        """

    /// The jobs that merge or read the job's outputs: the first that cannot let go of them, and those that can. One can that waits or was
    /// given up, in a task that is still fed from the dataset of what it reads: what is made again comes to it from there, and never by way of
    /// a dataset of people, or of a query. One that was cancelled reads nothing any more, nor does one that was
    /// given up in a task that has ended.
    private static let reader: SQL = """
        SELECT min(x.task || '.' || x.index) FILTER (WHERE NOT x.can_let_go) AS job,
               coalesce(array_agg(x.task ORDER BY x.task, x.index) FILTER (WHERE x.can_let_go), '{}') AS tasks,
               coalesce(array_agg(x.index ORDER BY x.task, x.index) FILTER (WHERE x.can_let_go), '{}') AS indexes
        FROM (
            SELECT y.task, y.index, bool_and(
                       q.state = 'cancelled' OR q.state = 'aborted' AND t.state IN ('done', 'failed', 'aborted')
                       OR q.state IN ('waiting', 'aborted') AND t.inputs_open AND EXISTS (
                           SELECT 1 FROM input_feed i JOIN dataset d ON d.id = i.dataset
                           WHERE i.task = y.task AND d.task = f.task AND d.stream = y.stream)) AS can_let_go
            FROM (
                SELECT m.task, m.index, m.stream FROM merge_input m WHERE m.src_task = f.task AND m.src_index = f.index
                UNION
                SELECT u.task, u.index, ac.stream FROM accepted ac
                JOIN output o ON o.task = ac.task AND o.index = ac.index AND o.attempt = ac.attempt AND o.stream = ac.stream
                JOIN unit_input u ON u.file = o.file
                WHERE ac.task = f.task AND ac.index = f.index
            ) y
            CROSS JOIN LATERAL (SELECT q.state FROM job q WHERE q.task = y.task AND q.index = y.index OFFSET 0) q
            JOIN task t ON t.id = y.task
            GROUP BY y.task, y.index
        ) x
        """

    /// The first task other than that of the job that keeps the outputs (`r`) which lacks one of them that is lost.
    private static let lacking: SQL = """
        SELECT y.task, y.name FROM (
            SELECT o.file, d.id AS dataset FROM accepted ac
            JOIN output o ON o.task = ac.task AND o.index = ac.index AND o.attempt = ac.attempt AND o.stream = ac.stream
            JOIN file x ON x.id = o.file AND x.lost JOIN dataset d ON d.task = ac.task AND d.stream = ac.stream
            WHERE ac.task = f.task AND ac.index = f.index OFFSET 0
        ) g
        CROSS JOIN LATERAL (\(fragment: LostFiles.lacking(file: "g.file", dataset: "g.dataset"))) y
        WHERE r.job IS NOT NULL AND f.files <> 'there' AND y.task <> split_part(r.job, '.', 1)::bigint
        ORDER BY y.task LIMIT 1
        """

    /// - Throws: ``CatalogRefusal`` (state) for a word that this program does not know.
    static func row(
        _ task: Int64,
        _ row: (
            Int64, String, Int64, Int32, Bool, String, String, Bool, String, String, String, String, String, String?,
            String?, String?, String?, [Int64], [Int64], Int64?, String?
        )
    ) throws -> Row {
        let job = JobKey(task: task, index: row.0)
        return Row(
            job: job,
            condition: JobCondition(
                state: try self.word(row.1, of: job),
                isLeased: row.4,
                lastEnd: try self.word(row.5, of: job),
                verdict: try self.word(row.6, of: job),
                hasWinner: row.7,
                streams: try self.word(row.8, of: job),
                events: try self.word(row.9, of: job),
                files: try self.word(row.10, of: job),
                inputs: try self.word(row.11, of: job),
                use: try self.word(row.12, of: job)
            ),
            events: row.2,
            attempts: Int(row.3),
            closedDataset: row.13,
            reader: row.14,
            lacking: row.19.flatMap { task in row.20.map { (task: task, name: $0) } },
            takers: zip(row.17, row.18).map { JobKey(task: $0, index: $1) },
            lostInput: row.15,
            producer: row.16
        )
    }

    private static func word<Word: RawRepresentable>(_ text: String, of job: JobKey) throws -> Word
    where Word.RawValue == String {
        guard let word = Word(rawValue: text) else {
            throw CatalogRefusal(.state, "job \(job): this program does not know the \(Word.self) \(text)")
        }
        return word
    }

    static var examples: [AnyStatement] {
        [
            Self.page(1, after: -1, size: 1).erased, Self.doubtful(1, after: -1, through: 1).erased,
            Self.of(1, []).erased,
        ]
    }
}
