/// What decides whether the files of one output dataset of a cancelled request may be deleted now.
package struct CleanupFacts: Sendable, Hashable {
    /// A task of another request, which has not ended, that has the dataset as input.
    package struct Reader: Sendable, Hashable {
        package let request: Int64
        package let task: Int64

        package init(request: Int64, task: Int64) {
            self.request = request
            self.task = task
        }
    }

    /// A derive task of another request, neither rejected nor cancelled, that leaves out the events of which the dataset, or a container with
    /// it, holds what was made.
    package struct Deriver: Sendable, Hashable {
        package let request: Int64
        package let task: Int64
        /// Its request has: what it was to make is made, and lacks what is here.
        package let hasEnded: Bool

        package init(request: Int64, task: Int64, hasEnded: Bool) {
            self.request = request
            self.task = task
            self.hasEnded = hasEnded
        }
    }

    /// It was handed over: its task was done, or an operator closed it.
    package var isClosed = false
    /// The clean-up goes for what was handed over as well: an operator asked for it.
    package var includesClosed = false
    /// An administrator wants deleted what others hold.
    package var isForced = false
    /// Attempts of its task that have not ended: what they made may still come.
    package var liveAttempts: Int64 = 0
    package var reader: Reader?
    /// A request that goes on where this one stopped: both together hold all events.
    package var continuation: Int64?
    package var deriver: Deriver?
    /// A container that holds it.
    package var container: String?
    /// A dataset that people filled, with files of this one among them.
    package var selection: String?
    /// A storage element other than its home to which it is subscribed.
    package var subscription: String?

    package init() {}
}

/// Why a clean-up does nothing with a dataset now.
package enum CleanupObstacle: Sendable, Hashable {
    /// Goes away when that request ends. Nobody can force it.
    case reader(CleanupFacts.Reader)
    /// Goes away when that request is rejected or cancelled, or by force.
    case continuation(Int64)
    /// Goes away when that request is cancelled, or, when it has ended, by force: before that nobody can force it.
    case deriver(CleanupFacts.Deriver)
    /// Goes away when an operator takes the clean-up over.
    case closed
    /// Goes away when it is taken out of the container, or by force.
    case container(String)
    /// Goes away by force.
    case selection(String)
    /// Goes away by force.
    case subscription(String)
    /// Goes away by itself: they are told to end, and count as lost when their site is silent for too long.
    case attempts(Int64)

    /// What follows the name of the dataset, in one line.
    package var text: String {
        switch self {
        case .reader(let reader): "is read by task \(reader.task) of request \(reader.request), which has not ended"
        case .continuation(let request):
            "is half of what request \(request) goes on with, which is neither rejected nor cancelled"
        case .deriver(let deriver) where deriver.hasEnded:
            "holds what task \(deriver.task) of request \(deriver.request) left out as made: only both together have all events"
        case .deriver(let deriver):
            "holds what task \(deriver.task) of request \(deriver.request), which has not ended, leaves out as made"
        case .closed: "is closed: an operator must ask for its clean-up"
        case .container(let name): "is in container \(name)"
        case .selection(let name): "has files in dataset \(name), which people filled"
        case .subscription(let storage): "is subscribed to \(storage)"
        case .attempts(1): "waits for 1 attempt that has not answered yet"
        case .attempts(let count): "waits for \(count) attempts that have not answered yet"
        }
    }
}

/// What people can do to a clean-up that is under way.
package enum CleanupAction: String, Sendable, CaseIterable, Codable {
    /// What others hold is deleted as well.
    case force
    /// What has not gone yet is kept.
    case stop

    /// The least role that may do it.
    package var role: Role {
        switch self {
        case .force: CleanupPolicy.role(closed: true, force: true)
        case .stop: .physicist
        }
    }

    /// Whether less than an operator may do it only to requests of their own.
    package var isOwners: Bool { self == .stop }
}

/// What a clean-up may delete: pure and total.
package enum CleanupPolicy {
    /// - Returns: nil: the files may go.
    package static func obstacle(_ facts: CleanupFacts) -> CleanupObstacle? {
        // Whoever reads it outranks everybody: its jobs would fail one after the other.
        if let reader = facts.reader { return .reader(reader) }
        // So does whoever counts on it: what it leaves out would be made by nobody.
        if let deriver = facts.deriver, !deriver.hasEnded { return .deriver(deriver) }
        if facts.isClosed && !facts.includesClosed { return .closed }
        if !facts.isForced {
            if let request = facts.continuation { return .continuation(request) }
            if let deriver = facts.deriver { return .deriver(deriver) }
            if let container = facts.container { return .container(container) }
            if let selection = facts.selection { return .selection(selection) }
            if let subscription = facts.subscription { return .subscription(subscription) }
        }
        // The last: it is the only one that goes away by itself.
        return facts.liveAttempts > 0 ? .attempts(facts.liveAttempts) : nil
    }

    /// The least role that may ask for it. What is still being made belongs to whoever asked for it, what was handed over to the
    /// production; what others hold is an administrator's to take.
    ///
    /// - Parameter closed: files of closed datasets are among it.
    package static func role(closed: Bool, force: Bool) -> Role {
        force ? .administrator : closed ? .operator : .physicist
    }
}
