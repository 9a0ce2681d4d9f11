import Catalog
import Domain
import Messages
import Postgres
import TestSupport
import Testing

@testable import Gateway

/// The rule tables over HTTP: refused when wrong, audited when changed, replayed on what has happened.
@Suite struct RuleRouteTests {
    private static let wrong: [(body: String, words: String)] = [
        (#"{"rule": "r", "action": "abort", "pattern": "("}"#, "pattern"),
        (#"{"rule": "r", "action": "abort", "pattern": "(a+)+$"}"#, "pattern"),
        (#"{"rule": "r", "action": "abort", "pattern": "(a|a)*b"}"#, "pattern"),
        (#"{"rule": "r", "action": "abort", "pattern": "(.)\\1"}"#, "pattern"),
        (#"{"rule": "r", "action": "explode"}"#, "action"),
        (#"{"rule": "r", "kind": "blame", "blame": "weather"}"#, "blame"),
        (#"{"rule": "r", "kind": "guess", "action": "abort"}"#, "kind"),
        (#"{"rule": "R r", "action": "abort"}"#, "name"),
        (#"{"rule": "r", "action": "abort", "code_first": 1, "code_last": 2}"#, "1000"),
        (#"{"rule": "r", "action": "abort", "code_first": 2000, "code_last": 1000}"#, "code"),
        (#"{"rule": "r", "action": "resubmit", "parameters": {"pause": 3}}"#, "there is no parameter pause"),
        (#"{"rule": "r", "action": "resubmit", "parameters": {"pauseSeconds": -3}}"#, "pauseSeconds"),
        (#"{"rule": "r", "action": "resubmit", "scope": {"moon": "full"}}"#, "moon"),
        (#"{"rule": "r", "blame": "site", "action": "abort", "kind": "blame"}"#, "no action"),
    ]

    @Test func aWrongRuleIsRefusedWhenItIsWritten() async throws {
        try await withGateway(production: Production.running()) { gateway in
            for (body, words) in Self.wrong {
                let answer = try await gateway.post("/rules", body)
                #expect(answer.status == 400 && answer.error.contains(words), "\(body): \(answer.text)")
            }
            let rules = try await RuleStatements.all(gateway.database).count
            #expect(rules == 1)
        }
    }

    @Test func everyChangeIsAuditedAndToldToTheMonitors() async throws {
        try await withGateway(production: Production.running()) { gateway in
            let body = #"{"rule": "quota", "priority": 5, "pattern": "quota", "blame": "site", "why": "seen in Lyon"}"#
            let added = try await gateway.post("/rules", body)
            #expect(added.status == 200, "\(added.text)")
            for word in ["disable", "enable", "remove"] {
                let answer = try await gateway.post("/rules/quota/\(word)", "{}")
                #expect(answer.status == 200, "\(word): \(answer.text)")
            }
            let audit = Statement<String>(
                "test.audit",
                "SELECT change FROM rule_change WHERE rule = 'quota' AND who <> '' ORDER BY id",
                returning: String.self
            )
            #expect(try await gateway.database.query(audit) == ["added", "changed", "changed", "removed"])
            let words = Statement<Int64>(
                "test.words",
                "SELECT count(*) FROM outbox WHERE routing_key = 'control.monitor'",
                returning: Int64.self
            )
            #expect(try await gateway.database.query(words) == [4])
        }
    }

    @Test func ofTwoWhoRemoveARuleTheSecondIsToldThatThereIsNone() async throws {
        try await withGateway(production: Production.running()) { gateway in
            for rule in ["one", "two", "three", "four", "five"] {
                let body = #"{"rule": "\#(rule)", "priority": 5, "pattern": "quota", "blame": "site", "why": "x"}"#
                let added = try await gateway.post("/rules", body)
                #expect(added.status == 200, "\(added.text)")
                async let first = gateway.post("/rules/\(rule)/remove", "{}", who: "igor")
                async let second = gateway.post("/rules/\(rule)/remove", "{}", who: "olga")
                let answers = try await [first, second].sorted { $0.status < $1.status }
                #expect(answers.map(\.status) == [200, 404], "\(answers.map(\.text))")
                #expect(answers.last?.error == "there is no rule \(rule)")
            }
        }
    }

    @Test func aRuleIsReplayedOnWhatHasHappened() async throws {
        try await withGateway(production: Production.running()) { gateway in
            let all = Statement<Int64>("test.all", "SELECT count(*) FROM verdict", returning: Int64.self)
            let failures = try await gateway.database.query(all).first ?? 0
            let answer = try await gateway.post(
                "/rules/test",
                #"{"rule": "stop", "action": "abort", "since": "3650d", "priority": 1}"#
            )
            #expect(answer.status == 200, "\(answer.text)")
            let result = try #require(try answer.json["result"])
            #expect(result["failures"] == .integer(failures) && result["decided"] == .integer(failures))
            #expect(result["looked_at"] == .integer(failures) && result["complete"] == .truth(true))
            #expect(result["archived"] == .integer(0) && !answer.text.contains("looked at"))
            let unknown = try await gateway.post("/rules/test", #"{"rule": "nobody"}"#)
            #expect(unknown.status == 404 && unknown.error.contains("there is no rule nobody"))
            let late = try await gateway.post("/rules/test", #"{"rule": "payload", "since": "soon"}"#)
            #expect(late.status == 400 && late.error.contains("since"))
            #expect(try await RuleStatements.all(gateway.database).count == 1)
        }
    }

    /// Older failures than the newest so many, and those of archived tasks: the answer tells of both.
    @Test func aReplaySaysWhatItDidNotLookAt() async throws {
        try await withGateway(production: FailureWorld.script + FailureWorld.archived) { gateway in
            let body = #"{"rule": "stop", "action": "abort", "since": "3650d", "priority": 1}"#
            let before = try await gateway.post("/rules/test", body)
            #expect(before.status == 200, "\(before.text)")
            #expect(try before.json["result"]?["archived"] == .integer(1))
            #expect(before.text.contains("1 archived task was not looked at"), "\(before.text)")
            // On its way there, its rows still here.
            try await gateway.script(
                "INSERT INTO millrace.archived_task VALUES (2, 'archiving', 40, 0, 0, 0, '{}', 0, NULL, 'olga', now())"
            )
            let counted = Statement<Int64>(
                "test.here",
                "SELECT count(*) FROM verdict WHERE task <> 2",
                returning: Int64.self
            )
            let here = try #require(try await gateway.database.query(counted).first)
            let answer = try await gateway.post("/rules/test", body)
            let result = try #require(try answer.json["result"])
            #expect(result["looked_at"] == .integer(here) && result["failures"] == .integer(here))
            #expect(result["complete"] == .truth(true) && result["archived"] == .integer(2))
            #expect(answer.text.contains("2 archived tasks were not looked at"), "\(answer.text)")
            let long = Moment(microseconds: 0)
            let all = try await ReplayReach.read(gateway.database, since: long, lookedAt: Int(here))
            #expect(all.isComplete && all.archived == 2)
            let most = try await ReplayReach.read(gateway.database, since: long, lookedAt: Int(here) - 1)
            #expect(!most.isComplete)
            #expect(
                most.lines == [
                    "only the newest \(here - 1) failures were looked at: there are more in that time",
                    "2 archived tasks were not looked at",
                ]
            )
        }
    }

    @Test func theUseOfRulesIsCountedAsTheVerdictsSay() async throws {
        try await withGateway(production: FailureWorld.script) { gateway in
            let counted = Statement<String, Int64>(
                "test.uses",
                """
                SELECT u.rule || ' ' || u.use, count(*) FROM verdict v CROSS JOIN LATERAL (
                    VALUES (v.rule, 'decided'), (v.blame_rule, 'blamed'), (v.observed[1], 'observed')) u(rule, use)
                WHERE u.rule IS NOT NULL AND v.at > now() - interval '1 day' GROUP BY 1
                """,
                returning: String.self,
                Int64.self
            )
            let wanted = Dictionary(
                try await gateway.database.query(counted).map { ($0.0, $0.1) },
                uniquingKeysWith: { first, _ in first }
            )
            #expect(wanted.count == 5)
            var told: [String: Int64] = [:]
            for item in try await gateway.get("/errors/rules").items {
                for use in ["decided", "blamed", "observed"] {
                    guard let count = item[use]?.integer, count > 0 else { continue }
                    told["\(item["rule"]?.text ?? "") \(use)"] = count
                }
            }
            #expect(told == wanted)
            let answer = try await gateway.get("/errors/rules?since=90s").json
            #expect(answer["complete"] == .truth(true) && answer["verdicts"]?.integer ?? 0 > 0)
            #expect(try await gateway.get("/errors/rules?since=soon").status == 400)
        }
    }

    @Test func theAuditIsReadAlsoOfARuleThatIsGone() async throws {
        try await withGateway(production: Production.running()) { gateway in
            _ = try await gateway.post("/rules", #"{"rule": "gone", "action": "abort", "active": false}"#, who: "ada")
            _ = try await gateway.post("/rules/gone/enable", "{}", who: "olga")
            _ = try await gateway.post("/rules/gone/remove", "{}", who: "otto")
            #expect(try await gateway.get("/rules/gone").status == 404)
            let changes = try await gateway.get("/rule-changes?rule=gone").items
            #expect(changes.map { $0["change"]?.text } == ["added", "changed", "removed"])
            #expect(changes.map { $0["who"]?.text } == ["ada", "olga", "otto"])
            #expect(changes.map { $0["row"]?["active"] } == [.truth(false), .truth(true), .truth(true)])
            #expect(try await gateway.get("/rule-changes?rule=gone&change=removed&who=otto").items.count == 1)
        }
    }

    @Test func aRuleShowsWhoChangedIt() async throws {
        try await withGateway(production: Production.running()) { gateway in
            _ = try await gateway.post("/rules", #"{"rule": "quota", "action": "abort", "why": "full"}"#, who: "ada")
            _ = try await gateway.post("/rules/quota/disable", "{}", who: "olga")
            let rule = try await gateway.get("/rules/quota").json
            #expect(rule["rule"]?.text == "quota" && rule["why"]?.text == "full" && rule["active"] == .truth(false))
            let changes = rule["changes"]?.list ?? []
            #expect(changes.map { $0["who"]?.text } == ["ada", "olga"])
            #expect(changes.map { $0["change"]?.text } == ["added", "changed"])
            #expect(changes.allSatisfy { $0["at"]?.text?.contains("T") == true })
            // The row is that of the list.
            let listed = try #require(try await gateway.get("/rules?rule=quota").items.first)
            guard case .group(let fields) = rule else {
                Issue.record("\(rule)")
                return
            }
            #expect(Set(fields.keys) == Set(listed.keys).union(["changes"]))
            #expect(listed.allSatisfy { fields[$0.key] == $0.value })
            #expect(try await gateway.get("/rules/nobody").status == 404)
        }
    }

    @Test func aPlaceThatIsProbedSaysHowManyWentWell() async throws {
        try await withGateway(production: FailureWorld.script) { gateway in
            let rows = try await gateway.get("/excluded").items
            let good = rows.map { "\($0["site"]?.text ?? "")/\($0["node"]?.text ?? "") \($0["good"]?.integer ?? -1)" }
            #expect(good == ["desy/n17 2", "kek/ -1", "lyon/n3 -1"])
            #expect(rows.allSatisfy { $0["probes"]?.integer == 3 })
        }
    }
}
