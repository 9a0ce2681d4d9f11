import Catalog
import Domain
import Messages
import Postgres
import Testing

/// An agent that is itself part of a batch submission says so, and the catalogue knows which attempts went in it: real processes, a payload
/// of a few lines.
@Suite struct BatchSubmissionTests {
    private static let slurm = [
        "SLURM_JOB_ID": "4715", "SLURM_ARRAY_JOB_ID": "4711", "SLURM_ARRAY_TASK_ID": "3", "SLURM_CLUSTER_NAME": "hpc1",
    ]

    private static func step(_ script: String) -> StepTemplate {
        StepTemplate(name: "run", command: ["/bin/sh", "-c", script])
    }

    private static func report(_ stream: String) -> String {
        #"""
        echo $MILLRACE_INDEX > \#(stream).dat
        echo '{"events_read": 10, "outputs": {"\#(stream)": {"events": 10}}}' > $MILLRACE_REPORT
        """#
    }

    /// Three jobs, of which one fails once, and three that read what they made.
    private static let workflow = WorkflowDocument(
        name: "chain",
        tasks: [
            TaskTemplate(
                name: "generate",
                kind: "generate",
                events: "30",
                eventsPerJob: "10",
                steps: [Self.step("[ $MILLRACE_INDEX.$MILLRACE_ATTEMPT != 0.1 ] || exit 1\n" + Self.report("gen"))],
                outputs: [OutputTemplate(stream: "gen", file: "gen.dat")],
                maxAttempts: "3"
            ),
            TaskTemplate(
                name: "read",
                kind: "process",
                inputs: [InputTemplate(task: "generate", stream: "gen")],
                steps: [Self.step(Self.report("rec"))],
                outputs: [OutputTemplate(stream: "rec", file: "rec.dat")]
            ),
        ]
    )

    /// Fails before anything runs.
    private static let broken = WorkflowDocument(
        name: "broken",
        tasks: [
            TaskTemplate(
                name: "generate",
                kind: "generate",
                events: "10",
                eventsPerJob: "10",
                steps: [StepTemplate(name: "run", command: ["/no/such/program"])],
                outputs: [OutputTemplate(stream: "gen", file: "gen.dat")],
                maxAttempts: "1"
            )
        ]
    )

    private static func rows(_ centre: TestCentre, request: Int64) async throws -> [String] {
        try await centre.database.query(
            Statement(
                "test",
                """
                SELECT concat_ws(' ', t.name, s.site, s.agent, s.batch, s.attempts, s.input_files, s.live, s.done, s.failed)
                FROM submission_view s JOIN task_view t ON t.task = s.task WHERE s.request = \(request) ORDER BY s.task
                """,
                returning: String.self
            )
        )
    }

    @Test func anAgentInABatchJobTellsWhichItIs() async throws {
        try await LifecycleTests.withCentre { centre, processes in
            let watch = try await centre.events(["request.#"])
            processes.append(try await centre.startAgent("ALPHA", environment: Self.slurm))
            let request = try await centre.approve(Self.workflow)
            try await watch.finish(of: request)
            let rows = try await Self.rows(centre, request: request)
            #expect(
                rows == [
                    "generate ALPHA real slurm:hpc1:4711 4 0 0 3 1", "read ALPHA real slurm:hpc1:4711 3 3 0 3 0",
                ]
            )
            let elements = try await centre.one(
                "SELECT array_agg(DISTINCT batch_id) FROM attempt_view",
                as: [String].self
            )
            #expect(elements == ["4711_3"])
            let task = try #require(try await centre.one("SELECT min(task) FROM attempt_view", as: Int64.self))
            let shown = try await centre.database.query(
                ObjectStatements.attempt(AttemptKey(task: task, index: 0, attempt: 1))
            )
            #expect(shown.first?.contains(#""batch":"slurm:hpc1:4711""#) == true)

            // One that fails before its first step runs went in the submission all the same.
            let broken = try await centre.approve(Self.broken)
            _ = try await watch.until { key, _ in key == "request.\(broken).failed" }
            let told = try await Self.rows(centre, request: broken)
            #expect(told == ["generate ALPHA real slurm:hpc1:4711 1 0 0 0 1"])
            await watch.stop()
            try await LifecycleTests.expectNoViolations(centre)
        }
    }

    @Test func anAgentOfItsOwnTellsOfNone() async throws {
        try await LifecycleTests.withCentre { centre, processes in
            let watch = try await centre.events(["request.#"])
            processes.append(try await centre.startAgent("ALPHA"))
            let request = try await centre.approve(Self.workflow)
            try await watch.finish(of: request)
            await watch.stop()
            let rows = try await Self.rows(centre, request: request)
            #expect(rows.isEmpty)
            let named = try await centre.one(
                "SELECT count(*) FROM attempt_view WHERE batch_id IS NOT NULL",
                as: Int64.self
            )
            #expect(named == 0)
        }
    }
}
