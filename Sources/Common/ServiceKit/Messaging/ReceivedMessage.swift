package import AMQP
package import Messages

/// A message as a handler sees it.
package struct ReceivedMessage: Sendable, Equatable {
    /// Such as `attempt.failed.v1`; empty if the sender gave none.
    package let type: String
    package let body: [UInt8]
    /// The same in every repetition; empty if the sender gave none.
    package let messageID: String
    /// Where it was published first: bindings between exchanges do not change it, so it names the sender.
    package let exchange: String
    package let routingKey: String
    package let replyTo: String?
    /// Delivered before. False does not mean that its effect is new.
    package let redelivered: Bool
    /// In a stream.
    package let streamOffset: Int64?
    /// The chain of messages it belongs to, if it says so.
    package let trace: TraceContext?

    package init(
        type: String,
        body: [UInt8],
        messageID: String,
        exchange: String,
        routingKey: String,
        replyTo: String? = nil,
        redelivered: Bool = false,
        streamOffset: Int64? = nil,
        trace: TraceContext? = nil
    ) {
        self.type = type
        self.body = body
        self.messageID = messageID
        self.exchange = exchange
        self.routingKey = routingKey
        self.replyTo = replyTo
        self.redelivered = redelivered
        self.streamOffset = streamOffset
        self.trace = trace
    }

    package init(_ delivery: Delivery) {
        self.init(
            type: delivery.type ?? "",
            body: delivery.body,
            messageID: delivery.messageID ?? "",
            exchange: delivery.exchange,
            routingKey: delivery.routingKey,
            replyTo: delivery.replyTo,
            redelivered: delivery.redelivered,
            streamOffset: delivery.streamOffset,
            trace: delivery.headers[TraceContext.header]?.string.flatMap(TraceContext.init(header:))
        )
    }

    /// The site that sent it; nil if it comes from none.
    package var site: String? { Exchange.siteName(self.exchange) }

    /// The items, if they are of this type.
    ///
    /// - Throws: ``MessageError`` for another type and for a body that is no such batch.
    package func items<Item: MessageItem>(of type: Item.Type) throws(MessageError) -> [Item] {
        guard self.type == Item.type else {
            throw MessageError(type: self.type, reason: "is not \(Item.type), which is what this queue takes")
        }
        return try Batch<Item>(decoding: self.body).items
    }
}

/// A message with its content decoded.
package struct Received<Content: Sendable>: Sendable {
    package let message: ReceivedMessage
    package let content: Content

    package init(message: ReceivedMessage, content: Content) {
        self.message = message
        self.content = content
    }
}

extension Received: Equatable where Content: Equatable {}

/// What a handler has done with a message.
package enum Handled: Sendable, Equatable {
    /// Its effect is durable, or there is none: forget it.
    case done
    /// It cannot be used: to the dead letters.
    case reject(String)
    /// Not now: back to the queue. Counts as a delivery, and too many are the end of it (see
    /// ``MillraceTopology/deliveryLimit``): for trouble with all messages throw instead.
    case retry
}
