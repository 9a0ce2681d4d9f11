import Domain
import Messages
import Postgres

extension Operations {
    /// Approves a request: its tasks exist from now on. The same effort for one job as for ten million; the ranges are made by the
    /// Scheduler, task by task, as their inputs get ready.
    ///
    /// - Parameter home: the storage element of datasets that name none; nil: the oldest one.
    package func approve(_ request: Int64, version: Int64?, home: String?, reason: String?) async throws -> Outcome {
        try await self.change { transaction in
            // All versions before first: none is archived meanwhile, and requests are locked in the order of their numbers.
            let before = try await transaction.query(ContinuingStatements.before(request)).first
            if let before { _ = try await transaction.query(ContinuingStatements.lockVersions(upTo: before.0)) }
            let locked = try await self.lock(request, in: transaction)
            try locked.check(.approve, by: self.caller, expected: version)
            let (plans, made, said) = try await self.makeTasks(request, after: before, home: home, in: transaction)
            try await transaction.execute(
                RequestStatements.move(
                    request,
                    to: .approved,
                    heldFrom: nil,
                    cause: reason ?? "approved",
                    who: self.caller.who
                )
            )
            let row = try await self.object(
                OperatingStatements.requestRow(request),
                in: transaction,
                "request \(request)"
            )
            var tasks: [String] = []
            for task in made {
                tasks.append(try await self.object(OperatingStatements.taskRow(task), in: transaction, "task \(task)"))
            }
            return Outcome(
                lines: ["request \(request) is approved"] + said + plans.map(Self.describe)
                    + plans.flatMap(\.outputs).map { "dataset \($0.dataset) at \($0.home)" },
                result: ObjectText.adding("tasks", "[\(tasks.joined(separator: ","))]", to: row),
                messages: try OutboxMessage.control("scheduler", .request, ids: [request])
            )
        }
    }

    private func makeTasks(
        _ request: Int64,
        after before: (request: Int64, versions: Int32)?,
        home: String?,
        in transaction: PostgresTransaction
    ) async throws -> (plans: [TaskPlan], tasks: [Int64], said: [String]) {
        guard let content = try await transaction.query(OperatingStatements.content(request)).first else {
            throw CatalogRefusal(.missing, "there is no request \(request)")
        }
        let storages = try await transaction.query(OperatingStatements.storages)
        guard let home = home ?? storages.first else {
            throw CatalogRefusal(
                .state,
                "there is no storage element for its datasets; add one with millrace storage add"
            )
        }
        var plans = try Self.plans(
            try WireFormat.value(WorkflowDocument.self, from: content.0.text),
            try WireFormat.value([String: Scalar].self, from: content.1.text).mapValues(\.text),
            request: request,
            home: home
        )
        var lines: [String] = []
        if let before {
            let continued = try await self.seal(
                before.request,
                for: plans,
                version: before.versions + 1,
                in: transaction
            )
            plans = continued.map(\.plan)
            lines = continued.map { $0.line(after: before.request) }
        }
        try await self.check(plans, storages: storages, in: transaction)
        try await self.checkSearches(of: plans, in: transaction)
        let metadata = try await self.checkMetadata(of: plans, in: transaction)
        var tasks: [String: Int64] = [:]
        var made: [Int64] = []
        for plan in plans {
            let task = try await self.insert(
                plan,
                request: request,
                priority: Int(content.2),
                seed: content.3,
                share: content.5,
                in: transaction
            )
            tasks[plan.name] = task
            made.append(task)
            try await self.say(metadata[plan.name] ?? [:], of: task, in: transaction)
        }
        // Inputs last: a task may read one that stands after it in the document.
        var inputs: [SQL] = []
        for (plan, task) in zip(plans, made) { inputs += try Self.inputs(of: plan, task: task, tasks: tasks) }
        if !inputs.isEmpty { try await transaction.execute(inputs) }
        return (plans, made, lines)
    }

    /// What the constraints would refuse, in better words.
    private func check(_ plans: [TaskPlan], storages: [String], in transaction: PostgresTransaction) async throws {
        let outputs = plans.flatMap(\.outputs)
        if let wrong = outputs.first(where: { !storages.contains($0.home) }) {
            let known = storages.joined(separator: ", ")
            throw CatalogRefusal(
                .missing,
                "dataset \(wrong.dataset): there is no storage element \(wrong.home); known: \(known)"
            )
        }
        var seen: Set<String> = []
        if let twice = outputs.first(where: { !seen.insert($0.dataset).inserted }) {
            throw CatalogRefusal(.invalid, "two outputs fill dataset \(twice.dataset); give each its own")
        }
        if let taken = try await transaction.query(OperatingStatements.datasets(outputs.map(\.dataset))).first {
            throw CatalogRefusal(.state, "dataset \(taken) exists already: another request fills it")
        }
        let wanted = plans.flatMap(\.inputs).compactMap(\.dataset)
        let known = Set(try await transaction.query(OperatingStatements.datasets(wanted)))
        if let missing = wanted.first(where: { !known.contains($0) }) {
            throw CatalogRefusal(.missing, "there is no dataset \(missing), which the request would read")
        }
        let lacking = plans.flatMap(\.inputs).compactMap(\.missingIn)
        let named = Set(try await transaction.query(OperatingStatements.datasetsOrContainers(lacking)))
        if let missing = lacking.first(where: { !named.contains($0) }) {
            throw CatalogRefusal(
                .missing,
                "there is no dataset or container \(missing), of which the request would make what is missing"
            )
        }
        let sites = plans.flatMap(\.requirement.sites)
        let there = Set(try await transaction.query(OperatingStatements.sites(sites)))
        if let missing = sites.first(where: { !there.contains($0) }) {
            throw CatalogRefusal(.missing, "there is no site \(missing), where the request would run")
        }
    }

    private func insert(
        _ plan: TaskPlan,
        request: Int64,
        priority: Int,
        seed: Int64,
        share: String?,
        in transaction: PostgresTransaction
    ) async throws -> Int64 {
        var need = plan.requirement
        need.share = share
        let row = RequestStatements.NewTask(
            request: request,
            plan: plan,
            classID: try await self.classID(need, in: transaction),
            priority: priority,
            spec: JSONText("{}")
        )
        guard let task = try await transaction.query(RequestStatements.insertTask(row)).first else {
            throw CatalogRefusal(.state, "task \(plan.name) could not be made; try again")
        }
        _ = try await transaction.query(RequestStatements.makePartitions(task))
        let spec = JobDescription(
            task: task,
            request: request,
            name: plan.name,
            kind: plan.kind,
            requestSeed: seed,
            steps: plan.steps,
            outputs: plan.outputs,
            software: plan.software,
            sandbox: plan.sandbox,
            requirement: plan.requirement
        )
        try await transaction.execute([
            RequestStatements.setSpec(task, JSONText(try WireFormat.text(spec))),
            RequestStatements.insertStreams(task, plan.outputs),
            RequestStatements.insertDatasets(task, plan.outputs, who: self.caller.who),
        ])
        return task
    }

    /// The class of a requirement. None comes back when another session makes the same one at this moment: the second look, with a new
    /// snapshot, sees it.
    private func classID(_ need: Requirement, in transaction: PostgresTransaction) async throws -> Int32 {
        for _ in 0..<2 {
            if let id = try await transaction.query(RequestStatements.classID(need)).first { return id }
        }
        throw CatalogRefusal(.state, "the class of a task was made by somebody else at this moment; try again")
    }

    private static func inputs(of plan: TaskPlan, task: Int64, tasks: [String: Int64]) throws(CatalogRefusal) -> [SQL] {
        var statements: [SQL] = []
        for (position, input) in plan.inputs.enumerated() {
            let parent = input.task.flatMap { tasks[$0] }
            if let name = input.task, parent == nil {
                throw CatalogRefusal(.invalid, "task \(plan.name) reads task \(name), which the workflow does not have")
            }
            statements.append(
                RequestStatements.insertInput(
                    task: task,
                    position: position,
                    parent: parent,
                    stream: input.stream,
                    dataset: input.dataset,
                    events: plan.events,
                    missingIn: input.missingIn,
                    container: input.container,
                    query: input.query
                )
            )
        }
        return statements
    }
}
