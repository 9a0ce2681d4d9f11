import Catalog
import Domain
import Messages
import Postgres
import PrivateServers
import SimulatedSite
import TestSupport
import Testing

/// A file is lost after a merge has taken it and before it is merged, through all processes.
@Suite(.serialized) struct TakenTests {
    private static let workflow = WorkflowDocument(
        name: "taken",
        tasks: [
            TaskTemplate(
                name: "generate",
                kind: "generate",
                events: 200,
                eventsPerJob: 10,
                steps: [StepTemplate(name: "make", command: ["true"])],
                outputs: [OutputTemplate(stream: "gen", file: "gen.dat")],
                allowedLoss: "0.05"
            ),
            TaskTemplate(
                name: "merge",
                kind: "merge",
                filesPerJob: 10,
                inputs: [InputTemplate(task: "generate", stream: "gen")],
                steps: [StepTemplate(name: "merge", command: ["true"])],
                outputs: [OutputTemplate(stream: "merged", file: "merged.dat")],
                resources: ResourceTemplate(sites: ["BETA"])
            ),
        ]
    )

    /// One of twenty jobs goes on for ever, so that their task runs on; no agent can merge until the lost file is made again.
    @Test func aFileThatIsLostBeforeItIsMergedIsMadeAgainAndMergedOnce() async throws {
        try await LifecycleTests.withCentre { centre, _ in
            let operations = Operations(centre.database, caller: centre.caller)
            let watch = try await centre.events(["request.#"])
            let alpha = try await centre.agent("ALPHA", room: 4) { job, _ in job.name.index == 19 ? .hang : .finish }
            let makers = Task { try await alpha.run() }
            let request = try await centre.approve(Self.workflow)
            try await centre.until("SELECT count(*) = 19 FROM winner WHERE task = 1")
            try await centre.until("SELECT count(*) = 1 FROM job WHERE task = 2")
            let lfn = try #require(
                try await centre.one(
                    "SELECT min(f.lfn) FROM unit_input u JOIN file f ON f.id = u.file WHERE u.task = 2 AND u.index = 0",
                    as: String?.self
                ) ?? nil
            )
            let told = try await operations.declareBad(file: lfn, at: nil, isLost: true, reason: "tape broke")
            try await centre.carryOut(told)
            #expect(told.lines.contains("to do it: millrace recover 1"), "\(told.lines)")
            try await centre.carryOut(try await operations.recover(task: 1, version: nil, reason: nil))
            try await centre.until("SELECT count(*) = 19 FROM winner WHERE task = 1")
            let beta = try await centre.agent("BETA", room: 100)
            let mergers = Task { try await beta.run() }
            try await centre.carryOut(try await operations.kill(JobKey(task: 1, index: 19), reason: "it hangs"))
            try await watch.finish(of: request)
            for agents in [makers, mergers] { agents.cancel() }
            await watch.stop()
            let merged = try await centre.one(
                """
                SELECT concat_ws(' ', (SELECT events_done FROM task_view WHERE task = 2), count(*), count(DISTINCT m.src_index),
                    (SELECT string_agg(state, ',' ORDER BY index) FROM job WHERE task = 2),
                    (SELECT count(*) FROM unit_input u JOIN file f ON f.id = u.file WHERE f.lfn = \(lfn)))
                FROM merge_input m JOIN winner w ON w.task = m.task AND w.index = m.index WHERE m.task = 2
                """,
                as: String.self
            )
            #expect(merged == "190 19 19 cancelled,done,done 0")
            try await LifecycleTests.expectNoViolations(centre)
        }
    }
}
