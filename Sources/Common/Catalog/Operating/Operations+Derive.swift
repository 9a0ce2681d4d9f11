package import Domain
import Messages
import Postgres

extension Operations {
    /// What a new version of a request has otherwise; what is nil is as it was.
    package struct DeriveChanges: Sendable {
        /// Without a seed: that is always drawn anew, so that no event is made twice.
        package var clone: CloneChanges
        /// Another workflow, or another version of the same; added to the catalogue if it is not there.
        package var document: WorkflowDocument?
        /// The version of the old request that the caller has seen.
        package var version: Int64?

        package init(_ clone: CloneChanges, document: WorkflowDocument? = nil, version: Int64? = nil) {
            self.clone = clone
            self.document = document
            self.version = version
        }
    }

    /// A new version of a request that has stopped, to be approved: it will do what that one has not done, and nothing of what it did.
    ///
    /// - Throws: ``CatalogRefusal``: it has not stopped, another version goes on with it already, nothing is left, or the new workflow
    ///   could not go on there.
    package func derive(_ request: Int64, _ changes: DeriveChanges) async throws -> Outcome {
        try self.caller.need(RequestAction.derive.role, to: "derive a request")
        let submission = try Self.submission(changes.clone.submission)
        return try await self.change { transaction in
            // The lock first: the same submission at the same moment is one.
            let locked = try await self.lock(request, in: transaction)
            if let id = try await transaction.query(CreatingStatements.submission(submission)).first {
                return try await self.existing(id, in: transaction)
            }
            try locked.check(.derive, by: self.caller, expected: changes.version)
            if let next = try await transaction.query(ContinuingStatements.after(request)).first {
                throw CatalogRefusal(
                    .state,
                    "request \(next.0), which is \(next.1), goes on with request \(request) already: \(next.2) made it at \(next.3)"
                        + (next.1 == RequestState.cancelled.rawValue ? "; derive that one" : "")
                )
            }
            var (new, said) = try await self.version(after: request, changes, in: transaction)
            new.submission = submission.text
            new.continues = request
            let made = try await self.createRequest(new, in: transaction)
            let id = try WireFormat.value(RequestID.self, from: made.result).request
            let tasks = try await self.continued(
                try await self.plans(of: id, in: transaction),
                after: request,
                version: try await transaction.query(ContinuingStatements.before(id)).first.map { $0.1 + 1 } ?? 2,
                in: transaction
            )
            if locked.state == .held {
                said.append(
                    "request \(request) is held: cancel it before this one is approved; what it does until then counts"
                )
            }
            return Outcome(
                lines: made.lines.prefix(1) + ["it goes on where request \(request) stopped"]
                    + tasks.map { $0.line(after: request) } + said,
                result: ObjectText.adding("tasks", try WireFormat.text(tasks.map(Left.init)), to: made.result)
            )
        }
    }

    private struct RequestID: Decodable { let request: Int64 }

    /// What is left for one task, for programs.
    private struct Left: Encodable {
        let name: String
        let kind: String
        let continues: Int64?
        let events_done: Int64?
        let events_left: Int64?
        let events_lost: Int64?
        let files_done: Int64?
        let files_left: Int64?
        let first_event: Int64?

        init(_ task: ContinuedTask) {
            let isReading = !task.plan.inputs.isEmpty
            self.name = task.plan.name
            self.kind = task.plan.kind
            self.continues = task.earlier?.task
            self.events_done = task.earlier.map { isReading ? $0.files.eventsRead : $0.eventsDone }
            self.events_left = task.earlier?.eventsLeft
            self.events_lost = task.earlier.flatMap { $0.files.lost > 0 ? $0.files.lost : nil }
            self.files_done = isReading ? task.earlier?.files.read : nil
            self.files_left = isReading ? task.earlier.map { $0.files.count - $0.files.read } : nil
            self.first_event = isReading ? nil : task.plan.firstEvent
        }
    }

    /// The content of the new version, and what there is to say of it.
    private func version(
        after request: Int64,
        _ changes: DeriveChanges,
        in transaction: PostgresTransaction
    ) async throws -> (NewRequest, [String]) {
        var new = try await self.copy(of: request, changes.clone, in: transaction)
        new.seed = nil
        guard let document = changes.document else { return (new, []) }
        guard changes.clone.workflowVersion == nil else {
            throw CatalogRefusal(
                .invalid,
                "workflow_version: give a document or a version of the old workflow, not both"
            )
        }
        let added = try await self.addWorkflow(document, in: transaction)
        (new.workflow, new.workflowVersion) = (document.name, nil)
        // Parameters that only the old workflow has say nothing here; one that was given by name must be known.
        let known = document.parameters ?? [:]
        let left = new.parameters.keys.filter { known[$0] == nil && changes.clone.parameters[$0] == nil }.sorted()
        for name in left { new.parameters[name] = nil }
        return (new, added.lines + left.map { "parameter \($0) is not one of the new workflow's: it is left out" })
    }
}
