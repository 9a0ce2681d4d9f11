import Domain
import Postgres

/// More events for a request.
enum ExtendStatements {
    /// The tasks of a request that make events from nothing, locked: id, name, state, jobs, events, events per job, class, priority.
    static func generating(
        _ request: Int64
    ) -> Statement<Int64, String, String, Int64, Int64, Int64, Int32, Int32> {
        Statement(
            "extend.generating",
            """
            SELECT t.id, t.name, t.state, coalesce(t.jobs_total, 0), coalesce(t.events_total, 0), t.events_per_job, t.class, t.priority
            FROM task t WHERE t.request = \(request) AND t.kind = 'generate' AND t.events_per_job IS NOT NULL
            ORDER BY t.id FOR NO KEY UPDATE
            """,
            returning: Int64.self,
            String.self,
            String.self,
            Int64.self,
            Int64.self,
            Int64.self,
            Int32.self,
            Int32.self
        )
    }

    /// Tasks that read its output and have taken all they will: id, name.
    static func readers(of task: Int64) -> Statement<Int64, String> {
        Statement(
            "extend.readers",
            """
            SELECT t.id, t.name FROM task_input i JOIN task t ON t.id = i.task
            WHERE i.parent = \(task) AND t.state <> 'waiting' AND NOT t.inputs_open ORDER BY t.id LIMIT 1
            """,
            returning: Int64.self,
            String.self
        )
    }

    /// Its version stays: the state does not change, and the log is of states. So does its cause: that is why it is in its state.
    static func extend(task: Int64, jobs: Int64, events: Int64, who: String) -> SQL {
        """
        UPDATE task SET jobs_total = jobs_total + \(jobs), events_total = events_total + \(events), who = \(who), updated = now()
        WHERE id = \(task)
        """
    }

    /// The request is another one now: an operator who has seen the old one looks again. Why it is in its state stays as it was.
    ///
    /// - Parameters:
    ///   - what: what was done, kept for its history.
    ///   - reason: why, as somebody wrote it; nil: they did not say.
    static func touch(request: Int64, what: String, reason: String?, who: String) -> SQL {
        """
        WITH touched AS (
            UPDATE request SET version = version + 1, who = \(who), updated = now() WHERE id = \(request)
            RETURNING id, who
        )
        INSERT INTO request_change (request, what, who) SELECT id, \(Self.told(what, reason)), who FROM touched
        """
    }

    /// What somebody did to a task that moved nothing.
    static func note(task: Int64, what: String, reason: String?, who: String) -> SQL {
        """
        INSERT INTO request_change (request, task, what, who)
        SELECT t.request, t.id, \(Self.told(what, reason)), \(who) FROM task t WHERE t.id = \(task)
        """
    }

    private static func told(_ what: String, _ reason: String?) -> String { reason.map { "\(what): \($0)" } ?? what }

    static var examples: [AnyStatement] {
        [
            Self.generating(1).erased, Self.readers(of: 1).erased,
            Command("extend.extend", Self.extend(task: 1, jobs: 1, events: 1, who: "x")).erased,
            Command("extend.touch", Self.touch(request: 1, what: "x", reason: nil, who: "x")).erased,
            Command("extend.note", Self.note(task: 1, what: "x", reason: nil, who: "x")).erased,
        ]
    }
}
