import Domain
import Messages
import NIOConcurrencyHelpers
import SimulatedSite
import TestSupport

/// Inputs of 1,000 events are skimmed into 14 streams, each merged: three streams are empty in 70 % of the jobs, one always. What a
/// job selects depends on its input and the seed alone; the faults depend on the attempt too. Every file an attempt claims is written.
/// Counts what the merged streams must hold, by itself.
final class SkimScenario: Sendable {
    static let streams = (1...14).map { "s\($0)" }
    static let eventsPerInput: Int64 = 1000
    static let inputsPerMerge: Int64 = 20
    /// After so many counted failures a job is given up, and made again only when somebody recovers the task.
    static let maxAttempts = 2

    let seed: UInt64
    let inputs: Int64
    /// The share of first attempts with each of the faults.
    private let faultShare = 0.05
    let disk: ScenarioDisk
    private let begun = NIOLockedValueBox<[String: Int]>([:])
    /// The first input is made last, when this holds something: until then the tasks cannot end.
    let lastInput = Gathered()
    /// Holds something as soon as somebody has recovered a job.
    let recovered = Gathered()

    init(seed: UInt64, inputs: Int64, disk: ScenarioDisk) {
        self.seed = seed
        self.inputs = inputs
        self.disk = disk
    }

    /// How attempts went wrong that were not right, by what was wrong.
    var faults: [String: Int] { self.begun.withLockedValue { $0 } }

    // MARK: What is selected

    /// 0 up to 1, always the same for the same numbers.
    private func number(_ parts: UInt64...) -> Double {
        var mixed = self.seed
        for part in parts {
            mixed = (mixed ^ part) &+ 0x9E37_79B9_7F4A_7C15
            mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
            mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
            mixed ^= mixed >> 31
        }
        return Double(mixed >> 11) / Double(1 << 53)
    }

    /// Events that the skim of an input has in each stream.
    func selected(input: Int64) -> [Int64] {
        (0..<14).map { stream in
            if stream == 13 { return 0 }
            if (10...12).contains(stream), self.number(1, UInt64(input), UInt64(stream)) < 0.7 { return 0 }
            return 1 + Int64(self.number(2, UInt64(input), UInt64(stream)) * 99)
        }
    }

    /// What the merged streams must hold.
    var expected: [String: Int64] {
        var sums: [String: Int64] = [:]
        for input in 0..<self.inputs {
            for (stream, events) in zip(Self.streams, self.selected(input: input)) {
                sums[stream, default: 0] += events
            }
        }
        return sums
    }

    // MARK: What the site does

    func behaviour(_ job: OfferedJob, _ task: JobDescription) -> SimulatedAgent.Behaviour {
        if task.name == "skim" { return self.skim(job) }
        let store: SimulatedAgent.Behaviour = .finishWith { self.stored($0) }
        guard task.name == "generate", job.name.index == 0 else { return store }
        return .until({ await self.lastInput.more(than: 0) }, store)
    }

    private func stored(_ item: FinishedItem) -> FinishedItem { self.disk.storing(item) }

    private func note(_ fault: String) { self.begun.withLockedValue { $0[fault, default: 0] += 1 } }

    /// The index of the generating job stands in the name of the input.
    static func input(of job: OfferedJob) -> Int64 {
        let parts = job.inputs.first?.lfn.split(separator: "/").last?.split(separator: ".") ?? []
        return parts.count > 1 ? Int64(parts[1]) ?? -1 : -1
    }

    private func skim(_ job: OfferedJob) -> SimulatedAgent.Behaviour {
        let input = Self.input(of: job)
        let events = self.selected(input: input)
        let right: @Sendable (FinishedItem) -> FinishedItem = { self.stored(Self.holding(events, $0)) }
        let fault = self.number(3, UInt64(input)) / self.faultShare
        if input == 0 { return .finishWith(right) }
        // What is lost while the broker is away does not count: an attempt's number alone would not say that the job will be given up.
        if (4..<5).contains(fault), job.name.attempt <= Self.maxAttempts || self.recovered.count == 0 {
            self.note("given up")
            return .fail([Failure(.payloadExit, "exit code \(job.name.attempt) in step skim")])
        }
        guard job.name.attempt == 1 else { return .finishWith(right) }
        switch fault {
        case ..<1:
            self.note("lost")
            return .lose
        case ..<2:
            self.note("without any skim")
            return .fail([Failure(.outputMissing, "no output was written")])
        case ..<3:
            self.note("9 of 14 skims")
            return .finishWith { item in
                var item = Self.holding(events, item)
                item.outputs.removeLast(5)
                return self.stored(item)
            }
        case ..<4:
            self.note("ended early without a word")
            return .finishWith { item in
                var item = right(item)
                item.eventsRead = job.events - 1
                return item
            }
        default: return .finishWith(right)
        }
    }

    /// An empty stream is a row without a file.
    private static func holding(_ events: [Int64], _ item: FinishedItem) -> FinishedItem {
        var item = item
        item.outputs = zip(item.outputs, events).map { output, events in
            guard events > 0 else { return ManifestOutput(stream: output.stream, events: 0) }
            var output = output
            output.events = events
            return output
        }
        return item
    }

    // MARK: What is asked for

    var workflow: WorkflowDocument {
        let generate = TaskTemplate(
            name: "generate",
            kind: "generate",
            events: Scalar("\(self.inputs * Self.eventsPerInput)"),
            eventsPerJob: Scalar("\(Self.eventsPerInput)"),
            steps: [StepTemplate(name: "make", command: ["true"])],
            outputs: [OutputTemplate(stream: "raw", file: "raw.dat")]
        )
        let skim = TaskTemplate(
            name: "skim",
            kind: "skim",
            inputs: [InputTemplate(task: "generate", stream: "raw")],
            steps: [StepTemplate(name: "skim", command: ["true"])],
            outputs: Self.streams.map { OutputTemplate(stream: $0, file: "\($0).dat") },
            maxAttempts: Scalar("\(Self.maxAttempts)")
        )
        let merges = Self.streams.map { stream in
            TaskTemplate(
                name: "merge-\(stream)",
                kind: "merge",
                filesPerJob: Scalar("\(Self.inputsPerMerge)"),
                inputs: [InputTemplate(task: "skim", stream: stream)],
                steps: [StepTemplate(name: "merge", command: ["true"])],
                outputs: [OutputTemplate(stream: "merged", file: "merged.dat", dataset: "${dataset}.\(stream)")]
            )
        }
        return WorkflowDocument(
            name: "skim14",
            parameters: ["dataset": ParameterTemplate(default: "skim14")],
            tasks: [generate, skim] + merges
        )
    }
}
