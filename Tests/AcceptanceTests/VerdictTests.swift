import AMQP
import Catalog
import Domain
import Messages
import Postgres
import PrivateServers
import SimulatedSite
import TestSupport
import Testing

/// One verdict for one failed attempt, whatever happens to the Monitors.
@Suite(.serialized) struct VerdictTests {
    /// Two Monitors share the queue, and one after the other is killed with -9 while a third of all attempts fails, some by the
    /// books: between a commit and its publication among other moments.
    @Test func twoMonitorsGiveOneVerdictEachAndLoseNoneWhenKilled() async throws {
        // No brake: so many failures would pause the task.
        let config = "monitor:\n  brakes: {failureShare: 1, dominantShare: 1, minJobs: 1000000}\n"
        try await LifecycleTests.withCentre(services: ["scheduler", "bookkeeper", "transfer"]) { centre, processes in
            for instance in ["first", "second"] {
                processes.append(try await centre.start("monitor", instance: instance, config: config))
            }
            let watch = try await centre.events(["verdict.#", "request.#"])
            let agent = try await centre.agent("ALPHA") { job, _ in
                guard job.name.attempt < 3 else { return .finish }
                switch (Int(job.name.index) + job.name.attempt) % 4 {
                case 0: return .fail([Failure(.payloadExit, "exit code 1")])
                case 1: return .fail([Failure(.nodeDisk, "no space left")])
                case 2:
                    return .finishWith { item in
                        var item = item
                        item.eventsRead -= 1
                        return item
                    }
                default: return .finish
                }
            }
            let running = Task { try await agent.run() }
            let request = try await centre.approve(jobs: 1500, maxAttempts: 10)
            var verdicts: [String] = []
            func note(_ seen: [(key: String, event: EventItem)]) {
                verdicts += seen.filter { $0.key.hasPrefix("verdict.") }.map(\.event.entity)
            }
            // After scheduler, bookkeeper and transfer.
            for (place, instance) in [(3, "third"), (4, "fourth")] {
                let goal = verdicts.count + 150
                var count = verdicts.count
                note(
                    try await watch.until { key, _ in
                        if key.hasPrefix("verdict.") { count += 1 }
                        return count >= goal
                    }
                )
                processes[place].signal(9)
                _ = await processes[place].waitForExit()
                processes[place] = try await centre.start("monitor", instance: instance, config: config)
            }
            note(try await watch.finish(of: request))
            running.cancel()
            await watch.stop()
            // The feed may tell a thing twice after a kill, the verdict is one.
            let failed = try await centre.one(
                "SELECT count(*) FROM attempt WHERE state IN ('failed', 'lost')",
                as: Int64.self
            )
            #expect(Int64(Set(verdicts).count) == failed)
            let carriedOut = try await centre.one(
                "SELECT count(*) FROM verdict WHERE carried_out_at IS NOT NULL",
                as: Int64.self
            )
            #expect(carriedOut == failed)
            // What the broker has confirmed is forgotten; what a killed Monitor had sent and not forgotten, a sweep sends once more.
            try await centre.until("SELECT NOT EXISTS (SELECT 1 FROM outbox)")
            try await LifecycleTests.expectNoViolations(centre)
        }
    }
}
