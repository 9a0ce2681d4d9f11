/// What the broker tells us, frame by frame.
enum IncomingFrame: Equatable, Sendable {
    case confirm(tag: UInt64, multiple: Bool, positive: Bool)
    case returned(code: Int, text: String, exchange: String, routingKey: String)
    case deliver(tag: UInt64, redelivered: Bool, exchange: String, routingKey: String)
    case header(Delivery.Properties, bodySize: UInt64)
    case body([UInt8])
    case cancelled
    case channelClosed(code: Int, text: String)
    case connectionClosed(code: Int, text: String)
    case blocked(reason: String)
    case unblocked
    /// Nothing for us.
    case other
}

/// What the broker tells us, message by message.
enum IncomingEvent: Equatable, Sendable {
    case confirm(tag: UInt64, multiple: Bool, positive: Bool)
    case returned(code: Int, text: String, exchange: String, routingKey: String, messageID: String?)
    case delivered(Delivery)
    case cancelled
    case blocked(reason: String)
    case unblocked
}

/// Puts method, header and body frames together again; a broken sequence is an error.
struct ContentAssembler: Equatable, Sendable {
    private struct Partial: Equatable, Sendable {
        let method: IncomingFrame
        let properties: Delivery.Properties
        let size: Int
        var body: [UInt8]
    }

    private enum State: Equatable, Sendable {
        /// Between messages.
        case idle
        /// A method that announces content has come: its header is next.
        case method(IncomingFrame)
        /// The header has come: bytes of the body are missing.
        case content(Partial)
    }

    /// A header may claim any size: only this much is set aside before bytes really come.
    private static let reserveLimit = 1 << 20

    private var state = State.idle

    /// Takes one frame.
    ///
    /// - Returns: the event it completes, if it does.
    /// - Throws: ``AMQPError`` if the broker closed something or broke the protocol: the connection is then over.
    mutating func take(_ frame: IncomingFrame) throws(AMQPError) -> IncomingEvent? {
        switch frame {
        case .deliver, .returned:
            guard self.state == .idle else { throw Self.disorder("a message within a message") }
            self.state = .method(frame)
        case .header(let properties, let size): return try self.header(properties, size)
        case .body(let bytes): return try self.body(bytes)
        case .confirm(let tag, let multiple, let positive):
            return .confirm(tag: tag, multiple: multiple, positive: positive)
        case .cancelled: return .cancelled
        case .blocked(let reason): return .blocked(reason: reason)
        case .unblocked: return .unblocked
        case .channelClosed(let code, let text):
            throw AMQPError(.refusedByBroker(code), "the broker closed the channel: \(code) \(text)")
        case .connectionClosed(let code, let text):
            throw AMQPError(.connectionLost, "the broker closed the connection: \(code) \(text)")
        case .other: break
        }
        return nil
    }

    private mutating func header(
        _ properties: Delivery.Properties,
        _ bodySize: UInt64
    ) throws(AMQPError) -> IncomingEvent? {
        guard case .method(let method) = self.state, let size = Int(exactly: bodySize) else {
            throw Self.disorder("a header that was not announced")
        }
        var partial = Partial(method: method, properties: properties, size: size, body: [])
        guard size > 0 else { return self.complete(partial) }
        partial.body.reserveCapacity(min(size, Self.reserveLimit))
        self.state = .content(partial)
        return nil
    }

    private mutating func body(_ bytes: [UInt8]) throws(AMQPError) -> IncomingEvent? {
        guard case .content(var partial) = self.state else { throw Self.disorder("a body that was not announced") }
        // The state must let go of the body, or appending would copy it.
        self.state = .idle
        partial.body += bytes
        guard partial.body.count <= partial.size else { throw Self.disorder("more bytes than announced") }
        guard partial.body.count == partial.size else {
            self.state = .content(partial)
            return nil
        }
        return self.complete(partial)
    }

    private mutating func complete(_ partial: Partial) -> IncomingEvent? {
        self.state = .idle
        switch partial.method {
        case .deliver(let tag, let redelivered, let exchange, let routingKey):
            return .delivered(
                Delivery(
                    tag: tag,
                    exchange: exchange,
                    routingKey: routingKey,
                    redelivered: redelivered,
                    properties: partial.properties,
                    body: partial.body
                )
            )
        case .returned(let code, let text, let exchange, let routingKey):
            return .returned(
                code: code,
                text: text,
                exchange: exchange,
                routingKey: routingKey,
                messageID: partial.properties.messageID
            )
        default: return nil
        }
    }

    private static func disorder(_ what: String) -> AMQPError {
        AMQPError(.connectionLost, "the broker sent \(what): the connection is given up")
    }
}
