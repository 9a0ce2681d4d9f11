package import Domain

/// An offer: the exact text that was signed, and the signature. An agent runs nothing unsigned.
package struct OfferItem: MessageItem {
    package static let type = "agent.offer.v1"

    /// JSON of an ``Offer``; the signature is over these bytes, so no canonical form is needed.
    package var payload: String
    /// Ed25519 (RFC 8032), base64.
    package var signature: String

    package init(payload: String, signature: String) {
        self.payload = payload
        self.signature = signature
    }
}

/// Jobs leased to one agent, in answer to one question.
package struct Offer: Codable, Sendable, Equatable {
    package var site: String
    package var agent: String
    package var session: String
    package var question: Int64
    /// An agent drops the offer when its question is older than this, by its own monotonic clock.
    package var validSeconds: Double
    /// What the jobs have in common, by task.
    package var tasks: [JobDescription]
    package var jobs: [OfferedJob]
    /// Nodes of the site that fail everything: an agent with several gives its jobs to the others.
    package var avoidNodes: [String]?
    /// Cores of all jobs offered in this session, this offer's among them: the agent repeats it as ``WorkItem/taken``.
    package var through: Int64?

    package init(
        site: String,
        agent: String,
        session: String,
        question: Int64,
        validSeconds: Double,
        tasks: [JobDescription],
        jobs: [OfferedJob],
        avoidNodes: [String]? = nil,
        through: Int64? = nil
    ) {
        self.site = site
        self.agent = agent
        self.session = session
        self.question = question
        self.validSeconds = validSeconds
        self.tasks = tasks
        self.jobs = jobs
        self.avoidNodes = avoidNodes
        self.through = through
    }
}

/// How the jobs of a task are run. Kept in the catalogue as the task's `spec`.
package struct JobDescription: Codable, Sendable, Equatable {
    package var task: Int64
    package var request: Int64
    package var name: String
    package var kind: String
    package var requestSeed: Int64
    package var steps: [StepTemplate]
    package var outputs: [PlannedOutput]
    package var software: [SoftwarePackage]
    package var sandbox: [SandboxFile]
    package var requirement: Requirement

    package init(
        task: Int64,
        request: Int64,
        name: String,
        kind: String,
        requestSeed: Int64,
        steps: [StepTemplate],
        outputs: [PlannedOutput],
        software: [SoftwarePackage],
        sandbox: [SandboxFile],
        requirement: Requirement
    ) {
        self.task = task
        self.request = request
        self.name = name
        self.kind = kind
        self.requestSeed = requestSeed
        self.steps = steps
        self.outputs = outputs
        self.software = software
        self.sandbox = sandbox
        self.requirement = requirement
    }

    /// The logical name of an output of an attempt. It holds the attempt, so a loser can never overwrite a winner.
    package func lfn(_ output: PlannedOutput, _ attempt: AttemptKey) -> String {
        let suffix = output.file.firstIndex(of: ".").map { String(output.file[$0...]) } ?? ""
        let folder = attempt.index / 1000
        return "/\(self.request)/\(self.name)/\(output.stream)/\(folder)/\(attempt)\(suffix)"
    }

    /// The beginning that every output name of this attempt has, up to the suffix.
    package func lfnPrefix(stream: String, _ attempt: AttemptKey) -> String {
        "/\(self.request)/\(self.name)/\(stream)/\(attempt.index / 1000)/\(attempt)"
    }
}

/// One job of an offer.
package struct OfferedJob: Codable, Sendable, Equatable {
    package var name: AttemptName
    package var seed: Int64
    /// Events the job makes or reads.
    package var events: Int64
    /// Where they begin: in the task for jobs without inputs, in the input file for those with one.
    package var firstEvent: Int64
    package var inputs: [OfferedInput]
    /// Memory for the whole job, where it is not what its task asks for.
    package var memoryMB: Int?
    /// Wall time, where it is not what its task asks for.
    package var walltimeSeconds: Int?
    /// Nodes that are not to run it.
    package var avoidNodes: [String]?

    package init(
        name: AttemptName,
        seed: Int64,
        events: Int64,
        firstEvent: Int64,
        inputs: [OfferedInput],
        memoryMB: Int? = nil,
        walltimeSeconds: Int? = nil,
        avoidNodes: [String]? = nil
    ) {
        self.name = name
        self.seed = seed
        self.events = events
        self.firstEvent = firstEvent
        self.inputs = inputs
        self.memoryMB = memoryMB
        self.walltimeSeconds = walltimeSeconds
        self.avoidNodes = avoidNodes
    }

    /// What the job may use: its task's requirement, with what is its own.
    package func requirement(of description: JobDescription) -> Requirement {
        var requirement = description.requirement
        if let memory = self.memoryMB { requirement.memoryMB = memory }
        if let time = self.walltimeSeconds { requirement.walltimeSeconds = time }
        return requirement
    }
}

/// A file a job reads.
package struct OfferedInput: Codable, Sendable, Equatable {
    package var lfn: String
    package var bytes: Int64
    package var adler32: String
    package var events: Int64
    /// Storage elements with a good replica, the best first.
    package var storage: [String]

    package init(lfn: String, bytes: Int64, adler32: String, events: Int64, storage: [String]) {
        self.lfn = lfn
        self.bytes = bytes
        self.adler32 = adler32
        self.events = events
        self.storage = storage
    }
}
