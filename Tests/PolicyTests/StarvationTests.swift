import Domain
import Testing

@testable import Scheduler

/// Jobs of many cores among jobs of one, on agents that are always full.
@Suite struct StarvationTests {
    private static let shares: [ShareTree.Share] = [
        .init(name: "narrow", parent: nil, weight: 1), .init(name: "wide", parent: nil, weight: 1),
    ]
    private static let narrow = SimulatedFarm.Work(task: 1, share: "narrow", cores: 1, seconds: 100...2000)
    private static let wide = SimulatedFarm.Work(task: 2, share: "wide", cores: 8, seconds: 100...2000)

    /// What the wide jobs have of a farm on which the narrow ones were first, once the shares have evened out, and what nobody had until
    /// then: from 0 to 1.
    private static func parts(
        agents: Int = 1,
        cores: Int = 64,
        wide: SimulatedFarm.Work = wide,
        shares: [ShareTree.Share] = shares,
        policy: ReservationPolicy = ReservationPolicy()
    ) throws -> (wide: Double, idle: Double, farm: SimulatedFarm) {
        var (narrow, wide) = (Self.narrow, wide)
        if shares.isEmpty { (narrow.share, wide.share) = (ShareTree.others, ShareTree.others) }
        var farm = SimulatedFarm(agents: agents, cores: cores, works: [narrow], shares: shares, policy: policy)
        try farm.run(seconds: 4000)
        farm.add(wide)
        farm.forget()
        try farm.run(seconds: 8000)
        let idle = Double(farm.idle) / Double(agents * cores * 8000)
        farm.forget()
        try farm.run(seconds: 8000)
        return (Double(farm.used[wide.task] ?? 0) / Double(agents * cores * 8000), idle, farm)
    }

    /// So it was, and is where reservations are switched off.
    @Test func withoutReservationsTheyWaitForEver() throws {
        let got = try Self.parts(policy: ReservationPolicy(part: 0))
        #expect(got.wide == 0 && got.idle == 0)
    }

    @Test func theirShareGetsItsPart() throws {
        let got = try Self.parts()
        #expect((0.48...0.52).contains(got.wide), "\(got.wide)")
        #expect(got.idle < 0.01, "\(got.idle)")
    }

    /// Priority counts, within one share, as it does among jobs of one core.
    @Test func theHigherPriorityHasAlmostAllOfIt() throws {
        var first = Self.wide
        first.priority = 9
        let got = try Self.parts(wide: first, shares: [])
        #expect(got.wide > 0.98, "\(got.wide)")
        #expect(got.idle < 0.02, "\(got.idle)")
    }

    /// More than is needed may become free at once, and of twelve cores four are then left beside the job.
    @Test func whatIsLeftBesideThemIsUsed() throws {
        var (three, first) = (Self.narrow, Self.wide)
        (three.share, three.cores) = (ShareTree.others, 3)
        (first.share, first.priority) = (ShareTree.others, 9)
        for seed in 1...5 as ClosedRange<UInt64> {
            var farm = SimulatedFarm(agents: 1, cores: 12, works: [three], policy: ReservationPolicy(), seed: seed)
            try farm.run(seconds: 4000)
            farm.add(first)
            try farm.run(seconds: 8000)
            farm.forget()
            try farm.run(seconds: 8000)
            // Eight and three of the twelve are used.
            #expect(farm.used[2] == 8 * 8000 && farm.used[1] == 3 * 8000, "\(seed) \(farm.used)")
        }
    }

    /// What no job of eight can ever have is not kept for one: of 60 cores four are for jobs of one.
    @Test func whatIsTooLittleForThemIsUsed() throws {
        var first = Self.wide
        first.priority = 9
        let got = try Self.parts(cores: 60, wide: first, shares: [])
        #expect(got.wide > 0.93, "\(got.wide)")
        #expect(got.idle < 0.02, "\(got.idle)")
        #expect(got.farm.used[1] == 4 * 8000)
    }

    /// Of agents that hold one such job each, a tenth keeps room at the same time.
    @Test func fewAgentsWaitAtTheSameTime() throws {
        let got = try Self.parts(agents: 30, cores: 8)
        #expect(got.farm.mostReserving == 3)
        #expect((0.48...0.52).contains(got.wide), "\(got.wide)")
        #expect(got.idle < 0.06, "\(got.idle)")
    }
}
