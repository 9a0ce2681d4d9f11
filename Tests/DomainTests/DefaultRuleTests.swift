import Domain
import Testing

/// One failure that a default rule decides, and a near one that it must not decide.
struct RuleExample: Sendable {
    struct Case: Sendable {
        let code: Int
        let diagnostic: String
        let attempt: Int
        let kind: String

        init(_ code: Int, _ diagnostic: String, attempt: Int = 1, kind: String = "simulate") {
            self.code = code
            self.diagnostic = diagnostic
            self.attempt = attempt
            self.kind = kind
        }

        var failed: FailedAttempt {
            FailedAttempt(
                key: AttemptKey(task: 1, index: 1, attempt: self.attempt),
                site: "DESY",
                node: "wn1",
                taskKind: self.kind,
                failures: [Failure(code: self.code, diagnostic: self.diagnostic)],
                countedBefore: 0,
                maxAttempts: 10,
                earlierFingerprints: [],
                ruleUses: [:],
                otherSites: 2,
                otherNodes: 5,
                memoryMB: 2_000,
                walltimeSeconds: 3_600,
                events: 100,
                goodReplicas: 2
            )
        }
    }

    let rule: String
    let fires: Case
    let misses: Case

    init(_ rule: String, fires: Case, misses: Case) {
        self.rule = rule
        self.fires = fires
        self.misses = misses
    }

    static let action = Self.places + Self.data
}

/// The rules that a new catalogue starts with.
@Suite struct DefaultRuleTests {
    private let rules = RuleSet.defaults
    /// Compiled once for all the cases.
    private static let compiled = Result { try VerdictPolicy(RuleSet.defaults) }

    @Test func thereAreEnough() {
        #expect(self.rules.blame.count + self.rules.action.count >= 85)
    }

    @Test func namesAreUniqueAndReasonsAreGiven() {
        let names = self.rules.blame.map(\.name) + self.rules.action.map(\.name)
        #expect(Set(names).count == names.count)
        for why in self.rules.blame.map(\.why) + self.rules.action.map(\.why) {
            #expect(why.hasSuffix(".") && why.split(separator: " ").count >= 3, "\(why)")
        }
    }

    @Test func everyRulePassesTheCheckOfRulesThatUsersWrite() throws {
        for rule in self.rules.blame { try RuleCheck.check(rule) }
        for rule in self.rules.action { try RuleCheck.check(rule) }
    }

    @Test func everyRuleHasBothExamples() {
        #expect(RuleExample.blame.map(\.rule).sorted() == self.rules.blame.map(\.name).sorted())
        #expect(RuleExample.action.map(\.rule).sorted() == self.rules.action.map(\.name).sorted())
    }

    @Test(arguments: RuleExample.blame) func aRuleOfBlameDecidesItsExampleOnly(example: RuleExample) throws {
        let policy = try Self.compiled.get()
        let rule = try #require(self.rules.blame.first { $0.name == example.rule })
        let fired = policy.decide(example.fires.failed)
        #expect(fired.blameRule == example.rule)
        #expect(fired.blame == rule.blame)
        #expect(policy.decide(example.misses.failed).blameRule != example.rule)
    }

    @Test(arguments: RuleExample.action) func aRuleOfActionDecidesItsExampleOnly(example: RuleExample) throws {
        let policy = try Self.compiled.get()
        let rule = try #require(self.rules.action.first { $0.name == example.rule })
        let fired = policy.decide(example.fires.failed)
        #expect(fired.rule == example.rule)
        #expect(fired.action == rule.action)
        #expect(policy.decide(example.misses.failed).rule != example.rule)
    }

    /// A rule of blame that agrees with the code's own blame on its example would say nothing.
    @Test(arguments: RuleExample.blame) func aRuleOfBlameSaysSomethingNew(example: RuleExample) throws {
        let without = RuleSet(blame: self.rules.blame.filter { $0.name != example.rule }, action: self.rules.action)
        let (with, other) = (try Self.compiled.get(), try VerdictPolicy(without))
        let codes = [example.fires.code] + [1001, 1008, 8101]
        let differs = codes.contains { code in
            var failed = example.fires.failed
            failed.failures = [Failure(code: code, diagnostic: example.fires.diagnostic)]
            return with.decide(failed).blame != other.decide(failed).blame
        }
        #expect(differs)
    }

    @Test(arguments: FailureCode.allCases) func everyCodeHasARuleAndItsBlame(code: FailureCode) throws {
        let verdict = try Self.compiled.get().decide(RuleExample.Case(code.rawValue, "x").failed)
        #expect(verdict.rule != "no-rule" && verdict.rule != "anything-else")
        #expect(verdict.blame == code.blame && verdict.blameRule == nil)
        #expect(!verdict.reason.isEmpty)
    }

    @Test func aSitesFaultNeverUsesUpAnAttemptAndIsBounded() throws {
        let policy = try Self.compiled.get()
        for code in FailureCode.allCases where [.site, .network, .infrastructure].contains(code.blame) {
            var failed = RuleExample.Case(code.rawValue, "x").failed
            failed.maxAttempts = 1
            let first = policy.decide(failed)
            #expect(!first.counted)
            guard first.action == .resubmit else { continue }
            failed.ruleUses = [first.rule: 1_000]
            #expect(policy.decide(failed).action == .abort, "\(code) is not bounded")
        }
    }

    @Test func oneSymptomNeverCondemnsTheLastCopy() throws {
        let policy = try Self.compiled.get()
        for code in FailureCode.allCases where code.layer == .input {
            var failed = RuleExample.Case(code.rawValue, "x").failed
            failed.goodReplicas = 1
            #expect(!policy.decide(failed).reportsInput, "\(code)")
        }
        var opened = RuleExample.Case(FailureCode.inputOpen.rawValue, "cannot open").failed
        opened.goodReplicas = 3
        #expect(!policy.decide(opened).reportsInput)
        opened.key = AttemptKey(task: 1, index: 1, attempt: 3)
        #expect(policy.decide(opened).reportsInput)
    }

    @Test func memoryIsTriedAgainFirstAndThenRaised() throws {
        let policy = try Self.compiled.get()
        let first = policy.decide(RuleExample.Case(2002, "used 2100 MB", attempt: 1).failed)
        #expect(first.action == .resubmit && first.memoryMB == nil && first.excludedNodes == ["wn1"])
        let second = policy.decide(RuleExample.Case(2002, "used 2100 MB", attempt: 2).failed)
        #expect(second.action == .resubmit && second.memoryMB == 3_000)
    }

    @Test func onlyAFewRulesAreTriedForOneFailure() throws {
        for code in FailureCode.allCases {
            let count = self.rules.action.count { $0.match.codes?.contains(code.rawValue) ?? true }
            #expect(count <= 12, "\(code): \(count)")
        }
    }
}
