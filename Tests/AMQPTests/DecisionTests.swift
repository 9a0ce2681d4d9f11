@testable import AMQP
import Testing

@Suite struct BackoffTests {
    @Test func pausesDoubleUpToTheMaximumAndJitterAtMostHalvesThem() {
        let backoff = Backoff()
        let full = (1...9).map { backoff.pause(failures: $0, random: 1) }
        #expect(full == [200, 400, 800, 1600, 3200, 6400, 10_000, 10_000, 10_000].map { .milliseconds($0) })
        #expect(backoff.pause(failures: 1, random: 0) == .milliseconds(100))
        #expect(backoff.pause(failures: .max, random: 0.5) == .milliseconds(7500))
        #expect(backoff.pause(failures: 0, random: -3) == .milliseconds(100))
    }
}

@Suite struct ConnectionLifecycleTests {
    private let start = ContinuousClock.now
    private let backoff = Backoff(initial: .seconds(1), maximum: .seconds(4), stableAfter: .seconds(10))

    private func at(_ seconds: Double) -> ContinuousClock.Instant { self.start + .seconds(seconds) }

    @Test func itConnectsAtOnceAndOnlyOnce() {
        var cycle = ConnectionLifecycle(backoff: self.backoff)
        #expect(cycle.next(now: self.at(0), isIdle: true) == .none)
        #expect(cycle.deadline == nil)
        cycle.start(now: self.at(0))
        #expect(cycle.deadline == self.at(0))
        #expect(cycle.next(now: self.at(0), isIdle: true) == .connect)
        #expect(cycle.next(now: self.at(0), isIdle: true) == .none)
        cycle.opened(now: self.at(1))
        cycle.start(now: self.at(1))
        #expect(cycle.phase == .open(since: self.at(1)))
        #expect(cycle.next(now: self.at(99), isIdle: true) == .none)
    }

    @Test func failuresLengthenThePauseAndAStableConnectionForgetsThem() {
        var cycle = ConnectionLifecycle(backoff: self.backoff)
        cycle.start(now: self.at(0))
        var now = 0.0
        for pause in [1.0, 2, 4, 4] {
            #expect(cycle.next(now: self.at(now), isIdle: true) == .connect)
            cycle.failed(now: self.at(now), random: 1)
            #expect(cycle.next(now: self.at(now + pause - 0.01), isIdle: true) == .none)
            now += pause
            #expect(cycle.deadline == self.at(now))
        }
        #expect(cycle.next(now: self.at(now), isIdle: true) == .connect)
        cycle.opened(now: self.at(now))
        // Lost too soon to count as good: the pause does not shrink.
        cycle.failed(now: self.at(now + 9), random: 1)
        #expect(cycle.deadline == self.at(now + 13))
        #expect(cycle.failures == 5)
        #expect(cycle.next(now: self.at(now + 13), isIdle: true) == .connect)
        cycle.opened(now: self.at(now + 13))
        cycle.failed(now: self.at(now + 23), random: 1)
        #expect(cycle.failures == 1)
        #expect(cycle.deadline == self.at(now + 24))
    }

    /// Brings a lifecycle into each phase, by name.
    private func phases() -> [(String, ConnectionLifecycle)] {
        var cycle = ConnectionLifecycle(backoff: self.backoff)
        var all = [("idle", cycle)]
        cycle.start(now: self.at(0))
        all.append(("waiting", cycle))
        _ = cycle.next(now: self.at(0), isIdle: true)
        all.append(("connecting", cycle))
        cycle.opened(now: self.at(0))
        all.append(("open", cycle))
        return all
    }

    @Test func aStopEndsEveryPhaseWhenIdleOrAtTheLimit() {
        for (name, phase) in self.phases() {
            for isIdle in [true, false] {
                var cycle = phase
                cycle.stop(now: self.at(1), drainLimit: .seconds(5))
                cycle.stop(now: self.at(3), drainLimit: .seconds(50))
                #expect(cycle.drainUntil == self.at(6), "\(name)")
                if name == "connecting" { cycle.failed(now: self.at(1), random: 1) }
                let early = cycle.next(now: self.at(1.5), isIdle: isIdle)
                #expect(early == (isIdle ? .close : name == "waiting" ? .connect : .none), "\(name)")
                if early == .connect { cycle.opened(now: self.at(2)) }
                if !isIdle {
                    #expect((cycle.deadline ?? self.at(99)) <= self.at(6), "\(name)")
                    if cycle.next(now: self.at(6), isIdle: false) == .connect { Issue.record("connects at its end") }
                }
                #expect(cycle.isStopped, "\(name)")
                #expect(cycle.deadline == nil)
            }
        }
    }

    @Test func nothingWakesAStoppedOne() {
        var cycle = ConnectionLifecycle(backoff: self.backoff)
        cycle.stop(now: self.at(0), drainLimit: .seconds(1))
        #expect(cycle.next(now: self.at(0), isIdle: true) == .close)
        cycle.start(now: self.at(1))
        cycle.opened(now: self.at(1))
        cycle.failed(now: self.at(1), random: 0)
        #expect(cycle.next(now: self.at(100), isIdle: true) == .none)
        #expect(cycle.isStopped)
    }

    @Test func reportsOutOfPlaceChangeNothing() {
        for (name, phase) in self.phases() {
            var cycle = phase
            if name != "connecting" {
                cycle.opened(now: self.at(50))
                #expect(cycle == phase, "\(name)")
            }
            if name == "idle" || name == "waiting" {
                cycle.failed(now: self.at(50), random: 0)
                #expect(cycle == phase, "\(name)")
            }
        }
    }
}

@Suite struct FIFOTests {
    @Test func itBehavesLikeAnArrayThroughGrowthAndCompaction() {
        var fifo = FIFO<Int>()
        var model: [Int] = []
        var generator = SystemRandomNumberGenerator()
        for number in 0..<5000 {
            if Int.random(in: 0..<10, using: &generator) < (number < 2500 ? 7 : 3) {
                fifo.append(number)
                model.append(number)
            } else {
                #expect(fifo.popFirst() == (model.isEmpty ? nil : model.removeFirst()))
            }
            #expect(fifo.count == model.count)
            #expect(fifo.first == model.first)
            #expect(fifo[fifo.count / 2] == (model.isEmpty ? nil : model[model.count / 2]))
        }
        #expect(fifo.elements == model)
        #expect(fifo[-1] == nil)
        #expect(fifo[fifo.count] == nil)
    }
}
