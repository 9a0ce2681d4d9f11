import Domain
import Testing

/// Wrong rules are refused when they are written, with the reason.
@Suite struct RuleCheckTests {
    private static func draft(_ change: (inout RuleDraft) -> Void = { _ in }) -> RuleDraft {
        var draft = RuleDraft(
            kind: "action",
            name: "my-rule-1",
            priority: 100,
            firstCode: 1001,
            lastCode: 1999,
            pattern: "bad_alloc",
            scope: ["site": "DESY", "blame": "payload"],
            firstAttempt: 1,
            lastAttempt: 3,
            action: "resubmit",
            parameters: ["pauseSeconds": .number(30), "elsewhere": .flag(true), "task": .text("pause")],
            state: "observed",
            why: "because"
        )
        change(&draft)
        return draft
    }

    @Test func aSoundRuleIsRead() throws {
        let match = FailureMatch(
            codes: 1001...1999,
            pattern: "bad_alloc",
            site: "DESY",
            attempts: 1...3,
            blame: .payload
        )
        let action = ActionRule(
            name: "my-rule-1",
            priority: 100,
            match: match,
            action: .resubmit,
            parameters: .init(pauseSeconds: 30, elsewhere: true, task: .pause),
            state: .observed,
            why: "because"
        )
        #expect(try RuleCheck.check(Self.draft()) == .action(action))
        let blame = try RuleCheck.check(RuleDraft(kind: "blame", name: "b", priority: 0, blame: "site"))
        #expect(blame == .blame(BlameRule(name: "b", priority: 0, match: .init(), blame: .site)))
    }

    @Test func anOpenEndIsFilledIn() throws {
        let one = Self.draft {
            $0.lastCode = nil
            $0.lastAttempt = nil
            $0.firstAttempt = 2
        }
        guard case .action(let rule) = try RuleCheck.check(one) else {
            Issue.record("not a rule of action")
            return
        }
        #expect(rule.match.codes == 1001...1001)
        #expect(rule.match.attempts == 2...1_000_000)
    }

    /// What is wrong, and a part of what is said about it.
    private static let wrong: [(RuleDraft, String)] = [
        (draft { $0.kind = "both" }, "kind both"), (draft { $0.kind = "" }, "no kind"),
        (draft { $0.name = "" }, "name"), (draft { $0.name = "Capital" }, "name"),
        (draft { $0.name = "under_score" }, "name"), (draft { $0.name = String(repeating: "a", count: 65) }, "name"),
        (draft { $0.name = "caf\u{e9}" }, "name"), (draft { $0.name = "new\nline" }, "name"),
        (draft { $0.priority = -1 }, "priority -1"), (draft { $0.priority = 1_000_001 }, "priority 1000001"),
        (draft { $0.firstCode = 2000 }, "there is none"), (draft { $0.firstCode = nil }, "no first"),
        (draft { $0.firstCode = 999 }, "1000 to 9999"), (draft { $0.lastCode = 10_000 }, "1000 to 9999"),
        (draft { $0.firstAttempt = 4 }, "there is none"), (draft { $0.firstAttempt = 0 }, "attempts 0"),
        (draft { $0.action = "retry" }, "action retry; known are resubmit, abort, pause"),
        (draft { $0.action = nil }, "no action"), (draft { $0.blame = "site" }, "gives no blame"),
        (draft { $0.state = "passive" }, "state passive"), (draft { $0.scope["sites"] = "x" }, "scope sites"),
        (draft { $0.scope["site"] = "" }, "0 characters"), (draft { $0.scope["blame"] = "me" }, "blame me"),
        (draft { $0.parameters["pause"] = .number(1) }, "no parameter pause"),
        (draft { $0.parameters["pauseSeconds"] = .number(-1) }, "0 to 86400"),
        (draft { $0.parameters["pauseSeconds"] = .text("30") }, "a number"),
        (draft { $0.parameters["pauseJitter"] = .number(1.1) }, "0 to 1"),
        (draft { $0.parameters["pauseGrowth"] = .text("cubed") }, "fixed, exponential, squared"),
        (draft { $0.parameters["elsewhere"] = .number(1) }, "true or false"),
        (draft { $0.parameters["limit"] = .number(2.5) }, "whole number"),
        (draft { $0.parameters["limit"] = .number(0) }, "1 to 1000"),
        (draft { $0.parameters["split"] = .number(1) }, "2 to 100"),
        (draft { $0.parameters["moreTime"] = .number(40) }, "1.05 to 4"),
        (draft { $0.parameters["memoryFactor"] = .number(.nan) }, "1.05 to 4"),
        (draft { $0.parameters["task"] = .text("ban") }, "pause, abort, pauseSiblings"),
        (draft { $0.parameters["strike"] = .text("rack") }, "node, site"),
        (draft { $0.pattern = "(" }, "no )"), (draft { $0.pattern = "[z-a]" }, "wrong way round"),
        (
            draft {
                $0.kind = "blame"
                $0.action = nil
                $0.parameters = [:]
                $0.blame = "payload"
            }, "cannot be limited to a blame"
        ),
        (RuleDraft(kind: "blame", name: "b", priority: 1), "no blame"),
        (RuleDraft(kind: "blame", name: "b", priority: 1, blame: "nobody"), "blame nobody"),
        (RuleDraft(kind: "blame", name: "b", priority: 1, blame: "site", action: "abort"), "no action"),
    ]

    @Test(arguments: Self.wrong) func aWrongRuleIsRefusedInOneLine(draft: RuleDraft, said: String) {
        #expect {
            try RuleCheck.check(draft)
        } throws: { error in
            guard let reason = (error as? RuleError)?.reason else { return false }
            return reason.contains(said) && !reason.contains("\n") && reason.count < 300
        }
    }

    @Test(arguments: [
        "(a+)+", "(a+)+$", "(a*)*", "(a|a)*", "(a|ab)*c", "(.*)*", "([a-z]+)*!", "(\\w+\\s?)+:", "(x+x+)+y", "(a?)*",
        "(|a)*", "(a{1,}){2,}", "((a|b)+)+", "(a|A)*", "(?i)(foo|fob)+", "(.|\\n)*x|(ab|a.)*", "a*a*a*a*b",
        ".*.*.*.*=", ".*a.*b.*c.*d", "\\d+\\d+\\d+\\d+", "(.*x){4}", "(a+b?){20,}", "(a)\\1", "(?=x)y",
        "(a|b)*(c|d)*(e|e)*", String(repeating: "a", count: 501), "(a{1000}){500}",
    ])
    func aPatternThatMaySearchForEverIsRefused(pattern: String) {
        #expect {
            try RuleCheck.check(Self.draft { $0.pattern = pattern })
        } throws: { error in
            (error as? RuleError)?.reason.contains("is refused: ") ?? false
        }
    }

    @Test(arguments: [
        "out of memory", "bad_alloc|std::length_error", "^exit code (134|139) in step \\w+$",
        "(\\d{1,3}\\.){3}\\d{1,3}",
        "read \\d+ of \\d+ events in \\d+ s from \\d+ files", ".*memory.*", "a.*b.*c", "(ab)+", "(foo|bar)*",
        "(?i)no space left on device", "\\bSIGKILL\\b", "user=\\w+ host=\\w+ path=\\S+ size=\\d+ time=\\d+",
        "^$", ".*", "[^:]+: [^:]+: [^:]+: .+", "TNetXNGFile::(Open|ReadBuffer)", "(a+b){3}", "x{0,1000}",
    ])
    func anOrdinaryPatternIsTakenAndRunsQuickly(pattern: String) throws {
        _ = try RuleCheck.check(Self.draft { $0.pattern = pattern })
        let compiled = try DiagnosticPattern(pattern)
        for unit in ["a", "ab", "1", "1.", "out of memory ", "user=a ", ":", "foobar", "x", " \n"] {
            let text = String(repeating: unit, count: 4_000 / unit.count) + "!"
            #expect(compiled.search(text).work <= compiled.mostWork(length: 2_000))
        }
    }
}
