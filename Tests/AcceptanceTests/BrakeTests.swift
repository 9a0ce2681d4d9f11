import Catalog
import Domain
import Messages
import NIOConcurrencyHelpers
import Postgres
import PrivateServers
import SimulatedSite
import TestSupport
import Testing

/// Black holes, hopeless tasks and central faults, through all processes.
@Suite(.serialized) struct BrakeTests {
    private static let settings = """
        monitor:
          brakes: {interval: 200ms, pause: 1s, probes: 5, goodProbes: 5}
        """

    private static func withCentre(
        _ body: (TestCentre, inout [ServerProcess]) async throws -> Void
    ) async throws {
        try await LifecycleTests.withCentre(services: ["scheduler", "bookkeeper", "transfer"]) { centre, processes in
            processes.append(try await centre.start("monitor", config: self.settings))
            try await body(centre, &processes)
        }
    }

    /// Node 3 fails everything at once, as a payload would: it is excluded, gets nothing, and comes back when it is repaired.
    @Test func aNodeThatFailsEverythingIsExcludedAndComesBack() async throws {
        try await Self.withCentre { centre, _ in
            let isBroken = NIOLockedValueBox(true)
            let watch = try await centre.events(["request.#", "attempt.#"])
            let agent = try await centre.agent(
                "ALPHA",
                room: 20,
                manner: .init(nodes: ["node1", "node2", "node3", "node4"]),
                onNodes: { _, _, node in
                    node == "node3" && isBroken.withLockedValue { $0 }
                        ? .fail([Failure(.nodeSpawn, "fork: cannot allocate memory")]) : .finish
                }
            )
            let running = Task { try await agent.run() }
            let request = try await centre.approve(jobs: 6000)
            try await centre.until("SELECT count(*) > 0 FROM excluded_place WHERE node = 'node3'")
            let reason = try await centre.one("SELECT reason FROM excluded_place", as: String.self)
            #expect(reason?.contains("attempts failed") == true, "\(reason ?? "")")
            isBroken.withLockedValue { $0 = false }
            // Its rest ends, its probes go well: it is as all others.
            try await centre.until("SELECT count(*) = 0 FROM excluded_place")
            try await watch.finish(of: request)
            running.cancel()
            await watch.stop()
            let counted = try await centre.one("SELECT sum(failures)::bigint FROM job_view", as: Int64.self)
            #expect(counted == 0)
            let others = try await centre.one("SELECT access FROM site WHERE name = 'ALPHA'", as: String.self)
            #expect(others == "allowed")
            try await LifecycleTests.expectNoViolations(centre)
        }
    }

    /// Everything fails everywhere in the same way: nobody is excluded, the task is paused and says why.
    @Test func aHopelessTaskIsPausedAndNoSiteIsExcluded() async throws {
        try await Self.withCentre { centre, _ in
            let watch = try await centre.events(["task.#"])
            var running: [Task<Void, any Error>] = []
            for site in ["ALPHA", "BETA"] {
                let agent = try await centre.agent(site, room: 10) { job, _ in
                    .fail([
                        Failure(
                            .payloadExit,
                            "exit code 134: assertion in event \(job.name.index) at 0x7f\(job.name.index)"
                        )
                    ])
                }
                running.append(Task { try await agent.run() })
            }
            _ = try await centre.approve(jobs: 5000, maxAttempts: 3)
            let seen = try await watch.until { _, event in event.to == "paused" }
            for task in running { task.cancel() }
            await watch.stop()
            #expect(
                seen.last?.event.cause?.contains("failed in the same way") == true,
                "\(seen.last?.event.cause ?? "")"
            )
            let excluded = try await centre.one("SELECT count(*) FROM excluded_place", as: Int64.self)
            #expect(excluded == 0)
        }
    }

    /// What a task lost since it began is held against all that went well since then, not against that of the last hour.
    @Test func aTaskIsNotPausedForWhatItLostInALongLife() async throws {
        try await Self.withCentre { centre, _ in
            let watch = try await centre.events(["task.#"])
            let agent = try await centre.agent("ALPHA", manner: .init(nodes: ["node1"])) { job, _ in
                guard job.name.index == 30 else { return .after(.seconds(1), .finish) }
                return job.name.attempt == 1 ? .fail([Failure(.payloadExit, "exit code 1 in step make")]) : .hang
            }
            let running = Task { try await agent.run() }
            _ = try await centre.approve(jobs: 31)
            try await centre.until("SELECT coalesce(sum(done), 0) = 30 FROM ended_total WHERE grain = 'h'")
            try await centre.until("SELECT count(*) = 1 FROM verdict WHERE carried_out_at IS NOT NULL")
            // As after a long time, in which twenty jobs needed more memory than was guessed.
            try await centre.database.execute([
                "DELETE FROM place_tally",
                """
                INSERT INTO failure_tally (task, fingerprint, failures, jobs, remedied, lost_seconds)
                VALUES (1, 'memory', 0, 0, 20, 20)
                """,
            ])
            try await Self.brakesLook(in: centre)
            try await centre.database.execute(
                "UPDATE failure_tally SET lost_seconds = 3600 WHERE fingerprint = 'memory'"
            )
            let pauses = try await watch.until { _, event in event.to == "paused" }.filter { $0.event.to == "paused" }
            running.cancel()
            await watch.stop()
            let causes = pauses.compactMap(\.event.cause)
            #expect(causes.count == 1 && causes[0].hasPrefix("1.0 hours of wall time (99 %) were lost"), "\(causes)")
        }
    }

    /// An operator who says until when need not think of the site again.
    @Test func aSiteGetsWorkAgainWhenItsTimeIsOver() async throws {
        try await Self.withCentre { centre, _ in
            let operations = Operations(centre.database, caller: centre.caller)
            let tomorrow = Moment.now.adding(seconds: 86_400)
            try await centre.carryOut(operations.setSite("ALPHA", .ban, reason: "no power", until: tomorrow))
            try await centre.carryOut(operations.setSite("BETA", .drain, reason: "no power", until: nil))
            let watch = try await centre.events(["site.#", "request.#"])
            let agent = try await centre.agent("ALPHA")
            let running = Task { try await agent.run() }
            let request = try await centre.approve(jobs: 5)
            try await centre.until("SELECT count(*) > 0 FROM agent_session WHERE site = 'ALPHA'")
            // As on the day after.
            try await centre.database.execute("UPDATE site SET until = clock_timestamp() WHERE name = 'ALPHA'")
            let seen = try await watch.until { key, event in key == "site.ALPHA.allowed" && event.from == "banned" }
            #expect(seen.last?.event.who == "monitor" && seen.last?.event.cause == "its time is over")
            try await watch.finish(of: request)
            running.cancel()
            await watch.stop()
            let alpha = try await centre.one("SELECT until IS NULL FROM site WHERE name = 'ALPHA'", as: Bool.self)
            #expect(alpha == true)
            let beta = try await centre.one("SELECT access FROM site WHERE name = 'BETA'", as: String.self)
            #expect(beta == "draining")
            try await LifecycleTests.expectNoViolations(centre)
        }
    }

    /// Returns when the brakes have looked at all tasks since the call: a place whose rest is over moves in a turn before the tasks do.
    private static func brakesLook(in centre: TestCentre) async throws {
        for node in ["first", "second"] {
            try await centre.database.execute(
                """
                INSERT INTO excluded_place (site, node, phase, reason, round, pause_seconds, probes)
                VALUES ('BETA', \(node), 'resting', 'a sign', 1, 0, 5)
                """
            )
            try await centre.until("SELECT phase = 'probing' FROM excluded_place WHERE node = \(node)")
        }
    }

    /// Failures that were judged when their place was not yet excluded, and written after it: they use up no attempt.
    @Test func whatWasJudgedBeforeAPlaceWasExcludedIsForgivenAfterIt() async throws {
        try await Self.withCentre { centre, _ in
            let agent = try await centre.agent(
                "ALPHA",
                room: 2,
                manner: .init(nodes: ["node2", "node3"]),
                onNodes: { job, _, _ in
                    job.name.attempt == 1 ? .fail([Failure(.payloadExit, "exit code 1 in step make")]) : .hang
                }
            )
            let running = Task { try await agent.run() }
            _ = try await centre.approve(jobs: 2)
            try await centre.until("SELECT count(*) = 2 FROM verdict WHERE counted AND carried_out_at IS NOT NULL")
            try await centre.database.execute(
                """
                INSERT INTO excluded_place (site, node, phase, reason, round, pause_seconds, probes, since, excluded_at)
                SELECT 'ALPHA', 'node3', 'resting', '12 of 12 attempts failed', 1, 3600, 5, x.at, x.at
                FROM (SELECT min(at) - interval '1 microsecond' AS at FROM verdict WHERE node = 'node3') x
                """
            )
            try await centre.until("SELECT forgiven FROM verdict WHERE node = 'node3'")
            let used: [(String, Bool, Int32)] = try await centre.database.query(
                Statement(
                    "test.used",
                    """
                    SELECT v.node, v.forgiven, j.failures FROM verdict v JOIN job j ON j.task = v.task AND j.index = v.index ORDER BY v.node
                    """,
                    returning: String.self,
                    Bool.self,
                    Int32.self
                )
            ).map { ($0.0, $0.1, $0.2) }
            running.cancel()
            #expect(used.map(\.0) == ["node2", "node3"])
            #expect(used.map(\.1) == [false, true])
            #expect(used.map(\.2) == [1, 0])
            try await LifecycleTests.expectNoViolations(centre)
        }
    }
}
