import Catalog
import Domain
import NIOConcurrencyHelpers

/// What the next turn of leasing is for: the agents that have asked since the last one, those that did not get enough in it, and whether
/// there is new work, for which everybody who has room is served.
///
/// A Scheduler has one turn at a time. Two at once wait for each other over the same agents, and each finds half of the jobs. Each agent
/// gets one offer in a turn, so that who asks does not wait until others are full.
final class LeaseTurns: Sendable {
    /// Agents with room for which jobs are still waiting, by the numbers of their sessions.
    struct Hungry: Sendable, Equatable {
        /// Who got something, or was passed by.
        private(set) var quick: Set<Int32> = []
        /// Who got nothing, by site: for them, what another Scheduler holds is waited for.
        private(set) var patient: [String: Set<Int32>] = [:]
        /// Jobs have come back, for whoever has room.
        var isEverybody = false

        var isEmpty: Bool { self.quick.isEmpty && self.patient.isEmpty && !self.isEverybody }

        mutating func add(_ holder: Int32, site: String, gotSome: Bool) {
            if gotSome { self.quick.insert(holder) } else { self.patient[site, default: []].insert(holder) }
        }

        /// Agents that keep their cores for jobs of which none is left.
        mutating func add(reservedInVain holders: [Int32]) { self.quick.formUnion(holders) }

        /// Agents whom another Scheduler was serving: what it saw may be older than the work that this turn was for.
        mutating func add(passedBy holders: [Int32]) { self.quick.formUnion(holders) }
    }

    struct Turn: Sendable {
        /// The last question of each agent.
        var demands: [Demand] { Array(self.asked.values).sorted { ($0.site, $0.agent) < ($1.site, $1.agent) } }
        fileprivate(set) var isForAll = false
        /// Who did not get enough in the last turn.
        fileprivate(set) var hungry = Hungry()
        fileprivate var asked: [Agent: Demand] = [:]
        fileprivate var callers: [Int: CheckedContinuation<Void, any Error>] = [:]
    }

    fileprivate struct Agent: Hashable {
        let site: String
        let agent: String
    }

    private struct State {
        var next = Turn()
        var number = 0
        /// When everybody was last to be served.
        var servedAll: ContinuousClock.Instant?
    }

    /// After how long without new work everybody is served all the same.
    private let interval: Duration
    private let state = NIOLockedValueBox(State())

    init(interval: Duration) { self.interval = interval }

    /// The next turn is for everybody: there is new work.
    func callAll() { self.state.withLockedValue { $0.next.isForAll = true } }

    /// Has these served, and returns when that is done.
    ///
    /// - Parameter ring: asks for a turn.
    /// - Throws: what the turn failed with; CancellationError.
    func ask(_ demands: [Demand], ring: () -> Void) async throws {
        let number = self.state.withLockedValue { state in
            state.number += 1
            return state.number
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (caller: CheckedContinuation<Void, any Error>) in
                let isLate = self.state.withLockedValue { state in
                    for demand in demands { state.next.asked[Agent(site: demand.site, agent: demand.agent)] = demand }
                    // Cancelled before it waits: the handler below finds nobody.
                    if Task.isCancelled { return true }
                    state.next.callers[number] = caller
                    return false
                }
                if isLate { caller.resume(throwing: CancellationError()) }
                ring()
            }
        } onCancel: {
            // What was asked stays, and is served with the next turn.
            self.state.withLockedValue { $0.next.callers.removeValue(forKey: number) }?
                .resume(throwing: CancellationError())
        }
    }

    /// Does one turn, and tells those who have asked.
    ///
    /// - Parameter work: returns who has not got enough.
    /// - Returns: whether somebody has not: there is to be another turn.
    func turn(_ work: (Turn) async throws -> Hungry) async throws -> Bool {
        let turn = self.take()
        do {
            let hungry = try await work(turn)
            for caller in turn.callers.values { caller.resume() }
            self.state.withLockedValue {
                $0.next.hungry = hungry
                if hungry.isEverybody { $0.next.isForAll = true }
            }
            return !hungry.isEmpty
        } catch {
            // Who did not get enough, and what the turn was for, is not known any more: the next one is for everybody.
            self.callAll()
            for caller in turn.callers.values { caller.resume(throwing: error) }
            throw error
        }
    }

    private func take() -> Turn {
        self.state.withLockedValue { state in
            var turn = Turn()
            swap(&turn, &state.next)
            let now = ContinuousClock.now
            let isTime = state.servedAll.map { $0.duration(to: now) >= self.interval } ?? true
            // Nobody wants anything: the sweep's own time has come.
            turn.isForAll = turn.isForAll || turn.asked.isEmpty && turn.hungry.isEmpty || isTime
            if turn.isForAll { state.servedAll = now }
            return turn
        }
    }
}
