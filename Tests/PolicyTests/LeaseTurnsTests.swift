import Catalog
import Domain
import NIOConcurrencyHelpers
import Postgres
import Testing

@testable import Scheduler

@Suite struct LeaseTurnsTests {
    private struct Broken: Error {}

    private func demand(_ agent: String, question: Int64 = 1) throws -> Demand {
        Demand(
            site: "DESY",
            agent: agent,
            session: try #require(UUIDText("0b9a3f0e-0000-4000-8000-000000000001")),
            question: question,
            replyTo: "site.DESY.\(agent)",
            room: 1,
            capacity: Capacity(
                cores: 1,
                memoryMBPerCore: 1000,
                walltimeSeconds: 1000,
                diskMB: 1000,
                platform: "linux-x86_64"
            )
        )
    }

    /// One turn, after which these are hungry; what it was for.
    private func turn(
        _ turns: LeaseTurns,
        hungry: LeaseTurns.Hungry = LeaseTurns.Hungry()
    ) async throws -> LeaseTurns.Turn {
        let seen = NIOLockedValueBox<LeaseTurns.Turn?>(nil)
        let isMore = try await turns.turn { turn in
            seen.withLockedValue { $0 = turn }
            return hungry
        }
        #expect(isMore == !hungry.isEmpty)
        return try #require(seen.withLockedValue { $0 })
    }

    /// Asks, and returns when the question is there.
    private func ask(_ turns: LeaseTurns, _ demands: [Demand]) async -> Task<Void, any Error> {
        let (rung, bell) = AsyncStream.makeStream(of: Void.self)
        let task = Task { try await turns.ask(demands) { bell.finish() } }
        for await _ in rung {}
        return task
    }

    @Test func whoAsksIsServedAloneAndToldWhenItIsDone() async throws {
        let turns = LeaseTurns(interval: .seconds(3600))
        #expect(try await self.turn(turns).isForAll, "the first turn is for everybody")
        let asking = await self.ask(turns, [try self.demand("b"), try self.demand("a")])
        let turn = try await self.turn(turns)
        try await asking.value
        #expect(turn.demands.map(\.agent) == ["a", "b"])
        #expect(!turn.isForAll)
        #expect(try await self.turn(turns).demands.isEmpty, "a question is served once")
    }

    @Test func newWorkIsForEverybodyOnce() async throws {
        let turns = LeaseTurns(interval: .seconds(3600))
        _ = try await self.turn(turns)
        turns.callAll()
        let first = await self.ask(turns, [try self.demand("a")])
        let turn = try await self.turn(turns)
        #expect(turn.isForAll && turn.demands.map(\.agent) == ["a"])
        let second = await self.ask(turns, [try self.demand("a", question: 2)])
        #expect(try await !self.turn(turns).isForAll)
        try await first.value
        try await second.value
    }

    @Test func everybodyIsServedNowAndThenHoweverManyAsk() async throws {
        let turns = LeaseTurns(interval: .zero)
        _ = try await self.turn(turns)
        let asking = await self.ask(turns, [try self.demand("a")])
        #expect(try await self.turn(turns).isForAll)
        try await asking.value
    }

    @Test func whoDidNotGetEnoughIsServedInTheNextTurnBesideThoseWhoAsk() async throws {
        let turns = LeaseTurns(interval: .seconds(3600))
        var hungry = LeaseTurns.Hungry()
        hungry.add(7, site: "DESY", gotSome: true)
        hungry.add(8, site: "DESY", gotSome: false)
        hungry.add(9, site: "KEK", gotSome: false)
        _ = try await self.turn(turns, hungry: hungry)
        let asking = await self.ask(turns, [try self.demand("a")])
        let turn = try await self.turn(turns)
        #expect(turn.hungry.quick == [7] && turn.hungry.patient == ["DESY": [8], "KEK": [9]])
        #expect(turn.demands.map(\.agent) == ["a"] && !turn.isForAll)
        try await asking.value
        #expect(try await self.turn(turns).hungry.isEmpty)
    }

    /// Hungry agents are no reason to serve everybody.
    @Test func theHungryAloneAreServedAlone() async throws {
        let turns = LeaseTurns(interval: .seconds(3600))
        var hungry = LeaseTurns.Hungry()
        hungry.add(7, site: "DESY", gotSome: true)
        _ = try await self.turn(turns, hungry: hungry)
        #expect(try await !self.turn(turns).isForAll)
        #expect(try await self.turn(turns).isForAll, "nobody wants anything")
    }

    @Test func theLastQuestionOfAnAgentCounts() async throws {
        let turns = LeaseTurns(interval: .seconds(3600))
        let first = await self.ask(turns, [try self.demand("a", question: 1)])
        let second = await self.ask(turns, [try self.demand("a", question: 2)])
        #expect(try await self.turn(turns).demands.map(\.question) == [2])
        try await first.value
        try await second.value
    }

    /// Another Scheduler may not know of the work that the turn was for.
    @Test func whoWasPassedByIsServedInTheNextTurn() async throws {
        let turns = LeaseTurns(interval: .seconds(3600))
        var hungry = LeaseTurns.Hungry()
        #expect(hungry.isEmpty)
        hungry.add(passedBy: [])
        #expect(hungry.isEmpty)
        hungry.add(passedBy: [7, 8])
        _ = try await self.turn(turns, hungry: hungry)
        let turn = try await self.turn(turns)
        #expect(turn.hungry.quick == [7, 8] && turn.hungry.patient.isEmpty && !turn.isForAll)
    }

    @Test func jobsThatCameBackAreForEverybody() async throws {
        let turns = LeaseTurns(interval: .seconds(3600))
        var hungry = LeaseTurns.Hungry()
        hungry.add(7, site: "DESY", gotSome: true)
        hungry.isEverybody = true
        _ = try await self.turn(turns, hungry: hungry)
        #expect(try await self.turn(turns).isForAll)
        #expect(!LeaseTurns.Hungry().isEverybody)
        hungry = LeaseTurns.Hungry()
        hungry.isEverybody = true
        #expect(!hungry.isEmpty)
    }

    /// What it was for is not known any more.
    @Test func theTurnAfterAFailedOneIsForEverybody() async throws {
        let turns = LeaseTurns(interval: .seconds(3600))
        _ = try await self.turn(turns)
        let first = await self.ask(turns, [try self.demand("a")])
        await #expect(throws: Broken.self) { _ = try await turns.turn { _ in throw Broken() } }
        await #expect(throws: Broken.self) { try await first.value }
        let second = await self.ask(turns, [try self.demand("b")])
        #expect(try await self.turn(turns).isForAll)
        try await second.value
    }

    @Test func aFailedTurnFailsThoseWhoAskedAndNobodyElse() async throws {
        let turns = LeaseTurns(interval: .seconds(3600))
        let first = await self.ask(turns, [try self.demand("a")])
        await #expect(throws: Broken.self) { _ = try await turns.turn { _ in throw Broken() } }
        await #expect(throws: Broken.self) { try await first.value }
        let second = await self.ask(turns, [try self.demand("a")])
        _ = try await self.turn(turns)
        try await second.value
    }

    @Test func whoIsCancelledWaitsNoLongerAndItsQuestionStays() async throws {
        let turns = LeaseTurns(interval: .seconds(3600))
        let asking = await self.ask(turns, [try self.demand("a")])
        asking.cancel()
        await #expect(throws: CancellationError.self) { try await asking.value }
        #expect(try await self.turn(turns).demands.map(\.agent) == ["a"])
    }

    /// It is cancelled before it waits.
    @Test func whoIsCancelledAlreadyDoesNotWait() async throws {
        let turns = LeaseTurns(interval: .seconds(3600))
        let demand = try self.demand("a")
        let asking = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            try await turns.ask([demand]) {}
        }
        await #expect(throws: CancellationError.self) { try await asking.value }
    }
}
