import Catalog
import Domain
import Messages
import Postgres
import PrivateServers
import SimulatedSite
import TestSupport
import Testing

/// The six failure modes of the D0 reprocessing, through all processes and with real files: each alone, all at once, with originals that
/// come back before, with and after the jobs made in their place, and with two operators who recover what was given up before the originals
/// come back, meanwhile and afterwards. The merged files hold exactly the events that were selected.
@Suite(.serialized) struct FailureModeTests {
    @Test func mergedStreamsAreExactInEveryMode() async throws {
        try await LifecycleTests.withCentre(services: ["scheduler"]) { centre, processes in
            try await Self.setRules(centre)
            let brakes = "{failureShare: 1, dominantShare: 1, minJobs: 1000000, minFailures: 1000000}"
            processes.append(try await centre.start("monitor", config: "monitor:\n  brakes: \(brakes)\n"))
            processes.append(try await centre.start("bookkeeper", config: "bookkeeper:\n  grace: 1s\n"))
            processes.append(try await centre.start("transfer", config: "transfer:\n  garbage: 1s\n"))
            let gateway = try await centre.startGateway()
            processes.append(gateway.process)
            let modes = FailureModes(disk: ScenarioDisk(base: "\(centre.folder)/HOME-DISK"))
            var running = [Task<Void, any Error> { await modes.follow() }]
            defer { for task in running { task.cancel() } }
            for site in ["ALPHA", "BETA"] {
                let agent = try await centre.agent(site, room: 100, manner: .init(submits: true)) {
                    modes.behaviour($0, $1)
                }
                running.append(Task { try await agent.run() })
            }
            for plan in FailureModes.plans { _ = try await centre.approve(FailureModes.workflow(plan)) }
            try await Self.recover(modes, centre, gateway)
            try await centre.until("SELECT bool_and(state NOT IN ('new', 'approved', 'running')) FROM request_view")
            for plan in FailureModes.plans {
                try await Self.check(plan, modes, centre)
                modes.tellAccepted(plan)
            }
            try await Self.checkSubmissions(centre)
            try await Self.checkLateOnes(modes, centre)
            for task in running { task.cancel() }
            try await LifecycleTests.expectNoViolations(centre)
        }
    }

    /// Where operators recover, every first failure is for them: that of the site too.
    private static func setRules(_ centre: TestCentre) async throws {
        try await centre.database.execute("UPDATE failure_rule SET parameters = parameters - 'pauseSeconds'")
        let rules = try FailureModes.plans.filter(\.isRecovered).map { plan in
            try StoredRule(
                ActionRule(
                    name: "operators-\(plan.name)",
                    priority: 1,
                    match: .init(workflow: plan.name, taskKind: "skim", attempts: 1...1),
                    action: .abort,
                    why: "An operator is to look at it."
                )
            )
        }
        try await centre.database.execute(RuleStatements.seed(rules))
    }

    // MARK: What the operators do

    /// When all that fails is given up, two operators recover each task at the same time, before its originals come back, meanwhile or when
    /// they have; each job is let wait again by one of them.
    private static func recover(_ modes: FailureModes, _ centre: TestCentre, _ gateway: TestGateway) async throws {
        let plans = FailureModes.plans.filter(\.isRecovered)
        let operators = [
            try await OperatorShell("olga", centre, gateway), try await OperatorShell("steve", centre, gateway),
        ]
        try await withThrowingDiscardingTaskGroup { group in
            for plan in plans {
                let skim = "skim-\(plan.name)"
                try await centre.until(
                    """
                    SELECT coalesce(bool_and(jobs_done + jobs_aborted = \(FailureModes.inputs - 1)), false) FROM task_view WHERE name = \(skim)
                    """
                )
                let task = try #require(
                    try await centre.one(
                        "SELECT task FROM task_view WHERE name = \(skim) AND jobs_aborted = \(Int64(plan.failed))",
                        as: Int64.self
                    ),
                    "\(plan.name): not everything that failed was given up"
                )
                if plan.comesBack == .never {
                    // The plan in words and numbers; what it would change is changed afterwards.
                    let (exit, text) = try await operators[0].millrace("recover", "\(task)", "--dry-run")
                    let jobs =
                        "\(plan.failed) job\(plan.failed == 1 ? "" : "s") with \(Int64(plan.failed) * FailureModes.eventsPerInput) events"
                    let words = "\(jobs) \(RecoveryPlan.nothingAccepted.words): "
                    #expect(exit == .status(0) && text.contains(words) == (plan.failed > 0), "\(plan.name): \(text)")
                }
                group.addTask {
                    if plan.comesBack == .ahead {
                        modes.tellComing(plan, 0...1)
                        await modes.untilGone(plan)
                    }
                    async let first = operators[0].recover(task)
                    async let second = operators[1].recover(task)
                    // Some while the commands are on their way, the others as soon as one of them has been carried out.
                    modes.tellComing(plan, 0...0)
                    let one = try await first
                    modes.tellComing(plan, 1...1)
                    let jobs = [one, try await second]
                    modes.tellRecovered(plan)
                    #expect(
                        jobs.compactMap(\.self).reduce(0, +) == plan.failed && !jobs.contains(nil),
                        "\(plan.name): \(jobs)"
                    )
                }
            }
        }
    }

    // MARK: What must be so in the end

    private static func check(_ plan: FailureModes.Plan, _ modes: FailureModes, _ centre: TestCentre) async throws {
        let rows = try await centre.database.query(
            Statement(
                "test.merged",
                """
                SELECT dataset, d.state, files, r.state FROM dataset_view d
                JOIN task_view t ON t.task = d.task JOIN request_view r ON r.request = t.request
                WHERE r.workflow = \(plan.name) AND dataset LIKE \(plan.name + ".s%")
                """,
                returning: String.self,
                String.self,
                Int64.self,
                String.self
            )
        )
        #expect(rows.count == 14, "\(plan.name)")
        let expected = Dictionary(
            uniqueKeysWithValues: zip(FailureModes.streams, FailureModes.expected(plan)).map {
                ("\(plan.name).\($0)", $1)
            }
        )
        for (dataset, state, files, request) in rows {
            let wanted = try #require(expected[dataset])
            #expect(request == "finished" && state == "closed", "\(dataset)")
            #expect(files == (wanted.isEmpty ? 0 : 1), "\(dataset)")
            try await MergedFiles(of: dataset, centre, modes.disk).expect(wanted)
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
        let late = FailureModes.plans.filter { $0.comesBack == .after }
        let names = late.map { "skim-\($0.name)" }
        try await centre.until(
            """
            SELECT count(*) = \(Int64(late.reduce(0) { $0 + $1.lost })) FROM (
                SELECT DISTINCT a.task, a.index FROM attempt_view a JOIN task_view t ON t.task = a.task
                WHERE t.name = ANY(\(names)) AND a.attempt = 1 AND a.state = 'lost') x
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
