import Catalog
import Domain
import Messages
import Postgres
import PrivateServers
import SimulatedSite
import TestSupport
import Testing

/// Derive tasks, through all processes: what was derived and is lost is made again, what is there is not.
@Suite(.serialized) struct MissingTests {
    private static func workflow(_ name: String, kind: String, missingIn: String? = nil) -> WorkflowDocument {
        WorkflowDocument(
            name: name,
            tasks: [
                TaskTemplate(
                    name: "read",
                    kind: kind,
                    inputs: [InputTemplate(dataset: "raw", missingIn: missingIn)],
                    steps: [StepTemplate(name: "read", command: ["true"])],
                    outputs: [OutputTemplate(stream: "out", file: "out.dat", dataset: name)]
                )
            ]
        )
    }

    private static let raw = WorkflowDocument(
        name: "raw",
        tasks: [
            TaskTemplate(
                name: "generate",
                kind: "generate",
                events: 200,
                eventsPerJob: 10,
                steps: [StepTemplate(name: "make", command: ["true"])],
                outputs: [OutputTemplate(stream: "raw", file: "raw.dat", dataset: "raw")]
            )
        ]
    )

    @Test func onlyWhatIsMissingIsDerived() async throws {
        try await LifecycleTests.withCentre { centre, _ in
            let operations = Operations(centre.database, caller: centre.caller)
            let watch = try await centre.events(["request.#"])
            let agent = try await centre.agent("ALPHA", room: 100)
            let running = Task { try await agent.run() }
            for workflow in [Self.raw, Self.workflow("derived", kind: "process")] {
                try await watch.finish(of: try await centre.approve(workflow))
            }
            let lfn = try #require(
                try await centre.one("SELECT min(lfn) FROM file WHERE task = 2", as: String?.self) ?? nil
            )
            try await centre.carryOut(
                try await operations.declareBad(file: lfn, at: nil, isLost: true, reason: "tape broke")
            )
            try await watch.finish(
                of: try await centre.approve(Self.workflow("again", kind: "derive", missingIn: "derived"))
            )
            let made = try await centre.one(
                """
                SELECT concat((SELECT count(*) FROM job WHERE task = 3), ' ', (SELECT events_done FROM task_view WHERE task = 3), ' ',
                    (SELECT count(*) FROM unit_input u JOIN file_parent p ON p.parent = u.file JOIN file f ON f.id = p.file
                     WHERE u.task = 3 AND f.lfn = \(lfn)))
                """,
                as: String.self
            )
            #expect(made == "1 10 1", "one job, of the file whose derived one is lost")
            // Of the two together nothing is missing.
            _ = try await operations.createContainer("all")
            _ = try await operations.add(["derived", "again"], to: "all")
            try await watch.finish(
                of: try await centre.approve(Self.workflow("nothing", kind: "derive", missingIn: "all"))
            )
            let jobs = try await centre.one("SELECT count(*) FROM job WHERE task = 4", as: Int64.self)
            #expect(jobs == 0)
            running.cancel()
            await watch.stop()
            try await LifecycleTests.expectNoViolations(centre)
        }
    }
}
