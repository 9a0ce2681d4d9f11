import Messages
import Postgres
import Testing

@testable import Gateway

/// Why a job waits, and why it failed.
@Suite struct WhyTests {
    private static func why(_ gateway: RunningGateway, _ job: String) async throws -> DetailValue {
        let answer = try await gateway.get("/jobs/\(job)/why")
        #expect(answer.status == 200, "\(job): \(answer.text.prefix(300))")
        return try answer.json
    }

    @Test func aWaitingJobSaysWhoCouldTakeItAndWhatIsBeforeIt() async throws {
        try await withGateway(production: Production.running()) { gateway in
            try await gateway.script(
                """
                SET search_path = millrace, public;
                INSERT INTO task (request, name, position, kind, class, priority, spec, jobs_total, events_total, events_per_job)
                    VALUES (2, 'urgent', 1, 'generate', 1, 200, '{}', 30, 300, 10);
                UPDATE task SET state = 'running', version = 2 WHERE id = 4;
                INSERT INTO waiting (task, first, last, class, priority) VALUES (4, 0, 29, 1, 200);
                """
            )
            let why = try await Self.why(gateway, "1/1500")
            #expect(why["summary"]?.text == "it waits for its turn: 1 of 3 agents could take it")
            // 200 of its own range and the 30 of the task of a higher priority.
            #expect(why["ahead"]?.integer == 230)
            #expect(why["changes"]?.text == "when 230 jobs of its class before it are leased")
            #expect(why["agents_total"]?.integer == 3 && why["agents_fitting"]?.integer == 1)
            let reasons = (why["reasons"]?.list ?? []).map {
                "\($0["reason"]?.text ?? "") \($0["agents"]?.integer ?? 0) \($0["sites"]?.list.compactMap(\.text) ?? [])"
            }
            #expect(reasons == ["agent silent 1 [\"kek\"]", "room 1 [\"lyon\"]"])
            let agents = why["agents"]?.list ?? []
            #expect(agents.first { $0["site"]?.text == "desy" }?["misfit"] == .nothing)
            #expect(agents.allSatisfy { $0["last_seen"]?.text != nil })
            #expect(try await Self.why(gateway, "4/0")["ahead"]?.integer == 0)
        }
    }

    @Test func inWhichBatchJobAnAttemptRanAndThatItCameBackLateIsShown() async throws {
        try await withGateway(production: Production.running()) { gateway in
            try await gateway.script(
                """
                SET search_path = millrace, public;
                UPDATE attempt SET submission = 1, batch_id = '4711.7', late_code = 8214, late_diagnostic = 'too late', late_at = now()
                    WHERE task = 1 AND index = 1001;
                """
            )
            let attempts = try await Self.why(gateway, "1/1001")["attempts"]?.list ?? []
            let shown = [
                attempts.first, try await gateway.get("/jobs/1/1001").json["attempt_rows"]?.list.first,
                try await gateway.get("/attempts/1/1001/1").json,
                try await gateway.get("/attempts?task=1&index=1001").json["items"]?.list.first,
            ]
            for row in shown {
                #expect(row?["batch_id"]?.text == "4711.7" && row?["late_code"]?.integer == 8214)
                #expect(row?["late_diagnostic"]?.text == "too late" && row?["late_at"]?.text != nil)
                // What decided about the job is still its own failure.
                #expect(row?["code"]?.integer == 1001)
            }
            #expect(shown[2]?["submission"]?.integer == 1 && shown[2]?["batch"]?.text == "4711")
            let late = try await gateway.get("/attempts?late_code=8214").json["items"]?.list ?? []
            #expect(late.count == 1 && late.first?["index"]?.integer == 1001)
            let other = try await gateway.get("/attempts/1/1002/1").json
            #expect(other["batch"] == .nothing && other["late_code"] == .nothing)
        }
    }

    @Test func whatHoldsAJobBackIsSaidFirst() async throws {
        try await withGateway(production: Production.running()) { gateway in
            func change(_ sql: String) async throws -> DetailValue {
                try await gateway.script("SET search_path = millrace, public; \(sql);")
                return try await Self.why(gateway, "1/1500")
            }
            let later = try await change(
                "UPDATE waiting SET due = false, not_before = now() + interval '1 hour', excluded = '{desy}' WHERE task = 1"
            )
            #expect(later["summary"]?.text?.hasPrefix("it is tried again in 3") == true)
            #expect(later["changes"]?.text?.hasPrefix("at 20") == true)
            #expect(later["waiting"]?["not_before"]?.text != nil)
            let excluded = try await change("UPDATE waiting SET due = true WHERE task = 1")
            let reasons = excluded["reasons"]?.list ?? []
            #expect(reasons.contains { $0["reason"]?.text == "excluded" && $0["sites"]?.list.first?.text == "desy" })
            let banned = try await change(
                "UPDATE site SET access = 'banned', version = 2, reason = 'fire' WHERE name = 'lyon'"
            )
            let lyon = try #require(banned["agents"]?.list.first { $0["site"]?.text == "lyon" })
            #expect(lyon["misfit"]?.text == "the site is banned: fire")
            #expect(lyon["changes"]?.text == "when it is allowed: millrace site allow lyon")
            let held = try await change("UPDATE waiting SET held = true WHERE task = 1")
            #expect(held["summary"]?.text == "its range is held")
            let request = try await change(
                "UPDATE request SET state = 'held', held_from = 'running', version = 4 WHERE id = 1"
            )
            #expect(request["summary"]?.text == "its request is held")
            #expect(request["changes"]?.text == "when it is released: millrace request release 1")
            let paused = try await Self.why(gateway, "3/500")
            #expect(paused["changes"]?.text == "when it is resumed: millrace task resume 3")
            let none = try await change("DELETE FROM waiting WHERE task = 1")
            #expect(none["state"]?.text == "unknown" && none["waiting"] == .nothing && none["ahead"] == .nothing)
        }
    }

    @Test func aFailedJobShowsItsAttemptsTheEvidenceAndWhatWasDecided() async throws {
        try await withGateway(production: ErrorWorld.script) { gateway in
            try await gateway.script(
                """
                SET search_path = millrace, public;
                UPDATE attempt SET failures = '[{"code": 8001, "diagnostic": "no file"}, {"code": 1001, "diagnostic": "exit status 7"}]'
                    WHERE task = 1 AND index = 24 AND attempt = 2;
                UPDATE verdict SET action = 'abort', reason = 'failed 2 times, as often as its task allows'
                    WHERE task = 1 AND index = 30 AND attempt = 2;
                UPDATE verdict SET changes = '{"excludedSites": ["desy"]}' WHERE task = 1 AND index = 18 AND attempt = 1;
                UPDATE job SET state = 'recovering', version = 6 WHERE task = 1 AND index IN (18, 30);
                UPDATE job SET state = 'aborted', version = 7 WHERE task = 1 AND index = 30;
                """
            )
            let why = try await Self.why(gateway, "1/18")
            let attempts = why["attempts"]?.list ?? []
            #expect(attempts.compactMap { $0["attempt"]?.integer } == [1, 2])
            #expect(attempts.compactMap { $0["state"]?.text } == ["failed", "failed"])
            #expect(attempts[0]["name"]?.text == "payloadExit" && attempts[0]["rule"]?.text == "rule-1001")
            #expect(attempts[0]["changes"]?["excludedSites"]?.list.first?.text == "desy")
            #expect(attempts.compactMap { $0["log_line"]?.text } == ["the last word of 18", "second 18"])
            #expect(attempts[1]["log"]?.text == "/api/v1/jobs/1/18/log?attempt=2")
            #expect(why["summary"]?.text?.contains("1001 payloadExit: exit status 7") == true, "\(why)")
            #expect(why["summary"]?.text?.hasSuffix("resubmit by rule rule-1001 is being carried out") == true)
            #expect(why["changes"] == .nothing && why["verdicts"]?.list.count == 2)
            let evidence = try await Self.why(gateway, "1/24")["attempts"]?.list.last?["failures"]?.list ?? []
            #expect(evidence.compactMap { $0["code"]?.integer } == [8001, 1001])
            let aborted = try await Self.why(gateway, "1/30")["summary"]?.text
            let reason = "it was given up after 2 attempts: failed 2 times, as often as its task allows; attempt 2"
            #expect(aborted?.hasPrefix(reason) == true, "\(aborted ?? "")")
        }
    }

    private static func story(_ state: String, cause: String? = nil, _ attempts: String...) throws -> String {
        JobStory(state: state, cause: cause, attempts: try attempts.map { try JobStory.Attempt($0) }).summary
    }

    @Test func everyStateOfAJobHasItsSentence() throws {
        let running = """
            {"attempt": 2, "state": "running", "site": "lyon", "agent": "ce1", "node": "n7", "step": "sim"}
            """
        #expect(try Self.story("active", running) == "attempt 2 runs at lyon/n7, step sim")
        let leased = #"{"attempt": 1, "state": "leased", "site": "lyon", "agent": "ce1"}"#
        #expect(try Self.story("active", leased) == "attempt 1 is leased to agent ce1 at lyon and has not begun")
        let lost = #"{"attempt": 3, "state": "lost", "site": "kek", "agent": "a", "code": 9001, "diagnostic": ""}"#
        #expect(
            try Self.story("active", lost) == "attempt 3 was lost at kek: 9001 agentLost; its verdict is on its way"
        )
        #expect(try Self.story("recovering", lost).hasSuffix("; its verdict is on its way"))
        let done = #"{"attempt": 1, "state": "done", "site": "lyon", "agent": "ce1", "node": "n7"}"#
        #expect(try Self.story("done", done) == "attempt 1 at lyon/n7 did it")
        let failed = """
            {"attempt": 1, "state": "failed", "site": "lyon", "agent": "ce1", "code": 1999, "diagnostic": "bad", "rule": "r",
             "action": "abort", "reason": "rule r gives up at once"}
            """
        #expect(
            try Self.story("aborted", failed)
                == "it was given up after 1 attempt: rule r gives up at once; attempt 1 failed at lyon: 1999: bad"
        )
        #expect(try Self.story("cancelled", cause: "its request") == "it does not wait: it is cancelled: its request")
        #expect(try Self.story("replaced", done) == "it does not wait: it is replaced")
    }

    @Test func thereIsNoAnswerAboutWhatIsNotThere() async throws {
        try await withGateway(production: Production.running()) { gateway in
            for path in ["/jobs/9/1/why", "/jobs/1/2000/why"] {
                let answer = try await gateway.get(path)
                #expect(answer.status == 404 && answer.error.hasPrefix("there is no job"), "\(path): \(answer.text)")
            }
        }
    }
}
