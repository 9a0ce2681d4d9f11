/// The states of a job. What happens when a job fails stands here: active, recovering, and from there waiting again,
/// aborted, or replaced by smaller jobs.
package enum JobState: String, StateMachine {
    case waiting
    case active
    case recovering
    case done
    case aborted
    case cancelled
    case replaced

    package static let kind = "job"
    package static let terminal: Set<Self> = [.done, .aborted, .cancelled, .replaced]

    package static let transitions: [Transition<JobState>] = [
        move(
            nil,
            .waiting,
            [.scheduler],
            "its inputs were grouped (a job without inputs has no row before its first lease)"
        ),
        move(.waiting, .active, [.scheduler], "an attempt was leased to an agent"),
        move(
            .waiting,
            .cancelled,
            [.scheduler, .operator],
            "its task or request was cancelled, or an input is made again and another job reads the rest"
        ),
        move(.waiting, .aborted, [.operator], "given up by an operator"),
        move(.active, .done, [.bookkeeper], "the books accepted an attempt: it is the winner"),
        move(
            .active,
            .recovering,
            [.monitor],
            "its attempt failed, was lost, or was refused by the books; the verdict is written"
        ),
        move(.active, .waiting, [.scheduler, .monitor], "the offer came back or was never taken: nothing was tried"),
        move(
            .active,
            .aborted,
            [.monitor],
            "an operator had its attempt killed while its task goes on: its events are given up"
        ),
        move(.active, .cancelled, [.operator, .monitor, .scheduler], "its task or request was cancelled"),
        move(.recovering, .waiting, [.scheduler], "verdict resubmit carried out"),
        move(.recovering, .aborted, [.scheduler], "verdict abort carried out"),
        move(.recovering, .replaced, [.scheduler], "verdict resubmit with fewer events: split into smaller jobs"),
        move(.recovering, .cancelled, [.operator, .scheduler], "its task or request was cancelled"),
        move(.recovering, .done, [.bookkeeper], "a late finished report of the attempt in question was accepted"),
        move(.done, .waiting, [.operator], "its winner was revoked"),
        move(.aborted, .waiting, [.operator], "retried by an operator"),
    ]
}
