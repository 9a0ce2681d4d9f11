import Catalog
import Domain
import Messages

/// What decides which actions a request allows.
struct RequestFacts: Decodable {
    private struct Cleanup: Decodable {
        let state: String
        let closed_too: Bool
        let forced_by: String?

        var isOpen: Bool { self.state == "open" }
        /// One that was stopped may have kept something.
        var isDone: Bool { self.state == "done" }
    }

    private struct Task: Decodable {
        let task: Int64
    }

    let state: RequestState
    let owner: String
    private let continued_by: Int64?
    private let cleanup: Cleanup?
    private let tasks: [Task]

    init(_ row: String) throws { self = try WireFormat.value(Self.self, from: row) }

    /// What this caller may do now.
    func actions(_ caller: Caller) -> [RequestAction] {
        RequestAction.allCases.filter { action in
            action.allowedIn.contains(self.state) && self.isAllowed(to: caller, action.role, action.isOwners)
                && self.isOfUse(action, to: caller)
        }
    }

    /// What this caller may do to its clean-up.
    func cleanupActions(_ caller: Caller) -> [CleanupAction] {
        guard let cleanup, cleanup.isOpen else { return [] }
        return CleanupAction.allCases.filter { action in
            self.isAllowed(to: caller, action.role, action.isOwners) && !(action == .force && cleanup.forced_by != nil)
        }
    }

    private func isAllowed(to caller: Caller, _ role: Role, _ isOwners: Bool) -> Bool {
        caller.role >= role && (!isOwners || caller.role >= .operator || caller.who == self.owner)
    }

    /// Another version goes on with it already; nothing was made, or its clean-up goes for all of it or has deleted it.
    private func isOfUse(_ action: RequestAction, to caller: Caller) -> Bool {
        switch action {
        case .derive: self.continued_by == nil
        case .clean:
            if let cleanup, cleanup.isOpen {
                !cleanup.closed_too && caller.role >= CleanupPolicy.role(closed: true, force: false)
            } else {
                !self.tasks.isEmpty && cleanup?.isDone != true
            }
        default: true
        }
    }
}

/// What decides which actions a task allows.
struct TaskFacts: Decodable {
    let state: TaskState
    private let jobs_aborted: Int64
    private let inputs_open: Bool

    init(_ row: String) throws { self = try WireFormat.value(Self.self, from: row) }

    /// What this caller may do now.
    func actions(_ caller: Caller) -> [TaskAction] {
        TaskAction.allCases.filter { action in
            action.allowedIn.contains(self.state) && caller.role >= action.role && self.isOfUse(action)
        }
    }

    private func isOfUse(_ action: TaskAction) -> Bool {
        switch action {
        case .retry: self.jobs_aborted > 0
        case .flush: self.inputs_open
        default: true
        }
    }
}
