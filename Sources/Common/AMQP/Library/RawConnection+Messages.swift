import CRabbitMQ

/// Messages out, settlements out: sent, not answered.
extension RawConnection {
    /// Sends one message. Blocks while the socket's buffer is full: the stall guard must be watching.
    func publish(_ message: OutgoingMessage) throws(AMQPError) {
        defer { self.arena.reset() }
        var properties = self.properties(of: message)
        let exchange = self.arena.bytes(message.exchange)
        let routingKey = self.arena.bytes(message.routingKey)
        let status = message.body.withUnsafeBytes { body in
            amqp_basic_publish(
                self.state,
                Self.channel,
                exchange,
                routingKey,
                message.mandatory ? 1 : 0,
                0,
                &properties,
                // The library only reads the body.
                amqp_bytes_t(len: body.count, bytes: UnsafeMutableRawPointer(mutating: body.baseAddress))
            )
        }
        try self.check(status, "publish a message")
    }

    /// Sends one settlement.
    func settle(_ command: SettlementLedger.Command) throws(AMQPError) {
        let status =
            switch command {
            case .acknowledge(let tag, let multiple):
                amqp_basic_ack(self.state, Self.channel, tag, multiple ? 1 : 0)
            case .requeue(let tag, let multiple):
                amqp_basic_nack(self.state, Self.channel, tag, multiple ? 1 : 0, 1)
            case .reject(let tag):
                amqp_basic_reject(self.state, Self.channel, tag, 0)
            }
        try self.check(status, "settle a delivery")
    }

    private func properties(of message: OutgoingMessage) -> amqp_basic_properties_t {
        var properties = amqp_basic_properties_t()
        func text(_ value: String?, _ flag: CInt) -> amqp_bytes_t {
            guard let value else { return amqp_bytes_t(len: 0, bytes: nil) }
            properties._flags |= UInt32(flag)
            return self.arena.bytes(value)
        }
        properties.message_id = text(message.messageID, AMQP_BASIC_MESSAGE_ID_FLAG)
        properties.type = text(message.type, AMQP_BASIC_TYPE_FLAG)
        properties.content_type = text(message.contentType, AMQP_BASIC_CONTENT_TYPE_FLAG)
        properties.reply_to = text(message.replyTo, AMQP_BASIC_REPLY_TO_FLAG)
        properties.correlation_id = text(message.correlationID, AMQP_BASIC_CORRELATION_ID_FLAG)
        properties._flags |= UInt32(AMQP_BASIC_DELIVERY_MODE_FLAG)
        properties.delivery_mode = message.persistent ? 2 : 1
        if let timestamp = message.timestamp {
            properties._flags |= UInt32(AMQP_BASIC_TIMESTAMP_FLAG)
            properties.timestamp = UInt64(clamping: timestamp)
        }
        if !message.headers.isEmpty {
            properties._flags |= UInt32(AMQP_BASIC_HEADERS_FLAG)
            properties.headers = self.arena.table(message.headers)
        }
        return properties
    }
}
