package import Postgres

/// Which waiting ranges may be leased, and pausing tasks. A range is held when its task is paused, when its request is, or while
/// the scouts of its task run and it is behind them: `range_is_held` in the catalogue says so for everybody.
package enum TaskControlStatements {
    /// Pauses a running task and keeps its waiting jobs from being leased. One that does not run stays as it is.
    package static func pause(_ task: Int64, cause: String, who: String?) -> [SQL] {
        [
            """
            UPDATE task SET paused_from = state, state = 'paused', version = version + 1, cause = \(cause), who = \(who), updated = now()
            WHERE id = \(task) AND state IN ('running', 'scouting')
            """,
            Self.hold(task: task),
        ]
    }

    /// Brings the ranges of a task into line with its state and its request's.
    package static func hold(task: Int64) -> SQL {
        """
        UPDATE waiting w SET held = NOT w.held FROM task t JOIN request r ON r.id = t.request
        WHERE w.task = \(task) AND t.id = w.task AND w.held <> range_is_held(t.state, r.state, t.scouts, w.first)
        """
    }

    /// The same for all tasks of a request.
    package static func hold(request: Int64) -> SQL {
        """
        UPDATE waiting w SET held = NOT w.held FROM task t JOIN request r ON r.id = t.request
        WHERE r.id = \(request) AND t.id = w.task AND w.held <> range_is_held(t.state, r.state, t.scouts, w.first)
        """
    }

    /// Whoever lets a task run on has looked: the brake begins to count anew.
    package static func forgetFailures(_ task: Int64) -> SQL { "DELETE FROM failure_tally WHERE task = \(task)" }

    static var examples: [AnyStatement] {
        (Self.pause(1, cause: "x", who: nil) + [Self.hold(task: 1), Self.hold(request: 1), Self.forgetFailures(1)])
            .enumerated().map { Command("taskControl.\($0)", $1).erased }
    }
}
