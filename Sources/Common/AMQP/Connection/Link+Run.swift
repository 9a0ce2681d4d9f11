import Logging
import SocketLoop

extension Link {
    /// Calls into the loop, unless its thread has ended or is about to.
    ///
    /// - Throws: ``AMQPError`` with ``AMQPError/Code/stopped``, and what `body` throws.
    nonisolated func entered<Value: Sendable>(
        _ body: @Sendable (Link<Role>) async throws -> Value
    ) async throws -> Value {
        guard self.gate.enter() else { throw Self.stopped(self.name) }
        defer { self.gate.leave() }
        return try await body(self)
    }

    /// Keeps the connection alive until the task is cancelled or someone calls ``stop()``; then ends it gracefully.
    nonisolated func run() async throws {
        guard self.runClaim.succeed(()) else {
            throw AMQPError(.stopped, "\(self.name) has been run already: it can be run once")
        }
        try await self.runToTheEnd()
    }

    /// Ends ``run()`` gracefully and waits for the end, also if it has not begun.
    nonisolated func stop() async throws {
        self.stopRequest.succeed(())
        if self.runClaim.succeed(()) {
            try await self.runToTheEnd()
        } else {
            for await _ in self.board.changes() {}
        }
    }

    private nonisolated func runToTheEnd() async throws {
        // Not child tasks: both must see us through the end, which begins with our own cancellation.
        let watchdog = Task { await self.watchForStalls() }
        var problem: (any Error)?
        do {
            try await self.start()
            try await self.stopRequest.value()
        } catch is CancellationError {
            // This is how a service is asked to stop.
        } catch {
            problem = error
        }
        await Task { await self.drain() }.value
        watchdog.cancel()
        await watchdog.value
        // Whoever is inside has been answered by now, and leaves.
        await self.gate.close()
        self.loop.stop()
        if let problem { throw problem }
    }

    /// Looks four times per limit; the loop's own thread may be the one that is stuck.
    private nonisolated func watchForStalls() async {
        let limit = self.options.stallLimit
        while !Task.isCancelled {
            do {
                try await Task.sleep(for: limit / 4)
            } catch {
                return
            }
            guard self.stallGuard.breakIfStalled(now: .now, limit: limit) else { continue }
            self.logger.warning(
                "the broker has taken nothing for too long: the connection is broken off",
                metadata: ["limit": "\(limit)"]
            )
        }
    }
}
