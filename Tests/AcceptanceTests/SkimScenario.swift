import Domain
import Messages
import NIOConcurrencyHelpers
import SimulatedSite
import TestSupport

/// Inputs of 1,000 events are skimmed into 14 streams, each merged: three streams are empty in 70 % of the jobs, one always, and for a
/// twentieth of the inputs running all of them. What a job selects, and how it goes wrong, depends on its input and the seed alone; which
/// batch submissions are lost depends on their number. Files hold their events. Counts what the merged streams must hold, by itself.
final class SkimScenario: Sendable {
    /// What goes wrong, each with a twentieth of the inputs, or of the batch submissions.
    enum Fault: String, CaseIterable, Sendable {
        case wholeGridJobLost
        case partOfGridJobLost
        /// Exit code 0, and a manifest without any stream.
        case withoutAnySkim
        case nineOfFourteenSkims
        /// Exit code 0, and fewer events read than there are.
        case endedEarly
        /// Until it is given up: an operator has to recover it.
        case givenUp
    }

    static let streams = (1...14).map { "s\($0)" }
    static let eventsPerInput: Int64 = 1000
    static let inputsPerMerge: Int64 = 20
    /// After so many counted failures a job is given up, and made again only when somebody recovers the task.
    static let maxAttempts = 2
    /// One of so many.
    private static let faultEvery = 20

    private struct State {
        /// The attempt at an input that went wrong: another one at it does not, unless the job is to be given up.
        var wrong: [Int64: Set<Int>] = [:]
        var faults: [Fault: Int] = [:]
        /// Batch submissions of several jobs with skims among them.
        var submissions: UInt64 = 0
    }

    let seed: UInt64
    let inputs: Int64
    let disk: ScenarioDisk
    let schedule: SkimSchedule
    private let draw: SeededDraw
    private let payload: EventPayload
    private let state = NIOLockedValueBox(State())
    /// The first input is made last, when this holds something: until then the tasks cannot end.
    let lastInput = Gathered()

    init(seed: UInt64, inputs: Int64, disk: ScenarioDisk) {
        self.seed = seed
        self.inputs = inputs
        self.disk = disk
        self.draw = SeededDraw(seed: seed)
        self.payload = EventPayload(disk: disk)
        self.schedule = SkimSchedule(seed: seed, inputs: inputs - 1, merges: Self.streams.map { "merge-\($0)" })
    }

    /// How often each fault has happened.
    var faults: [Fault: Int] { self.state.withLockedValue { $0.faults } }

    // MARK: What is selected

    /// The long period in which nothing is selected.
    var emptyPeriod: Range<Int64> {
        let length = self.inputs / Int64(Self.faultEvery)
        let first = self.draw.integer(in: 1..<max(2, self.inputs - length), 4)
        return first..<first + length
    }

    /// The places of the events that the skim of an input has in each stream.
    func selected(input: Int64) -> [[Int]] {
        (0..<14).map { stream in
            let events = self.selectedEvents(input: input, stream: stream)
            let first = Int(self.draw.number(5, UInt64(input), UInt64(stream)) * 1000)
            // Has no divisor with 1,000 in common: no event comes twice.
            let step = [1, 3, 7, 9, 11, 13, 17, 19][stream % 8]
            return (0..<events).map { (first + $0 * step) % 1000 }
        }
    }

    func selectedEvents(input: Int64, stream: Int) -> Int {
        if stream == 13 || self.emptyPeriod.contains(input) { return 0 }
        if (10...12).contains(stream), self.draw.number(1, UInt64(input), UInt64(stream)) < 0.7 { return 0 }
        return 1 + Int(self.draw.number(2, UInt64(input), UInt64(stream)) * 99)
    }

    /// What the merged files of a stream must hold, in order.
    func expected() -> [[UInt64]] {
        var records = [[UInt64]](repeating: [], count: 14)
        for input in 0..<self.inputs {
            for (stream, places) in self.selected(input: input).enumerated() {
                records[stream] += places.map {
                    EventPayload.record(stream: stream + 1, event: input * Self.eventsPerInput + Int64($0))
                }
            }
        }
        return records.map { $0.sorted() }
    }

    // MARK: What the site does

    func behaviour(_ job: OfferedJob, _ task: JobDescription) -> SimulatedAgent.Behaviour {
        switch task.kind {
        case "skim": return self.skim(job)
        case "merge": return .finishWith { self.payload.merged($0, job) }
        default:
            let make: SimulatedAgent.Behaviour = .finishWith { self.payload.generated($0, job) }
            guard job.name.index == 0 else { return make }
            return .until({ await self.lastInput.more(than: 0) }, make)
        }
    }

    /// The index of the generating job stands in the name of the input.
    static func input(of job: OfferedJob) -> Int64 {
        let parts = job.inputs.first?.lfn.split(separator: "/").last?.split(separator: ".") ?? []
        return parts.count > 1 ? Int64(parts[1]) ?? -1 : -1
    }

    private func skim(_ job: OfferedJob) -> SimulatedAgent.Behaviour {
        let input = Self.input(of: job)
        let selected = self.selected(input: input)
        switch self.fault(job, input) {
        case .withoutAnySkim:
            return .finishWith { item in
                var item = item
                item.outputs = []
                return item
            }
        case .nineOfFourteenSkims:
            return .finishWith { self.payload.skimmed($0, job, Array(selected.prefix(9))) }
        case .endedEarly:
            let read = Int(self.draw.integer(in: 1..<Self.eventsPerInput, 6, UInt64(input)))
            return .finishWith { self.payload.skimmed($0, job, selected, read: read) }
        case .givenUp: return .fail([Failure(.payloadExit, "exit code \(job.name.attempt) in step skim")])
        case .wholeGridJobLost, .partOfGridJobLost, nil:
            return .finishWith { self.payload.skimmed($0, job, selected) }
        }
    }

    /// The fault of an attempt at an input; the same when the same attempt is offered once more.
    private func fault(_ job: OfferedJob, _ input: Int64) -> Fault? {
        let faults: [Fault] = [.withoutAnySkim, .nineOfFourteenSkims, .endedEarly, .givenUp]
        let place = Int(self.draw.number(3, UInt64(input)) * Double(Self.faultEvery))
        guard input > 0, place < faults.count else { return nil }
        let fault = faults[place]
        return self.state.withLockedValue { state in
            let wrong = state.wrong[input] ?? []
            if wrong.contains(job.name.attempt) { return fault }
            guard wrong.count < (fault == .givenUp ? Self.maxAttempts : 1) else { return nil }
            state.wrong[input, default: []].insert(job.name.attempt)
            if wrong.isEmpty { state.faults[fault, default: 0] += 1 }
            return fault
        }
    }

    /// Of twenty batch submissions of several jobs with skims among them one is lost wholly, and one in part.
    func lost(_ offer: Offer) -> Set<AttemptKey> {
        let skims = Set(offer.tasks.filter { $0.kind == "skim" }.map(\.task))
        guard offer.jobs.count > 1, offer.jobs.contains(where: { skims.contains($0.name.task) }) else { return [] }
        return self.state.withLockedValue { state in
            let number = state.submissions
            state.submissions += 1
            let every = UInt64(Self.faultEvery)
            let (round, place) = (number / every, Int64(number % every))
            let whole = self.draw.integer(in: 0..<Int64(every), 7, round)
            let part = (whole + self.draw.integer(in: 1..<Int64(every), 8, round)) % Int64(every)
            let all = offer.jobs.map(\.name.key)
            switch place {
            case whole:
                state.faults[.wholeGridJobLost, default: 0] += 1
                return Set(all)
            case part:
                state.faults[.partOfGridJobLost, default: 0] += 1
                let some = all.indices.filter { $0 > 0 && self.draw.number(9, number, UInt64($0)) < 0.5 }
                return Set(some.isEmpty ? [all[1]] : some.map { all[$0] })
            default: return []
            }
        }
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
