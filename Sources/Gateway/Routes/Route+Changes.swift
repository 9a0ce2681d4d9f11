import HTTPTypes
import Catalog
import Domain
import Messages

/// What people do to requests and to what requests are made of.
extension Route {
    static let requestChanges: [Route] = [
        .post("/samples", role: .physicist) { gateway, call in
            let sample = try NewSample(call)
            return try await gateway.change(call) { try await $0.createSample(sample) }
        },
        .post("/simulations", role: .physicist) { gateway, call in
            let simulation = try NewSimulation(try call.body(NewSimulation.keys))
            return try await gateway.change(call) { try await $0.createSimulation(simulation) }
        },
        .post("/workflows", role: .physicist) { gateway, call in
            let document = try Self.document(try call.body(["document"]).value("document"))
            return try await gateway.change(call) { try await $0.addWorkflow(document) }
        },
        .post("/requests", role: .physicist) { gateway, call in
            let request = try NewRequest(call)
            return try await gateway.change(call) { try await $0.createRequest(request) }
        },
        .post("/requests/{request}/approve", role: .operator) { gateway, call in
            let body = try call.body(["version", "reason", "home"])
            let (id, version, reason) = (
                try call.integer("request"), try body.optionalInteger("version"), try body.reason()
            )
            let home = try body.optionalText("home")
            return try await gateway.change(call) {
                try await $0.approve(id, version: version, home: home, reason: reason)
            }
        },
        .request(.reject) { try await $0.reject($1, version: $2, reason: $3) },
        .request(.hold) { try await $0.hold($1, version: $2, reason: $3) },
        .request(.release) { try await $0.release($1, version: $2, reason: $3) },
    ]

    static let taskChanges: [Route] = [
        .task(.pause) { try await $0.pause(task: $1, version: $2, reason: $3) },
        .task(.resume) { try await $0.resume(task: $1, version: $2, reason: $3) },
        .task(.abort) { try await $0.abort(task: $1, version: $2, reason: $3) },
        .task(.flush) { try await $0.flush(task: $1, version: $2, reason: $3) },
        .task(.retry) { try await $0.retry(task: $1, version: $2, reason: $3) },
        .task(.recover) { try await $0.recover(task: $1, version: $2, reason: $3) },
        .post("/jobs/{task}/{index}/revoke", role: .operator) { gateway, call in
            let reason = try call.body(["reason"]).reason()
            let job = JobKey(task: try call.integer("task"), index: try call.integer("index"))
            return try await gateway.change(call) { try await $0.revoke(job, reason: reason) }
        },
        .post("/jobs/{task}/{index}/kill", role: .operator) { gateway, call in
            let reason = try call.body(["reason"]).reason()
            let job = JobKey(task: try call.integer("task"), index: try call.integer("index"))
            return try await gateway.change(call) { try await $0.kill(job, reason: reason) }
        },
    ]

    private typealias Change = @Sendable (Operations, Int64, Int64?, String?) async throws -> Outcome

    private static func request(_ action: RequestAction, _ change: @escaping Change) -> Route {
        self.moving("/requests/{request}/\(action.rawValue)", "request", role: action.role, change)
    }

    private static func task(_ action: TaskAction, _ change: @escaping Change) -> Route {
        self.moving("/tasks/{task}/\(action.rawValue)", "task", role: action.role, change)
    }

    private static func moving(
        _ path: String,
        _ parameter: String,
        role: Role,
        _ change: @escaping Change
    ) -> Route {
        .post(path, role: role) { gateway, call in
            let body = try call.body(["version", "reason"])
            let (id, version, reason) = (
                try call.integer(parameter), try body.optionalInteger("version"), try body.reason()
            )
            return try await gateway.change(call) { try await change($0, id, version, reason) }
        }
    }

    /// A workflow as JSON, checked key by key first, so that a misspelt one is told by its name.
    static func document(_ value: DetailValue) throws -> WorkflowDocument {
        let problems = WorkflowDocument.shape.problems(in: value.node)
        guard problems.isEmpty else {
            throw Refusal(.badRequest, problems.prefix(5).map(\.description).joined(separator: "; "))
        }
        do {
            return try WireFormat.value(WorkflowDocument.self, from: try WireFormat.text(value))
        } catch {
            throw Refusal(.badRequest, "document: \(WireFormat.explain(error))")
        }
    }
}

extension Body {
    /// Shown in the log, so one line of bounded length.
    func reason() throws(Refusal) -> String? {
        guard let text = try self.optionalText("reason") else { return nil }
        guard (1...400).contains(text.count), !text.contains(where: \.isNewline) else {
            throw Refusal(.badRequest, "reason is one line of 1 to 400 characters")
        }
        return text
    }
}

extension NewSample {
    fileprivate init(_ call: Call) throws(Refusal) {
        let body = try call.body([
            "root_name", "process", "generator", "energy", "luminosity", "cross_section", "pol_ep", "pol_em",
            "producer",
            "cut", "total_events",
        ])
        self.init(
            rootName: try body.text("root_name"),
            process: try body.text("process"),
            generator: try body.text("generator"),
            energy: try body.number("energy"),
            producer: try body.optionalText("producer") ?? call.caller.who,
            cut: try body.optionalText("cut"),
            totalEvents: try body.integer("total_events")
        )
        self.luminosity = try body.optionalNumber("luminosity") ?? 0
        self.crossSection = try body.optionalNumber("cross_section") ?? 0
        self.polEp = try body.optionalNumber("pol_ep") ?? 0
        self.polEm = try body.optionalNumber("pol_em") ?? 0
    }
}

extension NewSimulation {
    fileprivate static let keys: Set<String> = ["ssw", "ssw_ver", "detector_model", "physics_list"]

    fileprivate init(_ body: Body) throws(Refusal) {
        self.init(
            ssw: try body.text("ssw"),
            sswVersion: try body.text("ssw_ver"),
            detectorModel: try body.text("detector_model"),
            physicsList: try body.text("physics_list")
        )
    }
}

extension NewRequest {
    fileprivate init(_ call: Call) throws(Refusal) {
        let body = try call.body([
            "workflow", "workflow_version", "title", "parameters", "seed", "group", "priority", "share", "sample",
            "simulation",
            "submission",
        ])
        var simulation: NewSimulation?
        if let group = try body.optionalGroup("simulation", keys: NewSimulation.keys) {
            simulation = try NewSimulation(group)
        }
        self.init(
            workflow: try body.text("workflow"),
            workflowVersion: try body.optionalInt("workflow_version"),
            title: try body.optionalText("title") ?? "",
            parameters: try body.scalars("parameters"),
            seed: try body.optionalInteger("seed"),
            group: try body.optionalText("group") ?? "production",
            priority: try body.optionalInt("priority") ?? 100,
            share: try body.optionalText("share"),
            sample: try body.optionalText("sample"),
            simulation: simulation,
            submission: try body.optionalText("submission")
        )
    }
}
