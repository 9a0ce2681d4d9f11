import Domain
import Postgres

/// The rule table as people change it.
enum RuleStatements {
    static func insert(_ rule: NewRule, scope: JSONText, parameters: JSONText, who: String) -> SQL {
        """
        INSERT INTO failure_rule (name, priority, code_first, code_last, pattern, scope, blame, action, parameters, expires, who)
        VALUES (\(rule.rule), \(Int32(clamping: rule.priority)), \(Int32(clamping: rule.codeFirst)), \(Int32(clamping: rule.codeLast)),
                \(rule.pattern), \(scope), \(rule.blame?.rawValue), \(rule.action.rawValue), \(parameters), \(rule.expires), \(who))
        """
    }

    /// Returns a row if there is such a rule and it changed.
    static func activate(_ name: String, active: Bool, who: String) -> Statement<Int64> {
        Statement(
            "rules.activate",
            """
            UPDATE failure_rule SET active = \(active), who = \(who), changed = now() WHERE name = \(name) AND active <> \(active)
            RETURNING id
            """,
            returning: Int64.self
        )
    }

    static func rule(_ name: String) -> Statement<String> {
        Statement(
            "rules.rule",
            """
            SELECT row_to_json(d)::text FROM (
                SELECT name AS rule, priority, code_first, code_last, pattern, scope, blame, action, parameters, active, expires, who,
                       changed
                FROM failure_rule WHERE name = \(name)
            ) d
            """,
            returning: String.self
        )
    }

    static var examples: [AnyStatement] {
        let rule = NewRule(rule: "x", priority: 1, codeFirst: 1, codeLast: 1, action: .abort)
        return [
            Command("rules.insert", Self.insert(rule, scope: JSONText("{}"), parameters: JSONText("{}"), who: "x"))
                .erased,
            Self.activate("x", active: true, who: "x").erased, Self.rule("x").erased,
        ]
    }
}
