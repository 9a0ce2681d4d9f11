import Catalog
import Domain
import Messages
import Postgres
import SimulatedSite
import TestSupport
import Testing

/// The six failure modes of the D0 reprocessing, through all processes and with real files: each alone, all at once, and with originals
/// that come back before, with and after the jobs made in their place. The merged streams hold exactly what was selected.
@Suite(.serialized) struct FailureModeTests {
    @Test func mergedStreamsAreExactInEveryMode() async throws {
        try await LifecycleTests.withCentre(services: ["scheduler"]) { centre, processes in
            let brakes = "{failureShare: 1, dominantShare: 1, minJobs: 1000000, minFailures: 1000000}"
            processes.append(try await centre.start("monitor", config: "monitor:\n  brakes: \(brakes)\n"))
            processes.append(try await centre.start("bookkeeper", config: "bookkeeper:\n  grace: 1s\n"))
            processes.append(try await centre.start("transfer", config: "transfer:\n  garbage: 1s\n"))
            try await centre.database.execute("UPDATE failure_rule SET parameters = parameters - 'pauseSeconds'")
            let modes = FailureModes(disk: ScenarioDisk(base: "\(centre.folder)/HOME-DISK"))
            var running: [Task<Void, any Error>] = []
            for site in ["ALPHA", "BETA"] {
                let agent = try await centre.agent(site, room: 60, manner: .init(submits: true)) {
                    modes.behaviour($0, $1)
                }
                running.append(Task { try await agent.run() })
            }
            for plan in FailureModes.plans { _ = try await centre.approve(FailureModes.workflow(plan)) }
            try await centre.until("SELECT bool_and(state NOT IN ('new', 'approved', 'running')) FROM request_view")
            for plan in FailureModes.plans {
                try await Self.check(plan, centre)
                modes.tellAccepted(plan)
            }
            try await Self.checkSubmissions(centre)
            try await Self.checkLateOnes(modes, centre)
            for task in running { task.cancel() }
            try await LifecycleTests.expectNoViolations(centre)
        }
    }

    private static func check(_ plan: FailureModes.Plan, _ centre: TestCentre) async throws {
        let rows = try await centre.database.query(
            Statement(
                "test.merged",
                """
                SELECT dataset, d.state, files, events, r.state FROM dataset_view d
                JOIN task_view t ON t.task = d.task JOIN request_view r ON r.request = t.request
                WHERE r.workflow = \(plan.name) AND dataset LIKE \(plan.name + ".s%")
                """,
                returning: String.self,
                String.self,
                Int64.self,
                Int64.self,
                String.self
            )
        )
        #expect(rows.count == 14, "\(plan.name)")
        let expected = FailureModes.expected(plan)
        for (dataset, state, files, events, request) in rows {
            let wanted = expected[String(dataset.dropFirst(plan.name.count + 1))] ?? -1
            #expect(request == "finished" && state == "closed", "\(dataset)")
            #expect(events == wanted && files == (wanted == 0 ? 0 : 1), "\(dataset): \(events) of \(wanted) events")
        }
    }

    /// A grid job is a batch submission: all attempts of the skims went in one, and each is counted once, with the files it read.
    private static func checkSubmissions(_ centre: TestCentre) async throws {
        let wrong = try await centre.one(
            """
            SELECT count(*) FROM task_view t
            JOIN LATERAL (SELECT sum(attempts) AS attempts, sum(input_files) AS files, sum(live + done + failed) AS ends
                          FROM submission_view s WHERE s.task = t.task) s ON true
            JOIN LATERAL (SELECT count(*) AS attempts FROM attempt_view a WHERE a.task = t.task) a ON true
            WHERE t.kind = 'skim' AND (s.attempts <> a.attempts OR s.files <> a.attempts OR s.ends <> a.attempts OR s.attempts IS NULL)
            """,
            as: Int64.self
        )
        #expect(wrong == 0)
        // Of the grid jobs that were lost wholly nothing came back.
        let whole = try await centre.one(
            """
            SELECT bool_and(s.failed = s.attempts OR s.failed = 0) AND bool_or(s.failed > 1)
            FROM submission_view s JOIN task_view t ON t.task = s.task WHERE t.name = 'skim-whole-never'
            """,
            as: Bool.self
        )
        #expect(whole == true)
    }

    /// Originals that come back when all is over change nothing, and their files go as those of all losers do.
    private static func checkLateOnes(_ modes: FailureModes, _ centre: TestCentre) async throws {
        try await centre.until(
            """
            SELECT count(*) = \(FailureModes.late) FROM (SELECT DISTINCT a.task, a.index FROM attempt_view a JOIN task_view t ON t.task = a.task
                WHERE t.name LIKE 'skim-%-after' AND a.attempt = 1 AND a.state = 'lost') x
            """
        )
        func known() async throws -> Set<String> {
            Set(
                try await centre.database.query(
                    Statement(
                        "test.replicas",
                        "SELECT lfn FROM replica_view WHERE storage = 'HOME-DISK' AND state = 'available'",
                        returning: String.self
                    )
                )
            )
        }
        let expected = try await known()
        // What an original wrote is on the disk until its late report names it: nobody else knows of it.
        await modes.untilAllAreBack()
        while modes.disk.files() != expected { await Task.yield() }
        // It is off the list after it is off the disk.
        try await centre.until("SELECT count(*) = 0 FROM garbage")
        #expect(modes.disk.files() == expected)
        #expect(try await known() == expected)
    }
}
