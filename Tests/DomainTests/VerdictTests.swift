import Domain
import Testing

@Suite struct VerdictTests {
    private func policy(_ rules: [FailureRule] = FailureRule.defaults) throws -> VerdictPolicy {
        try VerdictPolicy(rules: rules)
    }

    private func attempt(
        _ failures: [Failure],
        counted: Int = 0,
        max: Int = 3,
        earlier: [String] = [],
        others: Int = 1
    ) -> FailedAttempt {
        FailedAttempt(
            key: AttemptKey(task: 1, index: 1, attempt: earlier.count + 1),
            site: "DESY",
            taskKind: "process",
            failures: failures,
            countedBefore: counted,
            maxAttempts: max,
            earlierFingerprints: earlier,
            otherSites: others
        )
    }

    @Test func everyDefaultRuleFiresForItsCodesAndForNoOthers() throws {
        for rule in FailureRule.defaults {
            let alone = try self.policy([rule])
            let inside = alone.decide(self.attempt([Failure(code: rule.codes.lowerBound, diagnostic: "")]))
            #expect(inside.rule == rule.name)
            guard rule.codes.lowerBound > 0 else { continue }
            let outside = alone.decide(self.attempt([Failure(code: rule.codes.lowerBound - 1, diagnostic: "")]))
            #expect(outside.rule == "no-rule", "\(rule.name)")
        }
    }

    @Test(arguments: FailureCode.allCases) func everyCodeHasARuleAndABlame(code: FailureCode) throws {
        let verdict = try self.policy().decide(self.attempt([Failure(code, "x")]))
        #expect(verdict.rule != "no-rule" && verdict.rule != "anything-else")
        #expect(verdict.blame == code.blame)
        #expect(!verdict.reason.isEmpty)
        #expect((1...9).contains(code.rawValue / 1000))
    }

    @Test func aPayloadIsTriedAsOftenAsItsTaskAllows() throws {
        let exits = (1...3).map {
            Failure(.payloadExit, "exit code \($0), see log\(String(repeating: "!", count: $0))")
        }
        let policy = try self.policy()
        #expect(policy.decide(self.attempt([exits[0]], counted: 0)).action == .resubmit)
        #expect(policy.decide(self.attempt([exits[1]], counted: 1)).action == .resubmit)
        let last = policy.decide(self.attempt([exits[2]], counted: 2))
        #expect(last.action == .abort)
        #expect(last.rule == "payload")
    }

    @Test func aSiteNeverUsesUpAttempts() throws {
        let verdict = try self.policy().decide(self.attempt([Failure(.nodeDisk, "full")], counted: 2))
        #expect(verdict.action == .resubmit)
        #expect(!verdict.counted)
        #expect(verdict.excludedSites == ["DESY"])
    }

    @Test func theOnlySiteIsNotExcluded() throws {
        #expect(try self.policy().decide(self.attempt([Failure(.nodeDisk, "full")], others: 0)).excludedSites.isEmpty)
    }

    @Test func theSameFailureAgainAndAgainAborts() throws {
        let failure = Failure(.payloadExit, "exit code 1")
        let print = Fingerprint.of(failure)
        let verdict = try self.policy().decide(self.attempt([failure], counted: 2, max: 100, earlier: [print, print]))
        #expect(verdict.action == .abort)
        #expect(verdict.reason == "the same failure 3 times in a row")
        let mixed = try self.policy().decide(self.attempt([failure], counted: 2, max: 100, earlier: [print, "other"]))
        #expect(mixed.action == .resubmit)
    }

    @Test func failuresThatDoNotCountHaveABoundToo() throws {
        let failure = Failure(.agentLost, "silent")
        let earlier = Array(repeating: Fingerprint.of(failure), count: 19)
        #expect(
            try self.policy().decide(self.attempt([failure], earlier: Array(earlier.dropLast()))).action == .resubmit
        )
        #expect(try self.policy().decide(self.attempt([failure], earlier: earlier)).action == .abort)
    }

    @Test func thePauseDoublesUpToAnHour() throws {
        let failure = Failure(.softwareInstall, "pip failed")
        let print = Fingerprint.of(failure)
        let policy = try self.policy()
        #expect(policy.decide(self.attempt([failure])).pauseSeconds == 30)
        #expect(policy.decide(self.attempt([failure], earlier: [print])).pauseSeconds == 60)
        #expect(policy.decide(self.attempt([failure], earlier: Array(repeating: print, count: 8))).pauseSeconds == 3600)
    }

    @Test func theCauseOfSeveralFailuresIsTheOneThatExplainsTheOthers() {
        let signal = Failure(.payloadSignal, "signal 9")
        let memory = Failure(.memory, "4 GB used")
        let missing = Failure(.outputMissing, "gen.dat")
        #expect([signal, memory].cause == memory)
        #expect([missing, signal].cause == signal)
        #expect([missing, Failure(.inputChecksum, "bad")].cause?.code == 7002)
        #expect([Failure]().cause == nil)
    }

    @Test func aReportWithoutAFailureIsAFailureOfTheWrapper() throws {
        #expect(try self.policy().decide(self.attempt([])).code == FailureCode.wrapperCrashed.rawValue)
    }

    @Test func aPatternIsSearchedAlsoInAnEmptyDiagnostic() throws {
        let any = FailureRule(name: "any", priority: 1, codes: 1001...1001, pattern: ".*", action: .abort)
        let oom = FailureRule(name: "oom", priority: 0, codes: 1001...1001, pattern: "out of memory", action: .abort)
        let policy = try self.policy([any, oom])
        #expect(policy.decide(self.attempt([Failure(.payloadExit, "")])).rule == "any")
        #expect(policy.decide(self.attempt([Failure(.payloadExit, "fatal: out of memory at 3")])).rule == "oom")
    }

    @Test func aRuleOfAnotherSiteOrKindDoesNotFire() throws {
        let site = FailureRule(name: "site", priority: 1, codes: 1001...1001, site: "KEK", action: .abort)
        let kind = FailureRule(name: "kind", priority: 1, codes: 1001...1001, taskKind: "merge", action: .abort)
        #expect(try self.policy([site, kind]).decide(self.attempt([Failure(.payloadExit, "")])).rule == "no-rule")
    }

    @Test func aWrongPatternIsRefusedByName() {
        let rule = FailureRule(name: "bad", priority: 1, codes: 1...2, pattern: "(", action: .abort)
        #expect(throws: RuleError.self) { try VerdictPolicy(rules: [rule]) }
    }

    @Test(arguments: [
        ("exit code 1 in step make", "exit code 2 in step make"),
        ("cannot open /data/a/b.root", "cannot open /scratch/x"),
        ("lost contact with wn12.desy.de", "lost contact with wn7.desy.de"),
    ])
    func numbersPathsAndHostsDoNotMakeAnotherFailure(one: String, other: String) {
        #expect(Fingerprint.normalise(one) == Fingerprint.normalise(other))
    }

    @Test func otherWordsDo() {
        #expect(Fingerprint.normalise("no space left") != Fingerprint.normalise("permission denied"))
    }
}
