import AMQP
import Domain
import Glibc
import Logging
import Messages
import ServiceLifecycle

/// Everything that runs in an agent, from its start to its last report.
struct AgentService: Service {
    /// What the command line says.
    struct Options: Sendable {
        /// Ends when there was no job for this long; nil: never.
        var idleLimit: Duration?
        /// How long running jobs are waited for at the end.
        var drain: Duration = .zero
    }

    let parts: AgentParts
    let options: Options

    /// Returns after a graceful shutdown, or when a one-shot agent found no more work.
    func run() async throws {
        try await self.parts.recover()
        try await withThrowingTaskGroup(of: Void.self) { group in
            self.startLinks(&group)
            self.startLoops(&group)
            // What runs in this group ends by itself once the connections are stopped and the bells are finished: nothing
            // that reads a connection's states is cancelled while those are being told of its end.
            await withTaskGroup(of: Void.self) { clocks in
                self.startClocks(&clocks)
                let isSignalled = await self.waitForEnd()
                await self.shutDown(isSignalled: isSignalled)
                clocks.cancelAll()
            }
            try await group.waitForAll()
        }
    }

    private func startLinks(_ group: inout ThrowingTaskGroup<Void, any Error>) {
        let parts = self.parts
        for run in [parts.publisher.run, parts.consumer.run] {
            group.addTask {
                defer { parts.linkEnded.ring() }
                try await run()
            }
        }
        for (changes, hasQueue) in [(parts.publisher.stateChanges(), false), (parts.consumer.stateChanges(), true)] {
            group.addTask {
                for await state in changes {
                    if hasQueue, case .disconnected = state { await parts.core.loseQueue() }
                    guard state == .connected else { continue }
                    guard parts.publisher.isConnected, parts.consumer.isConnected else { continue }
                    parts.heart.ring()
                    parts.courierBell.ring()
                    await parts.core.consider(.connected)
                }
            }
        }
        group.addTask {
            for await batch in parts.consumer.batches(maximum: 100) {
                var settlements: [Settlement] = []
                for delivery in batch.deliveries { settlements.append(await parts.core.handle(delivery)) }
                await batch.settle(settlements)
            }
        }
    }

    private func startLoops(_ group: inout ThrowingTaskGroup<Void, any Error>) {
        let parts = self.parts
        group.addTask {
            await parts.executor.run()
            parts.executorEnded.ring()
        }
        group.addTask { await parts.courier.run() }
        group.addTask { for await _ in parts.heart.rings { await parts.core.beat() } }
        group.addTask { for await _ in parts.jobEnded.rings { await parts.core.jobEnded() } }
        group.addTask {
            for await item in parts.progress.items {
                await parts.post.say([item], routingKey: RoutingKey.progress, isMandatory: false)
            }
        }
    }

    private func startClocks(_ group: inout TaskGroup<Void>) {
        let parts = self.parts
        group.addTask { await every({ await parts.core.heartbeatPause }) { parts.heart.ring() } }
        // A report that the broker refused is tried again.
        group.addTask { await every({ .seconds(5) }) { parts.courierBell.ring() } }
        group.addTask { await every({ .seconds(1) }) { await parts.core.consider(.tick) } }
    }

    /// Waits for a signal, until a one-shot agent has nothing to do, or for the end of a connection.
    ///
    /// - Returns: whether it was a signal.
    private func waitForEnd() async -> Bool {
        let (parts, idleLimit) = (self.parts, self.options.idleLimit)
        return await withTaskGroup(of: Bool.self) { group in
            group.addTask {
                do {
                    try await gracefulShutdown()
                } catch {
                    // Cancelled: the other task has ended the wait.
                    return false
                }
                return true
            }
            // A connection that cannot be run at all: its error is thrown when the rest has ended.
            group.addTask {
                for await _ in parts.linkEnded.rings { break }
                return false
            }
            if let idleLimit {
                group.addTask {
                    while await parts.core.lastBusy.duration(to: .now) < idleLimit {
                        do {
                            try await Task.sleep(for: .milliseconds(200))
                        } catch {
                            return false
                        }
                    }
                    return false
                }
            }
            let isSignalled = await group.next() ?? false
            group.cancelAll()
            return isSignalled
        }
    }

    /// Waits for the last job; those that are not through in time are ended, and waited for, too.
    private func waitForJobs(isSignalled: Bool) async {
        let (parts, drain) = (self.parts, self.options.drain)
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                do {
                    try await Task.sleep(for: drain)
                } catch {
                    // All jobs have ended in time.
                    return
                }
                let failure = BatchJob.failure(
                    of: parts.batch,
                    isSignalled: isSignalled,
                    isPreempted: isSignalled ? await BatchInquiry.isPreempted(parts.batch, parts.logger) : nil,
                    now: Now.timestamp
                )
                for key in await parts.executor.present() { _ = await parts.executor.cancel(key, .agentStops(failure)) }
            }
            for await _ in parts.executorEnded.rings { break }
            group.cancelAll()
        }
    }

    private func shutDown(isSignalled: Bool) async {
        let parts = self.parts
        parts.logger.info("stopping")
        await parts.core.stop()
        await parts.core.consider(.tick)
        await parts.executor.stop()
        await self.waitForJobs(isSignalled: isSignalled)
        let isFlushed = await within(.seconds(10)) {
            await parts.courier.deliver()
            await parts.core.beat(staying: false)
        }
        if !isFlushed { parts.logger.warning("the broker is away: reports stay in the journal until the next start") }
        parts.finish()
        do {
            try await parts.consumer.stop()
            try await parts.publisher.stop()
        } catch {
            parts.logger.warning("the connection did not end in order", metadata: ["reason": "\(error)"])
        }
    }
}
