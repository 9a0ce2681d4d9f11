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

    /// When the attempt that was taken for lost ends, beside the recovery job that was made in its place.
    enum Return: String, CaseIterable, Sendable {
        case never
        /// The original ends while the recovery job still runs.
        case before
        case together
        /// The original ends when the recovery job has been accepted.
        case after
        /// The original ends before the operators recover the task, and its files are gone by then.
        case ahead
        /// The original ends while the operators recover the task.
        case meanwhile
    }

    struct Plan: Sendable, Hashable {
        let modes: [Mode]
        let comesBack: Return
        /// What fails is given up at once, and two operators recover it, at the same time; else the Monitor has it made again.
        var isRecovered = false

        /// Also of the datasets.
        var name: String {
            (self.modes.map(\.rawValue) + [self.comesBack.rawValue] + (self.isRecovered ? ["recovered"] : []))
                .joined(separator: "-")
        }

        /// What the first attempt at an input meets; nil: nothing.
        func mode(of input: Int64) -> Mode? {
            // It comes when the operators have done their work: until then the tasks cannot end.
            if self.isRecovered, input == FailureModes.inputs - 1 { return nil }
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

        /// Inputs whose first attempt is lost.
        var lost: Int { self.count([.whole, .part]) }
        /// Inputs whose first attempt is not accepted.
        var failed: Int { self.count([.whole, .part, .noskim, .nine, .early]) }

        private func count(_ modes: Set<Mode>) -> Int {
            (0..<FailureModes.inputs).count { self.mode(of: $0).map(modes.contains) ?? false }
        }
    }

    /// Each alone and all at once; the originals that can come back, those of lost jobs, before, with and after the job in their place, alone
    /// and beside all others. And all this with two operators who recover what was given up: before the originals come back, meanwhile and
    /// afterwards.
    static let plans: [Plan] = {
        let returning: [[Mode]] = [[.whole], [.part], Mode.allCases]
        let alone = (Mode.allCases.map { [$0] } + [Mode.allCases]).map { Plan(modes: $0, comesBack: .never) }
        let resubmitted = returning.flatMap { modes in
            [Return.before, .together, .after].map { Plan(modes: modes, comesBack: $0) }
        }
        let recovered = Return.allCases.filter { $0 != .never }.map {
            Plan(modes: Mode.allCases, comesBack: $0, isRecovered: true)
        }
        let few =
            returning.dropLast().flatMap { modes in
                Return.allCases.filter { $0 != .never }.map { Plan(modes: modes, comesBack: $0, isRecovered: true) }
            }
            + Mode.allCases.map { Plan(modes: [$0], comesBack: .never, isRecovered: true) }
        return alone + resubmitted + recovered + few
    }()

    static let inputs: Int64 = 14
    static let eventsPerInput: Int64 = 100
    static let streams = (1...14).map { "s\($0)" }
    private let plansByTask = Dictionary(
        uniqueKeysWithValues: plans.flatMap { [("skim-\($0.name)", $0), ("generate-\($0.name)", $0)] }
    )

    let disk: ScenarioDisk
    private let payload: EventPayload
    /// What has happened, by what it is called in ``event(_:)``.
    private let happened = NIOLockedValueBox<[String: Gathered]>([:])
    /// Originals that are to come back, and those that have: a number for each job.
    private let promised = Gathered()
    private let back = Gathered()
    /// Files of originals that have come back, by plan and input, if somebody waits for their end; and how many originals these are.
    private let written = NIOLockedValueBox<[String: Set<String>]>([:])
    private let followed = Gathered()

    init(disk: ScenarioDisk) {
        self.disk = disk
        self.payload = EventPayload(disk: disk)
    }

    /// The places of the events an input has in each stream: some have none.
    static func selected(_ plan: Plan, input: Int64) -> [[Int]] {
        (0..<14).map { stream in
            let events =
                plan.mode(of: input) == .empty
                ? 0 : (input * 31 + Int64(stream) * 17) % 5 == 0 ? 0 : 1 + (Int(input) + stream) % 7
            return (0..<events).map { (Int(input) + stream + $0 * 13) % Int(Self.eventsPerInput) }
        }
    }

    /// What the merged file of each stream of a plan must hold, in order.
    static func expected(_ plan: Plan) -> [[UInt64]] {
        var records = [[UInt64]](repeating: [], count: 14)
        for input in 0..<Self.inputs {
            for (stream, places) in Self.selected(plan, input: input).enumerated() {
                records[stream] += places.map {
                    EventPayload.record(stream: stream + 1, event: input * Self.eventsPerInput + Int64($0))
                }
            }
        }
        return records.map { $0.sorted() }
    }

    // MARK: What happens outside the site

    /// Something that happens once: somebody tells it, others wait for it.
    private func event(_ name: String) -> Gathered {
        self.happened.withLockedValue { events in
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

    /// What failed of this plan is given up: originals that come back of themselves do so now.
    ///
    /// - Parameter halves: 0: those of every fourth input and the next, 1: the others.
    func tellComing(_ plan: Plan, _ halves: ClosedRange<Int64>) {
        for half in halves { self.event("coming \(plan.name) \(half)").insert([1]) }
    }

    /// Waits until the originals of this plan have come back, and the centre has taken their files for those of losers.
    func untilGone(_ plan: Plan) async {
        for input in 0..<Self.inputs where [.whole, .part].contains(plan.mode(of: input)) {
            await self.event("gone \(plan.name) \(input)").more(than: 0)
        }
    }

    /// Looks after the files of originals that have come back, and tells when they are gone; until cancelled.
    func follow() async {
        var gone: Set<String> = []
        while !Task.isCancelled {
            let open = self.written.withLockedValue { $0.filter { !gone.contains($0.key) } }
            if open.isEmpty { await self.followed.more(than: gone.count) }
            for (original, files) in open where !files.contains(where: self.disk.holds) {
                gone.insert(original)
                self.event("gone \(original)").insert([1])
            }
            await Task.yield()
        }
    }

    /// The operators have recovered this plan: the last input may come.
    func tellRecovered(_ plan: Plan) { self.event("recovered \(plan.name)").insert([1]) }

    // MARK: What the site does

    func behaviour(_ job: OfferedJob, _ task: JobDescription) -> SimulatedAgent.Behaviour {
        guard let plan = self.plansByTask[task.name] else { return .finishWith { self.payload.merged($0, job) } }
        if task.kind == "generate" { return self.generate(job, plan) }
        let input = SkimScenario.input(of: job)
        let selected = Self.selected(plan, input: input)
        let mode = plan.mode(of: input)
        let right: @Sendable (FinishedItem) -> FinishedItem = { self.payload.skimmed($0, job, selected) }
        guard job.name.attempt == 1 else {
            return mode == .whole || mode == .part ? self.inPlace(plan, input, right) : .finishWith(right)
        }
        switch mode {
        case nil, .empty: return .finishWith(right)
        case .whole, .part: return self.lost(job.name.key.job, plan, input, right)
        case .noskim:
            return .finishWith { item in
                var item = item
                item.outputs = []
                return item
            }
        case .nine:
            return .finishWith { self.payload.skimmed($0, job, Array(selected.prefix(9))) }
        case .early:
            return .finishWith { self.payload.skimmed($0, job, selected, read: Int(Self.eventsPerInput) / 2) }
        }
    }

    private func generate(_ job: OfferedJob, _ plan: Plan) -> SimulatedAgent.Behaviour {
        let make: SimulatedAgent.Behaviour = .finishWith { self.payload.generated($0, job) }
        guard plan.isRecovered, job.name.index == Self.inputs - 1 else { return make }
        let event = self.event("recovered \(plan.name)")
        return .until({ await event.more(than: 0) }, make)
    }

    private func lost(
        _ key: JobKey,
        _ plan: Plan,
        _ input: Int64,
        _ finish: @escaping @Sendable (FinishedItem) -> FinishedItem
    ) -> SimulatedAgent.Behaviour {
        let word: String
        switch plan.comesBack {
        case .never: return .lose
        // The job in its place has begun: both end at once, or the original does and the other hears of it.
        case .before, .together: word = "begun \(plan.name) \(input)"
        case .after: word = "accepted \(plan.name)"
        case .ahead, .meanwhile: word = "coming \(plan.name) \(input / 2 % 2)"
        }
        let event = self.event(word)
        let number = Int(key.task) * 1000 + Int(key.index)
        self.promised.insert([number])
        return .comeBack(
            { await event.more(than: 0) },
            { item in
                let item = finish(item)
                if plan.comesBack == .before || plan.comesBack == .ahead {
                    self.written.withLockedValue { $0["\(plan.name) \(input)"] = Set(item.outputs.compactMap(\.lfn)) }
                    self.followed.insert([number])
                }
                self.back.insert([number])
                return item
            }
        )
    }

    private func inPlace(
        _ plan: Plan,
        _ input: Int64,
        _ finish: @escaping @Sendable (FinishedItem) -> FinishedItem
    ) -> SimulatedAgent.Behaviour {
        self.event("begun \(plan.name) \(input)").insert([1])
        guard plan.comesBack == .before else { return .finishWith(finish) }
        // It runs on until the original's report has come, and its files are gone.
        let gone = self.event("gone \(plan.name) \(input)")
        return .until({ await gone.more(than: 0) }, .finishWith(finish))
    }

    // MARK: What is asked for

    static func workflow(_ plan: Plan) -> WorkflowDocument {
        let generate = TaskTemplate(
            name: "generate-\(plan.name)",
            kind: "generate",
            events: Scalar("\(Self.inputs * Self.eventsPerInput)"),
            eventsPerJob: Scalar("\(Self.eventsPerInput)"),
            steps: [StepTemplate(name: "make", command: ["true"])],
            outputs: [OutputTemplate(stream: "raw", file: "raw.dat")]
        )
        let skim = TaskTemplate(
            name: "skim-\(plan.name)",
            kind: "skim",
            inputs: [InputTemplate(task: generate.name, stream: "raw")],
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
