import Catalog
import Domain
import Testing

@testable import Scheduler

/// Agents that keep room for jobs of many cores, in one turn of matching.
@Suite struct ReservationsTests {
    private static let classes: [Int32: Requirement] = [
        1: Requirement(), 2: Requirement(cores: 8, memoryMB: 100), 3: Requirement(cores: 4, memoryMB: 100),
    ]

    private static func agent(
        _ holder: Int32,
        room: Int,
        probes: Int? = nil,
        nodeProbes: Int? = nil,
        reserved: Int32? = nil,
        earlier: Int = 0
    ) throws -> OpenDemand {
        var agent = try SimulatedFarm.agent(holder, room: room)
        agent.siteProbes = probes
        agent.nodeProbes = nodeProbes
        agent.reserved = reserved
        agent.earlier = earlier
        return agent
    }

    /// The wide jobs come first.
    private static func match(
        _ agents: [OpenDemand],
        wide: Int64 = 10,
        facts: Reservations.Facts? = nil,
        part: Double = 0.1,
        unseen: Set<Int32> = [],
        longer: Set<Int32> = []
    ) -> Matching {
        Matching(
            demands: agents,
            candidates: [
                SimulatedFarm.candidate(task: 1, jobs: wide, cores: 8, priority: 9, class: 2),
                SimulatedFarm.candidate(task: 2, jobs: 100, cores: 1, priority: 1, class: 1),
            ],
            classes: Self.classes,
            limit: 100,
            reservations: Reservations(ReservationPolicy(part: part), longer: longer, facts: facts),
            unseen: unseen
        )
    }

    private static func facts(
        agents: Int = 10,
        held: [Int32: Int32] = [:],
        _ running: [Int32: [Int: Int]]
    ) -> Reservations.Facts {
        Reservations.Facts(agents: agents, held: held, running: running)
    }

    /// Before anything is known of an agent it keeps nothing, and is named; where all fits nothing is asked.
    @Test func factsAreAskedForOnlyWhereTheyDecide() throws {
        let agents = [try Self.agent(1, room: 3), try Self.agent(2, room: 16)]
        let first = Self.match(agents)
        #expect(first.questions == [.places] && first.reserved.isEmpty)
        #expect(Self.match([agents[1]]).questions.isEmpty)
        #expect(Self.match(agents, part: 0).questions.isEmpty)
        // Where there is no place, what runs is not asked for; else of no more agents than two for each place.
        #expect(Self.match(agents, facts: Self.facts([:])).questions == [.running(1)])
        #expect(Self.match(agents, facts: Self.facts(held: [9: 3], [:])).questions.isEmpty)
        #expect(Self.match(agents, wide: 2, facts: Self.facts([:])).questions == [.running(1)])
        let many = try (1...10 as ClosedRange<Int32>).map { try Self.agent($0, room: 3) }
        #expect(Self.match(many, facts: Self.facts([:])).questions == [.running(1), .running(2)])
        #expect(Self.match(many, facts: Self.facts(agents: 30, [:])).questions.count == 6)
        let second = Self.match(agents, facts: Self.facts([1: [1: 5]]))
        #expect(second.reserved == [1: 2] && second.rooms == [1: 3, 2: 0])
        #expect(second.assigned.map(\.holder) == [2, 2])
        #expect(!second.wantsMore && !second.isBlind)
        #expect(second.roomsLeft(agents).map(\.reserved) == [2, nil])
    }

    @Test func anAgentFullOfJobsAsLargeKeepsNothing() throws {
        let agents = [try Self.agent(1, room: 3)]
        for running in [[8: 56], [16: 32, 8: 24], [8: 48, 1: 4]] as [[Int: Int]] {
            let matching = Self.match(agents, facts: Self.facts([1: running]))
            #expect(matching.reserved.isEmpty && matching.assigned.count == 3, "\(running)")
        }
        #expect(Self.match(agents, facts: Self.facts([1: [8: 48, 4: 8, 1: 1]])).reserved == [1: 2])
    }

    /// A tenth of the agents, and one at least; who is served later sees what was decided before.
    @Test func fewAgentsKeepRoomAtTheSameTime() throws {
        let agents = try (1...4 as ClosedRange<Int32>).map { try Self.agent($0, room: 2) }
        let running = Dictionary(uniqueKeysWithValues: agents.map { ($0.holder, [1: 6]) })
        #expect(Self.match(agents, facts: Self.facts(agents: 4, running)).reserved == [1: 2])
        #expect(Self.match(agents, facts: Self.facts(agents: 30, running)).reserved == [1: 2, 2: 2, 3: 2])
        // Another agent keeps some already, for whatever.
        #expect(Self.match(agents, facts: Self.facts(agents: 4, held: [9: 3], running)).reserved.isEmpty)
        // No more than jobs wait.
        #expect(Self.match(agents, wide: 2, facts: Self.facts(agents: 40, running)).reserved == [1: 2, 2: 2])
        #expect(
            Self.match(agents, wide: 2, facts: Self.facts(agents: 40, held: [9: 2], running)).reserved == [1: 2]
        )
    }

    @Test func whoKeepsRoomGoesOnUntilItIsEnough() throws {
        let going = Self.match([try Self.agent(1, room: 7, reserved: 2)])
        #expect(going.reserved == [1: 2] && going.assigned.isEmpty && going.questions.isEmpty)
        let enough = Self.match([try Self.agent(1, room: 8, reserved: 2)])
        #expect(enough.reserved.isEmpty && enough.assigned.map(\.job.task) == [1] && enough.rooms == [1: 0])
        // The last of these jobs has gone elsewhere.
        let agents = [try Self.agent(1, room: 7, reserved: 2)]
        let over = Matching(
            demands: agents,
            candidates: [SimulatedFarm.candidate(task: 2, jobs: 100, cores: 1, priority: 1, class: 1)],
            classes: Self.classes,
            limit: 100,
            reservations: Reservations(ReservationPolicy())
        )
        #expect(over.reserved.isEmpty && over.assigned.count == 7 && over.roomsLeft(agents).map(\.reserved) == [nil])
        // It kept for another class: this one is decided about anew.
        #expect(Self.match([try Self.agent(1, room: 3, reserved: 3)]).questions == [.places])
    }

    /// More became free at once than was needed: what is left beside the job is judged like any other.
    @Test func whatIsLeftBesideTheJobIsNotKept() throws {
        let agents = [try Self.agent(1, room: 9, reserved: 2)]
        #expect(Self.match(agents).questions == [.places])
        let few = Self.match(agents, facts: Self.facts([1: [1: 3]]))
        #expect(few.assigned.map(\.job.task) == [1, 2] && few.reserved.isEmpty && few.rooms == [1: 0])
        let enough = Self.match(agents, facts: Self.facts([1: [1: 7]]))
        #expect(enough.assigned.map(\.job.task) == [1] && enough.reserved == [1: 2] && enough.rooms == [1: 1])
    }

    /// Others have kept cores for longer, and will take all the jobs there are.
    @Test func whoCameLaterLetsGo() throws {
        func agent(_ earlier: Int) throws -> [OpenDemand] {
            [try Self.agent(1, room: 3, reserved: 2, earlier: earlier)]
        }
        #expect(Self.match(try agent(1), wide: 2).reserved == [1: 2])
        #expect(Self.match(try agent(2), wide: 2).reserved.isEmpty)
        #expect(Self.match(try agent(2), wide: 2, longer: [2]).reserved == [1: 2])
    }

    /// Of a class of which there are more none may run here: a longer look is needed before it keeps its room.
    @Test func whatWasNotLookedAtMightComeFirst() throws {
        let agent = try Self.agent(1, room: 3, reserved: 2)
        #expect(!Self.match([agent], longer: [2]).isBlind)
        #expect(!Self.match([agent], longer: [1, 2]).isBlind)
        #expect(Self.match([agent], longer: [3]).isBlind)
        #expect(!Self.match([try Self.agent(1, room: 8, reserved: 2)], longer: [3]).isBlind)
    }

    /// What another Scheduler holds is not gone: the agent keeps what it has, and wants only that.
    @Test func whatIsNotSeenIsKeptFor() throws {
        let agent = try Self.agent(1, room: 8, reserved: 2)
        let matching = Self.match([agent], unseen: [1])
        #expect(matching.reserved == [1: 2] && matching.assigned.isEmpty && matching.rooms == [1: 8])
        #expect(matching.wanted(by: agent, Self.classes) == [2])
    }

    @Test func nobodyIsServedAgainForWhatItDoesNotGet() throws {
        let keeping = try Self.agent(1, room: 7, reserved: 2)
        #expect(Self.match([keeping]).wanted(by: keeping, Self.classes).isEmpty)
        let free = try Self.agent(1, room: 120)
        let matching = Self.match([free], wide: 1)
        #expect(matching.rooms == [1: 13] && matching.wanted(by: free, Self.classes) == [1, 2, 3])
    }

    /// A place that is probed gets some jobs, of however many cores, and keeps nothing: enough would never be free.
    @Test func probesAreCountedInJobs() throws {
        let probed = try Self.agent(1, room: 20, probes: 2)
        let matching = Self.match([probed])
        #expect(matching.assigned.map(\.job) == [JobKey(task: 1, index: 0), JobKey(task: 1, index: 1)])
        #expect(matching.rooms == [1: 4] && !matching.wantsMore && matching.wanted(by: probed, Self.classes).isEmpty)
        let narrow = try Self.agent(1, room: 3, nodeProbes: 2)
        let few = Self.match([narrow], facts: Self.facts([1: [1: 61]]))
        #expect(few.assigned.map(\.job.task) == [2, 2] && few.reserved.isEmpty && few.questions.isEmpty)
        #expect(!few.wantsMore && few.wanted(by: narrow, Self.classes).isEmpty)
        let none = try Self.agent(1, room: 20, probes: -1)
        #expect(Self.match([none]).assigned.isEmpty && Self.match([none]).wanted(by: none, Self.classes).isEmpty)
    }

    /// However many agents a site has.
    @Test func theProbesOfASiteAreForAllItsAgents() throws {
        let agents = try (1...3 as ClosedRange<Int32>).map { try Self.agent($0, room: 16, probes: 3) }
        let matching = Self.match(agents)
        #expect(matching.assigned.map(\.holder) == [1, 1, 2])
        for agent in agents { #expect(matching.wanted(by: agent, Self.classes).isEmpty) }
        // The node's are its own.
        let node = try Self.agent(1, room: 16, probes: 3, nodeProbes: 1)
        #expect(Self.match([node, agents[1]]).assigned.map(\.holder) == [1, 2, 2])
    }
}
