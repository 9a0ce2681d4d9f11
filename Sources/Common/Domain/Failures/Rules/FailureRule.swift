/// One row of a rule table. Rules are tried in ascending priority; of equal priority the more specific first; the
/// first that fits decides. See ``precedes(_:)``.
package protocol FailureRule: Sendable, Hashable, Codable {
    /// Unique in its table: `[a-z0-9-]{1,64}`.
    var name: String { get }
    var priority: Int { get }
    var match: FailureMatch { get }
    var state: RuleState { get }
    /// Why the rule is there, for operators; may be empty.
    var why: String { get }
}

extension FailureRule {
    /// The order in which rules are tried: priority, then how many fields of the scope are set (more first), then
    /// those with a pattern, then those about fewer codes, then the name. Total, since names are unique.
    package func precedes(_ other: Self) -> Bool {
        let one = (self.priority, -self.match.scopes, self.match.pattern == nil ? 1 : 0, self.match.width)
        let two = (other.priority, -other.match.scopes, other.match.pattern == nil ? 1 : 0, other.match.width)
        return one == two ? self.name < other.name : one < two
    }
}

/// Whose fault a failure is.
package struct BlameRule: FailureRule {
    package var name: String
    package var priority: Int
    package var match: FailureMatch
    package var blame: Blame
    package var state: RuleState
    package var why: String

    package init(
        name: String,
        priority: Int,
        match: FailureMatch,
        blame: Blame,
        state: RuleState = .active,
        why: String = ""
    ) {
        self.name = name
        self.priority = priority
        self.match = match
        self.blame = blame
        self.state = state
        self.why = why
    }
}

/// What is done about a failure.
package struct ActionRule: FailureRule {
    package var name: String
    package var priority: Int
    package var match: FailureMatch
    package var action: VerdictAction
    package var parameters: RuleParameters
    package var state: RuleState
    package var why: String

    package init(
        name: String,
        priority: Int,
        match: FailureMatch,
        action: VerdictAction,
        parameters: RuleParameters = .init(),
        state: RuleState = .active,
        why: String = ""
    ) {
        self.name = name
        self.priority = priority
        self.match = match
        self.action = action
        self.parameters = parameters
        self.state = state
        self.why = why
    }
}

/// The two tables.
package struct RuleSet: Sendable, Hashable, Codable {
    package var blame: [BlameRule]
    package var action: [ActionRule]

    package init(blame: [BlameRule], action: [ActionRule]) {
        self.blame = blame
        self.action = action
    }
}
