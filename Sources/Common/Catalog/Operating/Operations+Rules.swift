package import Domain
import Messages
import Postgres

extension Operations {
    /// A failure rule, used by every Monitor at once.
    ///
    /// - Parameter expires: nil: never.
    package func addRule(_ draft: RuleDraft, expires: Moment?) async throws -> Outcome {
        try self.caller.need(.operator, to: "add a rule")
        let (stored, words) = try Self.check(draft)
        return try await self.change { transaction in
            if try await !transaction.query(RuleStatements.rule(draft.name)).isEmpty {
                throw CatalogRefusal(.state, "rule \(draft.name) exists already; choose another name")
            }
            try await transaction.execute(
                RuleStatements.insert([stored], expires: expires, who: self.caller.who)
            )
            return Outcome(
                lines: ["rule \(draft.name) added: \(words), priority \(draft.priority)"],
                result: try await self.object(RuleStatements.rule(draft.name), in: transaction, "rule \(draft.name)"),
                messages: try OutboxMessage.control("monitor", .rules)
            )
        }
    }

    /// Puts a rule into use, or only observes it.
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

    /// Takes a rule away; the audit keeps what it was.
    package func removeRule(_ name: String) async throws -> Outcome {
        try self.caller.need(.operator, to: "remove a rule")
        return try await self.change { transaction in
            _ = try await transaction.query(RuleStatements.lock(name))
            let row = try await self.object(RuleStatements.rule(name), in: transaction, "rule \(Quoted.short(name))")
            try await transaction.execute(RuleStatements.remove(name, who: self.caller.who))
            return Outcome(
                lines: ["rule \(name) is removed"],
                result: row,
                messages: try OutboxMessage.control("monitor", .rules)
            )
        }
    }

    /// Replays the failures since a moment, at most the last 50,000, with a rule: a stored one as though it were active, or a
    /// new one. Nothing is changed.
    ///
    /// - Parameter draft: nil: the stored rule of that name.
    package func testRule(_ name: String, _ draft: RuleDraft?, since: Moment) async throws -> Outcome {
        let stored = try await RuleStatements.all(self.database)
        var tested: StoredRule?
        if let draft {
            tested = try Self.check(draft).0
        } else {
            tested = stored.first { $0.name == name }
        }
        guard let rule = tested else {
            throw CatalogRefusal(.missing, "there is no rule \(Quoted.short(name)); describe a new one with options")
        }
        let others = stored.filter { $0.name != rule.name }
        do {
            let before = try VerdictPolicy(StoredRule.ruleSet(others))
            let after = try VerdictPolicy(StoredRule.ruleSet(others + [rule.activated]))
            let history = try await FailureHistory.read(self.database, since: since)
            let replay = RuleReplay(history, rule: rule.name, before: before, after: after)
            return Outcome(changed: false, lines: Self.lines(replay, rule.name), result: try Self.result(replay))
        } catch let error as RuleError {
            throw CatalogRefusal(.invalid, error.description)
        }
    }

    private static func lines(_ replay: RuleReplay, _ rule: String) -> [String] {
        let different = replay.changes.reduce(0) { $0 + $1.count }
        return [
            "rule \(rule) decides \(replay.decided) of \(replay.failures) failures; \(different) verdicts are different with it"
        ]
            + replay.changes.map { change in
                let examples = change.examples.map(\.description).joined(separator: " ")
                return "\(change.count): \(change.before) -> \(change.after) (\(examples))"
            }
    }

    private struct ReplayResult: Encodable {
        struct Change: Encodable {
            let count: Int
            let before: String
            let after: String
            let examples: [String]
        }
        let failures: Int
        let decided: Int
        let changes: [Change]
    }

    private static func result(_ replay: RuleReplay) throws -> String {
        try WireFormat.text(
            ReplayResult(
                failures: replay.failures,
                decided: replay.decided,
                changes: replay.changes.map {
                    .init(count: $0.count, before: $0.before, after: $0.after, examples: $0.examples.map(\.description))
                }
            )
        )
    }

    /// A rule as it is stored, and what it does in words; refused here if the Monitor would stumble over it.
    static func check(_ draft: RuleDraft) throws -> (StoredRule, String) {
        do {
            switch try RuleCheck.check(draft) {
            case .blame(let rule): return (try StoredRule(rule), "\(rule.match) is blamed on \(rule.blame.rawValue)")
            case .action(let rule):
                return (try StoredRule(rule), "\(rule.match): \(rule.action.rawValue) \(rule.parameters)")
            }
        } catch let error as RuleError {
            throw CatalogRefusal(.invalid, error.description)
        }
    }
}
