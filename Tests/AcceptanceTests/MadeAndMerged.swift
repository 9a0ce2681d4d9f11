import Domain

/// Jobs of ten events each that make them, and merges of some of their files each.
enum MadeAndMerged {
    static func workflow(_ name: String, jobs: Int64, filesPerMerge: Int64) -> WorkflowDocument {
        WorkflowDocument(
            name: name,
            tasks: [
                TaskTemplate(
                    name: "generate",
                    kind: "generate",
                    events: Scalar("\(jobs * 10)"),
                    eventsPerJob: "10",
                    steps: [StepTemplate(name: "make", command: ["true"])],
                    outputs: [OutputTemplate(stream: "gen", file: "gen.dat")]
                ),
                TaskTemplate(
                    name: "merge",
                    kind: "merge",
                    filesPerJob: Scalar("\(filesPerMerge)"),
                    inputs: [InputTemplate(task: "generate", stream: "gen")],
                    steps: [StepTemplate(name: "merge", command: ["true"])],
                    outputs: [OutputTemplate(stream: "all", file: "all.dat")]
                ),
            ]
        )
    }
}
