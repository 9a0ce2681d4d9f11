/// A rule as a user writes it, before anything is checked.
package struct RuleDraft: Sendable, Hashable {
    /// `blame` or `action`.
    package var kind: String
    package var name: String
    package var priority: Int
    /// Both or none; nil: any code.
    package var firstCode: Int?
    package var lastCode: Int?
    package var pattern: String?
    /// `site`, `node`, `workflow`, `taskKind`, `software`, and for rules of action `blame`.
    package var scope: [String: String]
    /// Both or one; nil: from the first, without end.
    package var firstAttempt: Int?
    package var lastAttempt: Int?
    /// For rules of blame.
    package var blame: String?
    /// For rules of action.
    package var action: String?
    package var parameters: [String: RuleValue]
    /// `active` or `observed`.
    package var state: String
    package var why: String

    package init(
        kind: String,
        name: String,
        priority: Int,
        firstCode: Int? = nil,
        lastCode: Int? = nil,
        pattern: String? = nil,
        scope: [String: String] = [:],
        firstAttempt: Int? = nil,
        lastAttempt: Int? = nil,
        blame: String? = nil,
        action: String? = nil,
        parameters: [String: RuleValue] = [:],
        state: String = RuleState.active.rawValue,
        why: String = ""
    ) {
        self.kind = kind
        self.name = name
        self.priority = priority
        self.firstCode = firstCode
        self.lastCode = lastCode
        self.pattern = pattern
        self.scope = scope
        self.firstAttempt = firstAttempt
        self.lastAttempt = lastAttempt
        self.blame = blame
        self.action = action
        self.parameters = parameters
        self.state = state
        self.why = why
    }
}
