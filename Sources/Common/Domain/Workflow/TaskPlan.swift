/// A task with every parameter of its request filled in: what the catalogue keeps and an agent runs.
package struct TaskPlan: Sendable, Hashable {
    package var name: String
    package var position: Int
    package var kind: String
    package var events: Int64?
    package var eventsPerJob: Int64?
    package var filesPerJob: Int64?
    package var bytesPerJob: Int64?
    package var flushAfterSeconds: Int?
    package var inputs: [InputTemplate]
    package var requirement: Requirement
    package var allowedLoss: Double
    package var maxAttempts: Int
    package var scouts: Int
    package var outputs: [PlannedOutput]
    package var steps: [StepTemplate]
    package var software: [SoftwarePackage]
    package var sandbox: [SandboxFile]
    /// What is said of every file of a stream: stream to field to value.
    package var metadata: [String: [String: String]]
    package var groupBy: [String]
    /// The task of the version before that it goes on with; nil: none.
    package var continues: Int64?
    /// The number of its first event, when it has no inputs.
    package var firstEvent: Int64 = 0

    package init(
        name: String,
        position: Int,
        kind: String,
        events: Int64?,
        eventsPerJob: Int64?,
        filesPerJob: Int64? = nil,
        bytesPerJob: Int64? = nil,
        flushAfterSeconds: Int? = nil,
        inputs: [InputTemplate],
        requirement: Requirement,
        allowedLoss: Double,
        maxAttempts: Int,
        scouts: Int,
        outputs: [PlannedOutput],
        steps: [StepTemplate],
        software: [SoftwarePackage],
        sandbox: [SandboxFile],
        metadata: [String: [String: String]] = [:],
        groupBy: [String] = []
    ) {
        self.name = name
        self.position = position
        self.kind = kind
        self.events = events
        self.eventsPerJob = eventsPerJob
        self.filesPerJob = filesPerJob
        self.bytesPerJob = bytesPerJob
        self.flushAfterSeconds = flushAfterSeconds
        self.inputs = inputs
        self.requirement = requirement
        self.allowedLoss = allowedLoss
        self.maxAttempts = maxAttempts
        self.scouts = scouts
        self.outputs = outputs
        self.steps = steps
        self.software = software
        self.sandbox = sandbox
        self.metadata = metadata
        self.groupBy = groupBy
    }

    /// Jobs of a task without inputs; nil: known once its inputs are.
    package var jobs: Int64? {
        guard self.inputs.isEmpty, let events = self.events, let perJob = self.eventsPerJob else { return nil }
        return EventSlice.jobs(events: events, perJob: perJob)
    }
}

/// An output of a planned task.
package struct PlannedOutput: Sendable, Hashable, Codable {
    package var stream: String
    package var file: String
    package var dataset: String
    package var home: String
    package var counted: Bool

    package init(stream: String, file: String, dataset: String, home: String, counted: Bool) {
        self.stream = stream
        self.file = file
        self.dataset = dataset
        self.home = home
        self.counted = counted
    }
}

extension WorkflowDocument {
    /// Fills in the request's parameters.
    ///
    /// - Parameters:
    ///   - given: the request's parameters; each must be one of the workflow's, and every one without a default must be here.
    ///   - request: the request's id, the beginning of default dataset names.
    ///   - defaultHome: the storage element of datasets whose output names none.
    /// - Throws: ``DocumentProblem`` for the first mistake.
    package func plan(
        given: [String: String],
        request: Int64,
        defaultHome: String
    ) throws(DocumentProblem) -> [TaskPlan] {
        let values = try self.values(given: given)
        var plans: [TaskPlan] = []
        for (position, task) in self.tasks.enumerated() {
            plans.append(
                try self.plan(task, position: position, values: values, request: request, defaultHome: defaultHome)
            )
        }
        return plans
    }

    /// The value of every parameter.
    package func values(given: [String: String]) throws(DocumentProblem) -> [String: String] {
        let known = self.parameters ?? [:]
        if let unknown = given.keys.sorted().first(where: { known[$0] == nil }) {
            let names = known.keys.sorted().joined(separator: ", ")
            throw DocumentProblem(
                path: "parameters.\(unknown)",
                message: "workflow \(self.name) has no such parameter; it has: \(names)"
            )
        }
        var values: [String: String] = [:]
        for (name, parameter) in known.sorted(by: { $0.key < $1.key }) {
            guard let value = given[name] ?? parameter.default?.text else {
                throw DocumentProblem(
                    path: "parameters.\(name)",
                    message: "has no default and was not given; add --set \(name)=VALUE"
                )
            }
            values[name] = value
        }
        return values
    }

    private func plan(
        _ task: TaskTemplate,
        position: Int,
        values: [String: String],
        request: Int64,
        defaultHome: String
    ) throws(DocumentProblem) -> TaskPlan {
        let path = "tasks[\(position)]"
        func fill(_ text: String) -> String { Variables.replace(in: text) { values[$0] } }
        func number<T: LosslessStringConvertible & Comparable>(
            _ scalar: Scalar?,
            _ key: String,
            _ allowed: ClosedRange<T>
        ) throws(DocumentProblem) -> T? {
            try TaskBounds.number(scalar.map { fill($0.text) }, "\(path).\(key)", allowed)
        }
        let resources = task.resources ?? ResourceTemplate()
        let requirement = Requirement(
            cores: try number(resources.cores, "resources.cores", TaskBounds.cores) ?? 1,
            memoryMB: try number(resources.memoryMB, "resources.memoryMB", TaskBounds.memoryMB) ?? 2000,
            walltimeSeconds: try number(
                resources.walltimeSeconds,
                "resources.walltimeSeconds",
                TaskBounds.walltimeSeconds
            )
                ?? 86_400,
            diskMB: try number(resources.diskMB, "resources.diskMB", TaskBounds.diskMB) ?? 1000,
            platform: resources.platform ?? "any",
            tags: resources.tags ?? [],
            sites: resources.sites ?? []
        )
        var outputs: [PlannedOutput] = []
        for output in task.outputs {
            let dataset = fill(output.dataset ?? "\(request).\(task.name).\(output.stream)")
            guard Self.isDatasetName(dataset) else {
                throw DocumentProblem(
                    path: "\(path).outputs",
                    message: "\(dataset) is not a dataset name: letters, digits, _ . + -"
                )
            }
            outputs.append(
                PlannedOutput(
                    stream: output.stream,
                    file: fill(output.file),
                    dataset: dataset,
                    home: fill(output.home ?? defaultHome),
                    counted: output.events ?? true
                )
            )
        }
        return TaskPlan(
            name: task.name,
            position: position,
            kind: task.kind,
            events: try number(task.events, "events", TaskBounds.events),
            eventsPerJob: try number(task.eventsPerJob, "eventsPerJob", TaskBounds.eventsPerJob),
            filesPerJob: try number(task.filesPerJob, "filesPerJob", TaskBounds.filesPerJob),
            bytesPerJob: try number(task.megabytesPerJob, "megabytesPerJob", TaskBounds.megabytesPerJob).map {
                Int64(($0 * 1e6).rounded(.up))
            },
            flushAfterSeconds: try number(task.flushAfter, "flushAfter", TaskBounds.flushAfter),
            inputs: (task.inputs ?? []).map {
                InputTemplate(
                    task: $0.task,
                    stream: $0.stream,
                    dataset: $0.dataset.map(fill),
                    missingIn: $0.missingIn.map(fill),
                    container: $0.container.map(fill),
                    query: $0.query.map(fill)
                )
            },
            requirement: requirement,
            allowedLoss: try number(task.allowedLoss, "allowedLoss", TaskBounds.allowedLoss) ?? 0,
            maxAttempts: try number(task.maxAttempts, "maxAttempts", TaskBounds.maxAttempts) ?? 3,
            scouts: try number(task.scouts, "scouts", TaskBounds.scouts) ?? 0,
            outputs: outputs,
            steps: task.steps.map { step in
                StepTemplate(
                    name: step.name,
                    command: step.command.map(fill),
                    environment: step.environment?.mapValues(fill),
                    rescue: step.rescue
                )
            },
            software: (self.software ?? []).filter { (task.software ?? []).contains($0.name) },
            sandbox: self.sandbox ?? [],
            metadata: Self.metadata(of: task, fill),
            groupBy: task.groupBy ?? []
        )
    }

    private static func metadata(
        of task: TaskTemplate,
        _ fill: (String) -> String
    ) -> [String: [String: String]] {
        var streams: [String: [String: String]] = [:]
        for output in task.outputs {
            let said = (task.metadata ?? [:]).merging(output.metadata ?? [:]) { $1 }
            if !said.isEmpty { streams[output.stream] = said.mapValues { fill($0.text) } }
        }
        return streams
    }

    /// What the catalogue takes for the name of a dataset.
    package static func isDatasetName(_ text: String) -> Bool {
        (1...255).contains(text.utf8.count)
            && text.utf8.allSatisfy { byte in
                (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte)
                    || [43, 45, 46, 95].contains(byte)
            }
    }
}
