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
                outputs: [OutputTemplate(stream: "gen", file: "gen.dat")],
                allowedLoss: "0.05"
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
            // Nothing waits now: what comes later is not merged alone because of that.
            try await centre.carryOut(try await operations.flush(task: 3, version: nil, reason: "once more"))
            try await centre.until("SELECT NOT flush FROM task WHERE id = 3")
            try await centre.carryOut(try await operations.kill(JobKey(task: 1, index: 44), reason: "it hangs"))
            try await watch.finish(of: request)
            running.cancel()
            await watch.stop()
            let events = try await centre.one("SELECT events_done FROM task_view WHERE task = 3", as: Int64.self)
            #expect(events == 440)
            try await LifecycleTests.expectNoViolations(centre)
        }
    }

    /// What has waited for company as long as the workflow says is merged without anybody's asking, while a job of the task before goes on.
    @Test func whatHasWaitedLongEnoughIsMerged() async throws {
        var workflow = Self.workflow
        workflow.tasks[2].flushAfter = 1
        try await LifecycleTests.withCentre { [workflow] centre, _ in
            let watch = try await centre.events(["request.#"])
            let agent = try await centre.agent("ALPHA", room: 100) { job, task in
                task.name == "generate" && job.name.index == 44 ? .hang : .finish
            }
            let running = Task { try await agent.run() }
            let request = try await centre.approve(workflow)
            try await centre.until("SELECT events_done = 440 FROM task_view WHERE task = 3")
            let state = try await centre.one("SELECT state FROM task_view WHERE task = 1", as: String.self)
            #expect(state == "running")
            let operations = Operations(centre.database, caller: centre.caller)
            try await centre.carryOut(try await operations.kill(JobKey(task: 1, index: 44), reason: "it hangs"))
            try await watch.finish(of: request)
            running.cancel()
            await watch.stop()
            try await LifecycleTests.expectNoViolations(centre)
        }
    }

    /// Two tasks whose files say another energy, and a merge of both.
    private static let keyed = WorkflowDocument(
        name: "keyed",
        tasks: [Self.made("low", energy: 10, jobs: 23), Self.made("high", energy: 20, jobs: 12)] + [
            TaskTemplate(
                name: "merge",
                kind: "merge",
                filesPerJob: 5,
                inputs: [InputTemplate(task: "low", stream: "gen"), InputTemplate(task: "high", stream: "gen")],
                steps: [StepTemplate(name: "merge", command: ["true"])],
                outputs: [OutputTemplate(stream: "merged", file: "merged.dat")],
                groupBy: ["energy"]
            )
        ]
    )

    private static func made(_ name: String, energy: Int, jobs: Int) -> TaskTemplate {
        TaskTemplate(
            name: name,
            kind: "generate",
            events: Scalar("\(jobs)"),
            eventsPerJob: 1,
            steps: [StepTemplate(name: "make", command: ["true"])],
            outputs: [OutputTemplate(stream: "gen", file: "gen.dat")],
            metadata: ["energy": Scalar("\(energy)")]
        )
    }

    /// Of each energy one job goes on until it is told not to: what has come is merged five at a time, never with another energy; what
    /// waits for company is not merged with what waits beside it, and goes by what is said of it meanwhile.
    @Test func whatComesIsGroupedByWhatIsSaidOfIt() async throws {
        try await LifecycleTests.withCentre { centre, _ in
            let operations = Operations(centre.database, caller: centre.caller)
            _ = try await operations.addField("energy", type: .integer, description: "GeV")
            let watch = try await centre.events(["request.#"])
            let word = Gathered()
            let agent = try await centre.agent("ALPHA", room: 100) { job, task in
                ["low": 22, "high": 11][task.name] == job.name.index
                    ? .until({ await word.more(than: 0) }, .finish) : .finish
            }
            let running = Task { try await agent.run() }
            let request = try await centre.approve(Self.keyed)
            // Of 22 and 11 files four and two groups are full; two and one file wait, and both tasks still run.
            try await centre.until(
                """
                SELECT (SELECT jobs_done = 6 AND jobs_total = 6 AND state = 'running' FROM task_view WHERE task = 3)
                   AND (SELECT bool_and(state = 'running' AND jobs_active = 1) FROM task_view WHERE task IN (1, 2))
                   AND (SELECT count(*) = 3 FROM pending_input WHERE task = 3)
                """
            )
            let waiting = try await centre.one(
                "SELECT min(f.lfn) FROM pending_input p JOIN file f ON f.id = p.file WHERE f.task = 1",
                as: String?.self
            )
            let lfn = try #require(waiting ?? nil)
            _ = try await operations.tag(file: lfn, ["energy": "11"], remove: [])
            word.insert([1])
            try await watch.finish(of: request)
            running.cancel()
            await watch.stop()
            // 2 and 1 of 10 and 11 GeV, 2 of 20 GeV: together they would have been one job of five.
            let sizes = try await centre.one(
                "SELECT string_agg(events_expected::text, ',' ORDER BY events_expected DESC) FROM job WHERE task = 3",
                as: String.self
            )
            #expect(sizes == "5,5,5,5,5,5,2,2,1")
            let mixed = try await centre.one(
                """
                SELECT count(*) FROM (
                    SELECT u.index FROM unit_input u JOIN file f ON f.id = u.file WHERE u.task = 3 GROUP BY u.index
                    HAVING count(DISTINCT f.task) > 1 OR count(*) > 1 AND bool_or(f.lfn = \(lfn))) x
                """,
                as: Int64.self
            )
            #expect(mixed == 0)
            let events = try await centre.one("SELECT events_done FROM task_view WHERE task = 3", as: Int64.self)
            #expect(events == 35)
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
