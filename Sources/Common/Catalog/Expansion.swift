package import Domain
package import Postgres

/// From a task whose inputs are ready to ranges that wait: the Scheduler's expansion.
package enum ExpansionStatements {
    /// Tasks that wait for inputs, of requests that may run: id, request, kind, whether it has no inputs, events per job,
    /// scouts, files per job, bytes per job, fields to group by, the task of an earlier version that it goes on with. What operators may
    /// change of a task that waits, ``lock(_:)`` tells.
    ///
    /// Not told are those that read a task which waits itself: neither can begin.
    ///
    /// - Parameter task: those after it, in order.
    package static func waiting(
        after task: Int64 = 0,
        limit: Int
    ) -> Statement<Int64, Int64, String, Bool, Int64?, Int32, Int64?, Int64?, [String], Int64?> {
        Statement(
            "expansion.waiting",
            """
            SELECT t.id, t.request, t.kind, t.jobs_total IS NOT NULL, t.events_per_job, t.scouts,
                   t.files_per_job, t.bytes_per_job, t.group_by, t.continues
            FROM task t JOIN request r ON r.id = t.request AND r.state IN ('approved', 'running')
            WHERE t.state = 'waiting' AND t.id > \(task) AND NOT EXISTS (
                SELECT 1 FROM task_input i JOIN task p ON p.id = i.parent WHERE i.task = t.id AND p.state = 'waiting')
            ORDER BY t.id LIMIT \(limit)
            """,
            returning: Int64.self,
            Int64.self,
            String.self,
            Bool.self,
            Int64?.self,
            Int32.self,
            Int64?.self,
            Int64?.self,
            [String].self,
            Int64?.self
        )
    }

    /// The inputs of a task and how ready each is: position, parent, parent's state, stream, dataset, dataset's state, events, the dataset in which
    /// what is made from them is missing, query, container, whether that has datasets and all are closed.
    package static func inputs(
        of task: Int64
    ) -> Statement<Int32, Int64?, String?, String?, String?, String?, Int64?, String?, String?, String?, Bool> {
        Statement(
            "expansion.inputs",
            """
            SELECT i.position, i.parent, p.state, i.stream, i.dataset, d.state, i.events, i.missing_in, i.query, i.container,
                   \(fragment: Self.isClosed(container: "i.container"))
            FROM task_input i LEFT JOIN task p ON p.id = i.parent LEFT JOIN dataset d ON d.name = i.dataset
            WHERE i.task = \(task) ORDER BY i.position
            """,
            returning: Int32.self,
            Int64?.self,
            String?.self,
            String?.self,
            String?.self,
            String?.self,
            Int64?.self,
            String?.self,
            String?.self,
            String?.self,
            Bool.self
        )
    }

    private static func isClosed(container name: SQL) -> SQL {
        """
        coalesce((SELECT bool_and(m.state = 'closed') FROM container c JOIN container_member cm ON cm.container = c.id
                  JOIN dataset m ON m.id = cm.dataset WHERE c.name = \(fragment: name)), false)
        """
    }

    /// Whether a container has datasets and all are closed.
    package static func containerIsClosed(_ name: String) -> Statement<Bool> {
        Statement(
            "expansion.containerIsClosed",
            "SELECT \(fragment: Self.isClosed(container: "\(name)"))",
            returning: Bool.self
        )
    }

    /// Accepted files of a stream of a task that are not lost, in the order of its jobs: file, events, task, index, stream, bytes.
    package static func acceptedFiles(
        parent: Int64,
        stream: String
    ) -> Statement<Int64, Int64, Int64, Int64, String, Int64> {
        Statement(
            "expansion.acceptedFiles",
            """
            SELECT o.file, a.events, a.task, a.index, a.stream, f.bytes
            FROM accepted a JOIN output o ON o.task = a.task AND o.index = a.index AND o.attempt = a.attempt AND o.stream = a.stream
            CROSS JOIN LATERAL (SELECT f.bytes FROM file f WHERE f.id = o.file AND NOT f.lost OFFSET 0) f
            WHERE a.task = \(parent) AND a.stream = \(stream) ORDER BY a.index
            """,
            returning: Int64.self,
            Int64.self,
            Int64.self,
            Int64.self,
            String.self,
            Int64.self
        )
    }

    /// Files of a dataset in a stable order.
    package static func datasetFiles(_ name: String) -> InputFiles.Statement {
        InputFiles.statement(
            "expansion.datasetFiles",
            from: "dataset d JOIN dataset_file df ON df.dataset = d.id JOIN file f ON f.id = df.file",
            where: "d.name = \(name)"
        )
    }

    /// Files of the datasets of a container, each once, in a stable order. Datasets join a container at any time: whether these are all that there
    /// will be, ``containerIsClosed(_:)`` tells in the same snapshot.
    package static func containerFiles(_ name: String) -> InputFiles.Statement {
        InputFiles.statement(
            "expansion.containerFiles",
            from: """
                (SELECT DISTINCT x.file FROM container c JOIN container_member m ON m.container = c.id
                 JOIN dataset_file x ON x.dataset = m.dataset WHERE c.name = \(name)) x JOIN file f ON f.id = x.file
                """
        )
    }

    /// Locks files that a task takes against whoever takes them out, in the order in which they are given: give them by number. By key:
    /// each is looked up. - Returns: whether one of them is lost already.
    package static func lockFiles(_ files: [Int64]) -> Statement<Bool> {
        Statement(
            "expansion.lockFiles",
            """
            SELECT coalesce(bool_or(f.lost), false) FROM unnest(\(files)) AS i(file)
            CROSS JOIN LATERAL (SELECT f.lost FROM file f WHERE f.id = i.file FOR SHARE) f
            """,
            returning: Bool.self
        )
    }

    /// The storages that hold a good replica of every one of these files.
    package static func commonStorage(_ files: [Int64]) -> Statement<String> {
        Statement(
            "expansion.commonStorage",
            """
            SELECT storage FROM replica WHERE file = ANY(\(files)) AND state = 'available'
            GROUP BY storage HAVING count(*) = cardinality(\(files)) ORDER BY storage
            """,
            returning: String.self
        )
    }

    /// A task, locked, if it still waits: jobs total (nil: it has inputs), class, priority. An operator may have changed them since it
    /// was listed.
    package static func lock(_ task: Int64) -> Statement<Int64?, Int32, Int32> {
        Statement(
            "expansion.lock",
            "SELECT jobs_total, class, priority FROM task WHERE id = \(task) AND state = 'waiting' FOR NO KEY UPDATE",
            returning: Int64?.self,
            Int32.self,
            Int32.self
        )
    }

    /// Rows for jobs with inputs; index = position.
    ///
    /// - Parameter first: the index of the first of them.
    package static func insertJobs(task: Int64, jobs: [GroupedJob], from first: Int64 = 0) -> SQL {
        """
        INSERT INTO job (task, index, events_expected, state, cause)
        SELECT \(task), \(first) + i.index - 1, i.events, 'waiting', 'inputs grouped'
        FROM unnest(\(jobs.map(\.events))) WITH ORDINALITY AS i(events, index)
        """
    }

    package static func insertInputs(task: Int64, jobs: [GroupedJob], from first: Int64 = 0) -> SQL {
        let rows = jobs.enumerated().flatMap { index, job in job.slices.map { (first + Int64(index), $0) } }
        return """
            INSERT INTO unit_input (task, index, file, slice)
            SELECT \(task), i.index, i.file, int8range(i.first, i.first + i.count)
            FROM unnest(\(rows.map(\.0)), \(rows.map(\.1.input.file)), \(rows.map(\.1.first)), \(rows.map(\.1.count)))
                AS i(index, file, first, count)
            """
    }

    package static func insertMergeInputs(task: Int64, jobs: [GroupedJob], from first: Int64 = 0) -> SQL {
        let rows = jobs.enumerated().flatMap { index, job in
            job.slices.compactMap { slice -> (Int64, JobKey, String)? in
                guard let origin = slice.input.origin, let stream = slice.input.stream else { return nil }
                return (first + Int64(index), origin, stream)
            }
        }
        return """
            INSERT INTO merge_input (task, index, src_task, src_index, stream)
            SELECT \(task), * FROM unnest(\(rows.map(\.0)), \(rows.map(\.1.task)), \(rows.map(\.1.index)), \(rows.map(\.2)))
            """
    }

    package static func insertRanges(
        task: Int64,
        ranges: [IndexRange],
        classID: Int32,
        priority: Int32
    ) -> SQL {
        """
        INSERT INTO waiting (task, first, last, class, priority)
        SELECT \(task), i.first, i.last, \(classID), \(priority)
        FROM unnest(\(ranges.map(\.first)), \(ranges.map(\.last))) AS i(first, last)
        """
    }

    /// The task runs, first its scouts if it has more jobs than those: its totals are known from now on.
    package static func start(task: Int64, jobs: Int64, events: Int64, classID: Int32) -> SQL {
        """
        UPDATE task SET state = CASE WHEN scouts > 0 AND \(jobs) > scouts THEN 'scouting' ELSE 'running' END, version = version + 1,
            jobs_total = \(jobs), events_total = \(events), class = \(classID),
            cause = 'inputs are ready', who = NULL, updated = now()
        WHERE id = \(task)
        """
    }

    /// A task without inputs runs: its totals were known before.
    package static func startWithoutInputs(_ task: Int64) -> SQL {
        """
        UPDATE task SET state = CASE WHEN scouts > 0 AND jobs_total > scouts THEN 'scouting' ELSE 'running' END, version = version + 1,
            cause = 'it needs no inputs', who = NULL, updated = now()
        WHERE id = \(task)
        """
    }

    /// The first running task makes its request run.
    package static func requestRuns(_ request: Int64) -> SQL {
        """
        UPDATE request SET state = 'running', version = version + 1, cause = 'its first task runs', who = NULL, updated = now()
        WHERE id = \(request) AND state = 'approved'
        """
    }

    static var examples: [AnyStatement] {
        [
            Self.waiting(limit: 1).erased, Self.inputs(of: 1).erased, Self.acceptedFiles(parent: 1, stream: "x").erased,
            Self.datasetFiles("x").erased, Self.containerFiles("x").erased,
            Self.containerIsClosed("x").erased, Self.lockFiles([]).erased, Self.commonStorage([]).erased,
            Self.lock(1).erased,
            Command("expansion.insertJobs", Self.insertJobs(task: 1, jobs: [])).erased,
            Command("expansion.insertInputs", Self.insertInputs(task: 1, jobs: [])).erased,
            Command("expansion.insertMergeInputs", Self.insertMergeInputs(task: 1, jobs: [])).erased,
            Command("expansion.insertRanges", Self.insertRanges(task: 1, ranges: [], classID: 1, priority: 1)).erased,
            Command("expansion.start", Self.start(task: 1, jobs: 1, events: 1, classID: 1)).erased,
            Command("expansion.startWithoutInputs", Self.startWithoutInputs(1)).erased,
            Command("expansion.requestRuns", Self.requestRuns(1)).erased,
        ]
    }
}
