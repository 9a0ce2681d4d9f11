/// The states of a task.
package enum TaskState: String, StateMachine {
    case waiting
    case scouting
    case running
    case finishing
    case done
    case failed
    case aborted
    case paused

    package static let kind = "task"
    package static let terminal: Set<Self> = [.done, .failed, .aborted]

    package static let transitions: [Transition<TaskState>] = [
        move(nil, .waiting, [.operator], "made when its request is approved; its inputs are not ready"),
        move(.waiting, .scouting, [.scheduler], "its inputs are ready and it runs scouts first"),
        move(.waiting, .running, [.scheduler], "its inputs are ready: its jobs wait in ranges"),
        move(.waiting, .done, [.scheduler], "its inputs are empty: there is nothing to do"),
        move(.waiting, .failed, [.scheduler], "what it depends on failed"),
        move(.waiting, .aborted, [.operator], "given up by an operator"),
        move(.scouting, .running, [.scheduler], "its scouts succeeded"),
        move(.scouting, .finishing, [.scheduler, .bookkeeper], "every job is terminal"),
        move(.scouting, .paused, [.scheduler, .monitor, .operator], "its scouts failed, or an operator paused it"),
        move(.scouting, .aborted, [.operator, .scheduler], "given up"),
        move(.running, .finishing, [.scheduler, .bookkeeper], "every job is terminal"),
        move(
            .running,
            .paused,
            [.monitor, .operator, .scheduler],
            "paused, by a rule or an operator, with the reason"
        ),
        move(.running, .aborted, [.operator, .scheduler], "given up"),
        move(
            .finishing,
            .done,
            [.scheduler, .bookkeeper],
            "the share of its events that were given up is within allowed_loss"
        ),
        move(.finishing, .failed, [.scheduler, .bookkeeper], "more of its events were given up than allowed_loss"),
        move(.finishing, .aborted, [.operator], "given up"),
        move(.finishing, .running, [.operator], "an operator retried aborted jobs"),
        move(.paused, .scouting, [.operator], "resumed"),
        move(.paused, .running, [.operator], "resumed"),
        move(.paused, .aborted, [.operator], "given up"),
    ]

    /// How a task ends whose jobs are all terminal. Events are compared, since a job that was split counts for many; jobs only where
    /// there are no events, or those that were given up had none.
    ///
    /// - Parameters:
    ///   - jobs: those that were to be done: neither what others replaced nor what let go of its inputs is one any more.
    ///   - aborted: those of them that were finally given up.
    ///   - events: that the jobs were to make; 0: none, or nobody knows.
    ///   - lost: those of the aborted jobs.
    ///   - allowedLoss: the share that may be given up, 0...1.
    package static func end(jobs: Int64, aborted: Int64, events: Int64, lost: Int64, allowedLoss: Double) -> TaskState {
        guard aborted > 0 else { return .done }
        let (given, all) = lost > 0 && events > 0 ? (lost, events) : (aborted, jobs)
        // Divided, a share is the number that was written: 0.29 of 100 is less than 29.
        return Double(given) / Double(max(all, 1)) <= allowedLoss ? .done : .failed
    }
}
