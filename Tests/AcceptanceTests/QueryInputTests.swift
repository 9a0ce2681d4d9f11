import Catalog
import Domain
import Messages
import NIOConcurrencyHelpers
import Postgres
import PrivateServers
import SimulatedSite
import TestSupport
import Testing

/// Tasks that read what a query finds, or the datasets of a container, through all processes.
@Suite(.serialized) struct QueryInputTests {
    private static func made(_ name: String, run: Int) -> WorkflowDocument {
        WorkflowDocument(
            name: name,
            parameters: ["run": ParameterTemplate(default: Scalar("\(run)"))],
            tasks: [
                TaskTemplate(
                    name: "generate",
                    kind: "generate",
                    events: 200,
                    eventsPerJob: 10,
                    steps: [StepTemplate(name: "make", command: ["true"])],
                    outputs: [
                        OutputTemplate(
                            stream: "gen",
                            file: "gen.dat",
                            dataset: "\(name).gen",
                            metadata: ["quality": "raw"]
                        )
                    ],
                    metadata: ["run": "${run}", "quality": "none"]
                )
            ]
        )
    }

    private static func read(_ name: String, _ input: InputTemplate, groupBy: [String]? = nil) -> WorkflowDocument {
        WorkflowDocument(
            name: name,
            tasks: [
                TaskTemplate(
                    name: "merge",
                    kind: "merge",
                    filesPerJob: 5,
                    inputs: [input],
                    steps: [StepTemplate(name: "merge", command: ["true"])],
                    outputs: [OutputTemplate(stream: "merged", file: "merged.dat")],
                    groupBy: groupBy
                )
            ]
        )
    }

    /// Twenty files of a run, one of which is told apart, are found by what the workflow said of their dataset; the files of a
    /// container are those of its datasets. What is said after a task began does not change what it reads.
    @Test func aTaskReadsWhatItsQueryFindsWhenItBegins() async throws {
        try await LifecycleTests.withCentre { centre, _ in
            let operations = Operations(centre.database, caller: centre.caller)
            _ = try await operations.addField("run", type: .integer, description: "")
            _ = try await operations.addField("quality", type: .text, description: "")
            let watch = try await centre.events(["request.#"])
            let agent = try await centre.agent("ALPHA", room: 100)
            let running = Task { try await agent.run() }
            for (name, run) in [("first", 7), ("second", 8)] {
                let request = try await centre.approve(Self.made(name, run: run))
                try await watch.finish(of: request)
            }
            let lfn = try await centre.one("SELECT min(lfn) FROM file WHERE task = 1", as: String?.self) ?? nil
            _ = try await operations.tag(file: try #require(lfn), ["quality": "bad"], remove: [])

            let query = InputTemplate(query: "run = 7 and quality = 'raw'")
            let third = try await centre.approve(Self.read("query", query))
            try await centre.until("SELECT count(*) = 19 FROM unit_input WHERE task = 3")
            _ = try await operations.tag(dataset: "first.gen", ["quality": "worse"], remove: [])
            try await watch.finish(of: third)
            let sizes = try await centre.one(
                "SELECT string_agg(events_expected::text, ',' ORDER BY index) FROM job WHERE task = 3",
                as: String.self
            )
            #expect(sizes == "50,50,50,40")

            _ = try await operations.createContainer("both")
            await #expect(throws: CatalogRefusal.self) {
                _ = try await centre.approve(Self.read("container", InputTemplate(container: "both")))
            }
            _ = try await operations.add(["first.gen", "second.gen"], to: "both")
            let fourth = try await centre.approve(Self.read("container", InputTemplate(container: "both")))
            try await watch.finish(of: fourth)
            let done = try await centre.one(
                "SELECT events_done FROM task_view WHERE request = \(fourth)",
                as: Int64.self
            )
            #expect(done == 400)
            // Twelve files of one quality and eight of another make three and two jobs of at most five, never one with both.
            let names: SQL = "SELECT lfn FROM file WHERE task = 2 ORDER BY index LIMIT 8"
            for lfn in try await centre.database.query(Statement("test", names, returning: String.self)) {
                _ = try await operations.tag(file: lfn, ["quality": "good"], remove: [])
            }
            let fifth = try await centre.approve(
                Self.read("grouped", InputTemplate(query: "run = 8"), groupBy: ["quality", "site"])
            )
            try await watch.finish(of: fifth)
            let grouped = try await centre.one(
                "SELECT string_agg(j.events_expected::text, ',' ORDER BY j.index) FROM job j JOIN task t ON t.id = j.task WHERE t.request = \(fifth)",
                as: String.self
            )
            #expect(grouped == "50,30,50,50,20")
            await #expect(throws: CatalogRefusal.self) {
                _ = try await centre.approve(Self.read("other", InputTemplate(query: "run = 8"), groupBy: ["rum"]))
            }
            for wrong in ["rum = 7", "run = 'x'"] {
                await #expect(throws: CatalogRefusal.self) {
                    _ = try await centre.approve(Self.read("wrong", InputTemplate(query: wrong)))
                }
            }
            running.cancel()
            await watch.stop()
            try await LifecycleTests.expectNoViolations(centre)
        }
    }
}
