/// A message from a queue.
package struct Delivery: Equatable, Sendable {
    /// Numbers the deliveries of one connection, from 1.
    let tag: UInt64
    /// Set by the broker: who may publish here is a matter of permissions, so this identifies the sender.
    package let exchange: String
    package let routingKey: String
    /// Has been delivered before, to us or another; false does not mean that its *effect* is new.
    package let redelivered: Bool
    package let properties: Properties
    package let body: [UInt8]

    package struct Properties: Equatable, Sendable {
        package var type: String?
        package var messageID: String?
        /// Whole seconds since 1970.
        package var timestamp: Int64?
        package var replyTo: String?
        package var correlationID: String?
        package var contentType: String?
        /// The sender's account, if set: the broker refuses a wrong one.
        package var userID: String?
        package var persistent = false
        package var headers: AMQPTable = [:]

        package init() {}
    }

    package var type: String? { self.properties.type }
    package var messageID: String? { self.properties.messageID }
    /// Whole seconds since 1970.
    package var timestamp: Int64? { self.properties.timestamp }
    package var replyTo: String? { self.properties.replyTo }
    package var correlationID: String? { self.properties.correlationID }
    package var contentType: String? { self.properties.contentType }
    package var userID: String? { self.properties.userID }
    package var headers: AMQPTable { self.properties.headers }

    /// The position in a stream, for deliveries from one.
    package var streamOffset: Int64? { self.headers["x-stream-offset"]?.int }
}

/// What is done with a delivery.
package enum Settlement: Equatable, Sendable {
    /// Its effect is durable: the queue forgets it.
    case acknowledge
    /// Back to the queue (`basic.nack`), to be delivered again.
    case requeue
    /// Cannot be handled (`basic.reject`): to the dead-letter exchange, if the queue has one, else gone.
    case reject
}
