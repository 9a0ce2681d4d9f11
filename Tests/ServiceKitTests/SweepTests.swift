import Logging
import NIOConcurrencyHelpers
import ServiceKit
import ServiceLifecycle
import Testing

@Suite struct SweepTests {
    /// Hands out permits, one for each run, and tells when a run has begun.
    private struct Gate: Sendable {
        let begun = AsyncStream.makeStream(of: Int.self)
        let permits = AsyncStream.makeStream(of: Void.self)
        let runs = NIOLockedValueBox(0)

        func run() async {
            let run = self.runs.withLockedValue { runs in
                runs += 1
                return runs
            }
            self.begun.continuation.yield(run)
            for await _ in self.permits.stream { return }
        }
    }

    private let health = HealthState(identity: Identity(service: "test"))
    private let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    /// A clock that never rings: only what tells of something begins a turn.
    private static let never: @Sendable (Duration) async throws -> Void = { _ in
        try await Task.sleep(for: .seconds(86_400))
    }

    @Test func itRunsAtOnceAndManyRingsDuringARunAreOneMore() async throws {
        let gate = Gate()
        let sweep = PeriodicSweep(
            name: "s",
            interval: .seconds(1),
            health: self.health,
            logger: self.logger,
            sleep: Self.never
        ) {
            await gate.run()
            return .done
        }
        let task = Task { try await sweep.run() }
        var begun = gate.begun.stream.makeAsyncIterator()
        #expect(await begun.next() == 1)
        for _ in 0..<10 { sweep.ring() }
        gate.permits.continuation.yield()
        #expect(await begun.next() == 2)
        gate.permits.continuation.yield()
        // A third run could only come from the ten rings; this ring makes the third for certain.
        sweep.ring()
        #expect(await begun.next() == 3)
        task.cancel()
        gate.permits.continuation.finish()
        try await task.value
        #expect(gate.runs.withLockedValue { $0 } == 3)
    }

    @Test func moreMeansAtOnceAgain() async throws {
        let runs = AsyncStream.makeStream(of: Int.self)
        let count = NIOLockedValueBox(0)
        let sweep = PeriodicSweep(
            name: "s",
            interval: .seconds(1),
            health: self.health,
            logger: self.logger,
            sleep: Self.never
        ) {
            let run = count.withLockedValue { count in
                count += 1
                return count
            }
            runs.continuation.yield(run)
            return run < 3 ? .more : .done
        }
        let task = Task { try await sweep.run() }
        for await run in runs.stream where run == 3 { break }
        task.cancel()
        try await task.value
        #expect(count.withLockedValue { $0 } == 3)
    }

    @Test func theIntervalRingsWithJitterAndAnErrorDoesNotEndIt() async throws {
        struct Trouble: Error {}
        let (asked, ask) = AsyncStream.makeStream(of: Duration.self)
        let (elapsed, elapse) = AsyncStream.makeStream(of: Void.self)
        let (runs, ran) = AsyncStream.makeStream(of: Void.self)
        let sweep = PeriodicSweep(
            name: "s",
            interval: .seconds(100),
            jitter: 0.1,
            health: self.health,
            logger: self.logger,
            sleep: { duration in
                ask.yield(duration)
                for await _ in elapsed { return }
                throw CancellationError()
            },
            work: {
                ran.yield()
                throw Trouble()
            }
        )
        let task = Task { try await sweep.run() }
        var run = runs.makeAsyncIterator()
        var duration = asked.makeAsyncIterator()
        await run.next()
        for _ in 0..<3 {
            let wanted = try #require(await duration.next())
            #expect((Duration.seconds(90)...Duration.seconds(110)).contains(wanted))
            elapse.yield()
            await run.next()
        }
        task.cancel()
        try await task.value
        #expect(self.health.readiness().checks.first?.reason == "Trouble()")
    }

    @Test func aGracefulShutdownFinishesTheRunUnderWayAndBeginsNoOther() async throws {
        let runs = NIOLockedValueBox(0)
        let finished = NIOLockedValueBox(false)
        let (begun, begin) = AsyncStream.makeStream(of: Void.self)
        let sweep = PeriodicSweep(
            name: "s",
            interval: .seconds(1),
            health: self.health,
            logger: self.logger,
            sleep: Self.never
        ) {
            runs.withLockedValue { $0 += 1 }
            begin.yield()
            try await gracefulShutdown()
            finished.withLockedValue { $0 = !Task.isCancelled }
            return .more
        }
        let group = ServiceGroup(services: [sweep], gracefulShutdownSignals: [], logger: self.logger)
        let task = Task { try await group.run() }
        for await _ in begun { break }
        await group.triggerGracefulShutdown()
        try await task.value
        #expect(finished.withLockedValue { $0 })
        #expect(runs.withLockedValue { $0 } == 1)
    }

    /// It does not sit out its rest, which here would never be over, and does not run once more.
    @Test func aGracefulShutdownEndsTheRestOfAPacedSweep() async throws {
        let runs = NIOLockedValueBox(0)
        let (asked, ask) = AsyncStream.makeStream(of: Void.self)
        let sweep = PeriodicSweep(
            name: "s",
            interval: .seconds(1000),
            pace: .seconds(10),
            health: self.health,
            logger: self.logger,
            sleep: { duration in
                if duration <= .seconds(10) { ask.yield() }
                try await Self.never(duration)
            },
            work: {
                runs.withLockedValue { $0 += 1 }
                return .more
            }
        )
        let group = ServiceGroup(services: [sweep], gracefulShutdownSignals: [], logger: self.logger)
        let task = Task { try await group.run() }
        for await _ in asked { break }
        await group.triggerGracefulShutdown()
        try await task.value
        #expect(runs.withLockedValue { $0 } == 1)
    }

    @Test func aPacedSweepRestsBetweenItsRunsHoweverOftenItIsRung() async throws {
        let (asked, ask) = AsyncStream.makeStream(of: Duration.self)
        let (elapsed, elapse) = AsyncStream.makeStream(of: Void.self)
        let (runs, ran) = AsyncStream.makeStream(of: Int.self)
        let count = NIOLockedValueBox(0)
        let sweep = PeriodicSweep(
            name: "s",
            interval: .seconds(1000),
            pace: .seconds(10),
            health: self.health,
            logger: self.logger,
            sleep: { duration in
                guard duration <= .seconds(10) else { return try await Self.never(duration) }
                ask.yield(duration)
                for await _ in elapsed { return }
                throw CancellationError()
            },
            work: {
                ran.yield(
                    count.withLockedValue { count in
                        count += 1
                        return count
                    }
                )
                return .done
            }
        )
        let task = Task { try await sweep.run() }
        var run = runs.makeAsyncIterator()
        var rest = asked.makeAsyncIterator()
        #expect(await run.next() == 1)
        #expect(try #require(await rest.next()) > .zero)
        for _ in 0..<10 { sweep.ring() }
        #expect(count.withLockedValue { $0 } == 1, "it rests")
        elapse.yield()
        #expect(await run.next() == 2)
        #expect(try #require(await rest.next()) > .zero)
        task.cancel()
        try await task.value
        #expect(count.withLockedValue { $0 } == 2)
    }
}
