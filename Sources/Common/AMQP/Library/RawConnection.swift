import CRabbitMQ
import Glibc

/// One connection with one channel in the library's hands.
///
/// Confined to the thread of its loop: the library is not thread-safe. After any error but a refusal the connection is
/// of no more use and must be closed. The stall guard knows the descriptor for exactly as long as it is open.
final class RawConnection {
    static let channel: amqp_channel_t = 1

    let state: amqp_connection_state_t
    let arena = CArena()
    private let stallGuard: StallGuard
    private(set) var isClosed = false

    /// Connects, logs in and opens the channel.
    ///
    /// - Throws: ``AMQPError`` that says which of these failed, where.
    init(to endpoint: AMQPEndpoint, name: String, options: AMQPOptions, stallGuard: StallGuard) throws(AMQPError) {
        guard let state = amqp_new_connection() else {
            throw AMQPError(.unreachable, "no memory for a connection to \(endpoint)")
        }
        self.state = state
        self.stallGuard = stallGuard
        do {
            try self.openSocket(endpoint, options)
            try self.logIn(endpoint, name, options)
            amqp_channel_open(state, Self.channel)
            try self.checkReply("open a channel on \(endpoint)")
        } catch {
            self.close(orderly: false)
            throw error
        }
    }

    deinit { self.close(orderly: false) }

    var descriptor: CInt { self.isClosed ? -1 : amqp_get_sockfd(self.state) }

    /// The interval the broker agreed to; zero: none.
    var heartbeat: Duration { .seconds(Int64(amqp_get_heartbeat(self.state))) }

    /// Whether a message of ordinary size can be sent without waiting for the broker.
    var isWritable: Bool {
        var descriptor = pollfd(fd: self.descriptor, events: Int16(POLLOUT), revents: 0)
        // An error or hang-up counts as writable: the next send then meets it.
        return poll(&descriptor, 1, 0) != 0
    }

    /// Frames have been read from the socket already, which will therefore not announce them.
    var hasFramesAtHand: Bool { amqp_frames_enqueued(self.state) != 0 || amqp_data_in_buffer(self.state) != 0 }

    /// Gives everything back. An orderly close says good-bye first, and waits a little for the answer.
    func close(orderly: Bool) {
        guard !self.isClosed else { return }
        if orderly {
            var limit = timeval(.seconds(2))
            amqp_set_rpc_timeout(self.state, &limit)
            // Whatever the answer is, the connection is over.
            _ = amqp_connection_close(self.state, AMQP_REPLY_SUCCESS)
        }
        self.isClosed = true
        self.stallGuard.detach()
        amqp_destroy_connection(self.state)
    }

    private func openSocket(_ endpoint: AMQPEndpoint, _ options: AMQPOptions) throws(AMQPError) {
        guard let socket = amqp_tcp_socket_new(self.state) else {
            throw AMQPError(.unreachable, "no memory for a socket to \(endpoint)")
        }
        var limit = timeval(options.handshakeTimeout)
        amqp_set_handshake_timeout(self.state, &limit)
        limit = timeval(options.requestTimeout)
        amqp_set_rpc_timeout(self.state, &limit)
        limit = timeval(options.connectTimeout)
        let status = amqp_socket_open_noblock(socket, endpoint.host, CInt(endpoint.port), &limit)
        guard status == AMQP_STATUS_OK.rawValue else {
            throw AMQPError(
                .unreachable,
                "no broker answers at \(endpoint): \(Self.text(status)); check address and port, and that it runs"
            )
        }
        self.stallGuard.attach(amqp_get_sockfd(self.state))
    }

    private func logIn(_ endpoint: AMQPEndpoint, _ name: String, _ options: AMQPOptions) throws(AMQPError) {
        defer { self.arena.reset() }
        // The library announces none of these itself. Without the first a consumer of a deleted queue stays deaf.
        let capabilities: AMQPTable = [
            "consumer_cancel_notify": true,
            "connection.blocked": true,
            "basic.nack": true,
            "publisher_confirms": true,
        ]
        var properties = self.arena.table(["capabilities": .table(capabilities), "connection_name": .string(name)])
        let reply = crabbitmq_login_plain(
            self.state,
            self.arena.cString(endpoint.virtualHost),
            CInt(clamping: max(1, options.heartbeat.components.seconds)),
            &properties,
            self.arena.cString(endpoint.user),
            self.arena.cString(endpoint.password)
        )
        try self.check(reply, "log in to \(endpoint)", refusal: .accessRefused)
        // A smaller frame would not hold the largest header we send; no real broker asks for one.
        guard amqp_get_frame_max(self.state) >= 131_072 else {
            throw AMQPError(.unreachable, "\(endpoint) wants frames below 131072 bytes: raise its frame_max")
        }
    }

    /// - Throws: ``AMQPError`` if the last request was refused or not answered.
    func checkReply(_ what: @autoclosure () -> String) throws(AMQPError) {
        try self.check(amqp_get_rpc_reply(self.state), what())
    }

    private func check(
        _ reply: amqp_rpc_reply_t,
        _ what: @autoclosure () -> String,
        refusal: AMQPError.Code? = nil
    ) throws(AMQPError) {
        switch reply.reply_type {
        case AMQP_RESPONSE_NORMAL: return
        case AMQP_RESPONSE_SERVER_EXCEPTION:
            let (code, text) = Self.closing(reply.reply)
            throw AMQPError(refusal ?? .refusedByBroker(code), "the broker refused to \(what()): \(code) \(text)")
        default:
            let code: AMQPError.Code = refusal == nil ? .connectionLost : .unreachable
            throw AMQPError(code, "could not \(what()): \(Self.text(reply.library_error))")
        }
    }

    /// - Throws: ``AMQPError`` if a call that only sends failed.
    func check(_ status: CInt, _ what: String) throws(AMQPError) {
        guard status != AMQP_STATUS_OK.rawValue else { return }
        throw AMQPError(.connectionLost, "could not \(what): \(Self.text(status))")
    }

    static func text(_ status: CInt) -> String { String(cString: amqp_error_string2(status)) }

    /// Code and text of a channel.close or connection.close.
    private static func closing(_ method: amqp_method_t) -> (Int, String) {
        guard let decoded = method.decoded else { return (0, "no reason given") }
        switch method.id {
        case crabbitmq_connection_close:
            let close = decoded.assumingMemoryBound(to: amqp_connection_close_t.self).pointee
            return (Int(close.reply_code), String(close.reply_text))
        case crabbitmq_channel_close:
            let close = decoded.assumingMemoryBound(to: amqp_channel_close_t.self).pointee
            return (Int(close.reply_code), String(close.reply_text))
        default: return (0, "method \(method.id)")
        }
    }
}

extension timeval {
    init(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        self.init(tv_sec: Int(seconds), tv_usec: Int(attoseconds / 1_000_000_000_000))
    }
}
