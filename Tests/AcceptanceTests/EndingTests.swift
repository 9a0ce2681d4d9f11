import Catalog
import Domain
import Messages
import Postgres
import SimulatedSite
import TestSupport
import Testing

/// How jobs and requests end that operators have had a hand in: nothing is missing without being counted, and nothing goes on for ever.
@Suite(.serialized) struct EndingTests {
    /// What a job that was killed should have made is damaged until somebody has it made after all.
    @Test func whatIsKilledIsCountedAsDamagedAndCanBeMadeAfterAll() async throws {
        try await LifecycleTests.withCentre { centre, _ in
            let operations = Operations(centre.database, caller: centre.caller)
            let watch = try await centre.events(["request.#"])
            let agent = try await centre.agent("ALPHA") { job, _ in
                job.name.index >= 2 && job.name.attempt == 1 ? .hang : .finish
            }
            let running = Task { try await agent.run() }
            let request = try await centre.approve(jobs: 4)
            try await centre.until("SELECT count(*) = 2 FROM winner")
            // A job is lost to this: it holds its events, and its task goes on while the other hangs.
            try await centre.until("SELECT count(*) = 2 FROM lease WHERE state = 'running'")
            let told = try await operations.kill(JobKey(task: 1, index: 2), reason: "it hangs")
            #expect(
                told.lines == [
                    "attempt 1.2.1 at ALPHA is told to end; its 10 events are given up then",
                    "to make them after all, while task 1 goes on: millrace recover 1",
                ]
            )
            try await centre.carryOut(told)
            try await centre.until("SELECT count(*) = 1 FROM job WHERE state = 'aborted'")
            let damaged: SQL = """
                SELECT concat_ws(' ', t.events_lost, g.index, g.events, g.first_event, g.last_event, g.site, g.reason)
                FROM task_view t LEFT JOIN given_up g ON g.task = t.task
                """
            let killed = try await centre.one(damaged, as: String.self)
            #expect(killed == "10 2 10 20 29 ALPHA it hangs (by steve)")
            try await LifecycleTests.expectNoViolations(centre)
            try await centre.carryOut(try await operations.recover(task: 1, version: nil, reason: nil))
            try await centre.until("SELECT count(*) = 3 FROM winner")
            #expect(try await centre.one(damaged, as: String.self) == "0")
            try await centre.carryOut(try await operations.kill(JobKey(task: 1, index: 3), reason: "it hangs, too"))
            // The last one: no loss is allowed to this task.
            _ = try await watch.until { key, _ in key == "request.\(request).failed" }
            running.cancel()
            await watch.stop()
            let last = try await centre.one(damaged, as: String.self)
            #expect(last == "10 3 10 30 39 ALPHA it hangs, too (by steve)")
            let cause = try await centre.one("SELECT reason FROM task_view", as: String.self)
            #expect(cause == "1 of 4 jobs with 10 of 40 events were given up, more than its allowed loss")
            try await LifecycleTests.expectNoViolations(centre)
        }
    }

    /// The last jobs of a request end while it is held: it ends when it is released.
    @Test func whatEndedWhileItWasHeldEndsWhenItIsReleased() async throws {
        try await LifecycleTests.withCentre { centre, _ in
            let operations = Operations(centre.database, caller: centre.caller)
            let isHeld = Gathered()
            let agent = try await centre.agent("ALPHA") { _, _ in .until({ await isHeld.more(than: 0) }, .finish) }
            let running = Task { try await agent.run() }
            let request = try await centre.approve(jobs: 2)
            try await centre.until("SELECT count(*) = 2 FROM lease WHERE state = 'running'")
            try await centre.carryOut(try await operations.hold(request, version: nil, reason: nil))
            isHeld.insert([1])
            try await centre.until("SELECT state = 'done' FROM task_view")
            #expect(try await centre.one("SELECT state FROM request_view", as: String.self) == "held")
            let told = try await operations.release(request, version: nil, reason: nil)
            #expect(told.lines == ["request \(request) is finished: all its tasks have ended"])
            #expect(try await centre.one("SELECT state FROM request_view", as: String.self) == "finished")
            running.cancel()
            try await LifecycleTests.expectNoViolations(centre)
        }
    }

    /// A Scheduler died after it had carried out the verdict of a rule that ends a task, and before it had ended it.
    @Test func aTaskThatAVerdictEndsIsEndedAfterACrash() async throws {
        try await LifecycleTests.withCentre { centre, _ in
            let watch = try await centre.events(["task.#"])
            let agent = try await centre.agent("ALPHA") { _, _ in .hang }
            let running = Task { try await agent.run() }
            _ = try await centre.approve(jobs: 2)
            try await centre.until("SELECT count(*) = 2 FROM lease WHERE state = 'running'")
            try await centre.database.withTransaction {
                try await $0.execute([
                    "SELECT set_config('session_replication_role', 'replica', true)",
                    """
                    INSERT INTO verdict (task, index, attempt, site, action, class, blame, code, diagnostic, fingerprint, rule, reason, counted, changes, carried_out_at)
                    VALUES (1, 0, 1, 'ALPHA', 'abort', 'payload', 'payload', 1001, 'x', 'x', 'code-missing', 'r', true, '{"task": "abort"}', now())
                    """,
                ])
            }
            let seen = try await watch.until { _, event in event.entity == "task:1" && event.to == "aborted" }
            #expect(seen.last?.event.cause == "a rule aborts it")
            running.cancel()
            await watch.stop()
        }
    }

    /// As an earlier version left them: nothing of them goes on, and nobody will release them again.
    @Test func whatNobodyEndsTheSweepEnds() async throws {
        try await LifecycleTests.withCentre { centre, _ in
            let watch = try await centre.events(["request.#"])
            let agent = try await centre.agent("ALPHA")
            let running = Task { try await agent.run() }
            let request = try await centre.approve(jobs: 2)
            try await watch.finish(of: request)
            running.cancel()
            try await centre.database.withTransaction {
                try await $0.execute([
                    "SELECT set_config('session_replication_role', 'replica', true)",
                    "UPDATE request SET state = 'running' WHERE id = \(request)",
                ])
            }
            _ = try await watch.until { key, _ in key == "request.\(request).finished" }
            await watch.stop()
        }
    }
}
