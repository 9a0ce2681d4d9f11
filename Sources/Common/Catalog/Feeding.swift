import Domain
package import Postgres

/// Tasks that take their inputs as they come, from datasets that are still open.
package enum FeedingStatements {
    /// Whether a waiting task can begin to take what comes: it processes or skims, or merges by size; it reads all of what it
    /// reads; and every task it reads from runs or is done, or the dataset is there. One row when it can: the number of its inputs.
    package static func canBegin(_ task: Int64) -> Statement<Int64> {
        Statement(
            "feeding.canBegin",
            """
            SELECT count(*) FROM task t JOIN task_input i ON i.task = t.id
            LEFT JOIN task p ON p.id = i.parent LEFT JOIN dataset d ON d.name = i.dataset
            WHERE t.id = \(task) AND (t.kind IN ('process', 'skim')
               OR t.kind = 'merge' AND (t.events_per_job, t.files_per_job, t.bytes_per_job) IS DISTINCT FROM (NULL, NULL, NULL))
            HAVING count(*) > 0 AND bool_and(i.events IS NULL AND i.missing_in IS NULL
               AND coalesce(p.state IN ('running', 'scouting', 'paused', 'finishing', 'done'), d.state IS NOT NULL))
            """,
            returning: Int64.self
        )
    }

    /// The datasets that a task reads, locked: nothing comes into them until it is known that they feed the task.
    package static func lockDatasets(of task: Int64) -> Statement<Int64> {
        Statement(
            "feeding.lockDatasets",
            "SELECT id FROM dataset WHERE id IN (\(fragment: Self.datasets(of: task))) ORDER BY id FOR NO KEY UPDATE",
            returning: Int64.self
        )
    }

    /// The task runs and is fed: what its datasets hold already comes first. The caller holds the locks of task and datasets.
    package static func begin(_ task: Int64) -> [SQL] {
        [
            "INSERT INTO input_feed (dataset, task) SELECT id, \(task) FROM (\(fragment: Self.datasets(of: task))) d ON CONFLICT DO NOTHING",
            """
            INSERT INTO pending_input (task, file, dataset)
            SELECT f.task, df.file, df.dataset FROM input_feed f JOIN dataset_file df ON df.dataset = f.dataset
            WHERE f.task = \(task) ORDER BY df.file ON CONFLICT DO NOTHING
            """,
            """
            UPDATE task SET state = CASE WHEN scouts > 0 THEN 'scouting' ELSE 'running' END, version = version + 1, jobs_total = 0,
                events_total = 0, inputs_open = true, cause = 'it takes its inputs as they come', who = NULL, updated = now()
            WHERE id = \(task)
            """,
        ]
    }

    private static func datasets(of task: Int64) -> SQL {
        """
        SELECT d.id FROM task_input i JOIN dataset d ON d.name = i.dataset OR d.task = i.parent AND d.stream = i.stream WHERE i.task = \(task)
        """
    }

    /// Where the datasets that a task reads are at home.
    package static func homes(_ task: Int64) -> Statement<String> {
        Statement(
            "feeding.homes",
            "SELECT DISTINCT home FROM dataset WHERE id IN (\(fragment: Self.datasets(of: task))) ORDER BY home",
            returning: String.self
        )
    }

    package static func narrow(_ task: Int64, to classID: Int32) -> SQL {
        "UPDATE task SET class = \(classID) WHERE id = \(task)"
    }

    /// Tasks that are fed: id, kind, events, files and bytes per job, seconds after which what waits is flushed,
    /// whether no more can come, fields to group by, the task of an earlier version that it goes on with. Of a task that has ended more can come
    /// as long as an attempt has not answered: it may have finished, and is accepted then.
    package static let fed = Statement<
        Int64, String, Int64?, Int64?, Int64?, Int32?, Bool, [String], Int64?
    >(
        "feeding.fed",
        """
        SELECT t.id, t.kind, t.events_per_job, t.files_per_job, t.bytes_per_job, t.flush_after_s,
               NOT EXISTS (
                   SELECT 1 FROM input_feed f JOIN dataset d ON d.id = f.dataset LEFT JOIN task p ON p.id = d.task
                   WHERE f.task = t.id AND d.state = 'open' AND (coalesce(p.state NOT IN ('done', 'failed', 'aborted'), true)
                       OR EXISTS (SELECT 1 FROM lease l WHERE l.task = p.id OFFSET 0))),
               t.group_by, t.continues
        FROM task t WHERE t.inputs_open AND t.state IN ('running', 'scouting') ORDER BY t.id
        """,
        returning: Int64.self,
        String.self,
        Int64?.self,
        Int64?.self,
        Int64?.self,
        Int32?.self,
        Bool.self,
        [String].self,
        Int64?.self
    )

    /// A fed task, locked: its jobs so far, whether an operator wants flushed what waits, how many of its jobs are scouts, class, priority.
    package static func lock(_ task: Int64) -> Statement<Int64, Bool, Int32, Int32, Int32> {
        Statement(
            "feeding.lock",
            "SELECT jobs_total, flush, scouts, class, priority FROM task WHERE id = \(task) AND inputs_open AND state IN ('running', 'scouting') FOR NO KEY UPDATE",
            returning: Int64.self,
            Bool.self,
            Int32.self,
            Int32.self,
            Int32.self
        )
    }

    /// What has come and is where its dataset is at home, locked: whoever withdraws a file waits, and finds that it is taken. In the
    /// order of the jobs that made it: file, events, bytes, seconds it has
    /// waited, task, index and stream of the output it is.
    package static func pending(
        _ task: Int64,
        limit: Int
    ) -> Statement<Int64, Int64, Int64, Double, Int64?, Int64?, String?> {
        Statement(
            "feeding.pending",
            """
            SELECT f.id, f.events, f.bytes, extract(epoch FROM clock_timestamp() - p.at)::double precision, o.task, o.index, o.stream
            FROM pending_input p JOIN file f ON f.id = p.file JOIN dataset d ON d.id = p.dataset
            JOIN replica r ON r.file = f.id AND r.storage = d.home AND r.state = 'available'
            LEFT JOIN output o ON o.file = f.id
            WHERE p.task = \(task) AND NOT f.lost ORDER BY f.task, f.index, f.lfn LIMIT \(limit) FOR SHARE OF f
            """,
            returning: Int64.self,
            Int64.self,
            Int64.self,
            Double.self,
            Int64?.self,
            Int64?.self,
            String?.self
        )
    }

    /// Whether anything is left that has come, wherever it is.
    package static func isAnyPending(_ task: Int64) -> Statement<Bool> {
        Statement(
            "feeding.isAnyPending",
            "SELECT EXISTS (SELECT 1 FROM pending_input p JOIN file f ON f.id = p.file WHERE p.task = \(task) AND NOT f.lost)",
            returning: Bool.self
        )
    }

    /// These are in jobs now.
    package static func taken(_ task: Int64, files: [Int64]) -> SQL {
        "DELETE FROM pending_input WHERE task = \(task) AND file = ANY(\(files))"
    }

    package static func grow(_ task: Int64, jobs: Int64, events: Int64) -> SQL {
        """
        UPDATE task SET jobs_total = jobs_total + \(jobs), events_total = events_total + \(events), updated = now()
        WHERE id = \(task)
        """
    }

    /// What waited when the operator asked is in jobs, or nothing did: what comes later waits for company again.
    package static func flushed(_ task: Int64) -> SQL {
        "UPDATE task SET flush = false, updated = now() WHERE id = \(task)"
    }

    static func flush(_ task: Int64) -> SQL {
        "UPDATE task SET flush = true, updated = now() WHERE id = \(task) AND inputs_open"
    }

    /// No more comes. The datasets are locked first: what is on its way into one is there, and goes with the rest, and what comes after that
    /// finds nobody to feed. The caller holds the locks of the tasks and of jobs.
    package static func end(_ tasks: [Int64]) -> [SQL] {
        [
            """
            WITH l AS MATERIALIZED (
                SELECT id FROM dataset WHERE id IN (SELECT dataset FROM input_feed WHERE task = ANY(\(tasks))) ORDER BY id FOR NO KEY UPDATE
            )
            UPDATE task SET inputs_open = false, flush = false, updated = now()
            WHERE id = ANY(\(tasks)) AND inputs_open AND (SELECT count(*) FROM l) >= 0
            """,
            "DELETE FROM input_feed WHERE task = ANY(\(tasks))", "DELETE FROM pending_input WHERE task = ANY(\(tasks))",
        ]
    }

    static var examples: [AnyStatement] {
        let changes =
            Self.begin(1) + Self.end([1]) + [
                Self.taken(1, files: []), Self.narrow(1, to: 1), Self.flush(1), Self.flushed(1),
                Self.grow(1, jobs: 1, events: 1),
            ]
        return [
            Self.canBegin(1).erased, Self.fed.erased, Self.lock(1).erased, Self.pending(1, limit: 1).erased,
            Self.lockDatasets(of: 1).erased, Self.isAnyPending(1).erased, Self.homes(1).erased,
        ] + changes.enumerated().map { Command("feeding.change.\($0)", $1).erased }
    }
}
