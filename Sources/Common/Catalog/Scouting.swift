import Domain
package import Postgres

/// Tasks whose first jobs run before the others.
package enum ScoutStatements {
    /// Tasks that have scouts out: id, how many scouts, events per job.
    package static let scouting = Statement<Int64, Int32, Int64?>(
        "scouts.scouting",
        "SELECT id, scouts, events_per_job FROM task WHERE state = 'scouting' ORDER BY id",
        returning: Int64.self,
        Int32.self,
        Int64?.self
    )

    /// The scouts of a task that have ended for good: state (that of one that an operator had killed is cancelled), CPU seconds, events, memory (bytes), output (bytes).
    package static func ended(of task: Int64, scouts: Int32) -> Statement<String, Double, Int64, Int64, Int64> {
        Statement(
            "scouts.ended",
            """
            SELECT CASE WHEN j.state = 'aborted' AND EXISTS (
                       SELECT 1 FROM attempt k WHERE k.task = j.task AND k.index = j.index AND k.attempt = j.attempts AND k.state = 'cancelled')
                       THEN 'cancelled' ELSE j.state END, coalesce(a.cpu_seconds, 0), coalesce(a.events_read, 0), coalesce(a.memory_peak, 0), coalesce((
                       SELECT sum(f.bytes) FROM output o JOIN file f ON f.id = o.file
                       WHERE o.task = w.task AND o.index = w.index AND o.attempt = w.attempt), 0)::bigint
            FROM job j LEFT JOIN winner w ON w.task = j.task AND w.index = j.index
            LEFT JOIN attempt a ON a.task = w.task AND a.index = w.index AND a.attempt = w.attempt
            WHERE j.task = \(task) AND j.index < \(scouts) AND j.state IN ('done', 'aborted', 'cancelled', 'replaced')
            ORDER BY j.index
            """,
            returning: String.self,
            Double.self,
            Int64.self,
            Int64.self,
            Int64.self
        )
    }

    /// A task that still has scouts out, locked: its class.
    package static func lock(_ task: Int64) -> Statement<Int32> {
        Statement(
            "scouts.lock",
            "SELECT class FROM task WHERE id = \(task) AND state = 'scouting' FOR NO KEY UPDATE",
            returning: Int32.self
        )
    }

    /// The others may run.
    package static func go(_ task: Int64, measured: JSONText, cause: String) -> [SQL] {
        [
            """
            UPDATE task SET state = 'running', version = version + 1, cause = \(cause), who = NULL, measured = \(measured), updated = now()
            WHERE id = \(task)
            """,
            TaskControlStatements.hold(task: task),
        ]
    }

    /// They wait for an operator; whoever resumes the task lets all of it run.
    package static func stop(_ task: Int64, cause: String) -> [SQL] {
        [
            """
            UPDATE task SET state = 'paused', paused_from = 'running', version = version + 1, cause = \(cause), who = NULL, updated = now()
            WHERE id = \(task)
            """,
            TaskControlStatements.hold(task: task),
        ]
    }

    static var examples: [AnyStatement] {
        let changes = Self.go(1, measured: JSONText("{}"), cause: "x") + Self.stop(1, cause: "x")
        return [Self.scouting.erased, Self.ended(of: 1, scouts: 1).erased, Self.lock(1).erased]
            + changes.enumerated().map { Command("scouts.change.\($0)", $1).erased }
    }
}
