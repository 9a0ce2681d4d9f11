/// A workflow: a graph of tasks, each an ordered list of steps. What an operator writes in YAML and the catalogue keeps as
/// JSON, in immutable versions.
///
/// Texts may hold variables `${name}`: parameters of the request, replaced when it is approved, and the variables of a job
/// (``JobVariable``), replaced on the node.
package struct WorkflowDocument: Sendable, Hashable, Codable {
    package var name: String
    package var description: String?
    /// Name to default; a parameter without a default must be given with the request.
    package var parameters: [String: ParameterTemplate]?
    package var software: [SoftwarePackage]?
    /// Small text files that every job of the workflow gets in its work folder.
    package var sandbox: [SandboxFile]?
    package var tasks: [TaskTemplate]

    package init(
        name: String,
        description: String? = nil,
        parameters: [String: ParameterTemplate]? = nil,
        software: [SoftwarePackage]? = nil,
        sandbox: [SandboxFile]? = nil,
        tasks: [TaskTemplate]
    ) {
        self.name = name
        self.description = description
        self.parameters = parameters
        self.software = software
        self.sandbox = sandbox
        self.tasks = tasks
    }
}

/// A parameter of a workflow.
package struct ParameterTemplate: Sendable, Hashable, Codable {
    package var description: String?
    package var `default`: Scalar?

    package init(description: String? = nil, default: Scalar? = nil) {
        self.description = description
        self.default = `default`
    }
}

/// Software that is installed on the site, once, by its hash.
package struct SoftwarePackage: Sendable, Hashable, Codable {
    package var name: String
    package var version: String
    /// `python`: a requirement set with hashes, installed into a virtual environment of its own.
    package var kind: String
    /// The text of the requirement set (in the YAML: the file's name, replaced by its text when the workflow is added).
    package var requirements: String

    package init(name: String, version: String, kind: String = "python", requirements: String) {
        self.name = name
        self.version = version
        self.kind = kind
        self.requirements = requirements
    }
}

/// A small text file that travels with the workflow.
package struct SandboxFile: Sendable, Hashable, Codable {
    package var name: String
    package var text: String

    package init(name: String, text: String) {
        self.name = name
        self.text = text
    }
}

/// One task of a workflow.
package struct TaskTemplate: Sendable, Hashable, Codable {
    package var name: String
    /// generate, process, skim, merge, derive, analyse.
    package var kind: String
    /// How many events the task makes or reads; for tasks with inputs the default is all.
    package var events: Scalar?
    package var eventsPerJob: Scalar?
    /// At most so many inputs of a merge go into one file, and at most so many megabytes (10^6 bytes).
    package var filesPerJob: Scalar?
    package var megabytesPerJob: Scalar?
    /// Seconds after which the inputs of a merge that still wait for company are merged, however few they are.
    package var flushAfter: Scalar?
    /// Fields whose values the inputs of one job of a merge or an analysis share.
    package var groupBy: [String]?
    package var inputs: [InputTemplate]?
    package var software: [String]?
    package var steps: [StepTemplate]
    package var outputs: [OutputTemplate]
    package var resources: ResourceTemplate?
    /// The share of the task's events that may be given up, or of its jobs if they make none, 0 to 1.
    package var allowedLoss: Scalar?
    package var maxAttempts: Scalar?
    /// So many jobs run first; the others when these went well, with what these needed. None when nothing is said.
    package var scouts: Scalar?
    /// What is said of every file that the task makes: field to value. What an output says itself outranks it.
    package var metadata: [String: Scalar]?

    package init(
        name: String,
        kind: String,
        events: Scalar? = nil,
        eventsPerJob: Scalar? = nil,
        filesPerJob: Scalar? = nil,
        megabytesPerJob: Scalar? = nil,
        flushAfter: Scalar? = nil,
        inputs: [InputTemplate]? = nil,
        software: [String]? = nil,
        steps: [StepTemplate],
        outputs: [OutputTemplate],
        resources: ResourceTemplate? = nil,
        allowedLoss: Scalar? = nil,
        maxAttempts: Scalar? = nil,
        scouts: Scalar? = nil,
        metadata: [String: Scalar]? = nil,
        groupBy: [String]? = nil
    ) {
        self.name = name
        self.kind = kind
        self.events = events
        self.eventsPerJob = eventsPerJob
        self.filesPerJob = filesPerJob
        self.megabytesPerJob = megabytesPerJob
        self.flushAfter = flushAfter
        self.inputs = inputs
        self.software = software
        self.steps = steps
        self.outputs = outputs
        self.resources = resources
        self.allowedLoss = allowedLoss
        self.maxAttempts = maxAttempts
        self.scouts = scouts
        self.metadata = metadata
        self.groupBy = groupBy
    }
}

/// What a task reads, one of four: a stream of a sibling task; a dataset; the datasets of a container, which must all be closed before
/// the task begins; the files that a query finds when it begins.
package struct InputTemplate: Sendable, Hashable, Codable {
    package var task: String?
    package var stream: String?
    package var dataset: String?
    /// Of a derive task: only the events of which this dataset, or container of datasets, does not have what was made of them.
    package var missingIn: String?
    package var container: String?
    package var query: String?

    package init(
        task: String? = nil,
        stream: String? = nil,
        dataset: String? = nil,
        missingIn: String? = nil,
        container: String? = nil,
        query: String? = nil
    ) {
        self.task = task
        self.stream = stream
        self.dataset = dataset
        self.missingIn = missingIn
        self.container = container
        self.query = query
    }
}

/// One step of a job: a command, run in the job's work folder. A rescue step runs only when a step before it failed.
package struct StepTemplate: Sendable, Hashable, Codable {
    package var name: String
    /// The program and its arguments; never a shell line.
    package var command: [String]
    package var environment: [String: String]?
    package var rescue: Bool?

    package init(name: String, command: [String], environment: [String: String]? = nil, rescue: Bool? = nil) {
        self.name = name
        self.command = command
        self.environment = environment
        self.rescue = rescue
    }
}

/// One output stream of a task.
package struct OutputTemplate: Sendable, Hashable, Codable {
    package var stream: String
    /// The file the steps write, relative to the work folder.
    package var file: String
    /// The dataset it fills; the default is `request.task.stream`.
    package var dataset: String?
    /// The storage element the dataset belongs to.
    package var home: String?
    /// False for artefacts such as plots, which hold no events.
    package var events: Bool?
    /// What is said of every file of the stream: field to value.
    package var metadata: [String: Scalar]?

    package init(
        stream: String,
        file: String,
        dataset: String? = nil,
        home: String? = nil,
        events: Bool? = nil,
        metadata: [String: Scalar]? = nil
    ) {
        self.stream = stream
        self.file = file
        self.dataset = dataset
        self.home = home
        self.events = events
        self.metadata = metadata
    }
}

/// What a job of the task needs.
package struct ResourceTemplate: Sendable, Hashable, Codable {
    package var cores: Scalar?
    package var memoryMB: Scalar?
    package var walltimeSeconds: Scalar?
    package var diskMB: Scalar?
    package var platform: String?
    package var tags: [String]?
    package var sites: [String]?

    package init(
        cores: Scalar? = nil,
        memoryMB: Scalar? = nil,
        walltimeSeconds: Scalar? = nil,
        diskMB: Scalar? = nil,
        platform: String? = nil,
        tags: [String]? = nil,
        sites: [String]? = nil
    ) {
        self.cores = cores
        self.memoryMB = memoryMB
        self.walltimeSeconds = walltimeSeconds
        self.diskMB = diskMB
        self.platform = platform
        self.tags = tags
        self.sites = sites
    }
}

/// A number, word or truth value as written: `500`, `"500"` and `${events}` are all good where a number is wanted.
package struct Scalar: Sendable, Hashable, Codable, ExpressibleByStringLiteral, ExpressibleByIntegerLiteral,
    CustomStringConvertible
{
    package let text: String

    package init(_ text: String) { self.text = text }
    package init(stringLiteral value: String) { self.text = value }
    package init(integerLiteral value: Int) { self.text = String(value) }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let value = try? container.decode(String.self) {  // not an error: the next form is tried
            self.text = value
        } else if let value = try? container.decode(Bool.self) {  // likewise
            self.text = value ? "true" : "false"
        } else if let value = try? container.decode(Int64.self) {  // likewise
            self.text = String(value)
        } else {
            let value = try container.decode(Double.self)
            self.text = String(value)
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(self.text)
    }

    package var description: String { self.text }
}
