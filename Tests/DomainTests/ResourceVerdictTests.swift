import Domain
import Testing

/// More memory, more time, and pauses.
@Suite struct ResourceVerdictTests {
    private func decide(
        _ parameters: RuleParameters,
        _ failure: Failure = Failure(.memory, "used too much"),
        counted: Int = 0,
        earlier: [String] = [],
        _ change: (inout FailedAttempt) -> Void = { _ in }
    ) throws -> Verdict {
        let rule = ActionRule(name: "it", priority: 1, match: .init(), action: .resubmit, parameters: parameters)
        var attempt = FailedAttempt(
            key: AttemptKey(task: 7, index: 3, attempt: earlier.count + 1),
            site: "DESY",
            taskKind: "process",
            failures: [failure],
            countedBefore: counted,
            maxAttempts: 10,
            earlierFingerprints: earlier,
            otherSites: 0
        )
        change(&attempt)
        return try VerdictPolicy(RuleSet(blame: [], action: [rule])).decide(attempt)
    }

    /// Given, measured, cores, factor, next.
    private static let steps: [(Int?, Int?, Int, Double, Int?)] = [
        (500, nil, 1, 1, 1_000), (1_000, nil, 1, 1, 2_000), (2_000, 2_050, 1, 1, 3_000), (2_000, 2_800, 1, 1, 4_000),
        (2_500, nil, 1, 1, 3_000), (4_000, nil, 1, 1, 6_000), (6_000, nil, 1, 1, 8_000), (8_000, nil, 1, 1, 12_000),
        (12_000, nil, 1, 1, 16_000), (16_000, nil, 1, 1, nil), (20_000, nil, 1, 1, nil), (12_000, 40_000, 1, 1, 16_000),
        (16_000, nil, 8, 1, 24_000), (16_000, 25_000, 8, 1, 32_000), (8_000, nil, 0, 1, 12_000),
        (2_000, nil, 1, 2, 4_000), (2_000, nil, 1, 1.1, 3_000), (nil, 3_000, 1, 1, 4_000), (nil, nil, 1, 1, 1_000),
        (nil, 17_000, 1, 1, nil),
    ]

    @Test(arguments: Self.steps)
    func theLadderIsClimbed(given: Int?, peak: Int?, cores: Int, factor: Double, next: Int?) {
        #expect(MemoryLadder.next(given: given, peak: peak, cores: cores, factor: factor) == next)
    }

    @Test func theLadderAlwaysEnds() {
        var memory: Int? = 1
        var steps = 0
        while let given = memory {
            let next = MemoryLadder.next(given: given, peak: given, cores: 1)
            #expect(next.map { $0 > given } ?? true)
            memory = next
            steps += 1
        }
        #expect(steps <= MemoryLadder.rungs.count + 1)
    }

    @Test func moreMemoryIsGivenAndTheReasonSaysHowMuch() throws {
        let verdict = try self.decide(.init(moreMemory: true)) { ($0.memoryMB, $0.memoryPeakMB) = (2_000, 2_050) }
        #expect(verdict.memoryMB == 3_000 && !verdict.raisesTask)
        #expect(verdict.reason == "failure 1 of 10 allowed, memory from 2000 MB to 3000 MB (2050 MB measured)")
        let double = try self.decide(.init(memoryFactor: 2)) { $0.memoryMB = 2_000 }
        #expect(double.memoryMB == 4_000)
        #expect(try self.decide(.init()) { $0.memoryMB = 2_000 }.memoryMB == nil)
    }

    @Test func theWholeTaskIsRaisedWhenMoreThanAShareNeededIt() throws {
        func raises(_ share: Double, limit: Double? = nil) throws -> Bool {
            try self.decide(.init(moreMemory: true, taskShare: limit)) {
                ($0.memoryMB, $0.raisedShare) = (2_000, share)
            }
            .raisesTask
        }
        #expect(try raises(0.31) && !raises(0.3) && !raises(0))
        #expect(try raises(0.6, limit: 0.5) && !raises(0.5, limit: 0.5))
    }

    @Test func theLaddersEndEndsTheJob() throws {
        let verdict = try self.decide(.init(moreMemory: true)) { $0.memoryMB = 16_000 }
        #expect(verdict.action == .abort && verdict.memoryMB == nil)
        #expect(verdict.reason == "needs more than 16000 MB of memory, which is all that a job is given")
    }

    @Test func anAttemptThatGetsMoreIsNotTheSameAgain() throws {
        let print = Fingerprint.of(Failure(.memory, "used too much"))
        let raised = try self.decide(.init(moreMemory: true), counted: 2, earlier: [print, print]) {
            $0.memoryMB = 3_000
        }
        #expect(raised.action == .resubmit && raised.memoryMB == 4_000)
        #expect(try self.decide(.init(), counted: 2, earlier: [print, print]).action == .abort)
        let bounded = try self.decide(.init(moreMemory: true, limit: 3), counted: 2, earlier: [print, print]) {
            $0.memoryMB = 3_000
            $0.ruleUses = ["it": 2]
        }
        #expect(bounded.action == .abort && bounded.memoryMB == nil)
    }

    @Test func moreTimeIsGivenUpToSevenDays() throws {
        let late = Failure(.wallTime, "ran longer")
        let more = try self.decide(.init(moreTime: 1.5), late) { $0.walltimeSeconds = 3_600 }
        #expect(more.walltimeSeconds == 5_400)
        #expect(more.reason == "failure 1 of 10 allowed, wall time from 3600 s to 5400 s")
        #expect(try self.decide(.init(moreTime: 1.5), late) { $0.walltimeSeconds = 600_000 }.walltimeSeconds == 604_800)
        #expect(try self.decide(.init(moreTime: 1.5), late) { $0.walltimeSeconds = 604_800 }.action == .abort)
        #expect(try self.decide(.init(moreTime: 1.5), late).walltimeSeconds == nil)
    }

    /// Growth, first, which failure in a row, pause.
    private static let pauses: [(PauseGrowth?, Double?, Int, Double)] = [
        (nil, 30, 1, 30), (nil, 30, 2, 60), (nil, 30, 3, 120), (nil, 30, 9, 3_600), (nil, 30, 400, 3_600),
        (.fixed, 30, 1, 30), (.fixed, 30, 9, 30), (.squared, 30, 1, 30), (.squared, 30, 2, 120), (.squared, 30, 3, 270),
        (.squared, 30, 99, 3_600), (.exponential, 0, 5, 0), (.exponential, nil, 5, 0), (.fixed, 9_999, 1, 3_600),
        (nil, 30, 0, 30),
    ]

    @Test(arguments: Self.pauses)
    func thePauseGrowsUpToItsLimit(growth: PauseGrowth?, first: Double?, failures: Int, pause: Double) {
        let parameters = RuleParameters(pauseSeconds: first, pauseGrowth: growth)
        let key = AttemptKey(task: 1, index: 1, attempt: 1)
        #expect(RetryPause.seconds(parameters, failures: failures, key: key) == pause)
    }

    @Test func theLimitOfAPauseCanBeChanged() {
        let long = RuleParameters(pauseSeconds: 1_800, pauseLimitSeconds: 21_600)
        let key = AttemptKey(task: 1, index: 1, attempt: 1)
        #expect(
            [1, 2, 3, 4, 5, 6].map { RetryPause.seconds(long, failures: $0, key: key) } == [
                1_800, 3_600, 7_200, 14_400, 21_600, 21_600,
            ]
        )
    }

    @Test func thePauseFollowsTheFailuresInARow() throws {
        let print = Fingerprint.of(Failure(.softwareInstall, "pip failed"))
        let parameters = RuleParameters(pauseSeconds: 30)
        func pause(_ earlier: [String], uses: Int? = nil) throws -> Double {
            try self.decide(parameters, Failure(.softwareInstall, "pip failed"), earlier: earlier) {
                $0.ruleUses = uses.map { ["it": $0] }
            }.pauseSeconds
        }
        #expect(try pause([]) == 30 && pause([print]) == 60 && pause([print, print]) == 120)
        #expect(try pause([print, "other"]) == 30)
        // The words may change while the rule fires again and again.
        #expect(try pause(["a", "b"], uses: 2) == 120)
    }

    @Test func jitterIsTheAttemptsOwnAndWithinItsShare() {
        let parameters = RuleParameters(pauseSeconds: 100, pauseJitter: 0.2)
        let pauses = (0..<1_000).map {
            RetryPause.seconds(parameters, failures: 1, key: AttemptKey(task: 5, index: $0, attempt: 1))
        }
        #expect(pauses.allSatisfy { (80...120).contains($0) })
        #expect(Set(pauses).count > 990)
        let mean = pauses.reduce(0, +) / 1_000
        #expect((98...102).contains(mean))
        let again = RetryPause.seconds(parameters, failures: 1, key: AttemptKey(task: 5, index: 17, attempt: 1))
        #expect(again == pauses[17])
        let next = RetryPause.seconds(parameters, failures: 1, key: AttemptKey(task: 5, index: 17, attempt: 2))
        #expect(next != again)
    }
}
