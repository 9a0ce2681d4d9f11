/// A message on its way to the broker.
package struct OutgoingMessage: Equatable, Sendable {
    /// Empty: the default exchange, which routes to the queue named by the routing key.
    package var exchange: String
    package var routingKey: String
    package var body: [UInt8]
    /// A message that reaches no queue is given back: ``PublishOutcome/returned(code:text:)``.
    package var mandatory: Bool
    /// Written to disk by durable queues.
    package var persistent: Bool
    package var type: String?
    /// The same in every repetition of this message: receivers tell repetitions by it.
    package var messageID: String
    /// Whole seconds since 1970.
    package var timestamp: Int64?
    package var contentType: String?
    package var replyTo: String?
    /// Correlates an answer with its question.
    package var correlationID: String?
    package var headers: AMQPTable

    package init(
        exchange: String,
        routingKey: String,
        body: [UInt8],
        mandatory: Bool = true,
        persistent: Bool = true,
        type: String? = nil,
        messageID: String = OutgoingMessage.freshID(),
        timestamp: Int64? = nil,
        contentType: String? = nil,
        replyTo: String? = nil,
        correlationID: String? = nil,
        headers: AMQPTable = [:]
    ) {
        self.exchange = exchange
        self.routingKey = routingKey
        self.body = body
        self.mandatory = mandatory
        self.persistent = persistent
        self.type = type
        self.messageID = messageID
        self.timestamp = timestamp
        self.contentType = contentType
        self.replyTo = replyTo
        self.correlationID = correlationID
        self.headers = headers
    }

    /// A random UUID (version 4), in lower case.
    package static func freshID() -> String {
        var generator = SystemRandomNumberGenerator()
        let high = generator.next() & 0xFFFF_FFFF_FFFF_0FFF | 0x4000
        let low = generator.next() & 0x3FFF_FFFF_FFFF_FFFF | 0x8000_0000_0000_0000
        let digits = Self.hex(high) + Self.hex(low)
        var text = ""
        for (index, digit) in digits.enumerated() {
            if index == 8 || index == 12 || index == 16 || index == 20 { text.append("-") }
            text.append(digit)
        }
        return text
    }

    private static func hex(_ number: UInt64) -> String {
        let digits = String(number, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    /// - Throws: ``AMQPError`` with ``AMQPError/Code/invalidArgument`` for what the protocol cannot carry.
    func validate() throws(AMQPError) {
        try ShortString.check(self.exchange, "exchange name")
        try ShortString.check(self.routingKey, "routing key")
        try ShortString.check(self.type, "message type")
        try ShortString.check(self.messageID, "message id")
        try ShortString.check(self.contentType, "content type")
        try ShortString.check(self.replyTo, "reply queue")
        try ShortString.check(self.correlationID, "correlation id")
        try ShortString.check(self.headers, "headers")
        guard (self.timestamp ?? 0) >= 0 else {
            throw AMQPError(.invalidArgument, "the timestamp \(self.timestamp ?? 0) is before 1970")
        }
        guard self.body.count <= Self.bodyLimit else {
            throw AMQPError(
                .invalidArgument,
                "the body has \(self.body.count) bytes, the broker takes at most \(Self.bodyLimit): send a reference"
            )
        }
    }

    /// The smallest limit among the brokers we support (RabbitMQ 4.0 and later by default).
    private static let bodyLimit = 16 * 1024 * 1024
}

/// What became of one message.
package enum PublishOutcome: Equatable, Sendable {
    /// Safe in every queue it was routed to.
    case confirmed
    /// Mandatory, and no queue wanted it: it is nowhere. Usually code 312, `NO_ROUTE`.
    case returned(code: Int, text: String)
    /// A queue refused it: full (`reject-publish`), or in trouble. May be sent again later.
    case refused
}
