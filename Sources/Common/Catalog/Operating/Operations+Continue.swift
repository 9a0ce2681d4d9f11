import Domain
import Messages
import Postgres

/// Going on where a request stopped.
extension Operations {
    /// What is left of a request for the tasks of another.
    ///
    /// - Parameter version: how many versions there are with the new one.
    /// - Throws: ``CatalogRefusal``: the new workflow cannot go on there, nothing is left, or what was done is archived.
    func continued(
        _ plans: [TaskPlan],
        after request: Int64,
        version: Int32,
        in transaction: PostgresTransaction
    ) async throws -> [ContinuedTask] {
        let tasks: [ContinuedTask]
        do {
            tasks = try Continuation.tasks(
                plans,
                after: try await self.earlier(request, plans.map(\.name), in: transaction),
                request: request,
                version: Int(version)
            )
        } catch let problem as ContinuationProblem {
            throw CatalogRefusal(.state, problem.description)
        }
        guard !Continuation.isNothingLeft(tasks) else {
            throw CatalogRefusal(
                .state,
                "nothing is left of request \(request): \(tasks.map { $0.line(after: request) }.joined(separator: "; "))"
            )
        }
        return tasks
    }

    /// The same, for good: the request has ended, none of its jobs can end well any more, and its datasets are closed, so that nothing is
    /// ever added to what it has done. The caller holds its lock.
    func seal(
        _ request: Int64,
        for plans: [TaskPlan],
        version: Int32,
        in transaction: PostgresTransaction
    ) async throws -> [ContinuedTask] {
        let old = try await self.lock(request, in: transaction)
        guard old.state.isTerminal else {
            throw CatalogRefusal(
                .state,
                "request \(request), which it goes on with, is \(old.state.rawValue): it must end first (millrace request cancel \(request))"
            )
        }
        if let open = try await transaction.query(ContinuingStatements.open(request)).first {
            throw CatalogRefusal(
                .state,
                "\(open.0) jobs of request \(request), which it goes on with, have not ended yet, the first is \(open.1).\(open.2): approve it when their agents have answered"
            )
        }
        // Before it is looked at what is left: a clean-up that deletes some of it now has ended its step, or finds the new request.
        _ = try await transaction.query(ContinuingStatements.keepDatasets(before: request))
        let tasks = try await self.continued(plans, after: request, version: version, in: transaction)
        try await transaction.execute(
            ContinuingStatements.closeDatasets(
                of: request,
                cause: "another version goes on with it",
                who: self.caller.who
            )
        )
        return tasks
    }

    /// The tasks that a request's workflow and parameters say.
    func plans(of request: Int64, in transaction: PostgresTransaction) async throws -> [TaskPlan] {
        guard let content = try await transaction.query(OperatingStatements.content(request)).first else {
            throw CatalogRefusal(.missing, "there is no request \(request)")
        }
        return try Self.plans(
            try WireFormat.value(WorkflowDocument.self, from: content.0.text),
            try WireFormat.value([String: Scalar].self, from: content.1.text).mapValues(\.text),
            request: request,
            home: "home"
        )
    }

    /// The tasks of a request, and those of these names that it left out, as the latest version before it has them.
    private func earlier(
        _ request: Int64,
        _ names: [String],
        in transaction: PostgresTransaction
    ) async throws -> [EarlierTask] {
        if let (cleaned, state) = try await transaction.query(ContinuingStatements.cleaned(before: request)).first {
            let progress = state == "open" ? "deletes" : "deleted"
            throw CatalogRefusal(
                .state,
                "the clean-up of request \(cleaned) \(progress) what it made: make all of it anew (millrace request clone \(request))"
            )
        }
        let rows = try await transaction.query(ContinuingStatements.tasks(of: request, orNamed: names))
        guard rows.contains(where: { $0.7 == request }) else {
            throw CatalogRefusal(
                .state,
                "request \(request) was never approved: there is nothing to go on with; make one like it (millrace request clone \(request))"
            )
        }
        var plans: [Int64: [TaskPlan]] = [:]
        for version in Set(rows.map(\.7)) { plans[version] = try await self.plans(of: version, in: transaction) }
        var tasks: [EarlierTask] = []
        for row in rows {
            guard let plan = plans[row.7]?.first(where: { $0.name == row.1 }),
                let state = TaskState(rawValue: row.2)
            else {
                throw CatalogRefusal(.state, "task \(row.0) (\(row.1)) is not as its workflow says")
            }
            if let archived = row.6 {
                throw CatalogRefusal(
                    .state,
                    "what task \(archived) did is archived: restore it first (millrace task restore \(archived))"
                )
            }
            tasks.append(
                EarlierTask(
                    task: row.0,
                    request: row.7,
                    state: state,
                    plan: plan,
                    firstEvent: row.3,
                    events: row.4,
                    eventsDone: row.5,
                    files: plan.inputs.isEmpty ? .init() : try await self.files(of: row.0, in: transaction),
                    outputs: try await transaction.query(ContinuingStatements.outputs(of: row.0)).reduce(into: [:]) {
                        $0[$1.0, default: []].append($1.1)
                    }
                )
            )
        }
        return tasks
    }

    private func files(of task: Int64, in transaction: PostgresTransaction) async throws -> EarlierTask.Files {
        guard let row = try await transaction.query(ContinuingStatements.files(of: task)).first else { return .init() }
        return EarlierTask.Files(
            count: row.0,
            read: row.1,
            half: row.2,
            events: row.3,
            eventsRead: row.4,
            lost: row.7,
            firstHalf: row.5,
            mayGrow: row.6
        )
    }
}
