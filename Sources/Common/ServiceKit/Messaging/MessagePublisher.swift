package import AMQP
package import Domain
package import Logging
package import Messages
import Metrics
import ServiceLifecycle

/// A message that was written to the outbox, ready to be sent; sent again it is the same message.
package struct PreparedMessage: Sendable, Equatable {
    /// A UUID.
    package let id: String
    package let exchange: String
    package let routingKey: String
    package let type: String
    /// A batch of items, encoded.
    package let body: [UInt8]
    /// See ``TraceContext``.
    package let traceparent: String

    /// - Parameter traceparent: nil: as the task says in which this is made.
    package init(
        id: String,
        exchange: String,
        routingKey: String,
        type: String,
        body: [UInt8],
        traceparent: String? = nil
    ) {
        self.id = id
        self.exchange = exchange
        self.routingKey = routingKey
        self.type = type
        self.body = body
        self.traceparent = traceparent ?? TraceContext.header(messageID: id)
    }

    /// A batch for the outbox, with a new id.
    package init<Item: MessageItem>(_ batch: Batch<Item>, exchange: String, routingKey: String) throws {
        self.init(
            id: OutgoingMessage.freshID(),
            exchange: exchange,
            routingKey: routingKey,
            type: Item.type,
            body: try batch.encoded()
        )
    }
}

/// Publishes items as the public contract wants them: in batches, typed, numbered, persistent, mandatory.
package struct MessagePublisher: Service, CustomStringConvertible {
    private let publisher: AMQPPublisher
    private let now: @Sendable () -> Timestamp

    package init(
        endpoint: AMQPEndpoint,
        identity: Identity,
        topology: Topology = Topology(),
        options: AMQPOptions = AMQPOptions(),
        health: HealthState,
        logger: Logger,
        now: @escaping @Sendable () -> Timestamp = SystemTime.now
    ) {
        let publisher = AMQPPublisher(
            endpoint: endpoint,
            name: identity.connectionName("publisher"),
            topology: topology,
            options: options,
            logger: logger
        )
        self.publisher = publisher
        self.now = now
        health.watch(connection: "publisher") { publisher.state.problem }
    }

    package var description: String { "publisher" }

    /// The publisher beneath: for declarations and counts.
    package var broker: AMQPPublisher { self.publisher }

    /// Keeps the connection until a graceful shutdown (what was given to it is confirmed first) or cancellation.
    package func run() async throws {
        // Cancelled with this scope; what it could throw, the connection throws as well.
        async let _: Void = self.stopWhenAsked()
        try await self.publisher.run()
    }

    private func stopWhenAsked() async throws {
        try await gracefulShutdown()
        try await self.publisher.stop()
    }

    /// Sends items, cut into messages of at most ``Batch/limit``, and waits for the broker's answers.
    ///
    /// - Parameters:
    ///   - exchange: empty for the default exchange: the routing key is then a queue.
    ///   - messageID: of the one message that the items make; nil: new ones.
    /// - Returns: one outcome per message.
    /// - Throws: ``MessageError`` for more items than one message with a given id can hold; ``AMQPError``.
    @discardableResult
    package func send<Item: MessageItem>(
        _ items: [Item],
        exchange: String,
        routingKey: String,
        mandatory: Bool = true,
        persistent: Bool = true,
        messageID: String? = nil,
        replyTo: String? = nil
    ) async throws -> [PublishOutcome] {
        let batches = Batch<Item>.cut(items)
        guard messageID == nil || batches.count <= 1 else {
            throw MessageError(
                type: Item.type,
                reason: "\(items.count) items do not fit the one message \(messageID ?? "")"
            )
        }
        let timestamp = self.now().microseconds / 1_000_000
        let messages = try batches.map { batch in
            OutgoingMessage(
                exchange: exchange,
                routingKey: routingKey,
                body: try batch.encoded(),
                mandatory: mandatory,
                persistent: persistent,
                type: Item.type,
                messageID: messageID ?? OutgoingMessage.freshID(),
                timestamp: timestamp,
                contentType: Self.contentType,
                replyTo: replyTo
            )
        }
        return try await self.publish(messages)
    }

    /// Sends messages of the outbox, in their order.
    ///
    /// - Returns: one outcome per message: only a confirmed one may be taken out of the outbox.
    /// - Throws: ``AMQPError``.
    package func sendRaw(_ messages: [PreparedMessage]) async throws -> [PublishOutcome] {
        let timestamp = self.now().microseconds / 1_000_000
        return try await self.publish(
            messages.map { message in
                OutgoingMessage(
                    exchange: message.exchange,
                    routingKey: message.routingKey,
                    body: message.body,
                    type: message.type,
                    messageID: message.id,
                    timestamp: timestamp,
                    contentType: Self.contentType,
                    headers: [TraceContext.header: .string(message.traceparent)]
                )
            }
        )
    }

    private static let contentType = "application/json"

    /// Sends messages as they are, with a `traceparent` for those that have none.
    ///
    /// - Returns: one outcome per message.
    /// - Throws: ``AMQPError``.
    package func publish(_ messages: [OutgoingMessage]) async throws -> [PublishOutcome] {
        let outcomes = try await self.publisher.publish(
            messages.map { message in
                guard message.headers[TraceContext.header] == nil else { return message }
                var message = message
                message.headers[TraceContext.header] = .string(TraceContext.header(messageID: message.messageID))
                return message
            }
        )
        for outcome in outcomes {
            let name =
                switch outcome {
                case .confirmed: "confirmed"
                case .returned: "returned"
                case .refused: "refused"
                }
            Counter(label: "millrace.publisher.messages", dimensions: [("outcome", name)]).increment()
        }
        return outcomes
    }
}
