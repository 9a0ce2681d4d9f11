import Catalog
import Domain
@testable import Gateway
import Messages
import Postgres
import Testing

@Suite struct ChangeTests {
    static let workflow = """
        {"document": {"name": "study", "parameters": {"total": {"default": 1000}, "tune": {}},
          "tasks": [
            {"name": "simulate", "kind": "generate", "events": "${total}", "eventsPerJob": 100,
             "steps": [{"name": "run", "command": ["sim", "${tune}", "${seed}"]}],
             "outputs": [{"stream": "hits", "file": "hits.json"}, {"stream": "plot", "file": "p.png", "events": false}]},
            {"name": "merge", "kind": "merge", "inputs": [{"task": "simulate", "stream": "hits"}],
             "steps": [{"name": "run", "command": ["merge", "${inputs}"]}], "outputs": [{"stream": "all", "file": "all.json"}]}]}}
        """
    static let request = #"{"workflow": "study", "parameters": {"tune": "a"}, "title": "first"}"#

    /// Every number of rows, to see that nothing changed.
    static let counts = Statement<String>(
        "test.counts",
        """
        SELECT concat_ws(' ', (SELECT count(*) FROM request), (SELECT count(*) FROM task), (SELECT count(*) FROM transition),
            (SELECT count(*) FROM workflow), (SELECT count(*) FROM site), (SELECT count(*) FROM storage_element),
            (SELECT count(*) FROM outbox), (SELECT count(*) FROM kill_wish), (SELECT count(*) FROM waiting WHERE held),
            (SELECT count(*) FROM failure_rule WHERE active), (SELECT count(*) FROM sample), (SELECT count(*) FROM simulation),
            (SELECT string_agg(state, ',' ORDER BY id) FROM request))
        """,
        returning: String.self
    )

    @Test func aRequestIsMadeApprovedHeldReleasedAndCancelled() async throws {
        try await withGateway(production: Production.farm) { gateway in
            let added = try await gateway.post("/workflows", Self.workflow, as: .physicist)
            #expect(added.status == 200 && added.text.contains("\"changed\":true"), "\(added.text)")
            let again = try await gateway.post("/workflows", Self.workflow, as: .physicist)
            #expect(again.text.contains("\"changed\":false"), "\(again.text)")
            let made = try await gateway.post("/requests", Self.request, as: .physicist, who: "mary")
            #expect(made.status == 200, "\(made.text)")
            let id = try #require(try made.json["result"]?["request"]?.integer)
            let approved = try await gateway.post(
                "/requests/\(id)/approve",
                #"{"version": 1}"#,
                as: .operator,
                who: "olga"
            )
            #expect(approved.status == 200, "\(approved.text)")
            let tasks = try approved.json["result"]?["tasks"]?.list ?? []
            #expect(tasks.map { $0["name"]?.text } == ["simulate", "merge"])
            #expect(tasks.first?["jobs_total"]?.integer == 10 && tasks.last?["jobs_total"] == .nothing)
            let first = try #require(tasks.first?["task"]?.integer)
            let shown = try await gateway.get("/tasks/\(first)").json
            #expect(shown["spec"]?["task"]?.integer == first)
            #expect(shown["streams"]?.list.contains { $0["dataset"]?.text == "\(id).simulate.hits" } == true)
            for (action, state) in [("hold", "held"), ("release", "approved"), ("cancel", "cancelled")] {
                let answer = try await gateway.post(
                    "/requests/\(id)/\(action)",
                    #"{"reason": "because"}"#,
                    as: .operator,
                    who: "olga"
                )
                #expect(try answer.json["result"]?["state"]?.text == state, "\(answer.text)")
            }
            let log = try await gateway.get("/transitions?entity=request:\(id)").items
            #expect(log.compactMap { $0["to"]?.text } == ["new", "approved", "held", "approved", "cancelled"])
            #expect(log.compactMap { $0["who"]?.text } == ["mary", "olga", "olga", "olga", "olga"])
            #expect(try await gateway.get("/tasks?state=aborted").items.count == 2)
        }
    }

    @Test func ofTwoApprovalsAtOnceOneHasAnEffectAndTheOtherIsToldWhoWasFirst() async throws {
        try await withGateway(production: Production.farm) { gateway in
            _ = try await gateway.post("/workflows", Self.workflow)
            _ = try await gateway.post("/requests", Self.request)
            async let one = gateway.post("/requests/1/approve", "", as: .operator, who: "olga")
            async let two = gateway.post("/requests/1/approve", "", as: .operator, who: "igor")
            let answers = try await [one, two].sorted { $0.status < $1.status }
            #expect(answers.map(\.status) == [200, 409])
            #expect(answers[1].error.hasPrefix("request 1 is approved, changed by "), "\(answers[1].error)")
            #expect(answers[1].error.contains("olga") || answers[1].error.contains("igor"))
            #expect(try await gateway.get("/tasks").items.count == 2)
            let stale = try await gateway.post("/requests/1/hold", #"{"version": 1}"#, as: .operator)
            #expect(stale.status == 409 && stale.error.contains("it is at version 2, not 1"), "\(stale.error)")
        }
    }

    @Test func theSameSubmissionTwiceMakesOneRequest() async throws {
        try await withGateway(production: Production.farm) { gateway in
            _ = try await gateway.post("/workflows", Self.workflow)
            let body =
                #"{"workflow": "study", "parameters": {"tune": "a"}, "submission": "6f1c5c2e-0a5b-4c8e-9d55-0c7f3a1b2c3d"}"#
            let answers = try await withThrowingTaskGroup(of: Answer.self) { group in
                for _ in 0..<8 { group.addTask { try await gateway.post("/requests", body, as: .physicist) } }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(answers.allSatisfy { $0.status == 200 }, "\(answers.map(\.text))")
            #expect(Set(try answers.map { try $0.json["result"]?["request"]?.integer }).count == 1)
            #expect(try await gateway.get("/requests").items.count == 1)
        }
    }

    @Test func wrongInputIsRefusedWithOneLine() async throws {
        try await withGateway(production: Production.farm) { gateway in
            _ = try await gateway.post("/workflows", Self.workflow)
            let cases: [(String, String, Int, String)] = [
                ("/requests", #"{"workflow": "study"}"#, 400, "parameters.tune: has no default"),
                (
                    "/requests", #"{"workflow": "study", "parameters": {"tune": 1, "colour": 2}}"#, 400,
                    "no such parameter"
                ),
                (
                    "/requests", #"{"workflow": "study", "parameters": {"tune": 1, "total": "many"}}"#, 400,
                    "is not a number"
                ),
                ("/requests", #"{"workflow": "none"}"#, 404, "there is no workflow none"),
                ("/requests", #"{"workflow": "study", "prioritty": 5}"#, 400, "prioritty is not known"),
                (
                    "/requests", #"{"workflow": "study", "parameters": {"tune": 1}, "sample": "none"}"#, 404,
                    "there is no sample"
                ),
                ("/requests", "[1]", 400, "not a JSON object"), ("/requests", "{", 400, "not JSON"),
                ("/workflows", #"{"document": {"name": "x", "tasks": [], "stuff": 1}}"#, 400, "unknown key"),
                ("/sites", #"{"site": "a.b"}"#, 400, "is not a name"),
                ("/sites", #"{"site": "lyon"}"#, 409, "exists already"),
                ("/sites", #"{"site": "new", "cloud": "none"}"#, 404, "does not exist"),
                ("/storages", #"{"storage": "s", "base": "relative"}"#, 400, "absolute folder"),
                ("/sites/none/ban", "{}", 404, "there is no site"),
                ("/requests/77/approve", "{}", 404, "there is no request"),
            ]
            for (path, body, status, text) in cases {
                let answer = try await gateway.post(path, body)
                #expect(answer.status == status && answer.error.contains(text), "\(path) \(body): \(answer.text)")
            }
            let large = "{\"workflow\": \"\(String(repeating: "x", count: 2 << 20))\"}"
            let refused = try await gateway.post("/requests", large)
            #expect(refused.status == 413, "\(refused.text)")
        }
    }

    @Test func dryRunsShowThePlanAndChangeNothing() async throws {
        try await withGateway(production: Production.running()) { gateway in
            let before = try await gateway.database.query(Self.counts)
            let calls: [(String, String)] = [
                ("/workflows", Self.workflow), ("/requests/1/hold", "{}"), ("/requests/1/cancel", "{}"),
                ("/requests/3/reject", "{}"), ("/tasks/1/pause", "{}"), ("/tasks/1/abort", "{}"),
                ("/tasks/1/retry", "{}"),
                ("/tasks/3/resume", "{}"), ("/sites", #"{"site": "new"}"#), ("/sites/lyon/ban", "{}"),
                ("/storages", #"{"storage": "s", "base": "/s"}"#), ("/clouds", #"{"cloud": "c"}"#),
                ("/transfers/1/retry", "{}"), ("/transfers/2/cancel", "{}"), ("/rules/payload/disable", "{}"),
                ("/simulations", #"{"ssw": "a", "ssw_ver": "b", "detector_model": "c", "physics_list": "d"}"#),
                ("/samples", #"{"root_name": "n", "process": "p", "generator": "g", "energy": 1, "total_events": 5}"#),
                ("/rules", #"{"rule": "r", "priority": 1, "code_first": 1001, "code_last": 1002, "action": "abort"}"#),
                ("/rules/test", #"{"rule": "payload"}"#), ("/rules/payload/remove", "{}"),
                ("/tasks/1/recover", #"{"reason": "a disk died"}"#),
            ]
            for (path, body) in calls {
                let answer = try await gateway.post("\(path)?dryRun=true", body)
                #expect(answer.status == 200, "\(path): \(answer.text)")
                #expect(try answer.json["dryRun"] == .truth(true) && !(answer.json["lines"]?.list.isEmpty ?? true))
            }
            #expect(try await gateway.database.query(Self.counts) == before)
            #expect(try await gateway.post("/sites/lyon/ban?dryRun=perhaps", "{}").status == 400)
            for (path, body) in calls where !path.contains("cancel") && !path.contains("abort") {
                let answer = try await gateway.post(path, body)
                #expect(answer.status == 200 && answer.text.contains("\"dryRun\":false"), "\(path): \(answer.text)")
            }
            #expect(try await gateway.database.query(Self.counts) != before)
        }
    }

    @Test func retriedJobsWaitAgainAndAPausedTaskKeepsItsRanges() async throws {
        try await withGateway(production: Production.running()) { gateway in
            let aborted = try await gateway.get("/jobs?task=1&state=aborted&limit=1000").items.count
            #expect(aborted == 10)
            let retried = try await gateway.post("/tasks/1/retry", "", as: .operator)
            #expect(try retried.json["result"]?["jobs"]?.integer == Int64(aborted), "\(retried.text)")
            #expect(try await gateway.get("/waiting?task=1&held=false").items.count == aborted + 1)
            #expect(try await gateway.post("/tasks/1/pause", #"{"reason": "look"}"#, as: .operator).status == 200)
            #expect(try await gateway.get("/waiting?task=1&held=false").items.isEmpty)
            #expect(try await gateway.post("/tasks/1/pause", "", as: .operator).status == 409)
            #expect(try await gateway.post("/tasks/1/resume", "", as: .operator).status == 200)
            #expect(try await gateway.get("/waiting?task=1&held=true").items.isEmpty)
            let mine = try await gateway.post("/requests/2/cancel", "", as: .physicist, who: "mary")
            #expect(mine.status == 403 && mine.error.contains("belongs to john"), "\(mine.text)")
            let killed = try await gateway.post("/requests/1/cancel", "", as: .physicist, who: "mary")
            #expect(killed.text.contains("230 running jobs are told to stop"), "\(killed.text)")
        }
    }

    /// All but job 0 lack the stream `plot`.
    @Test func aTaskIsCheckedAndRecovered() async throws {
        try await withGateway(production: Production.running()) { gateway in
            let checked = try await gateway.get("/tasks/1/recovery").json
            let first = try #require(checked["plan"]?.list.first)
            #expect(first["action"]?.text == "makeAgain" && first["reason"]?.text == "streamsMissing")
            #expect(first["jobs"]?.integer == 999 && first["events"]?.integer == 499_500)
            #expect(first["examples"]?.list.first?.text == "1.1")
            let dry = try await gateway.post("/tasks/1/recover?dryRun=true", "", as: .operator)
            #expect(
                try dry.json["result"]?["plan"] == checked["plan"] && dry.json["lines"] == checked["lines"],
                "\(dry.text)"
            )
            #expect(try await gateway.post("/tasks/1/recover", "", as: .physicist).status == 403)
            #expect(try await gateway.post("/tasks/1/recover", #"{"version": 1}"#, as: .operator).status == 409)
            let real = try await gateway.post("/tasks/1/recover", #"{"reason": "a disk died"}"#, as: .operator)
            #expect(try real.status == 200 && real.json["result"]?["plan"] == checked["plan"], "\(real.text)")
            #expect(try await gateway.get("/jobs/1/0").json["state"]?.text == "done")
            let job = try await gateway.get("/jobs/1/5").json
            #expect(job["state"]?.text == "waiting" && job["winner"] == .nothing)
            #expect(job["reason"]?.text == "a disk died (recovery: made again: not every stream is accepted)")
            let after = try await gateway.get("/tasks/1/recovery").json
            #expect(after["plan"]?.list.contains { $0["action"]?.text == "makeAgain" } == false)
            #expect(try await gateway.get("/tasks/99/recovery").status == 404)
        }
    }

    @Test func tenMillionJobsAreApprovedInOneSmallTransaction() async throws {
        try await withGateway(production: Production.farm) { gateway in
            _ = try await gateway.post("/workflows", Self.workflow)
            _ = try await gateway.post(
                "/requests",
                #"{"workflow": "study", "parameters": {"tune": 1, "total": 1000000000}}"#
            )
            let clock = ContinuousClock()
            let began = clock.now
            let answer = try await gateway.post("/requests/1/approve", "", as: .operator)
            print("approved 10,000,000 jobs in \(began.duration(to: clock.now))")
            #expect(
                try answer.json["result"]?["tasks"]?.list.first?["jobs_total"]?.integer == 10_000_000,
                "\(answer.text)"
            )
            #expect(try await gateway.get("/waiting").items.isEmpty, "the ranges are the Scheduler's")
        }
    }
}
