/// One run event of OpenLineage (specification 2-0-2): an attempt that was accepted is a run that completed, one that failed or was lost is
/// a run that failed. Pure: the same facts are always the same event, with the same run id, so that one sent twice is recognised.
struct RunEvent: Codable, Sendable, Hashable {
    /// A run of a job, as its children name it.
    struct Parent: Codable, Sendable, Hashable {
        struct Run: Codable, Sendable, Hashable {
            let runId: String
        }

        var _producer = RunEvent.producer
        var _schemaURL = "https://openlineage.io/spec/facets/1-0-1/ParentRunFacet.json#/$defs/ParentRunFacet"
        let run: Run
        let job: Name
    }

    struct ErrorMessage: Codable, Sendable, Hashable {
        var _producer = RunEvent.producer
        var _schemaURL =
            "https://openlineage.io/spec/facets/1-0-0/ErrorMessageRunFacet.json#/$defs/ErrorMessageRunFacet"
        let message: String
        var programmingLanguage = "unknown"
    }

    /// Ours: where to find the attempt in the catalogue.
    struct Attempt: Codable, Sendable, Hashable {
        var _producer = RunEvent.producer
        var _schemaURL = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunFacet"
        let request: Int64
        let task: Int64
        let index: Int64
        let attempt: Int
        let state: String
        let site: String
        let node: String?
        let code: Int?
        let started: String
        let ended: String?
        let workflowVersion: Int
    }

    struct Name: Codable, Sendable, Hashable {
        let namespace: String
        let name: String
    }

    struct Run: Codable, Sendable, Hashable {
        struct Facets: Codable, Sendable, Hashable {
            let parent: Parent
            let errorMessage: ErrorMessage?
            let millrace_attempt: Attempt
        }

        let runId: String
        let facets: Facets
    }

    struct Version: Codable, Sendable, Hashable {
        var _producer = RunEvent.producer
        var _schemaURL =
            "https://openlineage.io/spec/facets/1-0-0/DatasetVersionDatasetFacet.json#/$defs/DatasetVersionDatasetFacet"
        let datasetVersion: String
    }

    /// Ours: the file that was written.
    struct File: Codable, Sendable, Hashable {
        var _producer = RunEvent.producer
        var _schemaURL = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/DatasetFacet"
        let stream: String
        let lfn: String
        let adler32: String?
    }

    struct Statistics: Codable, Sendable, Hashable {
        var _producer = RunEvent.producer
        let _schemaURL: String
        let rowCount: Int64
        let size: Int64
        let fileCount: Int64
    }

    struct Dataset: Codable, Sendable, Hashable {
        struct Facets: Codable, Sendable, Hashable {
            let version: Version?
            let millrace_file: File?
        }

        struct InputFacets: Codable, Sendable, Hashable { let inputStatistics: Statistics }
        struct OutputFacets: Codable, Sendable, Hashable { let outputStatistics: Statistics }

        let namespace: String
        let name: String
        let facets: Facets
        let inputFacets: InputFacets?
        let outputFacets: OutputFacets?
    }

    /// Who says so.
    static let producer = "urn:millrace:bookkeeper"

    let eventType: String
    let eventTime: String
    let run: Run
    let job: Name
    let inputs: [Dataset]
    let outputs: [Dataset]
    var producer = RunEvent.producer
    var schemaURL = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"

    /// - Parameter namespace: of jobs and datasets: one for each installation.
    /// - Returns: nil if the request's submission is no UUID, which the catalogue rules out.
    init?(_ facts: LineageFacts, namespace: String) {
        let name = "\(facts.task).\(facts.index).\(facts.attempt)"
        guard let runId = NameUUID.make(name, in: facts.submission) else { return nil }
        let isDone = facts.state == "done"
        self.eventType = isDone ? "COMPLETE" : "FAIL"
        self.eventTime = facts.at
        let parent = Parent(
            run: Parent.Run(runId: facts.submission),
            job: Name(namespace: namespace, name: facts.workflow)
        )
        let attempt = Attempt(
            request: facts.request,
            task: facts.task,
            index: facts.index,
            attempt: facts.attempt,
            state: facts.state,
            site: facts.site,
            node: facts.node,
            code: facts.code,
            started: facts.started,
            ended: facts.ended,
            workflowVersion: facts.workflowVersion
        )
        let message = isDone ? nil : ErrorMessage(message: facts.diagnostic ?? facts.state)
        self.run = Run(
            runId: runId,
            facets: Run.Facets(parent: parent, errorMessage: message, millrace_attempt: attempt)
        )
        self.job = Name(namespace: namespace, name: "\(facts.workflow).\(facts.name)")
        self.inputs = facts.inputs.map { Dataset($0, namespace: namespace) }
        self.outputs = facts.outputs.map { Dataset($0, namespace: namespace) }
    }
}

extension RunEvent.Dataset {
    fileprivate init(_ input: LineageFacts.Input, namespace: String) {
        self.namespace = namespace
        self.name = input.dataset
        self.facets = Facets(version: input.version.map { .init(datasetVersion: $0) }, millrace_file: nil)
        self.inputFacets = InputFacets(
            inputStatistics: .init(
                _schemaURL:
                    "https://openlineage.io/spec/facets/1-0-0/InputStatisticsInputDatasetFacet.json#/$defs/InputStatisticsInputDatasetFacet",
                rowCount: input.events,
                size: input.bytes,
                fileCount: input.files
            )
        )
        self.outputFacets = nil
    }

    fileprivate init(_ output: LineageFacts.Output, namespace: String) {
        self.namespace = namespace
        self.name = output.dataset
        self.facets = Facets(
            version: output.version.map { .init(datasetVersion: $0) },
            millrace_file: output.lfn.map { .init(stream: output.stream, lfn: $0, adler32: output.adler32) }
        )
        self.inputFacets = nil
        self.outputFacets = OutputFacets(
            outputStatistics: .init(
                _schemaURL:
                    "https://openlineage.io/spec/facets/1-0-2/OutputStatisticsOutputDatasetFacet.json#/$defs/OutputStatisticsOutputDatasetFacet",
                rowCount: output.events,
                size: output.bytes,
                fileCount: output.files
            )
        )
    }
}
