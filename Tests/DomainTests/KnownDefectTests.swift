import Domain
import Testing

/// Defects that other systems have or had in what they do with failures; each is shown not to be here. The others of that kind are
/// tested through all processes (`KnownDefectTests` of the acceptance tests), at the agent, and in `MonitorConfigTests`.
@Suite struct KnownDefectTests {
    private func attempt(_ diagnostic: String, code: FailureCode = .payloadExit, earlier: Int = 0) -> FailedAttempt {
        FailedAttempt(
            key: AttemptKey(task: 1, index: 1, attempt: earlier + 1),
            site: "DESY",
            taskKind: "process",
            failures: [Failure(code, diagnostic)],
            countedBefore: 0,
            maxAttempts: 50,
            earlierFingerprints: (0..<earlier).map { "other \($0)" },
            ruleUses: ["it": earlier],
            otherSites: 1
        )
    }

    private func policy(_ match: FailureMatch, _ parameters: RuleParameters = .init()) throws -> VerdictPolicy {
        try VerdictPolicy(
            RuleSet(
                blame: [],
                action: [ActionRule(name: "it", priority: 1, match: match, action: .resubmit, parameters: parameters)]
            )
        )
    }

    /// A rule with a pattern needed a diagnostic: `.*` missed every failure that had none.
    @Test func aPatternIsTriedOnAnEmptyDiagnosticToo() throws {
        #expect(try self.policy(.init(pattern: ".*")).decide(self.attempt("")).rule == "it")
        #expect(try self.policy(.init(pattern: "^$")).decide(self.attempt("")).rule == "it")
        #expect(try self.policy(.init(pattern: "x")).decide(self.attempt("")).rule == "no-rule")
    }

    /// What was said to search matched at the beginning only.
    @Test func aPatternIsAnchoredOnlyWhereItSaysSo() throws {
        let diagnostic = "step reco: cannot open input.root"
        #expect(try self.policy(.init(pattern: "cannot open")).decide(self.attempt(diagnostic)).rule == "it")
        #expect(try self.policy(.init(pattern: "^cannot open")).decide(self.attempt(diagnostic)).rule == "no-rule")
        #expect(try self.policy(.init(pattern: "^step")).decide(self.attempt(diagnostic)).rule == "it")
    }

    /// One way of growing a pause was set and then overwritten by another: each has its own effect.
    @Test func everyGrowthOfAPauseIsItsOwn() throws {
        let wanted: [(PauseGrowth, [Double])] = [
            (.fixed, [10, 10, 10, 10]), (.exponential, [10, 20, 40, 80]), (.squared, [10, 40, 90, 160]),
        ]
        for (growth, seconds) in wanted {
            let policy = try self.policy(.init(), .init(pauseSeconds: 10, pauseGrowth: growth, limit: 40))
            let pauses = (0..<4).map {
                policy.decide(self.attempt("failure \($0)", code: .nodeDisk, earlier: $0)).pauseSeconds
            }
            #expect(pauses == seconds, "\(growth)")
        }
    }

    /// An exception in the classifier counted as success. There is none to be thrown: every list of failures has a verdict.
    @Test func everyFailureHasAVerdict() throws {
        let policy = try VerdictPolicy(.defaults)
        let texts = ["", "\u{0}", String(repeating: "(", count: 20_000), "\u{1F4A5} \u{202E}", "exit code -1"]
        for code in FailureCode.allCases {
            for text in texts {
                let verdict = policy.decide(self.attempt(text, code: code))
                #expect(verdict.code == code.rawValue && !verdict.rule.isEmpty && !verdict.reason.isEmpty)
            }
        }
        // A code of a newer agent.
        var strange = self.attempt("x")
        strange.failures = [Failure(code: 1999, diagnostic: "unheard of", source: .payload)]
        #expect(!policy.decide(strange).reason.isEmpty)
    }
}
