package import Postgres

/// Pausing and resuming tasks: the state, and the ranges that wait.
package enum TaskControlStatements {
    /// Pauses a running task and keeps its waiting jobs from being leased. One that does not run stays as it is.
    package static func pause(_ task: Int64, cause: String, who: String?) -> [SQL] {
        [
            """
            UPDATE task SET paused_from = state, state = 'paused', version = version + 1, cause = \(cause), who = \(who), updated = now()
            WHERE id = \(task) AND state IN ('running', 'scouting')
            """,
            "UPDATE waiting SET held = true WHERE task = \(task) AND EXISTS (SELECT 1 FROM task WHERE id = \(task) AND state = 'paused')",
        ]
    }

    /// Lets a paused task run on; its ranges are leasable unless its request is held.
    package static func resume(_ task: Int64, cause: String, who: String?) -> [SQL] {
        [
            """
            UPDATE task SET state = paused_from, paused_from = NULL, version = version + 1, cause = \(cause), who = \(who), updated = now()
            WHERE id = \(task) AND state = 'paused'
            """,
            """
            UPDATE waiting w SET held = r.state = 'held' FROM task t JOIN request r ON r.id = t.request
            WHERE w.task = \(task) AND t.id = w.task AND t.state <> 'paused'
            """,
            // Whoever lets it run on has looked: the brake begins to count anew.
            "DELETE FROM failure_tally WHERE task = \(task)",
        ]
    }

    static var examples: [AnyStatement] {
        (Self.pause(1, cause: "x", who: nil) + Self.resume(1, cause: "x", who: "y")).enumerated().map {
            Command("taskControl.\($0)", $1).erased
        }
    }
}
