/// The states of a request.
package enum RequestState: String, StateMachine {
    case new
    case approved
    case running
    case finished
    case failed
    case cancelled
    case held
    case rejected

    package static let kind = "request"
    package static let terminal: Set<Self> = [.finished, .failed, .cancelled, .rejected]

    package static let transitions: [Transition<RequestState>] = [
        move(nil, .new, [.operator], "created"),
        move(.new, .approved, [.operator], "approved: its tasks exist from now on"),
        move(.new, .rejected, [.operator], "rejected, with the reason"),
        move(.new, .cancelled, [.operator], "withdrawn by its owner"),
        move(.approved, .running, [.scheduler], "the first of its tasks runs"),
        move(.approved, .finished, [.scheduler, .bookkeeper], "there was nothing to do"),
        move(.approved, .failed, [.scheduler, .bookkeeper], "a task failed before any ran"),
        move(.approved, .held, [.operator], "held: none of its jobs is leased"),
        move(.approved, .cancelled, [.operator], "cancelled"),
        move(.running, .finished, [.scheduler, .bookkeeper], "every task is done"),
        move(.running, .failed, [.scheduler, .bookkeeper], "every task has ended and one failed"),
        move(.running, .held, [.operator], "held: running jobs go on, waiting ones stay"),
        move(.running, .cancelled, [.operator], "cancelled: waiting jobs go, running ones are killed"),
        move(.held, .approved, [.operator], "released"),
        move(.held, .running, [.operator], "released"),
        move(.held, .cancelled, [.operator], "cancelled"),
    ]
}

/// What people can do to a request.
package enum RequestAction: String, Sendable, CaseIterable, Codable {
    case approve
    case reject
    case hold
    case release
    case cancel
    /// What it made is deleted, once it is cancelled.
    case clean
    /// More events.
    case extend
    /// Another priority or share.
    case change
    /// A new version that does what this one has not done.
    case derive
    /// Another one like it.
    case clone

    /// The states in which the action is allowed. The CLI and the web pages show no other.
    package var allowedIn: [RequestState] {
        switch self {
        case .approve, .reject: [.new]
        case .hold: [.approved, .running]
        case .release: [.held]
        case .cancel: [.new, .approved, .running, .held]
        case .clean: [.approved, .running, .held, .cancelled]
        case .extend: [.approved, .running, .held]
        case .change: [.new, .approved, .running, .held]
        case .derive: [.held, .finished, .failed, .cancelled]
        case .clone: RequestState.allCases
        }
    }

    /// Whether less than an operator may do it only to requests of their own.
    package var isOwners: Bool { self == .cancel || self == .clean }

    /// The least role that may do it.
    package var role: Role {
        switch self {
        case .approve, .reject, .hold, .release, .extend, .change: .operator
        case .cancel, .clean, .derive, .clone: .physicist
        }
    }
}

/// What a user of the gateway may do. Each role may do all that the ones before it may.
package enum Role: String, Sendable, CaseIterable, Codable, Comparable {
    case viewer
    case physicist
    case `operator`
    case administrator

    package static func < (left: Role, right: Role) -> Bool { left.rank < right.rank }

    private var rank: Int {
        switch self {
        case .viewer: 0
        case .physicist: 1
        case .operator: 2
        case .administrator: 3
        }
    }
}
