import Catalog
import Domain
import Postgres
import Testing

/// What an agent is said to have room for, while offers to it are on their way.
@Suite struct DemandTests {
    /// One question of one agent after another, and what the Scheduler offers it.
    private struct World {
        let client: PostgresClient
        let session: UUIDText
        var question: Int64 = 0
        var queue: Int64? = 1

        /// Asks; returns the room that the catalogue sees, nil if the question was ignored.
        mutating func ask(room: Int, taken: Int64?, session: UUIDText? = nil) async throws -> Int32? {
            self.question += 1
            let demand = Demand(
                site: "ALPHA",
                agent: "one",
                session: session ?? self.session,
                question: self.question,
                replyTo: "agent.ALPHA.one",
                room: room,
                capacity: Capacity(
                    cores: 8,
                    memoryMBPerCore: 4000,
                    walltimeSeconds: 86_400,
                    diskMB: 100_000,
                    platform: "linux-x86_64"
                ),
                taken: taken,
                queue: self.queue
            )
            let asked = try await self.client.query(LeasingStatements.takeDemand([demand]))
            guard !asked.isEmpty else { return nil }
            return try await self.room
        }

        private var room: Int32? {
            get async throws {
                try await self.client.query(
                    Statement("test.room", "SELECT room FROM agent_session", returning: Int32.self)
                ).first
            }
        }

        /// Offers jobs of so many cores out of what room there is.
        func offer(_ cores: Int) async throws {
            let row = try await self.client.query(
                Statement("test.session", "SELECT id, room FROM agent_session", returning: Int32.self, Int32.self)
            ).first
            let (holder, room) = try #require(row)
            try await self.client.execute(
                LeasingStatements.setRoom([.init(holder: holder, room: Int(room) - cores, offered: cores)])
            )
        }
    }

    private static func with(_ body: (inout World) async throws -> Void) async throws {
        let client = PostgresClient(url: try await CatalogDatabase.make(), logger: CatalogDatabase.logger)
        let running = Task { try await client.run() }
        try await client.execute("INSERT INTO site (name) VALUES ('ALPHA')")
        var world = World(client: client, session: .random())
        try await body(&world)
        running.cancel()
        _ = await running.result
    }

    /// Asked again before the offer has come, the same cores are not given twice; what has come is taken off by the agent itself.
    @Test func coresUnderWayAreNotGivenTwice() async throws {
        try await Self.with { world in
            #expect(try await world.ask(room: 60, taken: 0) == 60)
            try await world.offer(60)
            #expect(try await world.ask(room: 60, taken: 0) == 0)
            // Half of it has come.
            #expect(try await world.ask(room: 30, taken: 30) == 0)
            #expect(try await world.ask(room: 0, taken: 60) == 0)
            // Ten jobs have ended.
            #expect(try await world.ask(room: 10, taken: 60) == 10)
            try await world.offer(4)
            // Two more, before those four came: six are left of the ten, and two.
            #expect(try await world.ask(room: 12, taken: 60) == 8)
        }
    }

    /// An agent that refused what it was offered has its room again.
    @Test func whatCameAndWasRefusedIsFree() async throws {
        try await Self.with { world in
            #expect(try await world.ask(room: 8, taken: 0) == 8)
            try await world.offer(8)
            #expect(try await world.ask(room: 8, taken: 8) == 8)
        }
    }

    /// An offer that was lost with a broker is made up for by the next that comes, also while others follow it all the time.
    @Test func whatWasLostIsMadeUpForByTheNext() async throws {
        try await Self.with { world in
            #expect(try await world.ask(room: 8, taken: 0) == 8)
            try await world.offer(4)
            #expect(try await world.ask(room: 8, taken: 0) == 4)
            // The second offer carries the first one's cores too.
            try await world.offer(4)
            #expect(try await world.ask(room: 4, taken: 8) == 4)
            try await world.offer(4)
            #expect(try await world.ask(room: 4, taken: 8) == 0)
        }
    }

    /// Where no other follows, it is not waited for for ever.
    @Test func whatDoesNotComeIsLost() async throws {
        try await Self.with { world in
            #expect(try await world.ask(room: 8, taken: 0) == 8)
            try await world.offer(6)
            #expect(try await world.ask(room: 8, taken: 0) == 2)
            try await world.client.execute(
                "UPDATE agent_session SET offered_at = offered_at - make_interval(secs => \(LeasingStatements.offerSeconds))"
            )
            #expect(try await world.ask(room: 8, taken: 0) == 8)
            try await world.offer(3)
            #expect(try await world.ask(room: 5, taken: 9) == 5)
            try await world.offer(4)
            #expect(try await world.ask(room: 5, taken: 9) == 1)
        }
    }

    /// What was offered to an earlier start of the agent is refused by it.
    @Test func aNewSessionBeginsAnew() async throws {
        try await Self.with { world in
            #expect(try await world.ask(room: 8, taken: 0) == 8)
            try await world.offer(8)
            #expect(try await world.ask(room: 8, taken: 0, session: .random()) == 8)
        }
    }

    /// With a reply queue all that was on its way there is gone. Said with every question, since the first may be overtaken.
    @Test func aNewReplyQueueIsEmpty() async throws {
        try await Self.with { world in
            #expect(try await world.ask(room: 8, taken: 0) == 8)
            try await world.offer(8)
            world.queue = 2
            #expect(try await world.ask(room: 8, taken: 0) == 8)
            #expect(try await world.ask(room: 8, taken: 0) == 8)
            try await world.offer(8)
            #expect(try await world.ask(room: 8, taken: 0) == 0)
        }
    }

    /// Offers that reached nobody come back; whoever was told first that the agent is gone.
    @Test(arguments: ["here", "silent"])
    func whatCameBackIsNotOnItsWay(state: String) async throws {
        try await Self.with { world in
            #expect(try await world.ask(room: 8, taken: 0) == 8)
            try await world.offer(8)
            try await world.client.execute("UPDATE agent_session SET state = \(state)")
            let holder = try await world.client.query(
                Statement("test.holder", "SELECT id FROM agent_session", returning: Int32.self)
            )
            try await world.client.execute(LeasingStatements.sessionGone(holders: holder))
            #expect(try await world.ask(room: 8, taken: 0) == 8)
        }
    }

    /// Nonsense costs nobody else anything.
    @Test func moreThanCanBeIsTakenForAll() async throws {
        try await Self.with { world in
            for _ in 1...2 { #expect(try await world.ask(room: 8, taken: .max) == 8) }
            try await world.offer(8)
            #expect(try await world.ask(room: 8, taken: .max) == 8)
        }
    }

    /// An agent that does not say what has come is believed, as before there was such a word.
    @Test func whoDoesNotSayIsBelieved() async throws {
        try await Self.with { world in
            world.queue = nil
            #expect(try await world.ask(room: 8, taken: nil) == 8)
            try await world.offer(8)
            #expect(try await world.ask(room: 8, taken: nil) == 8)
            world.question -= 2
            #expect(try await world.ask(room: 5, taken: nil) == nil)
        }
    }

    /// Who has kept cores for longer counts while it is served: not while its node rests.
    @Test func whoseNodeRestsKeepsNothingFromOthers() async throws {
        try await Self.with { world in
            #expect(try await world.ask(room: 3, taken: 0) == 3)
            try await world.client.execute([
                "INSERT INTO class (cores, memory_mb, walltime_s, disk_mb, platform, tags, sites, storage) VALUES (8, 2000, 3600, 1000, 'any', '{}', '{}', '{}')",
                """
                UPDATE agent_session SET node = 'n1', reserved_for = (SELECT max(id) FROM class), reserved_at = now() - interval '1 hour'
                """,
                """
                INSERT INTO agent_session (site, agent, session, sequence, reply_to, room, cores, memory_mb, walltime_s, disk_mb, platform, tags,
                                           storage, last_seen, reserved_for, reserved_at)
                SELECT site, 'two', gen_random_uuid(), 1, 'x', 3, 8, 2000, 86400, 10000, 'any', '{}', '{}', now(), reserved_for, now()
                FROM agent_session
                """,
            ])
            func earlier() async throws -> [Int64] {
                try await world.client.query(LeasingStatements.openDemand([1, 2])).map(\.20)
            }
            #expect(try await earlier() == [0, 1])
            #expect(try await world.client.query(LeasingStatements.reserving).count == 2)
            try await world.client.execute(
                "INSERT INTO excluded_place (site, node, phase, reason, round, pause_seconds, probes) VALUES ('ALPHA', 'n1', 'resting', 'x', 1, 600, 3)"
            )
            #expect(try await earlier() == [0])
            #expect(try await world.client.query(LeasingStatements.reserving).count == 1)
        }
    }
}
