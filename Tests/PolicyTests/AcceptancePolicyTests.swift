import Catalog
import Domain
import Messages
import Testing

@testable import Bookkeeper

@Suite struct AcceptancePolicyTests {
    private static let token = "0b9a3f0e-0000-4000-8000-000000000001"
    private static let key = AttemptKey(task: 1, index: 5, attempt: 2)

    private static let description = JobDescription(
        task: 1,
        request: 7,
        name: "sim",
        kind: "process",
        requestSeed: 1,
        steps: [],
        outputs: [
            PlannedOutput(stream: "rec", file: "rec.npz", dataset: "d", home: "HOME", counted: true),
            PlannedOutput(stream: "plot", file: "plot.png", dataset: "p", home: "HOME", counted: false),
        ],
        software: [],
        sandbox: [],
        requirement: Requirement()
    )

    private static var facts: BooksFacts {
        var facts = BooksFacts()
        facts.jobs = [self.key.job: .init(state: .active, eventsExpected: 500)]
        facts.leases = [self.key.job: .init(attempt: 2, token: self.token, site: "DESY")]
        facts.streams = [1: ["rec": true, "plot": false]]
        facts.descriptions = [1: self.description]
        facts.storages = ["HOME"]
        return facts
    }

    /// A manifest of a task that is forgotten while it is judged would be refused.
    @Test func tasksThatAreNeededNowAreNotForgotten() {
        func facts(_ tasks: [Int64]) -> BooksFacts {
            var facts = BooksFacts()
            for task in tasks { (facts.descriptions[task], facts.streams[task]) = (Self.description, ["rec": true]) }
            return facts
        }
        var held = facts([1, 2, 3])
        held.storages = ["HOME"]
        var read = facts([4])
        read.addTasks(of: held) { $0 == 2 }
        held.learn(read, limit: 3)
        #expect(Set(held.descriptions.keys) == [1, 2, 3, 4])
        held.learn(read, limit: 3)
        #expect(Set(held.descriptions.keys) == [2, 4] && Set(held.streams.keys) == [2, 4])
        #expect(held.storages == ["HOME"])
    }

    private static func output(_ stream: String, _ events: Int64, _ file: String) -> ManifestOutput {
        ManifestOutput(
            stream: stream,
            events: events,
            lfn: "/7/sim/\(stream)/0/1.5.2\(file)",
            bytes: 10,
            adler32: "00000001",
            crc32c: "0123abcd",
            storage: "HOME"
        )
    }

    private static var manifest: FinishedItem {
        let now = Timestamp(microseconds: 0)
        return FinishedItem(
            name: AttemptName(task: 1, index: 5, attempt: 2, token: self.token),
            sequence: 3,
            agent: "a",
            node: "n",
            eventsRead: 500,
            outputs: [self.output("rec", 500, ".npz"), self.output("plot", 0, ".png")],
            steps: [],
            usage: Usage(cpuSeconds: 1, wallSeconds: 1, memoryPeak: 1),
            started: now,
            at: now
        )
    }

    private func codes(site: String = "DESY", _ edit: (inout FinishedItem) -> Void = { _ in }) -> [Int]? {
        self.codes(site: site, facts: { _ in }, edit: edit)
    }

    private func codes(
        site: String = "DESY",
        facts change: (inout BooksFacts) -> Void,
        edit: (inout FinishedItem) -> Void = { _ in }
    ) -> [Int]? {
        var facts = Self.facts
        change(&facts)
        var item = Self.manifest
        edit(&item)
        switch AcceptancePolicy(facts: facts).judge(item, site: site) {
        case .accept: return []
        case .reject(let failures): return failures.map(\.code)
        case .stale: return nil
        }
    }

    @Test func aCompleteManifestIsAccepted() { #expect(self.codes() == []) }

    @Test func anEmptyStreamIsComplete() {
        let empty = ManifestOutput(stream: "rec", events: 0)
        #expect(self.codes { $0.outputs[0] = empty } == [])
    }

    @Test func theEventsMustBeginWhereTheJobsBegin() {
        func codes(_ job: Int64?, _ said: Int64?) -> [Int]? {
            self.codes(facts: { $0.jobs[Self.key.job]?.firstEvent = job }, edit: { $0.firstEvent = said })
        }
        #expect(codes(2500, 2500) == [] && codes(0, 0) == [])
        #expect(codes(2500, 2499) == [8213] && codes(2500, 0) == [8213] && codes(0, 1) == [8213])
        // An agent of an earlier version says nothing, and a job that gathers files has no range.
        #expect(codes(2500, nil) == [] && codes(nil, 0) == [])
    }

    /// Two slices of one file and one of another.
    private static let slices = [
        JobSlice(lfn: "/a", first: 0, count: 100), JobSlice(lfn: "/a", first: 200, count: 100),
        JobSlice(lfn: "/b", first: 50, count: 300),
    ]

    private static let ranges = [
        EventRange(lfn: "/b", first: 50, events: 300), EventRange(lfn: "/a", first: 0, events: 100),
        EventRange(lfn: "/a", first: 200, events: 100),
    ]

    @Test func theEventsThatAreToldMustBeThoseOfTheJob() {
        func codes(_ ranges: [EventRange]?, _ slices: [JobSlice]? = Self.slices) -> [Int]? {
            self.codes(facts: { $0.jobs[Self.key.job]?.slices = slices }, edit: { $0.ranges = ranges })
        }
        #expect(codes(Self.ranges) == [])
        #expect(codes(Self.ranges.reversed()) == [])
        // Missing, extra, twice, of another file, and each of them told.
        #expect(codes(Array(Self.ranges.dropLast())) == [8213])
        #expect(codes(Self.ranges + [EventRange(lfn: "/a", first: 100, events: 1)]) == [8213])
        #expect(codes(Self.ranges + [EventRange(lfn: "/a", first: 0, events: 1)]) == [8213])
        #expect(codes(Self.ranges + [EventRange(lfn: "/c", first: 0, events: 1)]) == [8213])
        #expect(codes([EventRange(lfn: "/a", first: 0, events: 500)]) == [8213, 8213])
        #expect(codes([]) == [8213, 8213])
        // Nothing told, as by an agent of an earlier version; or nothing known.
        #expect(codes(nil) == [] && codes(Self.ranges, nil) == [])
        // Without inputs: first and number.
        let generated = [JobSlice(lfn: nil, first: 2500, count: 500)]
        #expect(codes([EventRange(first: 2500, events: 500)], generated) == [])
        #expect(codes([EventRange(first: 2499, events: 500)], generated) == [8213, 8213])
        #expect(codes([EventRange(first: 2500, events: 499)], generated) == [8213])
        // Right ranges do not excuse a wrong number.
        let both = self.codes(
            facts: { $0.jobs[Self.key.job]?.slices = Self.slices },
            edit: { ($0.ranges, $0.eventsRead) = (Self.ranges, 499) }
        )
        #expect(both == [8203])
    }

    @Test func ofVeryManyWrongRangesOnlySomeAreTold() {
        let many = (0..<1000).map { EventRange(lfn: "/\($0)", first: 0, events: 1) }
        let codes = self.codes(facts: { $0.jobs[Self.key.job]?.slices = Self.slices }, edit: { $0.ranges = many })
        #expect(codes?.count == 6)
    }

    /// The same text that agents sent before there were ranges.
    @Test func aManifestOfAnEarlierVersionIsUnderstood() throws {
        let text = try WireFormat.text(Self.manifest)
        #expect(!text.contains("ranges"))
        let read = try WireFormat.value(FinishedItem.self, from: text)
        #expect(read == Self.manifest && read.ranges == nil)
        var told = Self.manifest
        told.ranges = Self.ranges
        #expect(try WireFormat.value(FinishedItem.self, from: WireFormat.text(told)) == told)
    }

    @Test func everythingWrongIsRefusedByItsCode() {
        #expect(self.codes { $0.eventsRead = 499 } == [8203])
        #expect(self.codes { $0.outputs.removeLast() } == [8201])
        #expect(self.codes { $0.outputs.append(Self.output("other", 1, ".x")) } == [8202])
        #expect(self.codes { $0.outputs.append($0.outputs[0]) } == [8202])
        #expect(self.codes { $0.outputs[0].adler32 = "1" } == [8204])
        #expect(self.codes { $0.outputs[0].adler32 = "0000000A" } == [8204])
        #expect(self.codes { $0.outputs[0].crc32c = nil } == [8204])
        #expect(self.codes { $0.outputs[0].bytes = 0 } == [8205])
        #expect(self.codes { $0.outputs[0].bytes = nil } == [8205])
        #expect(self.codes { $0.outputs[0].lfn = nil } == [8201])
        #expect(self.codes { $0.outputs[1].lfn = nil } == [8201])
        #expect(self.codes { $0.outputs[0].events = -1 }?.contains(8203) == true)
        #expect(self.codes { $0.outputs[0].events = 0 } == [8205])
        #expect(self.codes { $0.outputs[0].lfn = "/7/sim/rec/0/1.5.1.npz" } == [8206])
        #expect(self.codes { $0.outputs[0].lfn = "/7/sim/rec/0/1.5.2/../x" } == [8206])
        #expect(self.codes { $0.outputs[0].lfn = "/7/sim/rec/0/1.5.23.npz" } == [8206])
        #expect(self.codes { $0.outputs[0].storage = "ELSEWHERE" } == [8207])
        #expect(self.codes { $0.outputs[1].events = 3 } == [8203])
        #expect(self.codes(facts: { $0.takenNames = ["/7/sim/rec/0/1.5.2.npz"] }) == [8209])
        #expect(self.codes(facts: { $0.descriptions = [:] }) == [3002])
    }

    @Test func everyMistakeOfAManifestIsTold() {
        #expect(
            self.codes { item in
                item.eventsRead = 1
                item.outputs[0].bytes = 0
            } == [8203, 8205]
        )
    }

    @Test func aMergeMustHoldTheSumOfItsInputs() {
        #expect(self.codes(facts: { $0.descriptions[1]?.kind = "merge" }) == [])
        #expect(
            self.codes(facts: { $0.descriptions[1]?.kind = "merge" }, edit: { $0.outputs[0].events = 400 }) == [8208]
        )
    }

    // MARK: Late ones

    private func late(
        _ end: BooksFacts.End?,
        site: String = "DESY",
        facts change: (inout BooksFacts) -> Void = { _ in }
    ) -> Lateness {
        var facts = Self.facts
        facts.leases = [:]
        facts.ends[Self.key] = end
        change(&facts)
        return AcceptancePolicy(facts: facts).late(Self.manifest, site: site)
    }

    /// Every way in which an attempt can be found, by every sender.
    @Test func onlyAnAttemptThatEndedWithoutItsManifestIsLate() {
        for state in [AttemptState?.none] + AttemptState.allCases.map(Optional.some) {
            for token in [Self.token, "0b9a3f0e-0000-4000-8000-00000000dead"] {
                for site in ["DESY", "KEK"] {
                    for isRefused in [false, true] {
                        let end = BooksFacts.End(
                            token: token,
                            site: "DESY",
                            state: state,
                            code: nil,
                            isRefused: isRefused
                        )
                        let found = self.late(end, site: site)
                        switch found {
                        case .stranger: #expect(site == "KEK" || token != Self.token || state == nil)
                        case .again: #expect(state == .done || isRefused)
                        case .late(let failure):
                            #expect(failure.code == FailureCode.staleAttempt.rawValue && state != .done && !isRefused)
                        }
                        let isOwn = site == "DESY" && token == Self.token && state != nil
                        if isOwn, case .stranger = found { Issue.record("\(end)") }
                        if !isOwn { if case .stranger = found {} else { Issue.record("\(end) \(site)") } }
                    }
                }
            }
        }
        guard case .stranger = self.late(nil) else {
            Issue.record("there is no such attempt")
            return
        }
    }

    /// Nothing is noted with a row in the archive, but its files go as those of any other. A stranger's do not.
    @Test func anArchivedAttemptGivesUpItsFiles() {
        for state in AttemptState.allCases {
            let end = BooksFacts.End(token: Self.token, site: "DESY", state: state, code: 9001, isArchived: true)
            #expect(self.late(end) == .again)
            if case .stranger = self.late(end, site: "KEK") {} else { Issue.record("\(end) of another site") }
            let other = BooksFacts.End(token: "x", site: "DESY", state: state, code: 9001, isArchived: true)
            if case .stranger = self.late(other) {} else { Issue.record("\(end) with another token") }
        }
    }

    @Test func aLateManifestIsToldWithWhatHasBecomeOfTheJob() {
        let lost = BooksFacts.End(token: Self.token, site: "DESY", state: .lost, code: 9001)
        let begin = "its manifest came after it had ended as lost (9001)"
        func words(_ change: (inout BooksFacts) -> Void) -> String {
            guard case .late(let failure) = self.late(lost, facts: change) else { return "not late" }
            return failure.diagnostic
        }
        #expect(words { _ in } == begin + ", and the job is active; its files are deleted")
        #expect(
            words { $0.leases[Self.key.job] = .init(attempt: 3, token: "x", site: "KEK") }
                == begin + ", and attempt 3 has the job; its files are deleted"
        )
        #expect(
            words { $0.jobs[Self.key.job] = .init(state: .done, eventsExpected: 500) }
                == begin + ", and the job is done; its files are deleted"
        )
        #expect(words { $0.jobs = [:] } == begin + "; its files are deleted")
    }

    @Test func onlyFilesWithTheNamesOfTheAttemptAreDeleted() {
        let policy = AcceptancePolicy(facts: Self.facts)
        var item = Self.manifest
        #expect(policy.ownFiles(item).map(\.lfn) == ["/7/sim/rec/0/1.5.2.npz", "/7/sim/plot/0/1.5.2.png"])
        item.outputs[0].lfn = "/7/sim/rec/0/1.5.3.npz"
        item.outputs[1].lfn = "/7/sim/plot/0/1.5.2.png/../1.6.1.png"
        #expect(policy.ownFiles(item).isEmpty)
        item = Self.manifest
        item.outputs[0].storage = nil
        item.outputs[1].lfn = nil
        #expect(policy.ownFiles(item).isEmpty)
    }

    @Test func anotherAttemptTokenOrSiteIsStale() {
        #expect(self.codes { $0.name.attempt = 1 } == nil)
        #expect(self.codes { $0.name.token = "0b9a3f0e-0000-4000-8000-00000000dead" } == nil)
        #expect(self.codes(site: "KEK") == nil)
        #expect(self.codes(facts: { $0.leases = [:] }) == nil)
    }
}
