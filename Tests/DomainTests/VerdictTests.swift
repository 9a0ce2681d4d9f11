import Domain
import Testing

/// What is decided, and that every action has a bound.
@Suite struct VerdictTests {
    private func policy(_ rule: ActionRule, blame: [BlameRule] = []) throws -> VerdictPolicy {
        try VerdictPolicy(RuleSet(blame: blame, action: [rule]))
    }

    private func rule(_ parameters: RuleParameters = .init(), _ action: VerdictAction = .resubmit) -> ActionRule {
        ActionRule(name: "it", priority: 1, match: .init(), action: action, parameters: parameters)
    }

    private func attempt(
        _ failure: Failure,
        counted: Int = 0,
        max: Int = 3,
        earlier: [String] = [],
        uses: Int? = nil,
        others: Int = 1
    ) -> FailedAttempt {
        FailedAttempt(
            key: AttemptKey(task: 1, index: 1, attempt: earlier.count + 1),
            site: "DESY",
            node: "wn1",
            taskKind: "process",
            failures: [failure],
            countedBefore: counted,
            maxAttempts: max,
            earlierFingerprints: earlier,
            ruleUses: uses.map { ["it": $0] },
            otherSites: others,
            otherNodes: others
        )
    }

    private let exit = Failure(.payloadExit, "exit code 1")
    private let full = Failure(.nodeDisk, "full")

    @Test func aPayloadIsTriedAsOftenAsItsTaskAllows() throws {
        let policy = try self.policy(self.rule())
        let words = ["one", "two", "three"].map { Failure(.payloadExit, $0) }
        #expect(policy.decide(self.attempt(words[0])).action == .resubmit)
        let second = policy.decide(self.attempt(words[1], counted: 1, earlier: ["a"]))
        #expect(second.action == .resubmit && second.reason == "failure 2 of 3 allowed")
        let last = policy.decide(self.attempt(words[2], counted: 2, earlier: ["a", "b"]))
        #expect(last.action == .abort && last.reason == "failed 3 times, as often as its task allows")
    }

    @Test func aSiteNeverUsesUpAttempts() throws {
        let verdict = try self.policy(self.rule(.init(elsewhere: true))).decide(self.attempt(self.full, counted: 2))
        #expect(verdict.action == .resubmit && !verdict.counted)
        #expect(verdict.excludedSites == ["DESY"] && verdict.excludedNodes.isEmpty)
        #expect(verdict.reason == "site failures do not use up the job's attempts, not at DESY")
    }

    @Test func whatFailsAtAnExcludedPlaceUsesUpNothing() throws {
        var attempt = self.attempt(self.exit, counted: 2)
        #expect(try self.policy(self.rule()).decide(attempt).action == .abort)
        attempt.placeIsExcluded = true
        let verdict = try self.policy(self.rule()).decide(attempt)
        #expect(verdict.action == .resubmit && !verdict.counted && verdict.blame == .payload)
        #expect(verdict.reason == "its node or site is excluded: what fails there does not use up the job's attempts")
    }

    @Test func theOnlySiteAndTheOnlyNodeAreNotExcluded() throws {
        let policy = try self.policy(self.rule(.init(elsewhere: true, otherNode: true)))
        let alone = policy.decide(self.attempt(self.full, others: 0))
        #expect(alone.excludedSites.isEmpty && alone.excludedNodes.isEmpty)
        #expect(policy.decide(self.attempt(self.full)).excludedNodes == ["wn1"])
        var nowhere = self.attempt(self.full)
        nowhere.node = nil
        #expect(policy.decide(nowhere).excludedNodes.isEmpty)
    }

    @Test func theSameFailureAgainAndAgainAborts() throws {
        let policy = try self.policy(self.rule())
        let print = Fingerprint.of(self.exit)
        let again = policy.decide(self.attempt(self.exit, counted: 2, max: 100, earlier: [print, print]))
        #expect(again.action == .abort && again.reason == "the same failure 3 times in a row")
        let mixed = self.attempt(self.exit, counted: 3, max: 100, earlier: [print, print, "other"])
        #expect(policy.decide(mixed).action == .resubmit)
        // What does not count is bounded by its rule and not by sameness.
        let same = Array(repeating: Fingerprint.of(self.full), count: 5)
        #expect(policy.decide(self.attempt(self.full, earlier: same)).action == .resubmit)
        let patient = try VerdictPolicy(RuleSet(blame: [], action: [self.rule()]), persistence: 4)
        #expect(
            patient.decide(self.attempt(self.exit, counted: 2, max: 9, earlier: [print, print])).action == .resubmit
        )
    }

    @Test func failuresThatDoNotCountHaveABoundToo() throws {
        let policy = try self.policy(self.rule())
        let earlier = Array(repeating: Fingerprint.of(self.full), count: 19)
        #expect(policy.decide(self.attempt(self.full, earlier: Array(earlier.dropLast()))).action == .resubmit)
        let unrecorded = policy.decide(self.attempt(self.full, earlier: earlier))
        #expect(unrecorded.action == .abort)
        #expect(unrecorded.reason == "20 failures that do not count, the limit of rule it")
        #expect(policy.decide(self.attempt(self.full, earlier: earlier, uses: 18)).action == .resubmit)
        #expect(policy.decide(self.attempt(self.full, earlier: earlier, uses: 19)).action == .abort)
    }

    @Test func rulesThatTakeTurnsEndToo() throws {
        let policy = try self.policy(self.rule(.init(limit: 1_000)))
        let many = Array(repeating: "x", count: 98)
        #expect(policy.decide(self.attempt(self.full, earlier: many, uses: 0)).action == .resubmit)
        #expect(policy.decide(self.attempt(self.full, earlier: many + ["y"], uses: 0)).action == .abort)
    }

    @Test func aLimitBoundsAlsoWhatCounts() throws {
        let policy = try self.policy(self.rule(.init(limit: 2)))
        #expect(policy.decide(self.attempt(self.exit, max: 9, uses: 0)).action == .resubmit)
        let second = policy.decide(self.attempt(self.exit, counted: 1, max: 9, uses: 1))
        #expect(second.action == .abort && second.reason == "rule it fired 2 times on the job, its limit")
    }

    @Test func anAbortedJobExcludesAndRaisesNothing() throws {
        let all = RuleParameters(
            pauseSeconds: 60,
            elsewhere: true,
            otherNode: true,
            moreMemory: true,
            moreTime: 2,
            split: 2,
            strike: .node
        )
        for rule in [self.rule(all, .abort), self.rule(all), self.rule(all, .pause)] {
            var last = self.attempt(self.exit, counted: 2)
            // One event: it cannot be split.
            (last.memoryMB, last.walltimeSeconds, last.events, last.raisedShare) = (2_000, 60, 1, 0.9)
            let verdict = try self.policy(rule).decide(last)
            #expect(verdict.action == (rule.action == .pause ? .pause : .abort))
            #expect(verdict.excludedSites.isEmpty && verdict.excludedNodes.isEmpty && verdict.pauseSeconds == 0)
            #expect(verdict.memoryMB == nil && verdict.walltimeSeconds == nil && verdict.splitInto == nil)
            #expect(!verdict.raisesTask && verdict.strike == .node)
        }
    }

    @Test func aTaskIsPausedOrAborted() throws {
        #expect(try self.policy(self.rule(.init(), .pause)).decide(self.attempt(self.exit)).taskAction == .pause)
        #expect(try self.policy(self.rule(.init(), .abort)).decide(self.attempt(self.exit)).taskAction == nil)
        let siblings = self.rule(.init(task: .pauseSiblings), .pause)
        #expect(try self.policy(siblings).decide(self.attempt(self.exit)).taskAction == .pauseSiblings)
        let whole = self.rule(.init(task: .abort), .abort)
        let verdict = try self.policy(whole).decide(self.attempt(self.exit))
        #expect(verdict.action == .abort && verdict.taskAction == .abort)
    }

    @Test func inputsAreReportedButNotOnOneSymptomOfTheLastCopy() throws {
        let policy = try self.policy(self.rule(.init(reportInput: true)))
        let missing = Failure(.inputMissing, "a.root")
        func reports(_ replicas: Int?, uses: Int = 0, others: Bool = false) -> Bool {
            var attempt = self.attempt(missing, uses: uses)
            attempt.goodReplicas = replicas
            attempt.otherInputsFail = others
            return policy.decide(attempt).reportsInput
        }
        #expect(reports(2) && reports(1, uses: 1) && reports(nil, uses: 1))
        #expect(!reports(1) && !reports(nil) && !reports(0))
        #expect(!reports(2, others: true) && !reports(1, uses: 3, others: true))
        #expect(try !self.policy(self.rule()).decide(self.attempt(missing, uses: 3)).reportsInput)
    }

    @Test func aJobIsSplitAsFarAsItsEventsGo() throws {
        let policy = try self.policy(self.rule(.init(split: 4)))
        func parts(_ events: Int) -> Int? {
            var attempt = self.attempt(self.exit)
            attempt.events = events
            return policy.decide(attempt).splitInto
        }
        #expect(parts(100) == 4 && parts(3) == 3 && parts(1) == nil && parts(0) == nil)
        // Two events a job: five jobs are enough.
        #expect(try self.policy(self.rule(.init(split: 6))).decide(self.with(10)).splitInto == 5)
    }

    private func with(_ events: Int, counted: Int = 0) -> FailedAttempt {
        var attempt = self.attempt(self.exit, counted: counted)
        attempt.events = events
        return attempt
    }

    /// Smaller jobs are other jobs: the last attempt of one that is too large is no reason to give its events up.
    @Test func aSplitNeedsNoAttemptThatIsLeft() throws {
        let policy = try self.policy(self.rule(.init(split: 2)))
        let verdict = policy.decide(self.with(9, counted: 2))
        #expect(verdict.action == .resubmit && verdict.splitInto == 2 && verdict.eventsPerPart == 5)
        #expect(policy.decide(self.with(1, counted: 2)).action == .abort)
    }

    @Test func aReportWithoutAFailureIsAFailureOfTheWrapper() throws {
        var empty = self.attempt(self.exit)
        empty.failures = []
        #expect(try self.policy(self.rule()).decide(empty).code == FailureCode.wrapperCrashed.rawValue)
    }

    @Test func withoutAnyRuleThereIsAVerdictToo() throws {
        let policy = try VerdictPolicy(RuleSet(blame: [], action: []))
        for code in [Int.min, -1, 0, 999, 1001, 5001, 9999, 10_000, Int.max] {
            let verdict = policy.decide(self.attempt(Failure(code: code, diagnostic: "")))
            #expect(verdict.rule == "no-rule" && verdict.action == .resubmit && !verdict.reason.isEmpty)
        }
    }
}
