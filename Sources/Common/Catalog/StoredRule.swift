package import Domain
import Messages
package import Postgres

/// A failure rule as the catalogue holds it.
package struct StoredRule: Sendable {
    package let name: String
    /// `blame` or `action`.
    package let kind: String
    package let priority: Int
    package let codes: ClosedRange<Int>?
    package let pattern: String?
    package let scope: JSONText
    package let blame: String?
    package let action: String?
    package let parameters: JSONText
    package let why: String
    package let active: Bool

    package init(_ rule: BlameRule) throws {
        try self.init(rule, kind: "blame", blame: rule.blame.rawValue, action: nil, parameters: .init())
    }

    package init(_ rule: ActionRule) throws {
        try self.init(rule, kind: "action", blame: nil, action: rule.action.rawValue, parameters: rule.parameters)
    }

    private init(
        _ rule: some FailureRule,
        kind: String,
        blame: String?,
        action: String?,
        parameters: RuleParameters
    ) throws {
        self.name = rule.name
        self.kind = kind
        self.priority = rule.priority
        self.codes = rule.match.codes
        self.pattern = rule.match.pattern
        self.scope = JSONText(try WireFormat.text(Scope(rule.match)))
        self.blame = blame
        self.action = action
        self.parameters = JSONText(try WireFormat.text(parameters))
        self.why = rule.why
        self.active = rule.state == .active
    }

    init(
        row: (
            String, String, Int32, Int32?, Int32?, String?, JSONText, String?, String?, JSONText, String, Bool
        )
    ) {
        self.name = row.0
        self.kind = row.1
        self.priority = Int(row.2)
        if let first = row.3, let last = row.4, first <= last {
            self.codes = Int(first)...Int(last)
        } else {
            self.codes = nil
        }
        self.pattern = row.5
        self.scope = row.6
        self.blame = row.7
        self.action = row.8
        self.parameters = row.9
        self.why = row.10
        self.active = row.11
    }

    /// The same, deciding.
    var activated: StoredRule { StoredRule(row: self.row(active: true)) }

    private func row(
        active: Bool
    ) -> (String, String, Int32, Int32?, Int32?, String?, JSONText, String?, String?, JSONText, String, Bool) {
        (
            self.name, self.kind, Int32(clamping: self.priority), self.codes.map { Int32(clamping: $0.lowerBound) },
            self.codes.map { Int32(clamping: $0.upperBound) }, self.pattern, self.scope, self.blame, self.action,
            self.parameters, self.why, active
        )
    }

    /// All rules of a set.
    package static func rows(_ rules: RuleSet) throws -> [StoredRule] {
        try rules.blame.map { try StoredRule($0) } + rules.action.map { try StoredRule($0) }
    }

    /// The rules as the policy takes them.
    ///
    /// - Throws: ``RuleError`` for a row this version cannot use.
    package static func ruleSet(_ rows: [StoredRule]) throws -> RuleSet {
        var rules = RuleSet(blame: [], action: [])
        for row in rows {
            let state: RuleState = row.active ? .active : .observed
            let match = try row.match()
            if let blame = row.blame.flatMap(Blame.init(rawValue:)) {
                rules.blame.append(
                    BlameRule(
                        name: row.name,
                        priority: row.priority,
                        match: match,
                        blame: blame,
                        state: state,
                        why: row.why
                    )
                )
            } else if let action = row.action.flatMap(VerdictAction.init(rawValue:)) {
                rules.action.append(
                    ActionRule(
                        name: row.name,
                        priority: row.priority,
                        match: match,
                        action: action,
                        parameters: try WireFormat.value(RuleParameters.self, from: row.parameters.text),
                        state: state,
                        why: row.why
                    )
                )
            } else {
                throw RuleError(rule: row.name, reason: "its blame or action is not known to this version")
            }
        }
        return rules
    }

    /// The rules that can be used, and why the others cannot. What is written through Millrace can be used; a row that somebody
    /// changed by hand must not keep every other failure from its verdict.
    package static func usable(_ rows: [StoredRule]) -> (rules: RuleSet, refused: [RuleError]) {
        var rules = RuleSet(blame: [], action: [])
        var refused: [RuleError] = []
        for row in rows {
            do {
                let one = try Self.ruleSet([row])
                _ = try VerdictPolicy(one)
                rules.blame += one.blame
                rules.action += one.action
            } catch let error as RuleError {
                refused.append(error)
            } catch {
                refused.append(RuleError(rule: row.name, reason: "\(error)"))
            }
        }
        return (rules, refused)
    }

    private func match() throws -> FailureMatch {
        let scope = try WireFormat.value(Scope.self, from: self.scope.text)
        var attempts: ClosedRange<Int>?
        if let first = scope.attempts?.first, let last = scope.attempts?.last, first <= last { attempts = first...last }
        return FailureMatch(
            codes: self.codes,
            pattern: self.pattern,
            site: scope.site,
            node: scope.node,
            workflow: scope.workflow,
            taskKind: scope.taskKind,
            software: scope.software,
            attempts: attempts,
            blame: scope.blame
        )
    }

    /// The scope as JSON: `attempts` is first and last.
    private struct Scope: Codable {
        var site: String?
        var node: String?
        var workflow: String?
        var taskKind: String?
        var software: String?
        var attempts: [Int]?
        var blame: Blame?

        init(_ match: FailureMatch) {
            self.site = match.site
            self.node = match.node
            self.workflow = match.workflow
            self.taskKind = match.taskKind
            self.software = match.software
            self.attempts = match.attempts.map { [$0.lowerBound, $0.upperBound] }
            self.blame = match.blame
        }
    }
}
