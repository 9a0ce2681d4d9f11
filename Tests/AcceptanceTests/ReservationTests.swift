import Catalog
import Domain
import Messages
import Postgres
import PrivateServers
import SimulatedSite
import TestSupport
import Testing

/// Jobs of four cores among jobs of one, on agents that are full of these.
@Suite(.serialized) struct ReservationTests {
    private static func document(_ name: String, jobs: Int, cores: Int) -> WorkflowDocument {
        WorkflowDocument(
            name: name,
            tasks: [
                TaskTemplate(
                    name: "generate",
                    kind: "generate",
                    events: Scalar("\(jobs * 10)"),
                    eventsPerJob: "10",
                    steps: [StepTemplate(name: "make", command: ["true"])],
                    outputs: [OutputTemplate(stream: "gen", file: "gen.dat")],
                    resources: ResourceTemplate(cores: Scalar("\(cores)"))
                )
            ]
        )
    }

    /// A farm whose Scheduler looks at nothing without being told.
    private static func withFarm(
        schedulers: Int = 1,
        _ body: (TestCentre) async throws -> Void
    ) async throws {
        try await LifecycleTests.withCentre(services: ["monitor", "bookkeeper"]) { centre, processes in
            for number in 1...schedulers {
                processes.append(
                    try await centre.start("scheduler", instance: "\(number)", config: "scheduler:\n  sweep: 1h\n")
                )
            }
            try await body(centre)
            try await LifecycleTests.expectNoViolations(centre)
        }
    }

    /// An agent whose narrow jobs end one by one as they are told to, and its wide ones never.
    private static func agent(
        _ centre: TestCentre,
        _ name: String = "one",
        room: Int,
        ends: Gathered
    ) async throws -> Task<Void, any Error> {
        let agent = try await centre.agent("ALPHA", name: name, room: room, manner: .init(asksOnlyWithReason: true)) {
            job,
            task in
            task.requirement.cores > 1 ? .hang : .until({ await ends.more(than: Int(job.name.index)) }, .finish)
        }
        return Task { try await agent.run() }
    }

    /// Eight cores on which narrow jobs run, while more wait.
    private static func fullAgent(_ centre: TestCentre) async throws -> (running: Task<Void, any Error>, ends: Gathered)
    {
        let ends = Gathered()
        let running = try await Self.agent(centre, room: 8, ends: ends)
        _ = try await Self.approve(centre, "narrow", jobs: 1000, cores: 1)
        try await Self.expect(centre, narrow: 8, wide: 0, free: 0, keptFor: 0)
        return (running, ends)
    }

    private static func approve(
        _ centre: TestCentre,
        _ name: String,
        jobs: Int,
        cores: Int,
        priority: Int = 100
    ) async throws -> Int64 {
        let request = try await centre.approve(Self.document(name, jobs: jobs, cores: cores)) { $0.priority = priority }
        // The words of it have gone out: sent once more after some seconds, they would wake the Scheduler.
        try await centre.database.execute("DELETE FROM outbox")
        return request
    }

    /// Narrow and wide jobs that are leased, cores that are free, and what one job needs for which they are kept.
    private static func expect(
        _ centre: TestCentre,
        narrow: Int,
        wide: Int,
        free: Int,
        keptFor cores: Int,
        agent: String = "one"
    ) async throws {
        try await centre.until(
            """
            SELECT room = \(Int32(free)) AND coalesce((SELECT cores FROM class WHERE id = a.reserved_for), 0) = \(Int32(cores))
                AND (SELECT count(*) FILTER (WHERE c.cores = 1) = \(Int64(narrow)) AND count(*) FILTER (WHERE c.cores > 1) = \(Int64(wide))
                     FROM lease l JOIN task t ON t.id = l.task JOIN class c ON c.id = t.class WHERE l.holder = a.id)
            FROM agent_session a WHERE agent = \(agent)
            """
        )
    }

    @Test func aJobOfManyCoresGetsItsTurnOnAFullAgent() async throws {
        try await Self.withFarm { centre in
            let (running, ends) = try await Self.fullAgent(centre)
            let wide = try await Self.approve(centre, "wide", jobs: 2, cores: 4, priority: 200)
            try await centre.until("SELECT count(DISTINCT class) = 2 FROM waiting")
            for end in 1...3 {
                ends.insert([end])
                try await Self.expect(centre, narrow: 8 - end, wide: 0, free: end, keptFor: 4)
            }
            ends.insert([4])
            try await Self.expect(centre, narrow: 4, wide: 1, free: 0, keptFor: 0)
            // The second one's turn; its request is cancelled, and what was kept goes to the others.
            ends.insert([5, 6])
            try await Self.expect(centre, narrow: 2, wide: 1, free: 2, keptFor: 4)
            let operations = Operations(centre.database, caller: centre.caller)
            try await centre.carryOut(try await operations.cancel(wide, version: nil, reason: nil))
            try await Self.expect(centre, narrow: 8, wide: 0, free: 0, keptFor: 0)
            running.cancel()
        }
    }

    /// Another agent comes and takes the last job for which the first one keeps its cores: these go to others at once.
    @Test func whatIsKeptForNobodyIsGivenAway() async throws {
        try await Self.withFarm { centre in
            let (running, ends) = try await Self.fullAgent(centre)
            _ = try await Self.approve(centre, "wide", jobs: 1, cores: 4, priority: 200)
            try await centre.until("SELECT count(DISTINCT class) = 2 FROM waiting")
            ends.insert([1, 2])
            try await Self.expect(centre, narrow: 6, wide: 0, free: 2, keptFor: 4)
            let other = try await Self.agent(centre, "two", room: 4, ends: ends)
            try await Self.expect(centre, narrow: 0, wide: 1, free: 0, keptFor: 0, agent: "two")
            try await Self.expect(centre, narrow: 8, wide: 0, free: 0, keptFor: 0)
            for task in [running, other] { task.cancel() }
        }
    }

    /// While another Scheduler holds the rows of the wide jobs, as it does for a moment, what is kept for them is not given away.
    @Test func whatIsKeptStaysWhileItsJobsAreNotSeen() async throws {
        try await Self.withFarm(schedulers: 2) { centre in
            let (running, ends) = try await Self.fullAgent(centre)
            _ = try await Self.approve(centre, "wide", jobs: 2, cores: 4, priority: 200)
            try await centre.until("SELECT count(DISTINCT class) = 2 FROM waiting")
            ends.insert([1, 2])
            try await Self.expect(centre, narrow: 6, wide: 0, free: 2, keptFor: 4)
            try await centre.database.withTransaction { transaction in
                try await transaction.execute("SELECT 1 FROM waiting WHERE priority = 200 FOR NO KEY UPDATE")
                ends.insert([3])
                try await Self.expect(centre, narrow: 5, wide: 0, free: 3, keptFor: 4)
                ends.insert([4])
                // Now there is enough for one, and the Scheduler waits for the rows.
                try await Self.expect(centre, narrow: 4, wide: 0, free: 4, keptFor: 4)
            }
            try await Self.expect(centre, narrow: 4, wide: 1, free: 0, keptFor: 0)
            running.cancel()
        }
    }

    /// A site that has only jobs of more cores than it may have probes comes back all the same.
    @Test func jobsOfManyCoresAreProbesToo() async throws {
        try await Self.withFarm { centre in
            try await centre.database.execute(
                """
                INSERT INTO excluded_place (site, node, phase, reason, round, pause_seconds, probes)
                VALUES ('ALPHA', '', 'resting', '10 of 10 attempts failed', 1, 3600, 2)
                """
            )
            try await centre.database.execute("UPDATE excluded_place SET phase = 'probing'")
            let running = try await Self.agent(centre, room: 32, ends: Gathered())
            try await centre.until("SELECT count(*) = 1 FROM agent_session WHERE room = 32")
            _ = try await Self.approve(centre, "wide", jobs: 10, cores: 4)
            try await Self.expect(centre, narrow: 0, wide: 2, free: 24, keptFor: 0)
            running.cancel()
        }
    }
}
