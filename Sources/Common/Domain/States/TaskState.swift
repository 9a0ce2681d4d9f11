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
        move(.finishing, .done, [.scheduler, .bookkeeper], "its share of aborted jobs is within allowed_loss"),
        move(.finishing, .failed, [.scheduler, .bookkeeper], "more of its jobs were aborted than allowed_loss"),
        move(.finishing, .aborted, [.operator], "given up"),
        move(.finishing, .running, [.operator], "an operator retried aborted jobs"),
        move(.paused, .scouting, [.operator], "resumed"),
        move(.paused, .running, [.operator], "resumed"),
        move(.paused, .aborted, [.operator], "given up"),
    ]

    /// How a task ends whose jobs are all terminal.
    ///
    /// - Parameters:
    ///   - total: all jobs of the task.
    ///   - aborted: those finally given up.
    ///   - allowedLoss: the share of `total` that may be given up, 0...1.
    package static func end(total: Int64, aborted: Int64, allowedLoss: Double) -> TaskState {
        guard aborted > 0 else { return .done }
        return Double(aborted) <= allowedLoss * Double(total) ? .done : .failed
    }
}
