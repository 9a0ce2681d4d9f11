import Domain
import Messages
import NIOConcurrencyHelpers
import SimulatedSite
import TestSupport

/// The six ways in which jobs of the D0 reprocessing failed, on purpose, each on inputs of its own. A task's name says which of them its
/// first attempts meet, and when an attempt that was taken for lost comes back. Every file an attempt claims is written.
final class FailureModes: Sendable {
    /// What becomes of the first attempt at an input.
    enum Mode: String, CaseIterable, Sendable {
        /// The whole grid job is lost: each of its batch jobs.
        case whole
        /// Some of its batch jobs are lost.
        case part
        /// A job ends well and has written no skim at all.
        case noskim
        /// A job ends well with nine of its fourteen skims.
        case nine
        /// A job ends early with exit code 0: fewer events were read than there are.
        case early
        /// Nothing was selected for a long period: that is right as it is.
        case empty
    }

    /// When the attempt that was taken for lost ends, beside the one that was made in its place.
    enum Return: String, CaseIterable, Sendable {
        case never
        /// The original ends while the recovery job still runs.
        case before
        case together
        /// The original ends when the recovery job has been accepted.
        case after
    }

    struct Plan: Sendable, Hashable {
        let modes: [Mode]
        let comesBack: Return

        /// Also of the datasets.
        var name: String { (self.modes.map(\.rawValue) + [self.comesBack.rawValue]).joined(separator: "-") }

        /// What the first attempt at an input meets; nil: nothing.
        func mode(of input: Int64) -> Mode? {
            if self.modes.count == 1 {
                switch self.modes[0] {
                case .whole: return .whole
                case .empty: return (3...9).contains(input) ? .empty : nil
                default: return input % 2 == 1 ? self.modes[0] : nil
                }
            }
            // Each of them twice.
            return input < 12 ? self.modes[Int(input) % self.modes.count] : nil
        }
    }

    /// Each alone and all at once; the originals that can come back, those of lost jobs, before, with and after the job in their place, alone
    /// and beside all others.
    static let plans: [Plan] =
        (Mode.allCases.map { [$0] } + [Mode.allCases]).map { Plan(modes: $0, comesBack: .never) }
        + [[Mode.whole], [.part], Mode.allCases].flatMap { modes in
            [Return.before, .together, .after].map { Plan(modes: modes, comesBack: $0) }
        }

    /// How many originals come back when the recovery job in their place has been accepted.
    static let late = plans.filter { $0.comesBack == .after }
        .reduce(0) { sum, plan in
            sum + (0..<inputs).count { [.whole, .part].contains(plan.mode(of: $0)) }
        }

    static let inputs: Int64 = 14
    static let eventsPerInput: Int64 = 100
    static let streams = (1...14).map { "s\($0)" }
    private let plansByTask = Dictionary(uniqueKeysWithValues: plans.map { ("skim-\($0.name)", $0) })

    let disk: ScenarioDisk
    /// Recovery jobs that have begun and ended, and originals that have ended, by plan and input.
    private let begun = NIOLockedValueBox<[String: Gathered]>([:])
    /// Originals that are to come back, and those that have: a number for each job.
    private let promised = Gathered()
    private let back = Gathered()

    init(disk: ScenarioDisk) { self.disk = disk }

    /// Events an input has in each stream: some have none.
    static func selected(_ plan: Plan, input: Int64) -> [Int64] {
        (0..<14).map { stream in
            plan.mode(of: input) == .empty
                ? 0 : (input * 31 + Int64(stream) * 17) % 5 == 0 ? 0 : 1 + (input + Int64(stream)) % 7
        }
    }

    /// What the merged streams of a plan must hold.
    static func expected(_ plan: Plan) -> [String: Int64] {
        var sums: [String: Int64] = [:]
        for input in 0..<Self.inputs {
            for (stream, events) in zip(Self.streams, Self.selected(plan, input: input)) {
                sums[stream, default: 0] += events
            }
        }
        return sums
    }

    // MARK: What the site does

    /// An event that happens once: somebody tells it, others wait for it.
    private func event(_ name: String) -> Gathered {
        self.begun.withLockedValue { events in
            if let event = events[name] { return event }
            let event = Gathered()
            events[name] = event
            return event
        }
    }

    /// Waits until every original that comes back has written its files.
    func untilAllAreBack() async { await self.back.more(than: self.promised.count - 1) }

    /// The catalogue has accepted the recovery jobs of this plan.
    func tellAccepted(_ plan: Plan) { self.event("accepted \(plan.name)").insert([1]) }

    func behaviour(_ job: OfferedJob, _ task: JobDescription) -> SimulatedAgent.Behaviour {
        guard let plan = self.plansByTask[task.name] else { return .finishWith { self.stored($0, nil) } }
        let input = SkimScenario.input(of: job)
        let selected = Self.selected(plan, input: input)
        let mode = plan.mode(of: input)
        guard job.name.attempt == 1 else {
            if mode == .whole || mode == .part { return self.inPlace(plan, input, selected) }
            return .finishWith { self.stored($0, selected) }
        }
        switch mode {
        case nil, .empty: return .finishWith { self.stored($0, selected) }
        case .whole, .part: return self.lost(job.name.key.job, plan, input, selected)
        case .noskim:
            return .finishWith { item in
                var item = item
                item.outputs = []
                return item
            }
        case .nine:
            return .finishWith { item in
                var item = item
                item.outputs.removeLast(5)
                return self.stored(item, Array(selected.prefix(9)))
            }
        case .early:
            return .finishWith { item in
                var item = self.stored(item, selected)
                item.eventsRead -= 1
                return item
            }
        }
    }

    private func lost(_ key: JobKey, _ plan: Plan, _ input: Int64, _ selected: [Int64]) -> SimulatedAgent.Behaviour {
        let job = "\(plan.name) \(input)"
        let word: String
        switch plan.comesBack {
        case .never: return .lose
        // The job in its place has begun: both end at once, or the original does and the other hears of it.
        case .before, .together: word = "begun \(job)"
        case .after: word = "accepted \(plan.name)"
        }
        let event = self.event(word)
        let number = Int(key.task) * 1000 + Int(key.index)
        self.promised.insert([number])
        return .comeBack(
            { await event.more(than: 0) },
            { item in
                defer { self.back.insert([number]) }
                return self.stored(item, selected)
            }
        )
    }

    private func inPlace(_ plan: Plan, _ input: Int64, _ selected: [Int64]) -> SimulatedAgent.Behaviour {
        self.event("begun \(plan.name) \(input)").insert([1])
        let finish = SimulatedAgent.Behaviour.finishWith { self.stored($0, selected) }
        // Long enough for the original's report to have come.
        return plan.comesBack == .before ? .after(.seconds(3), finish) : finish
    }

    /// What an attempt claims is on the disk; an empty stream is a row without a file.
    private func stored(_ item: FinishedItem, _ selected: [Int64]?) -> FinishedItem {
        var item = item
        if let selected {
            item.outputs = zip(item.outputs, selected).map { output, events in
                guard events > 0 else { return ManifestOutput(stream: output.stream, events: 0) }
                var output = output
                output.events = events
                return output
            }
        }
        return self.disk.storing(item)
    }

    // MARK: What is asked for

    static func workflow(_ plan: Plan) -> WorkflowDocument {
        let generate = TaskTemplate(
            name: "generate",
            kind: "generate",
            events: Scalar("\(Self.inputs * Self.eventsPerInput)"),
            eventsPerJob: Scalar("\(Self.eventsPerInput)"),
            steps: [StepTemplate(name: "make", command: ["true"])],
            outputs: [OutputTemplate(stream: "raw", file: "raw.dat")]
        )
        let skim = TaskTemplate(
            name: "skim-\(plan.name)",
            kind: "skim",
            inputs: [InputTemplate(task: "generate", stream: "raw")],
            steps: [StepTemplate(name: "skim", command: ["true"])],
            outputs: Self.streams.map { OutputTemplate(stream: $0, file: "\($0).dat") }
        )
        let merges = Self.streams.map { stream in
            TaskTemplate(
                name: "merge-\(stream)",
                kind: "merge",
                inputs: [InputTemplate(task: skim.name, stream: stream)],
                steps: [StepTemplate(name: "merge", command: ["true"])],
                outputs: [OutputTemplate(stream: "merged", file: "merged.dat", dataset: "\(plan.name).\(stream)")]
            )
        }
        return WorkflowDocument(name: plan.name, tasks: [generate, skim] + merges)
    }
}
