import Catalog
import Domain
@testable import Gateway
import Messages
import Postgres
import Testing

/// Production over time, what is damaged, and the archive, as people ask for them.
@Suite struct HistoryTests {
    @Test func theReportIsGivenByWhatIsAsked() async throws {
        try await withGateway(production: Production.running()) { gateway in
            let days = try await gateway.get("/report")
            #expect(days.status == 200, "\(days.text.prefix(300))")
            let total = try days.json["total"]
            #expect(total?["jobs_done"]?.integer == 1000 && total?["events"]?.integer == 500_000)
            #expect(total?["jobs_aborted"]?.integer == 10 && total?["failed"]?.integer == 190)
            #expect(
                abs((total?["core_hours"]?.double ?? 0) - (total?["lost_core_hours"]?.double ?? 0) - 1000 * 1000 / 3600)
                    < 1e-6
            )
            let records = try days.json["records"]?.list ?? []
            #expect(Set(records.compactMap { $0["span"]?.text }) == ["day", "week"] && records.count == 4)
            for by in ProductionStatements.By.allCases {
                let answer = try await gateway.get("/report?since=10d&by=\(by.rawValue)")
                let done = try answer.items.reduce(0) { $0 + ($1["jobs_done"]?.integer ?? 0) }
                #expect(answer.status == 200 && done == 1000, "\(by): \(answer.text.prefix(300))")
                #expect(try answer.items.allSatisfy { $0.keys.contains(by.rawValue) }, "\(by)")
            }
            let sites = try await gateway.get("/report?by=site").items.compactMap { $0["site"]?.text }
            #expect(Set(sites) == ["lyon", "desy", "kek"])
            // Else nothing would tell two classes apart that differ in it alone.
            #expect(try await gateway.get("/report?by=class").items.allSatisfy { $0.keys.contains("share") })
            let both = try await gateway.get("/report?by=month&then=site").items
            #expect(both.allSatisfy { $0["month"] != nil && $0["site"] != nil })
            #expect(both.reduce(0) { $0 + ($1["jobs_done"]?.integer ?? 0) } == 1000)
            for query in [
                "by=site&then=site", "then=year", "by=week;", "by=year", "since=never", "since=0d", "last=1d",
            ] {
                #expect(try await gateway.get("/report?\(query)").status == 400, "\(query)")
            }
        }
    }

    @Test func whatIsDamagedIsListedAsTheTrackerCountsIt() async throws {
        try await withGateway(production: Production.running()) { gateway in
            let tracker = try await gateway.get("/tracker").items
            let listed = try await gateway.get("/damaged?limit=1000").items
            let damaged = tracker.reduce(0) { $0 + ($1["damaged"]?.integer ?? 0) }
            #expect(damaged == 5000 && listed.reduce(0) { $0 + ($1["events"]?.integer ?? 0) } == damaged)
            let first = try #require(listed.first)
            #expect(
                first["request"]?.integer == 1 && first["code"]?.integer == 1001 && first["rule"]?.text == "payload"
            )
            #expect(first["first_event"]?.integer == (first["index"]?.integer ?? 0) * 500)
            #expect(first["last_event"]?.integer == (first["index"]?.integer ?? 0) * 500 + 499)
            #expect(try await gateway.get("/damaged?request=2").items.isEmpty)
            _ = try await gateway.post("/tasks/1/retry", "{}", as: .operator)
            #expect(try await gateway.get("/damaged").items.isEmpty)
        }
    }

    private static let ended = """
        \(Production.running())
        DELETE FROM archived_task;
        INSERT INTO request (workflow, title, parameters, seed, owner, submission) VALUES (1, 'short', '{}', 1, 'mary', gen_random_uuid());
        UPDATE request SET state = 'approved', version = 2 WHERE id = 4;
        INSERT INTO task (request, name, position, kind, class, priority, spec, jobs_total, events_total, events_per_job)
            VALUES (4, 'nothing', 0, 'generate', 1, 100, '{}', 2, 20, 10);
        UPDATE task SET state = 'running', version = 2 WHERE id = 4;
        INSERT INTO job (task, index, events_expected, state) SELECT 4, i, 10, 'waiting' FROM generate_series(0, 1) i;
        UPDATE job SET state = 'cancelled', version = 2 WHERE task = 4;
        UPDATE task SET state = 'aborted', version = 3 WHERE id = 4;
        UPDATE request SET state = 'cancelled', version = 3, updated = now() - interval '100 days' WHERE id = 4;
        """

    @Test func tasksAreArchivedAndRestored() async throws {
        try await withGateway(production: Self.ended) { gateway in
            #expect(try await gateway.get("/tasks/4").json["archived"] == .nothing)
            let early = try await gateway.post("/tasks/1/archive", "{}", as: .operator)
            #expect(early.status == 409 && early.error.contains("only a task that has ended"))
            #expect(try await gateway.post("/requests/1/archive", "{}", as: .operator).status == 409)
            #expect(try await gateway.post("/tasks/4/restore", "{}", as: .operator).status == 409)
            #expect(try await gateway.post("/tasks/99/archive", "{}", as: .operator).status == 404)
            let wrong = try await gateway.post("/archive", #"{"older_than": "long"}"#, as: .operator)
            #expect(wrong.status == 400 && wrong.error.contains("such as 90d"), "\(wrong.text)")
            let dry = try await gateway.post("/archive?dryRun=true", #"{"older_than": "90d"}"#, as: .operator)
            #expect(
                dry.status == 200 && dry.text.contains("task 4 (nothing) of request 4 goes into the archive: 2 jobs"),
                "\(dry.text)"
            )
            #expect(try await gateway.get("/archived").items.isEmpty)
            #expect(
                try await gateway.post("/archive", #"{"older_than": "200d"}"#, as: .operator).text.contains(
                    "\"changed\":false"
                )
            )
            let done = try await gateway.post("/archive", #"{"older_than": "90d", "reason": "spring"}"#, as: .operator)
            #expect(done.status == 200 && done.text.contains("\"changed\":true"), "\(done.text)")
            let row = try #require(try await gateway.get("/archived").items.first)
            #expect(row["state"]?.text == "archiving" && row["jobs"]?.integer == 2 && row["reason"]?.text == "spring")
            #expect(try await gateway.get("/jobs/4/1").status == 200)
            while try await Archive.step(gateway.database) != .nothing {}
            let job = try await gateway.get("/jobs/4/1")
            #expect(job.status == 404 && job.error.contains("task 4 is archived since"), "\(job.text)")
            #expect(job.error.contains("millrace task restore 4"))
            #expect(try await gateway.get("/jobs/4/1/why").error.contains("millrace task restore 4"))
            for path in ["/tasks/4/debug", "/requests/4/debug"] {
                let answer = try await gateway.get(path).json
                let told = try #require(answer["archived"]?.list.first, "\(path)")
                #expect(answer["items"]?.list.isEmpty == true && told["state"]?.text == "archived")
                #expect(told["line"]?.text?.contains("task 4 is archived since") == true, "\(told)")
                #expect(told["line"]?.text?.contains("millrace task restore 4") == true)
                #expect(answer["complete"] == .truth(false))
            }
            #expect(try await gateway.get("/tasks/1/debug").json["archived"]?.list.isEmpty == true)
            #expect(try await gateway.get("/jobs/4/1/history").items.count == 2)
            let check = try await gateway.get("/tasks/4/recovery")
            #expect(check.status == 409 && check.error.contains("millrace task restore 4"), "\(check.text)")
            #expect(try await !gateway.get("/jobs/1/5000").error.contains("archived"))
            #expect(try await gateway.get("/tasks/4").json["archived"]?["state"]?.text == "archived")
            #expect(try await gateway.get("/jobs?task=4").items.isEmpty)
            let back = try await gateway.post("/requests/4/restore", "{}", as: .operator)
            #expect(back.status == 200 && back.text.contains("comes back: 2 jobs"), "\(back.text)")
            while try await Archive.step(gateway.database) != .nothing {}
            #expect(try await gateway.get("/jobs/4/1").status == 200)
            #expect(try await gateway.get("/archived").items.isEmpty)
        }
    }
}
