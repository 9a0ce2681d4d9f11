import Domain
import Messages
import Postgres

/// A request as a change finds it, locked.
struct LockedRequest: Sendable, Hashable {
    let id: Int64
    let state: RequestState
    let version: Int64
    let owner: String
    let changedBy: String?
    let changedAt: Moment
    let heldFrom: RequestState?
    let cause: String?

    /// Whether this action may be done now, by this caller: pure.
    ///
    /// - Parameter expected: the version the caller has seen; nil: any.
    /// - Throws: ``CatalogRefusal`` saying who came first.
    func check(_ action: RequestAction, by caller: Caller, expected: Int64?) throws(CatalogRefusal) {
        try caller.need(action.role, to: "\(action.rawValue) request \(self.id)")
        if action.isOwners { try self.checkOwner(caller, to: "\(action.rawValue) it") }
        let last = "\(self.changedBy ?? "a service") at \(self.changedAt)"
        guard action.allowedIn.contains(self.state) else {
            let states = action.allowedIn.map(\.rawValue).joined(separator: ", ")
            throw CatalogRefusal(
                .state,
                "request \(self.id) is \(self.state.rawValue), changed by \(last); \(action.rawValue) is possible in: \(states)"
            )
        }
        if let expected, expected != self.version {
            throw CatalogRefusal(
                .state,
                "request \(self.id) was changed by \(last): it is at version \(self.version), not \(expected); look again"
            )
        }
    }
}

extension LockedRequest {
    /// What belongs to somebody else is an operator's to end.
    func checkOwner(_ caller: Caller, to act: String) throws(CatalogRefusal) {
        guard caller.role >= .operator || caller.role >= .physicist && caller.who == self.owner else {
            throw CatalogRefusal(
                .permission,
                "request \(self.id) belongs to \(self.owner); to \(act) one must be operator"
            )
        }
    }
}

extension Operations {
    func lock(_ request: Int64, in transaction: PostgresTransaction) async throws -> LockedRequest {
        guard let row = try await transaction.query(OperatingStatements.lockRequest(request)).first else {
            throw CatalogRefusal(.missing, "there is no request \(request)")
        }
        guard let state = RequestState(rawValue: row.0) else {
            throw CatalogRefusal(.state, "request \(request) is in state \(row.0), which this program does not know")
        }
        return LockedRequest(
            id: request,
            state: state,
            version: row.1,
            owner: row.2,
            changedBy: row.3,
            changedAt: row.4,
            heldFrom: row.5.flatMap(RequestState.init(rawValue:)),
            cause: row.6
        )
    }

    /// None of the request's jobs is leased any more; running ones go on.
    package func hold(_ request: Int64, version: Int64?, reason: String?) async throws -> Outcome {
        try await self.move(request, .hold, version: version) { locked, transaction in
            _ = try await transaction.query(ShareStatements.lockTasks(of: request))
            try await transaction.execute([
                RequestStatements.move(
                    request,
                    to: .held,
                    heldFrom: locked.state,
                    cause: reason ?? "held",
                    who: self.caller.who
                ),
                TaskControlStatements.hold(request: request),
            ])
            return ["request \(request) is held: running jobs go on, waiting ones stay"]
        }
    }

    package func release(_ request: Int64, version: Int64?, reason: String?) async throws -> Outcome {
        try await self.move(request, .release, version: version) { locked, transaction in
            let state = locked.heldFrom ?? .approved
            // Whoever lets jobs of its tasks wait, or pauses one, has ended, and its ranges are seen; or comes after this, and sees the new state.
            _ = try await transaction.query(ShareStatements.lockTasks(of: request))
            try await transaction.execute([
                RequestStatements.move(
                    request,
                    to: state,
                    heldFrom: nil,
                    cause: reason ?? "released",
                    who: self.caller.who
                ),
                TaskControlStatements.hold(request: request),
            ])
            // Its last jobs may have ended while it was held.
            let end = try await Settlement.settleRequest(request, in: transaction)
            return [
                "request \(request) is \(end.map { "\($0.rawValue): all its tasks have ended" } ?? "\(state.rawValue) again")"
            ]
        }
    }

    package func reject(_ request: Int64, version: Int64?, reason: String?) async throws -> Outcome {
        try await self.move(request, .reject, version: version) { _, transaction in
            try await transaction.execute(
                RequestStatements.move(
                    request,
                    to: .rejected,
                    heldFrom: nil,
                    cause: reason ?? "rejected",
                    who: self.caller.who
                )
            )
            return ["request \(request) is rejected"]
        }
    }

    /// Ends a request: what waits goes, what runs is killed.
    ///
    /// - Parameter cleaning: its outputs are deleted as well; one that is cancelled already can still be cleaned up.
    package func cancel(
        _ request: Int64,
        version: Int64?,
        reason: String?,
        cleaning: Cleaning? = nil
    ) async throws -> Outcome {
        try await self.change { transaction in
            let locked = try await self.lock(request, in: transaction)
            var lines: [String] = []
            var messages: [OutboxMessage] = []
            if cleaning != nil, locked.state == .cancelled {
                try locked.check(.clean, by: self.caller, expected: version)
            } else {
                try locked.check(.cancel, by: self.caller, expected: version)
                lines = try await self.end(request, cause: reason ?? "cancelled", in: transaction)
                messages = try OutboxMessage.control("scheduler", .request, ids: [request])
                messages += try OutboxMessage.control("monitor", .kill)
            }
            var changed = !messages.isEmpty
            if let cleaning {
                let begun = try await self.clean(request, cleaning, reason: reason, in: transaction)
                lines += begun.lines
                messages += begun.messages
                changed = changed || begun.changed
            }
            return Outcome(
                changed: changed,
                lines: lines,
                result: try await self.object(
                    OperatingStatements.requestRow(request),
                    in: transaction,
                    "request \(request)"
                ),
                messages: messages
            )
        }
    }

    private func end(_ request: Int64, cause: String, in transaction: PostgresTransaction) async throws -> [String] {
        let tasks = try await transaction.query(RequestStatements.tasks(of: request)).filter { task in
            TaskState(rawValue: task.2).map { !$0.isTerminal } ?? true
        }
        var commands = [
            RequestStatements.move(request, to: .cancelled, heldFrom: nil, cause: cause, who: self.caller.who)
        ]
        for task in tasks {
            commands.append(
                RequestStatements.moveTask(task.0, to: .aborted, pausedFrom: nil, cause: cause, who: self.caller.who)
            )
        }
        commands += RequestStatements.cancelJobs(tasks: tasks.map(\.0), cause: cause, who: self.caller.who)
        let counts = try await transaction.execute(commands)
        return ["request \(request) is cancelled"] + tasks.map { "task \($0.0) (\($0.1)) is aborted" }
            + ["\(counts.last ?? 0) running jobs are told to stop"]
    }

    /// Checks, does, and tells the Scheduler.
    private func move(
        _ request: Int64,
        _ action: RequestAction,
        version: Int64?,
        _ body: @Sendable (LockedRequest, PostgresTransaction) async throws -> [String]
    ) async throws -> Outcome {
        try await self.change { transaction in
            let locked = try await self.lock(request, in: transaction)
            try locked.check(action, by: self.caller, expected: version)
            let lines = try await body(locked, transaction)
            return Outcome(
                lines: lines,
                result: try await self.object(
                    OperatingStatements.requestRow(request),
                    in: transaction,
                    "request \(request)"
                ),
                messages: try OutboxMessage.control("scheduler", .request, ids: [request])
            )
        }
    }
}
