import Domain
import Messages
import Postgres

/// A task as a change finds it, locked after its request.
struct LockedTask: Sendable, Hashable {
    let id: Int64
    let request: Int64
    let name: String
    let state: TaskState
    let version: Int64
    let changedBy: String?
    let changedAt: Moment
    let pausedFrom: TaskState?
    let isRequestHeld: Bool

    /// Whether this action may be done now: pure.
    func check(_ action: TaskAction, by caller: Caller, expected: Int64?) throws(CatalogRefusal) {
        try caller.need(action.role, to: "\(action.rawValue) task \(self.id)")
        let last = "\(self.changedBy ?? "a service") at \(self.changedAt)"
        guard action.allowedIn.contains(self.state) else {
            let states = action.allowedIn.map(\.rawValue).joined(separator: ", ")
            throw CatalogRefusal(
                .state,
                "task \(self.id) is \(self.state.rawValue), changed by \(last); \(action.rawValue) is possible in: \(states)"
            )
        }
        if let expected, expected != self.version {
            throw CatalogRefusal(
                .state,
                "task \(self.id) was changed by \(last): it is at version \(self.version), not \(expected); look again"
            )
        }
    }
}

extension Operations {
    /// None of the task's jobs is leased any more; running ones go on.
    package func pause(task: Int64, version: Int64?, reason: String?) async throws -> Outcome {
        try await self.move(task, .pause, version) { locked, transaction in
            try await transaction.execute([
                self.moved(locked, to: .paused, pausedFrom: locked.state, cause: reason ?? "paused"),
                TaskControlStatements.hold(task: task),
            ])
            return (["task \(task) (\(locked.name)) is paused: running jobs go on, waiting ones stay"], nil)
        }
    }

    package func resume(task: Int64, version: Int64?, reason: String?) async throws -> Outcome {
        try await self.move(task, .resume, version) { locked, transaction in
            let state = locked.pausedFrom ?? .running
            try await transaction.execute([
                self.moved(locked, to: state, pausedFrom: nil, cause: reason ?? "resumed"),
                TaskControlStatements.hold(task: task), TaskControlStatements.forgetFailures(task),
            ])
            let held = locked.isRequestHeld ? "; its request is held, so its jobs stay" : ""
            return (["task \(task) (\(locked.name)) is \(state.rawValue) again\(held)"], nil)
        }
    }

    /// Gives a task up: what waits goes, what runs is killed. What depends on it goes on with what was accepted, or fails.
    package func abort(task: Int64, version: Int64?, reason: String?) async throws -> Outcome {
        try await self.move(task, .abort, version) { locked, transaction in
            let cause = reason ?? "given up"
            let counts = try await transaction.execute(
                [self.moved(locked, to: .aborted, pausedFrom: nil, cause: cause)]
                    + RequestStatements.cancelJobs(tasks: [task], cause: cause, who: self.caller.who)
            )
            try await Settlement.settleRequest(locked.request, in: transaction)
            return (
                ["task \(task) (\(locked.name)) is aborted", "\(counts.last ?? 0) running jobs are told to stop"], nil
            )
        }
    }

    /// Aborted jobs wait again, with their attempts to use anew. A task that was about to end runs again.
    package func retry(task: Int64, version: Int64?, reason: String?) async throws -> Outcome {
        try await self.move(task, .retry, version, reason: reason) { locked, transaction in
            let cause = reason ?? "retried"
            let jobs = try await transaction.query(
                OperatingStatements.retryJobs(task, who: self.caller.who, cause: cause)
            )
            if !jobs.isEmpty && locked.state == .finishing {
                try await transaction.execute(self.moved(locked, to: .running, pausedFrom: nil, cause: cause))
            }
            let line = "task \(task) (\(locked.name)): \(jobs.count) aborted jobs wait again"
            return ([line], jobs.count)
        }
    }

    /// What has come and waits for company is merged now, however little it is.
    package func flush(task: Int64, version: Int64?, reason: String?) async throws -> Outcome {
        try await self.move(task, .flush, version, reason: reason) { locked, transaction in
            let isFed = try await transaction.execute(FeedingStatements.flush(task)) > 0
            let line =
                isFed
                ? "task \(task) (\(locked.name)) merges what waits now"
                : "task \(task) (\(locked.name)) takes no inputs any more: nothing waits"
            return ([line], isFed ? nil : 0)
        }
    }

    func moved(_ locked: LockedTask, to state: TaskState, pausedFrom: TaskState?, cause: String) -> SQL {
        RequestStatements.moveTask(locked.id, to: state, pausedFrom: pausedFrom, cause: cause, who: self.caller.who)
    }

    /// Locks request and task in this order, checks, does, and tells the Scheduler.
    private func move(
        _ task: Int64,
        _ action: TaskAction,
        _ version: Int64?,
        reason: String? = nil,
        _ body: @Sendable (LockedTask, PostgresTransaction) async throws -> (lines: [String], jobs: Int?)
    ) async throws -> Outcome {
        try await self.change { transaction in
            let locked = try await self.lock(task: task, in: transaction)
            try locked.check(action, by: self.caller, expected: version)
            let (lines, jobs) = try await body(locked, transaction)
            if action == .retry || action == .flush, jobs != 0 {
                try await transaction.execute(
                    ExtendStatements.note(task: task, what: lines[0], reason: reason, who: self.caller.who)
                )
            }
            var row = try await self.object(OperatingStatements.taskRow(task), in: transaction, "task \(task)")
            if let jobs { row = ObjectText.adding("jobs", String(jobs), to: row) }
            var messages = try OutboxMessage.control("scheduler", .task, ids: [task])
            if action == .abort { messages += try OutboxMessage.control("monitor", .kill) }
            if action == .resume || action == .retry { messages += try OutboxMessage.control("scheduler", .work) }
            return Outcome(changed: jobs != 0, lines: lines, result: row, messages: messages)
        }
    }

    /// Request first, then task: the order of locks everywhere.
    func lock(task: Int64, in transaction: PostgresTransaction) async throws -> LockedTask {
        guard let request = try await transaction.query(OperatingStatements.requestOfTask(task)).first else {
            throw CatalogRefusal(.missing, "there is no task \(task)")
        }
        _ = try await transaction.query(SettlingStatements.lockRequest(request))
        guard let row = try await transaction.query(OperatingStatements.lockTask(task)).first,
            let state = TaskState(rawValue: row.0)
        else { throw CatalogRefusal(.missing, "there is no task \(task) in a state that this program knows") }
        return LockedTask(
            id: task,
            request: request,
            name: row.6,
            state: state,
            version: row.1,
            changedBy: row.2,
            changedAt: row.3,
            pausedFrom: row.4.flatMap(TaskState.init(rawValue:)),
            isRequestHeld: row.5 == RequestState.held.rawValue
        )
    }
}
