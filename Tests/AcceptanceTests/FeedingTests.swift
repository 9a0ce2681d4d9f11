import Catalog
import Domain
import Messages
import NIOConcurrencyHelpers
import Postgres
import PrivateServers
import SimulatedSite
import TestSupport
import Testing

/// Tasks that take their inputs as they come, through all processes.
@Suite(.serialized) struct FeedingTests {
    private static let workflow = WorkflowDocument(
        name: "fed",
        tasks: [
            TaskTemplate(
                name: "generate",
                kind: "generate",
                events: 450,
                eventsPerJob: 10,
                steps: [StepTemplate(name: "make", command: ["true"])],
                outputs: [OutputTemplate(stream: "gen", file: "gen.dat")]
            ),
            TaskTemplate(
                name: "process",
                kind: "process",
                inputs: [InputTemplate(task: "generate", stream: "gen")],
                steps: [StepTemplate(name: "read", command: ["true"])],
                outputs: [OutputTemplate(stream: "out", file: "out.dat")]
            ),
            TaskTemplate(
                name: "merge",
                kind: "merge",
                filesPerJob: 20,
                inputs: [InputTemplate(task: "process", stream: "out")],
                steps: [StepTemplate(name: "merge", command: ["true"])],
                outputs: [OutputTemplate(stream: "merged", file: "merged.dat")]
            ),
        ]
    )

    /// One of 45 jobs goes on for ever: the others are processed and, 20 at a time, merged; four wait until an operator wants them
    /// merged. In the end every event is merged once.
    @Test func whatIsFinishedIsReadWhileTheRestGoesOn() async throws {
        try await LifecycleTests.withCentre { centre, _ in
            let watch = try await centre.events(["task.#", "request.#", "attempt.#"])
            let agent = try await centre.agent("ALPHA", room: 100) { job, task in
                task.name == "generate" && job.name.index == 44 ? .hang : .finish
            }
            let running = Task { try await agent.run() }
            let request = try await centre.approve(Self.workflow)
            func merged(_ count: Int) async throws {
                var done = 0
                _ = try await watch.until { key, event in
                    if key == "attempt.ALPHA.done", event.entity.hasPrefix("attempt:3.") { done += 1 }
                    return done == count
                }
            }
            try await merged(2)
            let states = try await centre.one(
                "SELECT string_agg(state, ',' ORDER BY task) FROM task_view",
                as: String.self
            )
            #expect(states == "running,running,running")
            let operations = Operations(centre.database, caller: centre.caller)
            try await centre.until("SELECT count(*) = 4 FROM pending_input WHERE task = 3")
            try await centre.carryOut(try await operations.flush(task: 3, version: nil, reason: "the shift ends"))
            try await merged(1)
            let sizes = try await centre.one(
                "SELECT string_agg(events_expected::text, ',' ORDER BY index) FROM job WHERE task = 3",
                as: String.self
            )
            #expect(sizes == "200,200,40")
            try await centre.carryOut(try await operations.kill(JobKey(task: 1, index: 44), reason: "it hangs"))
            _ = try await watch.until { key, _ in key == "request.\(request).finished" }
            running.cancel()
            await watch.stop()
            let events = try await centre.one("SELECT events_done FROM task_view WHERE task = 3", as: Int64.self)
            #expect(events == 440)
            try await LifecycleTests.expectNoViolations(centre)
        }
    }

    /// A task that is aborted takes no more.
    @Test func anAbortedTaskTakesNoMore() async throws {
        try await LifecycleTests.withCentre { centre, _ in
            let watch = try await centre.events(["task.#", "request.#"])
            let agent = try await centre.agent("ALPHA", room: 100) { job, task in
                task.name == "generate" && job.name.index == 44 ? .hang : .finish
            }
            let running = Task { try await agent.run() }
            let request = try await centre.approve(Self.workflow)
            try await centre.until("SELECT count(*) = 4 FROM pending_input WHERE task = 3")
            let operations = Operations(centre.database, caller: centre.caller)
            try await centre.carryOut(try await operations.abort(task: 3, version: nil, reason: "not wanted"))
            let left = try await centre.one("SELECT count(*) FROM pending_input", as: Int64.self)
            #expect(left == 0)
            try await centre.carryOut(try await operations.kill(JobKey(task: 1, index: 44), reason: "it hangs"))
            _ = try await watch.until { key, _ in key == "request.\(request).failed" }
            running.cancel()
            await watch.stop()
            try await LifecycleTests.expectNoViolations(centre)
        }
    }
}
