import Domain
import Messages
import NIOConcurrencyHelpers
import SimulatedSite

/// Events with numbers of their own are generated, skimmed into two streams and merged. What is in each file is kept here, event by event,
/// whatever the centre says: a version that is to be stopped does some of it, the last one all that is left.
final class DeriveScenario: Sendable {
    static let events: Int64 = 300
    static let streams = ["a", "b"]
    /// Of the request that is to come to its end; nil: none yet.
    let last = NIOLockedValueBox<Int64?>(nil)
    private let contents = NIOLockedValueBox<[String: [Int64]]>([:])
    private let seeds = NIOLockedValueBox<[String: Int64]>([:])

    static func belongs(_ event: Int64, to stream: String) -> Bool { stream == "a" ? event % 3 == 0 : event % 5 == 1 }

    /// The events of files, in order.
    func events(of lfns: [String]) -> [Int64] {
        self.contents.withLockedValue { contents in lfns.flatMap { contents[$0] ?? [-1] } }.sorted()
    }

    func seeds(of lfns: [String]) -> Set<Int64> {
        self.seeds.withLockedValue { seeds in Set(lfns.compactMap { seeds[$0] }) }
    }

    /// What an agent does with a job: in a version that is to be stopped some fail and some never end.
    func behaviour(_ job: OfferedJob, _ task: JobDescription) -> SimulatedAgent.Behaviour {
        if self.last.withLockedValue({ $0 }) != task.request {
            switch (task.name, job.name.index) {
            case ("generate", let index) where index % 7 == 3:
                return .fail([Failure(.payloadExit, "exit code 1 in step \(task.name)")])
            case ("generate", let index) where index % 5 == 4: return .hang
            case ("skim", let index) where index % 4 == 1: return .hang
            case ("skim", let index) where index % 9 == 4:
                return .fail([Failure(.payloadExit, "exit code 2 in step \(task.name)")])
            case (_, let index) where task.kind == "merge" && index % 2 == 1: return .hang
            default: break
            }
        }
        return .finishWith { self.written($0, job, task) }
    }

    private func written(_ item: FinishedItem, _ job: OfferedJob, _ task: JobDescription) -> FinishedItem {
        var item = item
        let read = self.read(job)
        for place in item.outputs.indices {
            let stream = item.outputs[place].stream
            let events = task.kind == "skim" ? read.filter { Self.belongs($0, to: stream) } : read
            guard let lfn = item.outputs[place].lfn, !events.isEmpty else {
                item.outputs[place] = ManifestOutput(stream: stream, events: 0)
                continue
            }
            item.outputs[place].events = Int64(events.count)
            self.contents.withLockedValue { $0[lfn] = events }
            self.seeds.withLockedValue { $0[lfn] = job.seed }
        }
        return item
    }

    /// The events of a job: those its numbers say, those of its slice, or all of its files.
    private func read(_ job: OfferedJob) -> [Int64] {
        guard let first = job.inputs.first else { return Array(job.firstEvent..<job.firstEvent + job.events) }
        guard job.inputs.count == 1 else { return self.events(of: job.inputs.map(\.lfn)) }
        return Array(self.events(of: [first.lfn])[Int(job.firstEvent)..<Int(job.firstEvent + job.events)])
    }

    // MARK: What is asked for

    /// - Parameters:
    ///   - perJob: events of a generating job; skims read half of a file at once.
    static func workflow(perJob: Int64, files: Int64, memoryMB: Int64) -> WorkflowDocument {
        let resources = ResourceTemplate(memoryMB: Scalar("\(memoryMB)"))
        let generate = TaskTemplate(
            name: "generate",
            kind: "generate",
            events: Scalar("\(Self.events)"),
            eventsPerJob: Scalar("\(perJob)"),
            steps: [StepTemplate(name: "make", command: ["true"])],
            outputs: [OutputTemplate(stream: "gen", file: "gen.dat")],
            resources: resources,
            maxAttempts: 2
        )
        let skim = TaskTemplate(
            name: "skim",
            kind: "skim",
            eventsPerJob: Scalar("\((perJob + 1) / 2)"),
            inputs: [InputTemplate(task: "generate", stream: "gen")],
            steps: [StepTemplate(name: "skim", command: ["true"])],
            outputs: Self.streams.map { OutputTemplate(stream: $0, file: "\($0).dat") },
            resources: resources,
            maxAttempts: 2
        )
        let merges = Self.streams.map { stream in
            TaskTemplate(
                name: "merge-\(stream)",
                kind: "merge",
                filesPerJob: Scalar("\(files)"),
                inputs: [InputTemplate(task: "skim", stream: stream)],
                steps: [StepTemplate(name: "merge", command: ["true"])],
                outputs: [OutputTemplate(stream: "merged", file: "merged.dat", dataset: "derived.\(stream)")]
            )
        }
        return WorkflowDocument(name: "derived", tasks: [generate, skim] + merges)
    }
}
