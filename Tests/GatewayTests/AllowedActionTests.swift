import Catalog
import Domain
@testable import Gateway
import Messages
import Testing

/// What the API says a caller may do, and what it tells of what was done.
@Suite struct AllowedActionTests {
    private static func facts(_ changes: String) throws -> RequestFacts {
        try RequestFacts(#"{"owner": "mary", "tasks": [{"task": 1}], \#(changes)}"#)
    }

    private static func caller(_ role: Role, _ who: String = "x") -> Caller { Caller(who: who, role: role) }

    @Test(arguments: [
        ("new", Role.viewer, "x", ""), ("running", .viewer, "mary", ""),
        ("new", .physicist, "john", "clone"), ("new", .physicist, "mary", "cancel clone"),
        ("new", .operator, "x", "approve reject cancel change clone"),
        ("running", .physicist, "mary", "cancel clean clone"),
        ("running", .operator, "x", "hold cancel clean extend change clone"),
        ("held", .operator, "x", "release cancel clean extend change derive clone"),
        ("finished", .administrator, "x", "derive clone"), ("cancelled", .physicist, "john", "derive clone"),
        ("cancelled", .physicist, "mary", "clean derive clone"), ("rejected", .operator, "x", "clone"),
    ])
    func aRequestTellsWhatACallerMayDo(state: String, role: Role, who: String, actions: String) throws {
        let told = try Self.facts(#""state": "\#(state)""#).actions(Self.caller(role, who))
        #expect(told.map(\.rawValue).joined(separator: " ") == actions)
    }

    @Test func whatIsNoUseIsNotOffered() throws {
        let continued = try Self.facts(#""state": "failed", "continued_by": 9"#)
        #expect(continued.actions(Self.caller(.operator)) == [.clone])
        let empty = try RequestFacts(#"{"owner": "x", "state": "cancelled", "tasks": []}"#)
        #expect(empty.actions(Self.caller(.operator)) == [.derive, .clone])
        // An operator takes over the clean-up of a physicist, for what is closed; nobody begins the same one twice.
        let mine = try Self.facts(#""state": "cancelled", "cleanup": {"state": "open", "closed_too": false}"#)
        #expect(mine.actions(Self.caller(.physicist, "mary")) == [.derive, .clone])
        #expect(mine.actions(Self.caller(.operator)) == [.clean, .derive, .clone])
        let all = try Self.facts(#""state": "cancelled", "cleanup": {"state": "open", "closed_too": true}"#)
        #expect(all.actions(Self.caller(.operator)) == [.derive, .clone])
        // What was stopped can be taken up again, what is done cannot.
        let stopped = try Self.facts(#""state": "cancelled", "cleanup": {"state": "stopped", "closed_too": true}"#)
        #expect(stopped.actions(Self.caller(.operator)) == [.clean, .derive, .clone])
        let done = try Self.facts(#""state": "cancelled", "cleanup": {"state": "done", "closed_too": true}"#)
        #expect(done.actions(Self.caller(.administrator)) == [.derive, .clone])
    }

    @Test func aCleanUpTellsWhatACallerMayDo() throws {
        let open = try Self.facts(#""state": "cancelled", "cleanup": {"state": "open", "closed_too": true}"#)
        #expect(open.cleanupActions(Self.caller(.physicist, "john")).isEmpty)
        #expect(open.cleanupActions(Self.caller(.physicist, "mary")) == [.stop])
        #expect(open.cleanupActions(Self.caller(.administrator)) == [.force, .stop])
        let forced = try Self.facts(
            #""state": "cancelled", "cleanup": {"state": "open", "closed_too": true, "forced_by": "ada"}"#
        )
        #expect(forced.cleanupActions(Self.caller(.administrator)) == [.stop])
        let done = try Self.facts(#""state": "cancelled", "cleanup": {"state": "done", "closed_too": true}"#)
        #expect(done.cleanupActions(Self.caller(.administrator)).isEmpty)
    }

    @Test(arguments: [
        ("running", 0, false, "pause abort recover"), ("running", 3, false, "pause abort retry recover"),
        ("running", 0, true, "pause abort flush recover"), ("paused", 3, true, "resume abort retry recover"),
        ("done", 3, false, ""),
    ])
    func aTaskTellsWhatACallerMayDo(state: String, aborted: Int, isOpen: Bool, actions: String) throws {
        let row = #"{"state": "\#(state)", "jobs_aborted": \#(aborted), "inputs_open": \#(isOpen)}"#
        let told = try TaskFacts(row).actions(Self.caller(.operator))
        #expect(told.map(\.rawValue).joined(separator: " ") == actions)
        #expect(try TaskFacts(row).actions(Self.caller(.physicist)).isEmpty)
    }

    @Test func theHistoryHoldsMovesAndChangesAndWhyATaskIsPausedStays() async throws {
        try await withGateway(production: Production.running()) { gateway in
            let changed = try await gateway.post(
                "/requests/2/change",
                #"{"priority": 77, "reason": "urgent"}"#,
                as: .operator,
                who: "igor"
            )
            #expect(changed.status == 200, "\(changed.text)")
            let extended = try await gateway.post(
                "/requests/2/extend",
                #"{"events": 1000}"#,
                as: .operator,
                who: "olga"
            )
            #expect(extended.status == 200, "\(extended.text)")
            #expect(try await gateway.get("/tasks/3").json["reason"]?.text == "the same failure on 12 jobs")
            let rows = try await gateway.get("/requests/2/history?order=desc").items
            #expect(
                rows.prefix(2).map { $0["cause"]?.text } == [
                    "extended by 1000 events", "request 2 has priority 77: urgent",
                ]
            )
            #expect(rows.prefix(2).map { $0["who"]?.text } == ["olga", "igor"] && rows[0]["to"] == .nothing)
            #expect(Set(rows.compactMap { $0["entity"]?.text }) == ["request:2", "task:3"])
            let first = try await gateway.get("/requests/2/history?limit=3").json
            let next = try #require(first["next"]?.text)
            let rest = try await gateway.get("/requests/2/history?limit=100&after=\(next)").items
            #expect(rest.count == rows.count - 3)
            // A dry run leaves nothing behind, and a task tells only of itself.
            let dry = try await gateway.post("/tasks/1/retry?dryRun=true", "", as: .operator)
            #expect(dry.status == 200)
            #expect(try await gateway.get("/tasks/1/history").items.allSatisfy { $0["to"] != .nothing })
            #expect(try await gateway.post("/tasks/1/retry", "", as: .operator, who: "olga").status == 200)
            let told = try #require(try await gateway.get("/tasks/1/history?order=desc&limit=1").items.first)
            #expect(
                told["cause"]?.text == "task 1 (simulate): 10 aborted jobs wait again" && told["who"]?.text == "olga"
            )
            #expect(try await gateway.get("/requests/99/history").status == 404)
        }
    }
}
