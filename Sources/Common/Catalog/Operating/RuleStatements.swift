import Domain
package import Postgres

/// The rule tables: as the Monitor compiles them, and as people change them.
package enum RuleStatements {
    private typealias Row = (
        String, String, Int32, Int32?, Int32?, String?, JSONText, String?, String?, JSONText, String, Bool
    )

    /// Every rule that has not expired, also those only observed.
    package static func all(_ database: PostgresClient) async throws -> [StoredRule] {
        try await database.query(Self.rules).map { StoredRule(row: $0) }
    }

    private static let rules = Statement<
        String, String, Int32, Int32?, Int32?, String?, JSONText, String?, String?, JSONText, String, Bool
    >(
        "rules.all",
        """
        SELECT name, kind, priority, code_first, code_last, pattern, scope, blame, action, parameters, why, active FROM failure_rule
        WHERE expires IS NULL OR expires > now() ORDER BY priority, name
        """,
        returning: String.self,
        String.self,
        Int32.self,
        Int32?.self,
        Int32?.self,
        String?.self,
        JSONText.self,
        String?.self,
        String?.self,
        JSONText.self,
        String.self,
        Bool.self
    )

    /// Puts the rules a catalogue starts with; those already there stay as they are.
    package static func seed(_ rules: [StoredRule]) -> SQL {
        Self.insert(rules, expires: nil, who: "millrace", isSeed: true)
    }

    static func insert(_ rules: [StoredRule], expires: Moment?, who: String, isSeed: Bool = false) -> SQL {
        let conflict: SQL = isSeed ? "ON CONFLICT (name) DO NOTHING" : ""
        return """
            INSERT INTO failure_rule (name, kind, priority, code_first, code_last, pattern, scope, blame, action, parameters, why, active,
                                      expires, who)
            SELECT i.*, \(expires), \(who) FROM unnest(\(rules.map(\.name)), \(rules.map(\.kind)),
                \(rules.map { Int32(clamping: $0.priority) }), \(rules.map { $0.codes.map { Int32(clamping: $0.lowerBound) } }),
                \(rules.map { $0.codes.map { Int32(clamping: $0.upperBound) } }), \(rules.map(\.pattern)), \(rules.map(\.scope)),
                \(rules.map(\.blame)), \(rules.map(\.action)), \(rules.map(\.parameters)), \(rules.map(\.why)), \(rules.map(\.active)))
                AS i(name, kind, priority, code_first, code_last, pattern, scope, blame, action, parameters, why, active)
            \(fragment: conflict)
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

    /// A rule, locked: of two people who take it away the second finds none.
    static func lock(_ name: String) -> Statement<Int64> {
        Statement(
            "rules.lock",
            "SELECT id FROM failure_rule WHERE name = \(name) FOR UPDATE",
            returning: Int64.self
        )
    }

    /// Takes a rule away; its audit row keeps what it was, and who took it.
    static func remove(_ name: String, who: String) -> [SQL] {
        [
            "SELECT set_config('millrace.who', \(who), true)",
            "DELETE FROM failure_rule WHERE name = \(name)",
        ]
    }

    /// A rule with who changed it and when, as JSON.
    package static func rule(_ name: String) -> Statement<String> {
        Statement(
            "rules.rule",
            """
            SELECT row_to_json(d)::text FROM (
                SELECT name AS rule, kind, priority, code_first, code_last, pattern, scope, blame, action, parameters, why, active,
                       expires, who, changed,
                       (SELECT coalesce(json_agg(json_build_object('at', c.at, 'who', c.who, 'change', c.change) ORDER BY c.id), '[]')
                        FROM rule_change c WHERE c.rule = failure_rule.name) AS changes
                FROM failure_rule WHERE name = \(name)
            ) d
            """,
            returning: String.self
        )
    }

    static var examples: [AnyStatement] {
        [
            Self.rules.erased, Command("rules.insert", Self.insert([], expires: nil, who: "x")).erased,
            Command("rules.seed", Self.seed([])).erased, Self.activate("x", active: true, who: "x").erased,
            Self.lock("x").erased, Self.rule("x").erased, Command("rules.remove", Self.remove("x", who: "x")[1]).erased,
        ] + FailureHistory.examples
    }
}
