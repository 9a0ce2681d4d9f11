/// The states of a transfer.
package enum TransferState: String, StateMachine {
    case queued
    case active
    case done
    case failed
    case cancelled

    package static let kind = "transfer"
    package static let terminal: Set<Self> = [.done, .failed, .cancelled]

    package static let transitions: [Transition<TransferState>] = [
        move(nil, .queued, [.bookkeeper, .operator], "a file must go where its dataset is subscribed"),
        move(.queued, .active, [.transfer], "leased by a worker"),
        move(.queued, .cancelled, [.operator], "cancelled"),
        move(.queued, .failed, [.transfer], "no source is left"),
        move(.active, .done, [.transfer], "copied, verified, published by rename"),
        move(.active, .queued, [.transfer], "failed in a way that may pass: tried again after a pause"),
        move(.active, .failed, [.transfer], "failed for good, or too often"),
        move(.active, .cancelled, [.operator], "cancelled"),
        move(.failed, .queued, [.operator], "retried by an operator"),
        move(.cancelled, .queued, [.operator], "retried by an operator"),
    ]
}

/// A file that was there before, on its way into the books: what an operator says of it is compared with what is stored.
package enum RegistrationState: String, StateMachine {
    case queued
    case active
    case done
    case failed

    package static let kind = "registration"
    package static let terminal: Set<Self> = [.done, .failed]

    package static let transitions: [Transition<RegistrationState>] = [
        move(nil, .queued, [.operator], "an operator says that a file is at a storage element"),
        move(.queued, .active, [.transfer], "leased by a worker"),
        move(.active, .done, [.transfer], "what is stored is what was said: the file is in the books"),
        move(.active, .queued, [.transfer], "could not be read, in a way that may pass: tried again after a pause"),
        move(
            .active,
            .failed,
            [.transfer],
            "is not there, is not what was said, or could not be read too often; nothing is deleted"
        ),
        move(.failed, .queued, [.operator], "registered once more, with the same facts or others"),
    ]
}

/// The states of a dataset. Closed means immutable.
package enum DatasetState: String, StateMachine {
    case open
    case closed

    package static let kind = "dataset"
    package static let terminal: Set<Self> = [.closed]

    package static let transitions: [Transition<DatasetState>] = [
        move(nil, .open, [.operator], "made with the task that fills it, or to be filled by people"),
        move(
            .open,
            .closed,
            [.bookkeeper, .operator],
            "its task is done and every file is where it belongs, or an operator says that it is complete"
        ),
    ]
}

/// Whether a site gets work.
package enum SiteAccess: String, StateMachine {
    case allowed
    case draining
    case banned

    package static let kind = "site"
    package static let terminal: Set<Self> = []

    package static let transitions: [Transition<SiteAccess>] = [
        move(nil, .allowed, [.operator], "added"),
        move(.allowed, .draining, [.operator, .monitor], "gets no new work; what runs there goes on"),
        move(.allowed, .banned, [.operator, .monitor], "gets no work"),
        move(.draining, .banned, [.operator, .monitor], "gets no work"),
        move(.draining, .allowed, [.operator, .monitor], "let back in"),
        move(.banned, .allowed, [.operator, .monitor], "let back in"),
        move(.banned, .draining, [.operator, .monitor], "let finish"),
    ]
}

/// A node or a site that the Monitor keeps from work, on its way back.
package enum PlaceState: String, StateMachine {
    case resting
    case probing
    case returned

    package static let kind = "place"
    package static let terminal: Set<Self> = [.returned]

    package static let transitions: [Transition<PlaceState>] = [
        move(nil, .resting, [.monitor], "its failures stand out: it gets no work"),
        move(.resting, .probing, [.monitor], "its rest is over: it gets a few jobs"),
        move(.probing, .resting, [.monitor], "a probe failed: it rests twice as long"),
        move(.probing, .returned, [.monitor, .operator], "enough probes went well: it is as all others"),
        move(.resting, .returned, [.operator], "an operator let it back in"),
    ]
}

/// A file in the log: it is registered once, and may be declared lost.
package enum FileState: String, StateMachine {
    case registered
    case lost

    package static let kind = "file"
    package static let terminal: Set<Self> = [.lost]

    package static let transitions: [Transition<FileState>] = [
        move(
            nil,
            .registered,
            [.bookkeeper, .transfer],
            "an attempt's output was accepted, or a file that was there was verified"
        ),
        move(.registered, .lost, [.operator], "declared lost: no good replica is left"),
    ]
}

/// A verdict in the log: written once, never changed.
package enum VerdictState: String, StateMachine {
    case resubmit
    case abort
    case pause

    package static let kind = "verdict"
    package static let terminal: Set<Self> = [.resubmit, .abort, .pause]

    package static let transitions: [Transition<VerdictState>] = [
        move(nil, .resubmit, [.monitor], "the job will be tried again"),
        move(nil, .abort, [.monitor], "the job is given up"),
        move(nil, .pause, [.monitor], "the task is paused until an operator has looked"),
    ]
}
