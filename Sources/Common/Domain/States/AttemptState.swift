/// The states of an attempt. *finished* is what the agent says; *done* is what the books agree to.
package enum AttemptState: String, StateMachine {
    case leased
    case running
    case finished
    case done
    case failed
    case lost
    case cancelled

    package static let kind = "attempt"
    package static let terminal: Set<Self> = [.done, .failed, .lost, .cancelled]

    package static let transitions: [Transition<AttemptState>] = [
        move(nil, .leased, [.scheduler], "offered to an agent that asked"),
        move(.leased, .running, [.monitor], "the agent reported a step"),
        move(.leased, .finished, [.bookkeeper], "reported finished before it was reported running"),
        move(.leased, .failed, [.monitor], "failed before a step ran"),
        move(
            .leased,
            .lost,
            [.monitor],
            "the agent is silent for longer than the site's lost_after, or does not know it"
        ),
        move(.leased, .cancelled, [.scheduler, .monitor], "the offer came back, or it was killed"),
        move(.running, .finished, [.bookkeeper], "the agent reported its manifest"),
        move(.running, .failed, [.monitor], "a step, stage-out or limit failed"),
        move(
            .running,
            .lost,
            [.monitor],
            "the agent is silent for longer than the site's lost_after, or does not know it"
        ),
        move(.running, .cancelled, [.monitor], "killed on request"),
        move(.finished, .done, [.bookkeeper], "the manifest is complete: this attempt is the winner"),
        move(.finished, .failed, [.bookkeeper], "the manifest was refused"),
        move(.finished, .cancelled, [.bookkeeper], "its job was cancelled, or another attempt won"),
    ]

    /// Carried by a lease.
    package var isLive: Bool { self == .leased || self == .running || self == .finished }
}
