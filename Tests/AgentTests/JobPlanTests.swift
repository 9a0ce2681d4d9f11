import Domain
import Messages
import Testing

@testable import Agent

@Suite("What is run for a job")
struct JobPlanTests {
    private func plan(_ command: [String], environment: [String: String]? = nil) -> (JobPlan, StepTemplate) {
        let step = StepTemplate(name: "s", command: command, environment: environment)
        return (JobPlan(Sample.accepted(Sample.description(steps: [step]))), step)
    }

    @Test("variables are replaced in arguments, and a lone ${inputs} becomes one argument for each")
    func arguments() throws {
        let (plan, step) = self.plan([
            "p", "${request}.${task}.${index}.${attempt}", "${seed}", "${events}@${first_event}", "${inputs}",
            "x=${inputs}", "$$",
        ])
        #expect(
            try plan.arguments(step, inputs: ["/a", "/b"])
                == ["p", "3.7.0.1", "42", "10@100", "/a", "/b", "x=/a /b", "$"]
        )
    }

    @Test("a variable without a value is a mistake in the specification")
    func missing() throws {
        for (text, inputs) in [("${input}", []), ("${input}", ["/a", "/b"]), ("${nothing}", ["/a"])]
            as [(String, [String])]
        {
            let (plan, step) = self.plan(["p", text])
            let failure = #expect(throws: JobFailure.self) { try plan.arguments(step, inputs: inputs) }
            #expect(failure?.failures.map(\.code) == [FailureCode.specification.rawValue])
        }
        let (plan, step) = self.plan(["p", "${input}"])
        #expect(try plan.arguments(step, inputs: ["/a"]) == ["p", "/a"])
        let (empty, emptyStep) = self.plan(["${inputs}"])
        #expect(throws: JobFailure.self) { try empty.arguments(emptyStep, inputs: []) }
    }

    @Test("the environment is explicit, the step's own comes on top, the home folder is ours")
    func environment() throws {
        let (plan, step) = self.plan(["p"], environment: ["A": "${seed}", "LANG": "C", "HOME": "/root"])
        let environment = try plan.environment(step, folder: "/w", programs: ["/v/bin"], report: "/w/r", inputs: [])
        #expect(environment["PATH"] == "/v/bin:/usr/local/bin:/usr/bin:/bin")
        #expect(environment["A"] == "42" && environment["LANG"] == "C" && environment["HOME"] == "/w")
        #expect(environment["MILLRACE_REPORT"] == "/w/r" && environment["MILLRACE_FIRST_EVENT"] == "100")
        #expect(environment["OMP_NUM_THREADS"] == "1")
        #expect(!environment.keys.contains { $0.contains("AMQP") })
    }

    @Test("steps are the same in two attempts, and differ by seed, command and sandbox")
    func fingerprint() throws {
        func print(_ description: JobDescription, _ job: OfferedJob = Sample.job()) throws -> String {
            try JobPlan(Sample.accepted(description, job)).fingerprint(description.steps[0], inputs: [])
        }
        let first = try print(Sample.description())
        #expect(try print(Sample.description(), Sample.job(attempt: 2)) == first)
        #expect(try print(Sample.description(), Sample.job(index: 1)) != first)
        #expect(try print(Sample.description(sandbox: [SandboxFile(name: "a", text: "b")])) != first)
        #expect(try print(Sample.description(steps: [Sample.step("one", "true")])) != first)
        let withAttempt = Sample.description(steps: [Sample.step("one", "echo ${attempt}")])
        #expect(try print(withAttempt) != print(withAttempt, Sample.job(attempt: 2)))
    }

    @Test("outputs stay in the work folder", arguments: ["/etc/passwd", "../x", "a//b", "", "a/./b"])
    func files(file: String) {
        let plan = JobPlan(Sample.accepted())
        #expect(throws: JobFailure.self) { try plan.file(Sample.output(file: file)) }
        #expect(throws: JobFailure.self) {
            try StepReport(reading: Array("{\"outputs\":{\"main\":{\"path\":\"\(file)\"}}}".utf8), step: "s")
        }
    }
}

@Suite("What the steps made")
struct JobResultTests {
    private func result(
        _ reports: [StepReport?],
        outputs: [PlannedOutput] = [Sample.output()],
        events: Int64 = 10,
        inputs: [OfferedInput] = [],
        sizes: [String: Int64] = ["out.txt": 5]
    ) throws(JobFailure) -> JobResult {
        let job = Sample.job(events: events, inputs: inputs)
        let plan = JobPlan(Sample.accepted(Sample.description(outputs: outputs), job))
        return try Outcome.result(plan, reports: reports) { sizes[$0] }
    }

    private func codes(_ body: () throws -> JobResult) -> [Int] {
        do {
            _ = try body()
            return []
        } catch { return (error as? JobFailure)?.failures.map(\.code) ?? [-1] }
    }

    private let input = OfferedInput(lfn: "/i", bytes: 1, adler32: "00000001", events: 10, storage: ["DISK"])

    @Test("events read are the first step's, else what the last wrote, else the largest stream of a job without inputs")
    func eventsRead() throws {
        let main = ["main": StepReport.Output(path: nil, events: 4)]
        let last = StepReport(eventsRead: 4, eventsWritten: 11, outputs: main)
        #expect(try self.result([StepReport(eventsRead: 10), last]).eventsRead == 10)
        #expect(try self.result([nil, last]).eventsRead == 11)
        #expect(try self.result([StepReport(outputs: main)], events: 4).eventsRead == 4)
        #expect(self.codes { try self.result([StepReport(outputs: main)], inputs: [self.input]) } == [1004])
        #expect(self.codes { try self.result([StepReport(eventsRead: 9, outputs: main)]) } == [1003])
    }

    @Test("the ranges of the first step are passed on, and their sum is what it read if it says no number")
    func ranges() throws {
        let main = ["main": StepReport.Output(path: nil, events: 4)]
        let told = StepReport(
            outputs: main,
            ranges: [.init(input: "/i", firstEvent: 0, events: 4), .init(input: "/i", firstEvent: 4, events: 6)]
        )
        let result = try self.result([told, StepReport(ranges: [.init(events: 3)])], inputs: [self.input])
        #expect(result.ranges == [EventRange(lfn: "/i", first: 0, events: 10)] && result.eventsRead == 10)
        #expect(try self.result([StepReport(eventsRead: 10, outputs: main)]).ranges == nil)
        let fewer = StepReport(outputs: main, ranges: [.init(events: 9)])
        #expect(self.codes { try self.result([fewer], inputs: [self.input]) } == [1003])
        let both = try self.result([StepReport(eventsRead: 10, outputs: main, ranges: [.init(events: 9)])])
        #expect(both.eventsRead == 10 && both.ranges == [EventRange(events: 9)])
        let huge = StepReport(outputs: main, ranges: [.init(events: .max), .init(events: .max)])
        #expect(self.codes { try self.result([huge], inputs: [self.input]) } == [1004])
    }

    @Test("a result in a journal of an earlier version is understood")
    func oldJournal() throws {
        let old = try WireFormat.value(JobResult.self, from: #"{"eventsRead": 3, "outputs": []}"#)
        #expect(old.ranges == nil && old.eventsRead == 3)
    }

    @Test("an empty stream has no file, a missing or empty one that claims events is a failure, and all are told")
    func outputs() throws {
        let reports = [
            StepReport(
                eventsRead: 10,
                outputs: ["a": .init(events: 0), "b": .init(events: 3), "c": .init(path: "x", events: 2)]
            )
        ]
        let declared =
            ["a", "b", "c", "d"].map { Sample.output($0, file: $0) } + [Sample.output("p", file: "p", counted: false)]
        #expect(
            self.codes { try self.result(reports, outputs: declared, sizes: ["x": 0, "p": 1]) } == [8001, 8002, 1004]
        )
        let good = try self.result(
            reports,
            outputs: [declared[0], declared[1], declared[2], declared[4]],
            sizes: ["b": 1, "x": 1, "p": 1]
        )
        #expect(good.outputs.map(\.file) == [nil, "b", "x", "p"])
        #expect(good.outputs.map(\.events) == [0, 3, 2, 0])
        #expect(self.codes { try self.result(reports, outputs: [declared[4]], sizes: [:]) } == [8001])
    }

    @Test("a broken report is told as such", arguments: ["{", "[]", #"{"events_read": -1}"#, #"{"events_read": "x"}"#])
    func broken(text: String) {
        let failure = #expect(throws: JobFailure.self) { try StepReport(reading: Array(text.utf8), step: "s") }
        #expect(failure?.failures.map(\.code) == [1004])
    }
}

@Suite("What an attempt takes over")
struct ReuseTests {
    private func mark(_ name: String, _ files: [String: Int64]) -> StepMark {
        StepMark(
            fingerprint: name,
            record: StepRecord(name: name, started: Timestamp(microseconds: 0)),
            report: nil,
            files: files.mapValues { StepMark.File(bytes: $0, modifiedNanoseconds: 1) }
        )
    }

    @Test("the steps up to the first that differs, if their files are unchanged")
    func decide() {
        let marks = [self.mark("a", ["x": 1]), self.mark("b", ["x": 1, "y": 2])]
        let present = ["x": 1, "y": 2, "half": 3].mapValues { StepMark.File(bytes: $0, modifiedNanoseconds: 1) }
        func steps(_ fingerprints: [String], _ present: [String: StepMark.File]) -> Reuse.Decision {
            Reuse.decide(marks: marks, fingerprints: fingerprints, present: present)
        }
        #expect(steps(["a", "b", "c"], present) == Reuse.Decision(steps: 2, surplus: ["half"]))
        #expect(steps(["a", "B", "c"], present) == Reuse.Decision(steps: 1, surplus: ["half", "y"]))
        #expect(steps(["A", "b", "c"], present).steps == 0)
        var changed = present
        changed["y"]?.modifiedNanoseconds = 2
        #expect(steps(["a", "b"], changed) == Reuse.Decision(steps: 1, surplus: ["half", "y"]))
        changed["x"] = nil
        #expect(steps(["a", "b"], changed).steps == 0)
    }

    @Test("a folder whose outputs are wrong is not kept")
    func keep() {
        #expect(Reuse.isWorthKeeping(completed: 1, failures: [Failure(.payloadExit, "")]))
        #expect(Reuse.isWorthKeeping(completed: 1, failures: [Failure(.stageOut, "")]))
        #expect(!Reuse.isWorthKeeping(completed: 0, failures: [Failure(.payloadExit, "")]))
        #expect(!Reuse.isWorthKeeping(completed: 2, failures: [Failure(.outputMissing, ""), Failure(.stageOut, "")]))
    }
}
