import Domain
import Testing

@Suite struct ReservationPolicyTests {
    /// Eight cores are needed, one is free; ten jobs wait, nobody keeps anything.
    private static func one(_ change: (inout ReservationPolicy.Case) -> Void = { _ in }) -> ReservationPolicy.Case {
        var one = ReservationPolicy.Case(cores: 8, room: 1, waiting: 10, alike: 0, reserving: 0, agents: 50)
        change(&one)
        return one
    }

    private static func hasPlace(
        part: Double = 0.1,
        _ change: (inout ReservationPolicy.Case) -> Void = { _ in }
    ) -> Bool {
        ReservationPolicy(part: part).hasPlace(Self.one(change))
    }

    @Test func coresOfSmallerJobsAreWaitedFor() {
        let policy = ReservationPolicy()
        #expect(policy.isWorthWhile(Self.one(), smaller: 63))
        #expect(policy.isWorthWhile(Self.one(), smaller: 7))
        // The next to end is as large: its own cores are enough, and the one beside it would do nothing all the time.
        #expect(!policy.isWorthWhile(Self.one(), smaller: 6))
        #expect(!policy.isWorthWhile(Self.one { $0.room = 7 }, smaller: 0))
        #expect(policy.isWorthWhile(Self.one { $0.room = 7 }, smaller: 1))
    }

    @Test func noMoreAgentsKeepCoresThanJobsWait() {
        #expect(Self.hasPlace { ($0.waiting, $0.alike, $0.reserving) = (3, 2, 2) })
        #expect(!Self.hasPlace { ($0.waiting, $0.alike, $0.reserving) = (3, 3, 3) })
        #expect(!Self.hasPlace { $0.waiting = 0 })
    }

    @Test func onlyAPartOfTheAgentsKeepCores() {
        #expect(Self.hasPlace { $0.reserving = 4 })
        #expect(!Self.hasPlace { $0.reserving = 5 })
        // One always may, however few there are.
        #expect(Self.hasPlace { $0.agents = 1 })
        #expect(!Self.hasPlace { ($0.agents, $0.reserving) = (9, 1) })
        #expect(!Self.hasPlace(part: 0))
        #expect(Self.hasPlace(part: 1) { $0.reserving = 49 })
        #expect(ReservationPolicy(part: 0.1).most(of: 0) == 1 && ReservationPolicy(part: 0).most(of: 1000) == 0)
    }
}
