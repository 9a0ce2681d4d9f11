package import AMQP
package import Logging
package import Messages
import Metrics
import ServiceLifecycle

/// Consumes one queue: takes what is at hand, decodes it, has it handled as one batch, settles it. One batch at a time.
///
/// A message that cannot be decoded goes to the dead letters, alone. When the handler throws, the batch is tried again
/// after a pause, each message alone so that a bad one does not hold up the others, and in the end given back to the
/// queue: see ``RetryPolicy``. A handler must therefore be safe to repeat.
package struct ConsumerService<Content: Sendable>: Service, CustomStringConvertible {
    /// Makes sense of a body; throws ``MessageError`` for one that makes none.
    package typealias Decode = @Sendable (ReceivedMessage) throws(MessageError) -> Content
    /// Handles a batch, in the order of the queue, and says for each what became of it.
    package typealias Handle = @Sendable ([Received<Content>]) async throws -> [Handled]

    private let consumer: AMQPConsumer
    private let queue: String
    private let maximum: Int
    private let pace: @Sendable () -> Duration
    private let loop: HandlerLoop<Content>

    /// - Parameters:
    ///   - queue: consumed, and declared by `topology`.
    ///   - prefetch: unsettled messages at a time.
    ///   - maximum: messages in a batch.
    ///   - pace: the least time from the batch that was just handled to the next, for messages that may wait: the first is handled at
    ///     once, what comes within that time is handled together. Not after a full batch.
    package init(
        endpoint: AMQPEndpoint,
        identity: Identity,
        topology: Topology,
        queue: String,
        prefetch: UInt16 = 100,
        maximum: Int = 100,
        pace: @escaping @Sendable () -> Duration = { .zero },
        retry: RetryPolicy = RetryPolicy(),
        options: AMQPOptions = AMQPOptions(),
        health: HealthState,
        logger: Logger,
        decode: @escaping Decode,
        handle: @escaping Handle
    ) {
        let consumer = AMQPConsumer(
            endpoint: endpoint,
            name: identity.connectionName(queue),
            topology: topology,
            queue: queue,
            prefetch: prefetch,
            options: options,
            logger: logger
        )
        self.consumer = consumer
        self.queue = queue
        self.maximum = maximum
        self.pace = pace
        health.watch(connection: "queue \(queue)") { consumer.state.problem }
        self.loop = HandlerLoop(
            queue: queue,
            retry: retry,
            health: health,
            component: health.component("handler of \(queue)"),
            logger: logger,
            decode: decode,
            handle: handle
        )
    }

    package var description: String { "consumer of \(self.queue)" }

    /// How the connection is doing.
    package var state: ConnectionState { self.consumer.state }
    package func stateChanges() -> AsyncStream<ConnectionState> { self.consumer.stateChanges() }

    /// Consumes until a graceful shutdown (what is being handled is finished and settled) or cancellation.
    package func run() async throws {
        async let connection: Void = self.consumer.run()
        // Cancelled with this scope; what it could throw, the connection throws as well.
        async let _: Void = self.stopWhenAsked()
        for await batch in self.consumer.batches(maximum: self.maximum) {
            let began = ContinuousClock.now
            let messages = batch.deliveries.map { ReceivedMessage($0) }
            await batch.settle(self.loop.handle(messages))
            let pace = self.pace()
            // A full batch: there is more at hand than one, and nothing to wait for.
            guard pace > .zero, batch.deliveries.count < self.maximum else { continue }
            await self.rest(until: began + pace)
            // What came meanwhile goes back to the queue.
            if Task.isShuttingDownGracefully { break }
        }
        // Ended by the one, the other or cancellation: in each case the connection ends, and says how.
        try await connection
    }

    /// Ends early when the service is asked to stop or is cancelled.
    private func rest(until instant: ContinuousClock.Instant) async {
        await cancelWhenGracefulShutdown {
            do { try await Task.sleep(until: instant) } catch { return }
        }
    }

    private func stopWhenAsked() async throws {
        try await gracefulShutdown()
        try await self.consumer.stop()
    }
}

extension ConsumerService {
    /// For a queue with items of one type.
    package init<Item: MessageItem>(
        of item: Item.Type,
        endpoint: AMQPEndpoint,
        identity: Identity,
        topology: Topology,
        queue: String,
        prefetch: UInt16 = 100,
        maximum: Int = 100,
        pace: @escaping @Sendable () -> Duration = { .zero },
        retry: RetryPolicy = RetryPolicy(),
        options: AMQPOptions = AMQPOptions(),
        health: HealthState,
        logger: Logger,
        handle: @escaping Handle
    ) where Content == [Item] {
        self.init(
            endpoint: endpoint,
            identity: identity,
            topology: topology,
            queue: queue,
            prefetch: prefetch,
            maximum: maximum,
            pace: pace,
            retry: retry,
            options: options,
            health: health,
            logger: logger,
            decode: { message throws(MessageError) in try message.items(of: Item.self) },
            handle: handle
        )
    }
}

extension ConnectionState {
    /// Why nothing can be done with the connection; nil when something can.
    package var problem: String? {
        switch self {
        case .connected: nil
        case .blocked(let reason): "the broker takes no messages: \(reason)"
        case .idle, .connecting: "not connected yet"
        case .disconnected(let error): error.description
        case .stopped: "stopped"
        }
    }
}
