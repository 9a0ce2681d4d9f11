import Testing

@testable import Postgres

@Suite struct PoolMachineTests {
    @Test func connectionsAreOpenedOnlyAsWaitersNeedThem() {
        var pool = PoolMachine(size: 2)
        #expect(pool.acquire(1) == .wait(open: 0))
        #expect(pool.acquire(2) == .wait(open: 1))
        #expect(pool.acquire(3) == .wait(open: nil))
        #expect(pool.offer(0) == 1)
        #expect(pool.offer(0) == 2)
        #expect(pool.offer(1) == 3)
        #expect(pool.offer(1) == nil)
        #expect(pool.acquire(4) == .lease(slot: 1))
        #expect(pool.acquire(5) == .wait(open: nil))
    }

    @Test func waitersAreServedInTheirOrderAndMayLeave() {
        var pool = PoolMachine(size: 1)
        for waiter in 1...4 { _ = pool.acquire(UInt64(waiter)) }
        pool.withdraw(2)
        var served: [UInt64?] = []
        for _ in 0..<4 { served.append(pool.offer(0)) }
        #expect(served == [1, 3, 4, nil])
        #expect(pool.slots == [.idle])
    }

    @Test func aNewcomerDoesNotOvertakeWaiters() {
        var pool = PoolMachine(size: 2)
        _ = pool.acquire(1)
        #expect(pool.offer(0) == 1)
        _ = pool.acquire(2)
        #expect(pool.offer(0) == 2)
        #expect(pool.acquire(3) == .wait(open: nil))
        #expect(pool.waiters == [3])
    }

    @Test func aLostConnectionIsOpenedAgainOnlyIfWanted() {
        var pool = PoolMachine(size: 1)
        _ = pool.acquire(1)
        #expect(pool.lost(0) == true)
        #expect(pool.slots == [.opening])
        pool.withdraw(1)
        #expect(pool.lost(0) == false)
        #expect(pool.acquire(2) == .wait(open: 0))
    }

    @Test func aClosedPoolRefusesAndNamesItsWaiters() {
        var pool = PoolMachine(size: 1)
        _ = pool.acquire(1)
        _ = pool.acquire(2)
        #expect(pool.close() == [1, 2])
        #expect(pool.acquire(3) == .refused)
        #expect(pool.offer(0) == nil)
        #expect(pool.lost(0) == false)
    }

    /// Random events; the invariants must hold after each.
    @Test func noSequenceOfEventsLeasesAConnectionTwiceOrForgetsAWaiter() {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<200 {
            var pool = PoolMachine(size: Int.random(in: 1...4, using: &random))
            var leased: Set<Int> = []
            var waiting: [UInt64] = []
            for event in 1...200 {
                let slot = Int.random(in: 0..<pool.slots.count, using: &random)
                switch (Int.random(in: 0..<5, using: &random), pool.slots[slot]) {
                case (0, _), (1, _):
                    switch pool.acquire(UInt64(event)) {
                    case .lease(let slot): #expect(leased.insert(slot).inserted)
                    case .wait: waiting.append(UInt64(event))
                    case .refused: Issue.record("refused by an open pool")
                    }
                case (2, .opening), (2, .leased), (3, .opening), (3, .leased):
                    leased.remove(slot)
                    if let waiter = pool.offer(slot) {
                        #expect(waiter == waiting.removeFirst())
                        #expect(leased.insert(slot).inserted)
                    }
                case (4, .opening), (4, .leased), (4, .idle):
                    leased.remove(slot)
                    _ = pool.lost(slot)
                case (3, _):
                    if let waiter = waiting.randomElement(using: &random) {
                        pool.withdraw(waiter)
                        waiting.removeAll { $0 == waiter }
                    }
                default: break
                }
                #expect(pool.waiters == waiting)
                #expect(Set(pool.slots.indices.filter { pool.slots[$0] == .leased }) == leased)
                // Nobody waits while a connection is idle, or while one could be opened for him.
                let opening = pool.slots.count { $0 == .opening }
                let vacant = pool.slots.count { $0 == .vacant }
                #expect(waiting.isEmpty || !pool.slots.contains(.idle))
                #expect(waiting.count <= opening || vacant == 0 || leased.count + opening > 0)
            }
        }
    }
}

@Suite struct PolicyTests {
    @Test func theBackOffDoublesUpToItsLimitAndIsJittered() {
        let policy = BackOff(first: .milliseconds(100), longest: .seconds(5))
        var random = SystemRandomNumberGenerator()
        for failure in 1...100 {
            let full = min(0.1 * Double(1 << min(failure - 1, 20)), 5)
            let delay = policy.delay(after: failure, using: &random) / .seconds(1)
            #expect(delay >= full * 0.499 && delay <= full * 1.001)
        }
        let delays = Set((0..<20).map { _ in policy.delay(after: 3, using: &random) })
        #expect(delays.count > 1)
    }
}
