import Catalog
import Domain
import Messages
import Postgres
import PrivateServers
import SimulatedSite
import TestSupport
import Testing

/// A task of 20,000 jobs on five sites, of which four have each a fault of their own; and in the middle a fault of the centre.
@Suite struct FarmOfFiveTests {
    private static let settings = """
        monitor:
          brakes: {interval: 1s, pause: 5s, probes: 5, goodProbes: 5}
        """

    @Test func aTaskFinishesOnFaultySitesAndNoFaultOfASiteUsesUpAnAttempt() async throws {
        try await LifecycleTests.withCentre(services: ["scheduler", "bookkeeper", "transfer"]) { centre, processes in
            for monitor in ["1", "2"] {
                processes.append(try await centre.start("monitor", instance: monitor, config: Self.settings))
            }
            let operations = Operations(centre.database, caller: centre.caller)
            for site in FarmOfFive.sites { _ = try await operations.addSite(site, cloud: nil, lostAfter: 60) }
            let watch = try await centre.events(["place.#", "request.#"])
            let (centreFaults, faultSeen) = AsyncStream.makeStream(of: Int.self)
            let farm = FarmOfFive { faultSeen.yield($0) }
            let request = try await centre.approve(jobs: 20_000)
            var running: [Task<Void, any Error>] = []
            for site in FarmOfFive.sites {
                let agent = try await farm.agent(site, in: centre)
                running.append(Task { try await agent.run() })
                // The site that loses jobs is known first: what it loses must not come back to it for ever.
                if site == "LOSSY" { try await centre.until("SELECT count(*) > 0 FROM agent_session") }
            }

            // Excluded, repaired, and let back in by its probes.
            try await watch.place("NODES/node3", is: "resting", before: request)
            farm.repairNode()
            try await watch.place("NODES/node3", is: "returned", before: request)

            // The storage of everyone fails for a while: as many failures as there is room in the farm, and more.
            let before = try await Self.excludedSoFar(centre)
            farm.breakCentre()
            // Faults that never come do not outlast the request.
            let ending = Task {
                defer { faultSeen.finish() }
                try await watch.finish(of: request)
            }
            var faults = 0
            for await count in centreFaults {
                faults = count
                if count >= 2_000 { break }
            }
            farm.repairCentre()
            #expect(faults >= 2_000, "the request ended while the storage of everyone failed")
            try await ending.value
            for task in running { task.cancel() }
            await watch.stop()

            try await Self.checkBooks(centre)
            try await Self.checkNode(centre)
            let after = try await Self.excludedSoFar(centre)
            // The storage that refuses writes for a minute may be found at any time in that minute: that is its own fault.
            let more = after.subtracting(before).filter { !$0.hasPrefix("place:STORAGE/") }
            #expect(more.isEmpty, "a fault of everyone excluded \(more)")
            try await LifecycleTests.expectNoViolations(centre)
        }
    }

    /// Places that were excluded at some time.
    private static func excludedSoFar(_ centre: TestCentre) async throws -> Set<String> {
        Set(
            try await centre.database.query(
                Statement(
                    "test.excluded",
                    "SELECT DISTINCT entity FROM transition_view WHERE entity LIKE 'place:%' AND \"to\" = 'resting' AND \"from\" IS NULL",
                    returning: String.self
                )
            )
        )
    }

    private static func checkBooks(_ centre: TestCentre) async throws {
        let done = try await centre.one("SELECT sum(jobs_done)::bigint FROM task_view", as: Int64.self)
        #expect(done == 20_000)
        let used = try await centre.one("SELECT sum(failures)::bigint FROM job_view", as: Int64.self)
        #expect(used == 0, "attempts used up")
        let counted = try await centre.one("SELECT count(*) FROM verdict_view WHERE counted", as: Int64.self)
        #expect(counted == 0)
        let forgiven = try await centre.one("SELECT count(*) FROM verdict_view WHERE forgiven", as: Int64.self)
        #expect((forgiven ?? 0) >= 10, "what failed on the bad node before it was found")
        let twice = try await centre.one(
            "SELECT count(*) FROM (SELECT FROM verdict_view GROUP BY task, index, attempt HAVING count(*) > 1) x",
            as: Int64.self
        )
        #expect(twice == 0)
        let lost = try await centre.one(
            "SELECT count(*) FROM attempt_view WHERE site = 'LOSSY' AND state = 'lost'",
            as: Int64.self
        )
        #expect((lost ?? 0) > 0)
    }

    private static func checkNode(_ centre: TestCentre) async throws {
        let delay = try await centre.one(
            """
            SELECT extract(epoch FROM (SELECT min(at) FROM transition_view WHERE entity = 'place:NODES/node3' AND "to" = 'resting')
                - (SELECT ended_at FROM attempt_view WHERE site = 'NODES' AND node = 'node3' AND state = 'failed'
                   ORDER BY ended_at OFFSET 9 LIMIT 1))::double precision
            """,
            as: Double.self
        )
        #expect((delay ?? .infinity) < 60, "the bad node was excluded so many seconds after its tenth failure")
        let good = try await centre.one(
            """
            SELECT count(*) FROM attempt_view WHERE site = 'NODES' AND node = 'node3' AND state = 'done' AND ended_at >
                (SELECT max(at) FROM transition_view WHERE entity = 'place:NODES/node3' AND "to" = 'returned')
            """,
            as: Int64.self
        )
        #expect((good ?? 0) > 0, "the repaired node works again")
        let wall: [(String, Double)] = try await centre.database.query(
            Statement(
                "test.wall",
                """
                SELECT site || coalesce('/' || CASE WHEN node = 'node3' AND site = 'NODES' THEN node END, ''),
                       sum(wall_seconds) FROM attempt_view WHERE state = 'failed' GROUP BY 1 ORDER BY 1
                """,
                returning: String.self,
                Double.self
            )
        ).map { ($0.0, $0.1) }
        let all = try await centre.one("SELECT sum(wall_seconds) FROM attempt_view", as: Double.self) ?? 0
        for (place, lost) in wall { print("wall time lost at \(place): \(Int(lost)) s of \(Int(all)) s") }
        let atNode = wall.first { $0.0 == "NODES/node3" }?.1 ?? 0
        #expect(atNode < all / 100, "a bad node costs less than a hundredth of the wall time")
        print("the bad node was excluded \(delay ?? .nan) s after its tenth failure")
    }
}
