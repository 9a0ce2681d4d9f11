import Catalog
import Domain
import Postgres
import PrivateServers
import SimulatedSite
import Testing

/// What still happens to the attempts of a request that was cancelled.
@Suite(.serialized) struct CancelTests {
    /// Its agent is lost after the cancel: nothing of it waits again, and nothing stands in the way of the next request of the same
    /// class.
    @Test func whatIsLostAfterTheCancelIsNotTriedAgain() async throws {
        try await LifecycleTests.withCentre { centre, _ in
            // Nobody takes it for lost before the cancel, however slow the machine is.
            try await centre.database.execute("UPDATE site SET lost_after = '1 hour' WHERE name = 'ALPHA'")
            let watch = try await centre.events(["attempt.#", "request.#", "verdict.#"])
            let agent = try await centre.agent("ALPHA", room: 60, manner: .init(isSilent: true)) { _, _ in .hang }
            let running = Task { try await agent.run() }
            let first = try await centre.approve(jobs: 100)
            var leased = 0
            _ = try await watch.until { key, _ in
                if key == "attempt.ALPHA.leased" { leased += 1 }
                return leased == 60
            }
            // Leased is not yet offered: what reaches nobody comes back, and is not lost.
            while agent.seen < 60 { await Task.yield() }
            running.cancel()
            _ = await running.result
            let operations = Operations(centre.database, caller: centre.caller)
            try await centre.carryOut(try await operations.cancel(first, version: nil, reason: nil))
            try await centre.database.execute("UPDATE site SET lost_after = '1 second' WHERE name = 'ALPHA'")
            var lost = 0
            _ = try await watch.until { key, _ in
                if key.hasPrefix("verdict.") { lost += 1 }
                return lost == 60
            }
            try await centre.until("SELECT count(*) = 60 AND bool_and(state = 'cancelled') FROM job")
            #expect(try await centre.one("SELECT count(*) FROM waiting", as: Int64.self) == 0)

            let other = try await centre.agent("BETA") { _, _ in .finish }
            let working = Task { try await other.run() }
            let second = try await centre.approve(jobs: 20)
            try await watch.finish(of: second)
            working.cancel()
            await watch.stop()
            try await LifecycleTests.expectNoViolations(centre)
        }
    }
}
