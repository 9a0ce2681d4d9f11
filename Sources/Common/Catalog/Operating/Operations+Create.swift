package import Domain
import Messages
import Postgres

extension Operations {
    /// A row of the generator table. The same row again changes nothing.
    package func createSample(_ sample: NewSample) async throws -> Outcome {
        try self.caller.need(.physicist, to: "add a sample")
        guard WorkflowDocument.isName(sample.rootName) else {
            throw CatalogRefusal(
                .invalid,
                "root_name: \(Quoted.short(sample.rootName)) is not a name: letters, digits, _ . -"
            )
        }
        return try await self.change { transaction in
            let made = try await transaction.execute(CreatingStatements.insertSample(sample)) == 1
            guard let row = try await transaction.query(CreatingStatements.sample(sample.rootName)).first else {
                throw CatalogRefusal(.state, "sample \(sample.rootName) was changed meanwhile; try again")
            }
            if !made, try await transaction.query(CreatingStatements.isSame(sample)).first != true {
                throw CatalogRefusal(
                    .state,
                    "sample \(sample.rootName) exists with other values; choose another root name"
                )
            }
            let line = made ? "sample \(sample.rootName) added" : "sample \(sample.rootName) is there already"
            return Outcome(changed: made, lines: [line], result: row.1)
        }
    }

    /// A simulation, found or made.
    package func createSimulation(_ simulation: NewSimulation) async throws -> Outcome {
        try self.caller.need(.physicist, to: "add a simulation")
        return try await self.change { transaction in
            let (_, row, made) = try await self.simulation(simulation, in: transaction)
            let name =
                "\(simulation.ssw) \(simulation.sswVersion), \(simulation.detectorModel), \(simulation.physicsList)"
            return Outcome(
                changed: made,
                lines: [made ? "simulation \(name) added" : "simulation \(name) is there already"],
                result: row
            )
        }
    }

    private func simulation(
        _ simulation: NewSimulation,
        in transaction: PostgresTransaction
    ) async throws -> (id: Int64, row: String, made: Bool) {
        for text in [simulation.ssw, simulation.sswVersion, simulation.detectorModel, simulation.physicsList] {
            guard (1...100).contains(text.count) else {
                throw CatalogRefusal(.invalid, "simulation: each of its four names has 1 to 100 characters")
            }
        }
        let made = try await transaction.execute(CreatingStatements.insertSimulation(simulation)) == 1
        guard let (id, row) = try await transaction.query(CreatingStatements.simulation(simulation)).first else {
            throw CatalogRefusal(.state, "the simulation was changed meanwhile; try again")
        }
        return (id, row, made)
    }

    /// A new version of a workflow; the latest one when the document is the same.
    package func addWorkflow(_ document: WorkflowDocument) async throws -> Outcome {
        try self.caller.need(.physicist, to: "add a workflow")
        return try await self.change { try await self.addWorkflow(document, in: $0) }
    }

    func addWorkflow(_ document: WorkflowDocument, in transaction: PostgresTransaction) async throws -> Outcome {
        let problems = document.problems()
        guard problems.isEmpty else {
            let text = problems.prefix(5).map(\.description).joined(separator: "; ")
            throw CatalogRefusal(.invalid, "workflow \(Quoted.short(document.name)): \(text)")
        }
        let text = try WireFormat.text(document)
        _ = try await transaction.query(CreatingStatements.lockWorkflow(document.name))
        let statement = CreatingStatements.addWorkflow(document.name, document: text, owner: self.caller.who)
        guard let (row, made) = try await transaction.query(statement).first else {
            throw CatalogRefusal(.state, "workflow \(document.name) was changed meanwhile; try again")
        }
        let line =
            made
            ? "workflow \(document.name): a new version with \(document.tasks.count) tasks"
            : "workflow \(document.name): the latest version is the same document"
        return Outcome(changed: made, lines: [line], result: row)
    }

    /// A request in state new. Its parameters are checked against the workflow now, so that approving it finds nothing wrong.
    package func createRequest(_ new: NewRequest) async throws -> Outcome {
        try self.caller.need(.physicist, to: "create a request")
        return try await self.change { try await self.createRequest(new, in: $0) }
    }

    func createRequest(_ new: NewRequest, in transaction: PostgresTransaction) async throws -> Outcome {
        let submission = try Self.submission(new.submission)
        try Self.check(priority: new.priority)
        guard new.title.count <= 300, WorkflowDocument.isName(new.group) else {
            throw CatalogRefusal(.invalid, "title has at most 300 characters, group is a name: letters, digits, _ . -")
        }
        if let id = try await transaction.query(CreatingStatements.submission(submission)).first {
            return try await self.existing(id, in: transaction)
        }
        return try await self.insert(new, submission: submission, in: transaction)
    }

    /// A submission that was carried out before.
    func existing(_ request: Int64, in transaction: PostgresTransaction) async throws -> Outcome {
        Outcome(
            changed: false,
            lines: ["request \(request) was made by this submission already"],
            result: try await self.object(
                OperatingStatements.requestRow(request),
                in: transaction,
                "request \(request)"
            )
        )
    }

    static func check(priority: Int) throws(CatalogRefusal) {
        guard (0...1_000_000).contains(priority) else {
            throw CatalogRefusal(.invalid, "priority: \(priority) is not from 0 to 1000000")
        }
    }

    static func submission(_ text: String?) throws(CatalogRefusal) -> UUIDText {
        guard let text else { return .random() }
        guard let id = UUIDText(text) else {
            throw CatalogRefusal(.invalid, "submission: \(Quoted.short(text)) is not a UUID")
        }
        return id
    }

    private func insert(
        _ new: NewRequest,
        submission: UUIDText,
        in transaction: PostgresTransaction
    ) async throws -> Outcome {
        let workflow = try await self.workflow(new, in: transaction)
        let plans = try Self.plans(workflow.document, new.parameters, request: 0, home: "home")
        try await self.checkQueries(of: plans, in: transaction)
        _ = try await self.checkMetadata(of: plans, in: transaction)
        if let share = new.share { try await self.checkLeaf(share, in: transaction) }
        var sample: Int64?
        if let name = new.sample {
            guard let found = try await transaction.query(CreatingStatements.sample(name)).first else {
                throw CatalogRefusal(
                    .missing,
                    "there is no sample \(Quoted.short(name)); add it with millrace sample add"
                )
            }
            sample = found.0
        }
        var simulation: Int64?
        if let wanted = new.simulation { simulation = try await self.simulation(wanted, in: transaction).id }
        let row = RequestStatements.New(
            workflow: workflow.id,
            title: new.title,
            parameters: JSONText(try WireFormat.text(new.parameters)),
            seed: new.seed ?? Int64.random(in: 1..<(1 << 53)),
            owner: self.caller.who,
            group: new.group,
            priority: new.priority,
            share: new.share,
            origin: new.origin,
            continues: new.continues,
            sample: sample,
            simulation: simulation,
            submission: submission
        )
        // No row: the same submission was made by another session at this moment; the second look sees it.
        var id = try await transaction.query(RequestStatements.create(row)).first
        if id == nil { id = try await transaction.query(CreatingStatements.submission(submission)).first }
        guard let id else { throw CatalogRefusal(.state, "the request was changed meanwhile; try again") }
        let title = self.isDryRun ? "a request" : "request \(id)"
        return Outcome(
            lines: ["\(title) of workflow \(new.workflow) version \(workflow.version), to be approved"]
                + plans.map(Self.describe),
            result: try await self.object(OperatingStatements.requestRow(id), in: transaction, "request \(id)")
        )
    }

    private func workflow(
        _ new: NewRequest,
        in transaction: PostgresTransaction
    ) async throws -> (id: Int64, version: Int32, document: WorkflowDocument) {
        let statement = CreatingStatements.workflow(new.workflow, version: new.workflowVersion)
        guard let (id, version, text) = try await transaction.query(statement).first else {
            let name = new.workflowVersion.map { "\(Quoted.short(new.workflow)) version \($0)" }
            throw CatalogRefusal(
                .missing,
                "there is no workflow \(name ?? Quoted.short(new.workflow)); add it with millrace workflow add"
            )
        }
        return (id, version, try WireFormat.value(WorkflowDocument.self, from: text.text))
    }

    /// The tasks of a workflow with these parameters.
    static func plans(
        _ document: WorkflowDocument,
        _ parameters: [String: String],
        request: Int64,
        home: String
    ) throws(CatalogRefusal) -> [TaskPlan] {
        let plans: [TaskPlan]
        do {
            plans = try document.plan(given: parameters, request: request, defaultHome: home)
        } catch {
            throw CatalogRefusal(.invalid, error.description)
        }
        for plan in plans where plan.inputs.count > 1 && plan.events != nil {
            throw CatalogRefusal(
                .invalid,
                "task \(plan.name): events can be limited for one input only, it has several"
            )
        }
        return plans
    }

    static func describe(_ plan: TaskPlan) -> String {
        let need = plan.requirement
        let size =
            if let jobs = plan.jobs, let events = plan.events {
                "\(jobs) jobs for \(events) events"
            } else {
                "jobs by its inputs, \(plan.events.map { "the first \($0)" } ?? "all") events"
            }
        return
            "task \(plan.name) (\(plan.kind)): \(size), \(need.cores) cores, \(need.memoryMB) MB, \(need.walltimeSeconds) s"
    }
}
