import Domain
import Postgres

/// Jobs that let go of inputs which are made again. The caller holds the locks of requests, tasks, ranges, jobs and files.
enum TakerStatements {
    /// Requests and then tasks, each by number, locked before any task that is recovered is.
    static func lockRequests(of tasks: [Int64]) -> Statement<Int64> {
        Statement(
            "taker.lockRequests",
            "SELECT id FROM request WHERE id IN (SELECT request FROM task WHERE id = ANY(\(tasks))) ORDER BY id FOR NO KEY UPDATE",
            returning: Int64.self
        )
    }

    static func lockTasks(_ tasks: [Int64]) -> Statement<Int64> {
        Statement(
            "taker.lockTasks",
            "SELECT id FROM task WHERE id = ANY(\(tasks)) ORDER BY id FOR NO KEY UPDATE",
            returning: Int64.self
        )
    }

    /// What becomes of each job without these files: index, state, events of them, events of others. Without a row: jobs of a task that
    /// takes nothing new, and those that were cancelled; they read nothing any more, and only have the names to let go of.
    static func rest(
        of task: Int64,
        _ indexes: [Int64],
        without files: [Int64]
    ) -> Statement<Int64, String, Int64, Int64> {
        Statement(
            "taker.rest",
            """
            SELECT j.index, j.state, coalesce(sum(u.events) FILTER (WHERE u.gone), 0)::bigint,
                   coalesce(sum(u.events) FILTER (WHERE NOT u.gone), 0)::bigint
            FROM \(fragment: RecoveryStatements.keys(task, indexes)) JOIN job j ON j.task = i.task AND j.index = i.index
            LEFT JOIN LATERAL (
                SELECT upper(u.slice) - lower(u.slice) AS events, u.file = ANY(\(files)) AS gone FROM unit_input u
                WHERE \(fragment: UnitInputs.areOfJob(task: "j.task", index: "j.index")) OFFSET 0
            ) u ON true
            JOIN task t ON t.id = j.task AND t.inputs_open WHERE j.state IN ('waiting', 'aborted')
            GROUP BY j.index, j.state ORDER BY j.index
            """,
            returning: Int64.self,
            String.self,
            Int64.self,
            Int64.self
        )
    }

    /// Whether what is made instead of the files of a job that are gone comes to its task: it is fed from the datasets they were in.
    static func getsAgain(_ job: JobKey) -> Statement<Bool> {
        Statement(
            "taker.getsAgain",
            """
            SELECT t.inputs_open AND NOT EXISTS (
                SELECT 1 FROM (SELECT u.file FROM unit_input u
                               WHERE \(fragment: UnitInputs.areOfJob(task: "t.id", index: "i.index")) OFFSET 0) u
                JOIN file f ON f.id = u.file
                WHERE (f.lost OR NOT EXISTS (SELECT 1 FROM replica r WHERE r.file = f.id AND r.state = 'available'))
                  AND NOT EXISTS (
                    SELECT 1 FROM output o JOIN dataset d ON d.task = o.task AND d.stream = o.stream
                    JOIN input_feed n ON n.dataset = d.id AND n.task = t.id
                    WHERE o.file = f.id AND o.task = f.task))
            FROM (SELECT \(job.task)::bigint AS task, \(job.index)::bigint AS index) i JOIN task t ON t.id = i.task
            """,
            returning: Bool.self
        )
    }

    /// Nobody is to read these files, or merge anything of these jobs, any more.
    static func letGo(of files: [Int64], madeBy task: Int64, _ indexes: [Int64]) -> [SQL] {
        [
            """
            DELETE FROM merge_input m USING \(fragment: RecoveryStatements.keys(task, indexes))
            WHERE m.src_task = i.task AND m.src_index = i.index
            """,
            "DELETE FROM unit_input u USING unnest(\(files)) AS i(file) WHERE u.file = i.file",
        ]
    }

    /// What jobs have left goes to new ones, `first` and on, in their order.
    ///
    /// - Parameter rests: the job, and the events it has left.
    static func moveRests(_ task: Int64, _ rests: [(index: Int64, events: Int64)], to first: Int64) -> [SQL] {
        let old = rests.map(\.index)
        let new = rests.indices.map { first + Int64($0) }
        let tasks = rests.map { _ in task }
        let moved: SQL = "unnest(\(tasks), \(old), \(new)) AS i(task, old, new)"
        return [
            """
            INSERT INTO job (task, index, events_expected, class, state, cause)
            SELECT i.task, i.new, i.events, o.class, 'waiting', 'reads what is left of job ' || i.task || '.' || i.old
            FROM unnest(\(tasks), \(old), \(new), \(rests.map(\.events))) AS i(task, old, new, events)
            JOIN job o ON o.task = i.task AND o.index = i.old ORDER BY i.new
            """,
            """
            UPDATE unit_input u SET index = i.new FROM \(fragment: moved)
            WHERE \(fragment: UnitInputs.areOfJob(task: "i.task", index: "i.old"))
            """,
            "UPDATE merge_input m SET index = i.new FROM \(fragment: moved) WHERE m.task = i.task AND m.index = i.old",
            RecoveryStatements.wait(task, new),
        ]
    }

    /// Events that were to be read of what is gone come again with what is made.
    static func shrink(_ task: Int64, by events: Int64, who: String) -> SQL {
        "UPDATE task SET events_total = events_total - \(events), who = \(who), updated = now() WHERE id = \(task)"
    }

    static var examples: [AnyStatement] {
        let changes =
            Self.letGo(of: [], madeBy: 1, []) + Self.moveRests(1, [], to: 0) + [Self.shrink(1, by: 0, who: "x")]
        return [
            Self.lockRequests(of: []).erased, Self.lockTasks([]).erased, Self.rest(of: 1, [], without: []).erased,
            Self.getsAgain(JobKey(task: 1, index: 1)).erased,
        ] + changes.enumerated().map { Command("taker.change.\($0)", $1).erased }
    }
}
