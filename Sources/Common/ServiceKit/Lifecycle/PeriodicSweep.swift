package import Logging
import ServiceLifecycle

/// Work that is done now and then, and at once when somebody rings: outbox, slow checks, feed.
///
/// Rings while it runs are one more run, however many they are: what a ring announces is done by a run that begins
/// after it. One run at a time. The interval is the net under lost rings; nothing else in a service uses a timer.
package final class PeriodicSweep: Service, CustomStringConvertible {
    /// What a run found.
    package enum Result: Sendable {
        /// All is done: the next run comes with a ring or the interval.
        case done
        /// There is more: run again at once.
        case more
    }

    private let name: String
    private let interval: Duration
    private let jitter: Double
    private let pace: Duration
    private let sleep: @Sendable (Duration) async throws -> Void
    private let health: HealthComponent
    private let logger: Logger
    private let work: @Sendable () async throws -> Result
    private let bell: AsyncStream<Void>
    private let rope: AsyncStream<Void>.Continuation

    /// - Parameters:
    ///   - interval: between runs without rings.
    ///   - jitter: each interval is longer or shorter by at most this share, so that several processes spread.
    ///   - pace: the least time from one run to the next, for work that may wait: the first is done at once, what is rung for within
    ///     that time is done together.
    ///   - health: notes failures; it is not ready when they last longer than ten intervals (at least a minute).
    ///   - sleep: the clock.
    ///   - work: one run; an error is logged and the work tried again with the next interval or ring.
    package init(
        name: String,
        interval: Duration,
        jitter: Double = 0.1,
        pace: Duration = .zero,
        health: HealthState,
        logger: Logger,
        sleep: @escaping @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) },
        work: @escaping @Sendable () async throws -> Result
    ) {
        self.name = name
        self.interval = interval
        self.jitter = jitter
        self.pace = pace
        self.health = health.component(name, limit: max(.seconds(60), interval * 10))
        self.logger = logger
        self.sleep = sleep
        self.work = work
        (self.bell, self.rope) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    }

    package var description: String { "sweep \(self.name)" }

    /// Asks for a run as soon as possible. Cheap; may be called from anywhere, and before ``run()``.
    package func ring() { self.rope.yield() }

    /// Runs at once, then with every ring and interval, until a graceful shutdown (the run under way is finished) or
    /// cancellation.
    package func run() async throws {
        await withGracefulShutdownHandler {
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await self.tick() }
                self.ring()
                for await _ in self.bell {
                    let began = ContinuousClock.now
                    await self.once()
                    if self.pace > .zero { await self.rest(self.pace - began.duration(to: .now)) }
                    if Task.isShuttingDownGracefully { break }
                }
                group.cancelAll()
            }
        } onGracefulShutdown: {
            self.rope.finish()
        }
    }

    /// Ends early when the sweep is to end.
    private func rest(_ duration: Duration) async {
        guard duration > .zero else { return }
        await cancelWhenGracefulShutdown {
            do { try await self.sleep(duration) } catch { return }
        }
    }

    /// Rings with every interval, until cancelled.
    private func tick() async {
        while !Task.isCancelled {
            do {
                try await self.sleep(self.interval * Double.random(in: (1 - self.jitter)...(1 + self.jitter)))
            } catch {
                // The sleep was cancelled: the sweep ends.
                return
            }
            self.ring()
        }
    }

    private func once() async {
        self.health.began()
        defer { self.health.ended() }
        do {
            if try await self.work() == .more { self.ring() }
            self.health.progress()
        } catch is CancellationError {
            return
        } catch {
            self.health.failing("\(error)")
            self.logger.warning("sweep failed", metadata: ["sweep": "\(self.name)", "error": "\(error)"])
        }
    }
}
