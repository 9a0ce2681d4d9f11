import Domain
import Testing

@Suite struct LeasePlanTests {
    private static func range(
        _ task: Int64,
        _ jobs: Int64,
        cores: Int = 1,
        priority: Int = 1,
        class: Int32 = 1
    ) -> WaitingRange {
        WaitingRange(
            task: task,
            range: IndexRange(first: 0, last: jobs - 1),
            priority: priority,
            cores: cores,
            class: `class`
        )
    }

    /// A plan without shares.
    private static func plan(
        _ ranges: [WaitingRange],
        room: Int,
        limit: Int = 100,
        reserves: (LeasePlan.Shortage) -> Bool = { _ in false }
    ) -> LeasePlan {
        var shares = ShareTree([])
        return LeasePlan(
            ranges: ranges,
            room: room,
            limit: limit,
            shares: &shares,
            owner: { _ in ShareTree.others },
            reserves: reserves
        )
    }

    @Test func leasesGoByPriorityThenAgeAndFillTheRoom() {
        let plan = Self.plan([Self.range(1, 100), Self.range(2, 3, priority: 9)], room: 8)
        #expect(plan.pieces.map(\.from.task) == [2, 1])
        #expect(plan.pieces.map(\.taken.count) == [3, 5])
        #expect(plan.pieces[1].rest == IndexRange(first: 5, last: 99))
        #expect(plan.room == 0 && plan.reserved == nil)
        let older = Self.plan([Self.range(2, 5), Self.range(1, 5)], room: 7)
        #expect(older.pieces.map(\.from.task) == [1, 2] && older.pieces.map(\.taken.count) == [5, 2])
    }

    @Test func aPlanKeepsToItsLimit() {
        #expect(Self.plan([Self.range(1, 100)], room: 50, limit: 7).jobs == 7)
        #expect(Self.plan([Self.range(1, 100)], room: 50, limit: 0).jobs == 0)
    }

    @Test func aJobTooWideForTheRoomIsPassedOver() {
        let plan = Self.plan([Self.range(1, 1, cores: 8, priority: 9, class: 2), Self.range(2, 10)], room: 4)
        #expect(plan.pieces.map(\.from.task) == [2])
        #expect(plan.jobs == 4 && plan.reserved == nil)
    }

    /// What it says of the job that does not fit is what is left then, and what smaller ones have just been given.
    @Test func orRoomIsKeptForIt() {
        let small = Self.range(1, 2, priority: 9)
        let wide = Self.range(2, 10, cores: 8, priority: 5, class: 2)
        let more = Self.range(3, 100)
        var asked: [LeasePlan.Shortage] = []
        let plan = Self.plan([more, wide, small], room: 23) { shortage in
            asked.append(shortage)
            return true
        }
        #expect(plan.pieces.map(\.from.task) == [1, 2] && plan.pieces.map(\.taken.count) == [2, 2])
        #expect(plan.reserved == wide && plan.room == 5)
        #expect(asked.count == 1)
        #expect(asked.first?.room == 5 && asked.first?.given == 2 && asked.first?.waiting == 8)
        #expect(asked.first?.isFed == true)
        _ = Self.plan([more, wide, small], room: 7) { shortage in
            #expect(shortage.room == 5 && shortage.given == 2 && !shortage.isFed)
            return true
        }
    }

    /// Other ranges of its class need as much, and are not asked about again; those of another class are.
    @Test func eachClassIsAskedAboutOnce() {
        var asked: [Int32] = []
        let ranges = [
            Self.range(1, 1, cores: 8, priority: 9, class: 2), Self.range(2, 1, cores: 8, priority: 8, class: 2),
            Self.range(3, 1, cores: 6, priority: 7, class: 3), Self.range(4, 9),
        ]
        let plan = Self.plan(ranges, room: 4) { shortage in
            asked.append(shortage.range.class)
            return false
        }
        #expect(asked == [2, 3] && plan.jobs == 4)
    }

    /// Nothing is kept by whoever is full, or has as many jobs as it may.
    @Test func nothingIsKeptWhereNothingIsLeft() {
        let wide = Self.range(1, 9, cores: 4, class: 2)
        #expect(Self.plan([wide], room: 8) { _ in true }.reserved == nil)
        #expect(Self.plan([wide], room: 9, limit: 2) { _ in true }.reserved == nil)
        #expect(Self.plan([wide], room: 9) { _ in true }.reserved == wide)
        #expect(Self.plan([Self.range(1, 2)], room: 9) { _ in true }.reserved == nil)
    }

    /// The share of the wide jobs has its turn: the other one, which would fit, does not get what is left.
    @Test func roomIsKeptForTheShareWhoseTurnItIs() {
        let shares = ShareTree([.init(name: "a", parent: nil, weight: 1), .init(name: "b", parent: nil, weight: 1)])
        let ranges = [Self.range(1, 10, cores: 8, class: 2), Self.range(2, 100)]
        func plan(used: [String: Int]) -> LeasePlan {
            var tree = shares
            for (share, cores) in used { tree.use(share, cores: cores) }
            return LeasePlan(
                ranges: ranges,
                room: 3,
                limit: 100,
                shares: &tree,
                owner: { $0.class == 2 ? "a" : "b" },
                reserves: { _ in true }
            )
        }
        #expect(plan(used: ["b": 61]).reserved == ranges[0] && plan(used: ["b": 61]).jobs == 0)
        // It has had its part.
        let other = plan(used: ["a": 40, "b": 21])
        #expect(other.reserved == nil && other.jobs == 3 && other.pieces.map(\.from.task) == [2])
        // What brings the others up to it goes to them; the rest is kept.
        let both = plan(used: ["a": 8, "b": 7])
        #expect(both.jobs == 1 && both.reserved == ranges[0] && both.room == 2)
    }

    /// Within a share the best comes first, though it takes more than a step of the room.
    @Test func prioritiesOfAShareHoldInEveryStep() {
        var tree = ShareTree([.init(name: "a", parent: nil, weight: 1), .init(name: "b", parent: nil, weight: 1)])
        let ranges = [
            Self.range(1, 4, cores: 8, priority: 9, class: 2), Self.range(2, 100), Self.range(3, 100, class: 3),
        ]
        let plan = LeasePlan(
            ranges: ranges,
            room: 64,
            limit: 100,
            shares: &tree,
            owner: { $0.class == 3 ? "b" : "a" },
            reserves: { _ in false }
        )
        #expect(plan.pieces.map(\.from.task) == [1, 3] && plan.pieces.map(\.taken.count) == [4, 32])
    }
}
