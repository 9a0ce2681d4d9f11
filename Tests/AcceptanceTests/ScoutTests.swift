import Catalog
import Domain
import Messages
import NIOConcurrencyHelpers
import Postgres
import PrivateServers
import SimulatedSite
import TestSupport
import Testing

/// The first jobs of a task run before the others, through all processes.
@Suite(.serialized) struct ScoutTests {
    private static let workflow = WorkflowDocument(
        name: "scouted",
        tasks: [
            TaskTemplate(
                name: "generate",
                kind: "generate",
                events: "20000",
                eventsPerJob: "10",
                steps: [StepTemplate(name: "make", command: ["true"])],
                outputs: [OutputTemplate(stream: "gen", file: "gen.dat")],
                resources: ResourceTemplate(memoryMB: 2000),
                maxAttempts: 1,
                scouts: 10
            )
        ]
    )

    /// The others wait, and then ask for what the scouts needed instead of what the workflow guessed.
    @Test func whatScoutsNeedReplacesTheGuess() async throws {
        try await LifecycleTests.withCentre { centre, _ in
            let watch = try await centre.events(["task.#", "attempt.#", "request.#"])
            let asked = NIOLockedValueBox<[Int64: Int?]>([:])
            let agent = try await centre.agent("ALPHA", room: 100) { job, _ in
                asked.withLockedValue { $0[job.name.index] = job.memoryMB }
                return .finishWith { item in
                    var item = item
                    item.usage = Usage(cpuSeconds: 20, wallSeconds: 25, memoryPeak: 300 * 1_048_576)
                    return item
                }
            }
            let running = Task { try await agent.run() }
            let request = try await centre.approve(Self.workflow)
            let seen = try await watch.finish(of: request)
            running.cancel()
            await watch.stop()
            let moves = seen.filter { $0.event.entity.hasPrefix("task:") }.map { $0.event.to }
            #expect(moves == ["waiting", "scouting", "running", "finishing", "done"])
            let released = seen.firstIndex { $0.event.entity.hasPrefix("task:") && $0.event.to == "running" } ?? 0
            #expect(
                seen[released].event.cause?.contains("a job asks for 400 MB") == true,
                "\(seen[released].event.cause ?? "")"
            )
            let before = seen[..<released].filter { $0.event.to == "leased" }
            #expect(before.count == 10)
            // Its scouts had 2000 MB, as the workflow says; 300 MB and a tenth is 330, in steps of 100 it is 400.
            asked.withLockedValue { asked in
                #expect(asked.filter { $0.key < 10 }.allSatisfy { $0.value == nil })
                #expect(asked.filter { $0.key >= 10 }.allSatisfy { $0.value == 400 } && asked.count == 2000)
            }
            try await LifecycleTests.expectNoViolations(centre)
        }
    }

    /// A task that reads an open dataset finds ninety-nine files in it: ten are read first.
    @Test func theScoutsOfATaskThatIsFedRunFirst() async throws {
        var raw = Self.workflow
        raw.name = "raw"
        raw.tasks[0].events = "1000"
        raw.tasks[0].scouts = nil
        raw.tasks[0].allowedLoss = "0.01"
        raw.tasks[0].outputs[0].dataset = "raw"
        let read = WorkflowDocument(
            name: "read",
            tasks: [
                TaskTemplate(
                    name: "read",
                    kind: "process",
                    inputs: [InputTemplate(dataset: "raw")],
                    steps: [StepTemplate(name: "read", command: ["true"])],
                    outputs: [OutputTemplate(stream: "out", file: "out.dat")],
                    scouts: 10
                )
            ]
        )
        try await LifecycleTests.withCentre { [raw] centre, _ in
            let agent = try await centre.agent("ALPHA", room: 200) { job, task in
                task.name == "generate" && job.name.index == 99 ? .hang : .finish
            }
            let running = Task { try await agent.run() }
            _ = try await centre.approve(raw)
            try await centre.until("SELECT count(*) = 99 FROM winner WHERE task = 1")
            let watch = try await centre.events(["task.#", "attempt.#", "request.#"])
            let request = try await centre.approve(read)
            let seen = try await watch.until { _, event in event.entity == "task:2" && event.to == "running" }
            #expect(seen.filter { $0.event.to == "leased" && $0.event.entity.hasPrefix("attempt:2.") }.count == 10)
            let operations = Operations(centre.database, caller: centre.caller)
            try await centre.carryOut(try await operations.kill(JobKey(task: 1, index: 99), reason: "it hangs"))
            try await watch.finish(of: request)
            running.cancel()
            await watch.stop()
            #expect(try await centre.one("SELECT count(*) FROM winner WHERE task = 2", as: Int64.self) == 99)
            try await LifecycleTests.expectNoViolations(centre)
        }
    }

    /// A task whose scouts fail is paused before it burns a farm; whoever resumes it has looked, and lets all of it run.
    @Test func aTaskWhoseScoutsFailIsPaused() async throws {
        try await LifecycleTests.withCentre { centre, _ in
            let watch = try await centre.events(["task.#", "request.#"])
            let isBroken = NIOLockedValueBox(true)
            let agent = try await centre.agent("ALPHA", room: 100) { _, _ in
                isBroken.withLockedValue { $0 } ? .fail([Failure(.payloadExit, "exit code 1 in step make")]) : .finish
            }
            let running = Task { try await agent.run() }
            let request = try await centre.approve(Self.workflow)
            let seen = try await watch.until { _, event in event.to == "paused" }
            let cause = seen.last?.event.cause ?? ""
            #expect(cause.contains("of 10 scouts failed, more than 50 %; see millrace task debug"), "\(cause)")
            let begun = try await centre.one("SELECT count(*) FROM job_view WHERE index >= 10", as: Int64.self)
            #expect(begun == 0)
            isBroken.withLockedValue { $0 = false }
            let operations = Operations(centre.database, caller: centre.caller)
            let task = try await centre.one("SELECT task FROM task_view", as: Int64.self) ?? 0
            try await centre.carryOut(try await operations.resume(task: task, version: nil, reason: "mended"))
            try await centre.carryOut(try await operations.retry(task: task, version: nil, reason: "mended"))
            try await watch.finish(of: request)
            running.cancel()
            await watch.stop()
            try await LifecycleTests.expectNoViolations(centre)
        }
    }
}
