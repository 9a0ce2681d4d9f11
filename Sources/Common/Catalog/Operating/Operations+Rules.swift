import Domain
import Messages
import Postgres

extension Operations {
    /// A failure rule, used by the Monitor at once.
    package func addRule(_ rule: NewRule) async throws -> Outcome {
        try self.caller.need(.operator, to: "add a rule")
        try Self.check(rule)
        var scope: [String: String] = [:]
        if let site = rule.site { scope["site"] = site }
        if let kind = rule.taskKind { scope["taskKind"] = kind }
        let scopeText = JSONText(try WireFormat.text(scope))
        let parameters = JSONText(try WireFormat.text(rule.parameters))
        return try await self.change { transaction in
            if try await !transaction.query(RuleStatements.rule(rule.rule)).isEmpty {
                throw CatalogRefusal(.state, "rule \(rule.rule) exists already; choose another name")
            }
            try await transaction.execute(
                RuleStatements.insert(rule, scope: scopeText, parameters: parameters, who: self.caller.who)
            )
            return Outcome(
                lines: [
                    "rule \(rule.rule) added: codes \(rule.codeFirst) to \(rule.codeLast) \(rule.action.rawValue), priority \(rule.priority)"
                ],
                result: try await self.object(RuleStatements.rule(rule.rule), in: transaction, "rule \(rule.rule)"),
                messages: try OutboxMessage.control("monitor", .rules)
            )
        }
    }

    /// Puts a rule into use, or out of it.
    package func setRule(_ name: String, active: Bool) async throws -> Outcome {
        try self.caller.need(.operator, to: "change a rule")
        return try await self.change { transaction in
            let changed = try await !transaction.query(
                RuleStatements.activate(name, active: active, who: self.caller.who)
            ).isEmpty
            let row = try await self.object(RuleStatements.rule(name), in: transaction, "rule \(Quoted.short(name))")
            let state = active ? "active" : "only observed"
            return Outcome(
                changed: changed,
                lines: ["rule \(name) is \(state)\(changed ? "" : " already")"],
                result: row,
                messages: changed ? try OutboxMessage.control("monitor", .rules) : []
            )
        }
    }

    /// Everything the Monitor would stumble over.
    private static func check(_ rule: NewRule) throws(CatalogRefusal) {
        guard WorkflowDocument.isName(rule.rule) else {
            throw CatalogRefusal(.invalid, "rule: \(Quoted.short(rule.rule)) is not a name: letters, digits, _ . -")
        }
        guard 0 <= rule.codeFirst, rule.codeFirst <= rule.codeLast, rule.codeLast <= 9999 else {
            throw CatalogRefusal(
                .invalid,
                "code_first and code_last: \(rule.codeFirst) to \(rule.codeLast) is not within 0 to 9999"
            )
        }
        guard (0...1_000_000).contains(rule.priority) else {
            throw CatalogRefusal(.invalid, "priority: \(rule.priority) is not from 0 to 1000000")
        }
        do {
            _ = try VerdictPolicy(rules: [
                FailureRule(
                    name: rule.rule,
                    priority: rule.priority,
                    codes: rule.codeFirst...rule.codeLast,
                    pattern: rule.pattern,
                    action: rule.action
                )
            ])
        } catch {
            throw CatalogRefusal(.invalid, error.description)
        }
    }
}
