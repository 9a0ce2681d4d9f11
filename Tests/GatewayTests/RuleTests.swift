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
            let unknown = try await gateway.post("/rules/test", #"{"rule": "nobody"}"#)
            #expect(unknown.status == 404 && unknown.error.contains("there is no rule nobody"))
            let late = try await gateway.post("/rules/test", #"{"rule": "payload", "since": "soon"}"#)
            #expect(late.status == 400 && late.error.contains("since"))
            #expect(try await RuleStatements.all(gateway.database).count == 1)
        }
    }
}
