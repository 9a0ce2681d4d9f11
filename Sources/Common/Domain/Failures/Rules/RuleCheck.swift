/// Everything that can be wrong with a rule, found when it is written and not when it should decide.
package enum RuleCheck {
    /// The table a rule belongs to.
    package enum Kind: String, Sendable, CaseIterable {
        case blame
        case action
    }

    /// A rule that may be stored.
    package enum Checked: Sendable, Hashable {
        case blame(BlameRule)
        case action(ActionRule)
    }

    /// Priorities of rules.
    package static let priorities = 0...1_000_000
    /// Codes of failures.
    package static let codes = 1000...9999
    /// Numbers of attempts.
    package static let attempts = 1...1_000_000

    /// - Throws: ``RuleError`` with one line about the first thing that is wrong.
    package static func check(_ draft: RuleDraft) throws(RuleError) -> Checked {
        do {
            return try Self.read(draft)
        } catch {
            throw RuleError(rule: String(draft.name.prefix(64)), reason: error.reason)
        }
    }

    /// The same for a rule that is one already, such as a default.
    package static func check(_ rule: some FailureRule) throws(RuleError) {
        do {
            try Self.check(name: rule.name, priority: rule.priority)
            if let codes = rule.match.codes {
                _ = try Self.range(codes.lowerBound, codes.upperBound, Self.codes, "code")
            }
            if let pattern = rule.match.pattern { try Self.check(pattern: pattern) }
        } catch {
            throw RuleError(rule: rule.name, reason: error.reason)
        }
    }

    private static func read(_ draft: RuleDraft) throws(PatternError) -> Checked {
        try Self.check(name: draft.name, priority: draft.priority)
        let kind: Kind = try Self.word(draft.kind, "kind")
        let state: RuleState = try Self.word(draft.state, "state")
        let match = try Self.match(draft, kind)
        switch kind {
        case .blame:
            guard draft.action == nil, draft.parameters.isEmpty else {
                throw PatternError("a rule of blame has no action and no parameters")
            }
            let blame: Blame = try Self.word(draft.blame ?? "", "blame")
            return .blame(
                BlameRule(
                    name: draft.name,
                    priority: draft.priority,
                    match: match,
                    blame: blame,
                    state: state,
                    why: draft.why
                )
            )
        case .action:
            guard draft.blame == nil else {
                throw PatternError("a rule of action gives no blame; to match one put it into the scope")
            }
            let action: VerdictAction = try Self.word(draft.action ?? "", "action")
            return .action(
                ActionRule(
                    name: draft.name,
                    priority: draft.priority,
                    match: match,
                    action: action,
                    parameters: try RuleParameterField.read(draft.parameters),
                    state: state,
                    why: draft.why
                )
            )
        }
    }

    private static func match(_ draft: RuleDraft, _ kind: Kind) throws(PatternError) -> FailureMatch {
        var match = FailureMatch()
        switch (draft.firstCode, draft.lastCode) {
        case (nil, nil): break
        case (let first?, let last): match.codes = try Self.range(first, last ?? first, Self.codes, "code")
        case (nil, _?): throw PatternError("the last code has no first one")
        }
        if draft.firstAttempt != nil || draft.lastAttempt != nil {
            let (first, last) = (draft.firstAttempt ?? 1, draft.lastAttempt ?? Self.attempts.upperBound)
            match.attempts = try Self.range(first, last, Self.attempts, "attempt")
        }
        if let pattern = draft.pattern {
            try Self.check(pattern: pattern)
            match.pattern = pattern
        }
        for (key, value) in draft.scope.sorted(by: { $0.key < $1.key }) {
            try Self.set(key, value, in: &match, kind)
        }
        return match
    }

    private static func set(
        _ key: String,
        _ value: String,
        in match: inout FailureMatch,
        _ kind: Kind
    ) throws(PatternError) {
        guard !value.isEmpty, value.count <= 200 else {
            throw PatternError("the scope \(key.prefix(60)) has \(value.count) characters: it may have 1 to 200")
        }
        switch key {
        case "site": match.site = value
        case "node": match.node = value
        case "workflow": match.workflow = value
        case "taskKind": match.taskKind = value
        case "software": match.software = value
        case "blame" where kind == .action: match.blame = try Self.word(value, "blame")
        case "blame": throw PatternError("a rule of blame cannot be limited to a blame")
        default:
            throw PatternError(
                "there is no scope \(key.prefix(60)); known are site, node, workflow, taskKind, software, blame"
            )
        }
    }

    private static func check(name: String, priority: Int) throws(PatternError) {
        let isName = name.utf8.allSatisfy { (97...122).contains($0) || (48...57).contains($0) || $0 == 45 }
        guard isName, (1...64).contains(name.utf8.count) else {
            throw PatternError("the name must have 1 to 64 of the characters a-z, 0-9 and -")
        }
        guard Self.priorities.contains(priority) else {
            throw PatternError("priority \(priority) is not from 0 to \(Self.priorities.upperBound)")
        }
    }

    private static func check(pattern: String) throws(PatternError) {
        do throws(PatternError) {
            if let risk = try PatternRisk.of(pattern) { throw PatternError(risk) }
            _ = try DiagnosticPattern(pattern)
        } catch {
            throw PatternError("the pattern \(pattern.prefix(60)) is refused: \(error.reason)")
        }
    }

    private static func range(
        _ first: Int,
        _ last: Int,
        _ allowed: ClosedRange<Int>,
        _ what: String
    ) throws(PatternError) -> ClosedRange<Int> {
        guard first <= last else { throw PatternError("\(what)s \(first) to \(last): there is none") }
        guard allowed.contains(first), allowed.contains(last) else {
            throw PatternError(
                "\(what)s \(first) to \(last): they must be from \(allowed.lowerBound) to \(allowed.upperBound)"
            )
        }
        return first...last
    }

    private static func word<Word: RawRepresentable<String> & CaseIterable>(
        _ text: String,
        _ what: String
    ) throws(PatternError) -> Word {
        guard let word = Word(rawValue: text) else {
            let known = Word.allCases.map(\.rawValue).joined(separator: ", ")
            let said = text.isEmpty ? "there is no \(what)" : "there is no \(what) \(text.prefix(60))"
            throw PatternError("\(said); known are \(known)")
        }
        return word
    }
}
