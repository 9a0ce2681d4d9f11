import CRabbitMQ

/// What comes in. The zero-timeout wait also sends and checks heartbeats, so it must run even while idle.
extension RawConnection {
    /// The next frame at hand; nil if there is none yet.
    ///
    /// - Throws: ``AMQPError`` when the connection is broken.
    func nextFrame() throws(AMQPError) -> IncomingFrame? {
        var frame = amqp_frame_t()
        var zero = timeval()
        let status = amqp_simple_wait_frame_noblock(self.state, &frame, &zero)
        if status == AMQP_STATUS_TIMEOUT.rawValue { return nil }
        guard status == AMQP_STATUS_OK.rawValue else {
            throw AMQPError(.connectionLost, "the connection to the broker is lost: \(Self.text(status))")
        }
        // The library's memory is recycled here: everything has been copied by then.
        defer { amqp_maybe_release_buffers(self.state) }
        return self.copy(frame)
    }

    private func copy(_ frame: amqp_frame_t) -> IncomingFrame {
        switch CInt(frame.frame_type) {
        case AMQP_FRAME_METHOD: return self.copy(frame.payload.method)
        case AMQP_FRAME_HEADER:
            guard let decoded = frame.payload.properties.decoded else { return .other }
            let raw = decoded.assumingMemoryBound(to: amqp_basic_properties_t.self).pointee
            return .header(Delivery.Properties(raw), bodySize: frame.payload.properties.body_size)
        case AMQP_FRAME_BODY: return .body([UInt8](frame.payload.body_fragment))
        default: return .other
        }
    }

    private func copy(_ method: amqp_method_t) -> IncomingFrame {
        guard let decoded = method.decoded else { return .other }
        switch method.id {
        case crabbitmq_basic_ack:
            let ack = decoded.assumingMemoryBound(to: amqp_basic_ack_t.self).pointee
            return .confirm(tag: ack.delivery_tag, multiple: ack.multiple != 0, positive: true)
        case crabbitmq_basic_nack:
            let nack = decoded.assumingMemoryBound(to: amqp_basic_nack_t.self).pointee
            return .confirm(tag: nack.delivery_tag, multiple: nack.multiple != 0, positive: false)
        case crabbitmq_basic_deliver:
            let deliver = decoded.assumingMemoryBound(to: amqp_basic_deliver_t.self).pointee
            return .deliver(
                tag: deliver.delivery_tag,
                redelivered: deliver.redelivered != 0,
                exchange: String(deliver.exchange),
                routingKey: String(deliver.routing_key)
            )
        case crabbitmq_basic_return:
            let back = decoded.assumingMemoryBound(to: amqp_basic_return_t.self).pointee
            return .returned(
                code: Int(back.reply_code),
                text: String(back.reply_text),
                exchange: String(back.exchange),
                routingKey: String(back.routing_key)
            )
        default: return self.copyControl(method.id, decoded)
        }
    }

    private func copyControl(_ id: amqp_method_number_t, _ decoded: UnsafeMutableRawPointer) -> IncomingFrame {
        switch id {
        case crabbitmq_basic_cancel: return .cancelled
        case crabbitmq_channel_close:
            let close = decoded.assumingMemoryBound(to: amqp_channel_close_t.self).pointee
            // The broker waits for this before the channel's number is free; the connection is closed next anyway.
            var closeOk = amqp_channel_close_ok_t()
            _ = amqp_send_method(self.state, Self.channel, crabbitmq_channel_close_ok, &closeOk)
            return .channelClosed(code: Int(close.reply_code), text: String(close.reply_text))
        case crabbitmq_connection_close:
            let close = decoded.assumingMemoryBound(to: amqp_connection_close_t.self).pointee
            return .connectionClosed(code: Int(close.reply_code), text: String(close.reply_text))
        case crabbitmq_connection_blocked:
            let blocked = decoded.assumingMemoryBound(to: amqp_connection_blocked_t.self).pointee
            return .blocked(reason: String(blocked.reason))
        case crabbitmq_connection_unblocked: return .unblocked
        default: return .other
        }
    }
}
