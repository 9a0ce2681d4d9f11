package import Logging

/// Consumes a queue (or a stream): one connection of its own, kept alive by ``run()``.
///
/// Deliveries come in batches, are settled in batches, and come again if they are not settled before the connection is
/// lost. ``run()`` must be run to its end, once: the connection's thread starts with `init` and ends with it.
package final class AMQPConsumer: Sendable {
    private let link: Link<ConsumerRole>
    private let queue: String

    /// - Parameters:
    ///   - endpoint: the broker.
    ///   - name: shown by the broker as the connection's name, and in errors.
    ///   - topology: declared after every connect, before consuming.
    ///   - queue: the queue to consume; empty: the queue of `topology` that the broker names (see ``queueName``).
    ///   - prefetch: unsettled deliveries at a time, at least 1; the broker sends no more.
    ///   - exclusive: be the only consumer, or be refused.
    ///   - arguments: of the consumer. `x-stream-offset` (`"first"`, `"last"`, `"next"`, a number) begins a stream;
    ///     after a reconnect it is read on behind the last offset up to which all is settled.
    ///   - options: times and limits.
    ///   - logger: for connects (info), losses (warning), repeated failures (debug).
    package init(
        endpoint: AMQPEndpoint,
        name: String,
        topology: Topology = Topology(),
        queue: String,
        prefetch: UInt16 = 200,
        exclusive: Bool = false,
        arguments: AMQPTable = [:],
        options: AMQPOptions = AMQPOptions(),
        logger: Logger
    ) {
        self.queue = queue
        self.link = Link(
            endpoint: endpoint,
            name: name,
            topology: topology,
            options: options,
            role: ConsumerRole(queue: queue, prefetch: prefetch, exclusive: exclusive, arguments: arguments),
            logger: logger
        )
    }

    /// How the connection is doing.
    package var state: ConnectionState { self.link.board.state }
    /// Connected and consuming.
    package var isConnected: Bool {
        switch self.state {
        case .connected, .blocked: true
        case .idle, .connecting, .disconnected, .stopped: false
        }
    }
    /// The present state and all that follow, until `.stopped`.
    package func stateChanges() -> AsyncStream<ConnectionState> { self.link.board.changes() }

    /// The queue that is consumed; for one the broker names, nil before the first connect, and new after each.
    package var queueName: String? { self.queue.isEmpty ? self.link.board.queueName : self.queue }

    /// Keeps the connection alive until the task is cancelled or ``stop()`` is called.
    ///
    /// Then ends the sequences of ``batches(maximum:)``, waits until what they gave out is settled (at most
    /// ``AMQPOptions/drainLimit``), and returns. The broker gives what is left to others.
    ///
    /// - Throws: ``AMQPError`` with ``AMQPError/Code/invalidArgument`` for names or arguments that cannot be sent; the
    ///   broker's refusals and losses of the connection are not thrown but seen in ``state``, and retried.
    package func run() async throws { try await self.link.run() }

    /// Ends ``run()`` gracefully, and waits for the end of the connection.
    package func stop() async throws { try await self.link.stop() }

    /// The deliveries, as many at a time as are at hand, at most `maximum`. Ends when the consumer is stopped or the
    /// reading task is cancelled.
    ///
    /// Several tasks may read, each from a sequence of its own; every delivery goes to one of them.
    package func batches(maximum: Int) -> DeliveryBatches {
        precondition(maximum > 0, "a batch holds at least one delivery")
        return DeliveryBatches(link: self.link, maximum: maximum)
    }
}

/// The deliveries of a consumer, batch by batch.
package struct DeliveryBatches: AsyncSequence, Sendable {
    package typealias Element = DeliveryBatch
    package typealias Failure = Never

    fileprivate let link: Link<ConsumerRole>
    fileprivate let maximum: Int

    package struct AsyncIterator: AsyncIteratorProtocol {
        fileprivate let link: Link<ConsumerRole>
        fileprivate let maximum: Int

        package func next() async -> DeliveryBatch? { await self.link.batch(self.maximum) }

        package func next(isolation actor: isolated (any Actor)?) async -> DeliveryBatch? {
            await self.link.batch(self.maximum)
        }
    }

    package func makeAsyncIterator() -> AsyncIterator { AsyncIterator(link: self.link, maximum: self.maximum) }
}

/// Some deliveries, to be settled together, once.
///
/// Settling a batch whose connection is gone does nothing, silently: the broker has its deliveries back and gives them
/// out again, so the effect of a batch must be safe to repeat. A batch that is never settled is delivered again after
/// the connection ends, and takes up prefetch until then.
package struct DeliveryBatch: Sendable {
    /// In the order of the queue, at least one.
    package let deliveries: [Delivery]
    fileprivate let epoch: UInt64
    fileprivate let link: Link<ConsumerRole>

    /// All of them are done with: one `basic.ack` if no older delivery of this consumer is unsettled.
    package func acknowledge() async {
        await self.settle(Array(repeating: .acknowledge, count: self.deliveries.count))
    }

    /// Settles each delivery by the settlement at the same place. Deliveries settled before are left as they are.
    package func settle(_ settlements: [Settlement]) async {
        precondition(settlements.count == self.deliveries.count, "one settlement per delivery")
        // At a closed gate the connection is gone, and its deliveries are with the broker again.
        guard self.link.gate.enter() else { return }
        defer { self.link.gate.leave() }
        await self.link.settle(zip(self.deliveries, settlements).map { ($0.tag, $1) }, epoch: self.epoch)
    }
}

extension Link where Role == ConsumerRole {
    fileprivate nonisolated func batch(_ maximum: Int) async -> DeliveryBatch? {
        guard self.gate.enter() else { return nil }
        defer { self.gate.leave() }
        return await self.nextBatch(maximum)
    }

    private func nextBatch(_ maximum: Int) async -> DeliveryBatch? {
        let answer = self.role.fetch(maximum)
        do {
            guard let fetched = try await answer.value() else { return nil }
            return DeliveryBatch(deliveries: fetched.deliveries, epoch: fetched.epoch, link: self)
        } catch {
            // Only the cancellation of the reader ends up here, and it ends the sequence.
            return nil
        }
    }

    fileprivate func settle(_ decisions: [(UInt64, Settlement)], epoch: UInt64) {
        self.role.settle(decisions.map { (tag: $0.0, settlement: $0.1) }, epoch: epoch)
    }
}
