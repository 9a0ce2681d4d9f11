import Domain
import Foundation
import Testing

/// The order of rules, what they fit, and which are refused when they are written.
@Suite struct RuleTests {
    private func rule(_ name: String, _ priority: Int = 1, _ match: FailureMatch = .init()) -> ActionRule {
        ActionRule(name: name, priority: priority, match: match, action: .abort)
    }

    private func attempt(_ failure: Failure = Failure(.payloadExit, "boom"), number: Int = 2) -> FailedAttempt {
        FailedAttempt(
            key: AttemptKey(task: 1, index: 1, attempt: number),
            site: "DESY",
            node: "wn1",
            workflow: "higgs",
            taskKind: "simulate",
            software: ["geant4/11.2", "root/6.32"],
            failures: [failure],
            countedBefore: 0,
            maxAttempts: 9,
            earlierFingerprints: [],
            otherSites: 1
        )
    }

    /// In the order in which they are tried.
    private var ordered: [ActionRule] {
        [
            self.rule("z-first", 0),
            self.rule("two-scopes", 1, .init(site: "DESY", taskKind: "merge")),
            self.rule("one-scope-pattern", 1, .init(codes: 1000...9999, pattern: "x", site: "DESY")),
            self.rule("attempts", 1, .init(codes: 1001...1001, attempts: 1...2)),
            self.rule("blame-range", 1, .init(codes: 1001...1002, blame: .site)),
            self.rule("pattern-one-code", 1, .init(codes: 1001...1001, pattern: "x")),
            self.rule("pattern-range", 1, .init(codes: 1000...1999, pattern: "x")),
            self.rule("pattern-any", 1, .init(pattern: "x")),
            self.rule("a-code", 1, .init(codes: 1001...1001)),
            self.rule("b-code", 1, .init(codes: 2001...2001)),
            self.rule("range", 1, .init(codes: 1000...1999)),
            self.rule("everything", 1),
            self.rule("a-last", 2, .init(codes: 1001...1001, pattern: "x", site: "DESY", node: "n")),
        ]
    }

    @Test func theOrderIsPriorityThenSpecificityThenName() {
        let wanted = self.ordered.map(\.name)
        var rules = self.ordered
        // A deterministic shuffle: every rotation of every interleaving of the two halves.
        for turn in 0..<rules.count {
            rules = rules.enumerated().sorted { ($0.offset * 7 + turn) % 13 < ($1.offset * 7 + turn) % 13 }.map(
                \.element
            )
            #expect(rules.sorted { $0.precedes($1) }.map(\.name) == wanted)
        }
    }

    @Test func theOrderIsTotal() {
        for (one, left) in self.ordered.enumerated() {
            for (two, right) in self.ordered.enumerated() {
                #expect(left.precedes(right) == (one < two), "\(left.name) \(right.name)")
            }
        }
    }

    @Test func theFirstThatFitsDecides() throws {
        let rules = [
            self.rule("general", 5), self.rule("special", 5, .init(codes: 1001...1001, pattern: "boo")),
            self.rule("too-special", 5, .init(codes: 1001...1001, pattern: "boo", site: "KEK")),
        ]
        #expect(try VerdictPolicy(RuleSet(blame: [], action: rules)).decide(self.attempt()).rule == "special")
        #expect(
            try VerdictPolicy(RuleSet(blame: [], action: rules.reversed())).decide(
                self.attempt(Failure(.payloadExit, "other"))
            ).rule == "general"
        )
    }

    private static let fits: [FailureMatch] = [
        .init(), .init(codes: 1001...1001), .init(codes: 1000...1999), .init(pattern: "^boom$"), .init(site: "DESY"),
        .init(node: "wn1"), .init(workflow: "higgs"), .init(taskKind: "simulate"), .init(software: "geant4/11.2"),
        .init(software: "root/6.32"), .init(attempts: 2...2), .init(attempts: 1...5), .init(blame: .payload),
        .init(
            codes: 1001...1001,
            pattern: "oo",
            site: "DESY",
            node: "wn1",
            workflow: "higgs",
            taskKind: "simulate",
            software: "root/6.32",
            attempts: 2...3,
            blame: .payload
        ),
    ]

    private static let misses: [FailureMatch] = [
        .init(codes: 1002...1002), .init(codes: 2000...9999), .init(codes: 1000...1000), .init(pattern: "^oom"),
        .init(pattern: "Boom"), .init(site: "DESY2"), .init(site: "DES"), .init(node: "wn11"), .init(workflow: "Higgs"),
        .init(taskKind: "merge"), .init(software: "geant4"), .init(attempts: 3...5), .init(attempts: 1...1),
        .init(blame: .site), .init(codes: 1001...1001, site: "DESY", node: "other"),
    ]

    @Test(arguments: Self.fits) func everyFieldThatFits(match: FailureMatch) throws {
        let policy = try VerdictPolicy(RuleSet(blame: [], action: [self.rule("it", 1, match)]))
        #expect(policy.decide(self.attempt()).rule == "it")
    }

    @Test(arguments: Self.misses) func oneFieldThatDoesNotFitIsEnough(match: FailureMatch) throws {
        let policy = try VerdictPolicy(RuleSet(blame: [], action: [self.rule("it", 1, match)]))
        #expect(policy.decide(self.attempt()).rule == "no-rule")
    }

    @Test func aPatternIsSearchedAlsoInAnEmptyDiagnostic() throws {
        let any = self.rule("any", 1, .init(codes: 1001...1001, pattern: ".*"))
        let empty = self.rule("empty", 0, .init(codes: 1001...1001, pattern: "^$"))
        let policy = try VerdictPolicy(RuleSet(blame: [], action: [any, empty]))
        #expect(policy.decide(self.attempt(Failure(.payloadExit, ""))).rule == "empty")
        #expect(policy.decide(self.attempt(Failure(.payloadExit, "x"))).rule == "any")
    }

    @Test func anObservedRuleIsNotedAndDoesNotDecide() throws {
        var watched = self.rule("watched", 1)
        watched.state = .observed
        var late = self.rule("late", 9)
        late.state = .observed
        let blame = BlameRule(name: "blame-watched", priority: 1, match: .init(), blame: .site, state: .observed)
        let rules = RuleSet(blame: [blame], action: [watched, self.rule("deciding", 5), late])
        let verdict = try VerdictPolicy(rules).decide(self.attempt())
        #expect(verdict.rule == "deciding")
        #expect(verdict.blame == .payload && verdict.blameRule == nil)
        // A rule behind the one that decides would not have decided.
        #expect(verdict.observed == ["blame-watched", "watched"])
    }

    @Test func blameDecidesBeforeActionAndActionSeesIt() throws {
        let blame = BlameRule(
            name: "old-nodes",
            priority: 1,
            match: .init(codes: 1001...1001, pattern: "GLIBC"),
            blame: .site
        )
        let rules = RuleSet(blame: [blame], action: [self.rule("of-site", 1, .init(blame: .site))])
        let policy = try VerdictPolicy(rules)
        let verdict = policy.decide(self.attempt(Failure(.payloadExit, "GLIBC_2.38 not found")))
        #expect(verdict.blame == .site && !verdict.counted && verdict.blameRule == "old-nodes")
        #expect(verdict.rule == "of-site")
        #expect(policy.decide(self.attempt()).rule == "no-rule")
    }

    @Test func aWrongPatternInATableIsRefusedByName() {
        let rules = RuleSet(blame: [], action: [self.rule("fine"), self.rule("bad", 1, .init(pattern: "("))])
        #expect {
            try VerdictPolicy(rules)
        } throws: { error in
            (error as? RuleError)?.rule == "bad" && "\(error)".contains("pattern (")
        }
    }

    @Test func storedParametersAreReadAlsoByTheirFormerName() throws {
        let old = Data(#"{"pauseSeconds": 5, "elsewhere": true, "uncountedLimit": 7}"#.utf8)
        let read = try JSONDecoder().decode(RuleParameters.self, from: old)
        #expect(read == RuleParameters(pauseSeconds: 5, elsewhere: true, limit: 7))
        let text = String(decoding: try JSONEncoder().encode(read), as: UTF8.self)
        #expect(text.contains("\"limit\":7") && !text.contains("uncountedLimit"))
        #expect(try JSONDecoder().decode(RuleParameters.self, from: Data("{}".utf8)) == RuleParameters())
    }

    @Test func everyParameterTravels() throws {
        let all = RuleParameters(
            pauseSeconds: 1,
            pauseGrowth: .squared,
            pauseJitter: 0.5,
            pauseLimitSeconds: 9,
            elsewhere: true,
            otherNode: true,
            moreMemory: true,
            memoryFactor: 1.5,
            taskShare: 0.4,
            moreTime: 1.5,
            split: 4,
            task: .pauseSiblings,
            strike: .node,
            reportInput: true,
            limit: 3
        )
        let text = try JSONEncoder().encode(all)
        #expect(try JSONDecoder().decode(RuleParameters.self, from: text) == all)
        let keys = try JSONDecoder().decode([String: RuleValue].self, from: text)
        #expect(Set(keys.keys) == Set(RuleParameters.names).subtracting(["uncountedLimit"]))
        // What the check reads from a user is what the decoder reads from the table.
        let draft = RuleDraft(kind: "action", name: "all", priority: 1, action: "resubmit", parameters: keys)
        guard case .action(let rule) = try RuleCheck.check(draft) else {
            Issue.record("not a rule of action")
            return
        }
        #expect(rule.parameters == all)
    }
}
