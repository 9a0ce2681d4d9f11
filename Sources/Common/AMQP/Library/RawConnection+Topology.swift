import CRabbitMQ

/// Declarations and other questions: each waits for the broker's answer, at most the request time-out.
extension RawConnection {
    /// Declares everything, and returns the name the broker gave to the (last) queue without one.
    func declare(_ topology: Topology) throws(AMQPError) -> String? {
        for exchange in topology.exchanges { try self.declare(exchange) }
        var named: String?
        for queue in topology.queues {
            let name = try self.declare(queue)
            if queue.name.isEmpty { named = name }
        }
        for binding in topology.bindings { try self.bind(binding, unnamedQueue: named ?? "") }
        return named
    }

    private func declare(_ exchange: Topology.Exchange) throws(AMQPError) {
        defer { self.arena.reset() }
        amqp_exchange_declare(
            self.state,
            Self.channel,
            self.arena.bytes(exchange.name),
            self.arena.bytes(exchange.kind.rawValue),
            0,
            exchange.durable ? 1 : 0,
            exchange.autoDelete ? 1 : 0,
            0,
            self.arena.table(exchange.arguments)
        )
        try self.checkReply("declare the exchange \(exchange.name)")
    }

    private func declare(_ queue: Topology.Queue) throws(AMQPError) -> String {
        defer { self.arena.reset() }
        let answer = amqp_queue_declare(
            self.state,
            Self.channel,
            self.arena.bytes(queue.name),
            0,
            queue.durable ? 1 : 0,
            queue.exclusive ? 1 : 0,
            queue.autoDelete ? 1 : 0,
            self.arena.table(queue.arguments)
        )
        try self.checkReply("declare the queue \(queue.name)")
        return answer.map { String($0.pointee.queue) } ?? queue.name
    }

    private func bind(_ binding: Topology.Binding, unnamedQueue: String) throws(AMQPError) {
        defer { self.arena.reset() }
        let source = self.arena.bytes(binding.source)
        let key = self.arena.bytes(binding.routingKey)
        let arguments = self.arena.table(binding.arguments)
        switch binding.destination {
        case .queue(let name):
            let queue = self.arena.bytes(name.isEmpty ? unnamedQueue : name)
            amqp_queue_bind(self.state, Self.channel, queue, source, key, arguments)
            try self.checkReply("bind the queue \(name) to \(binding.source)")
        case .exchange(let name):
            amqp_exchange_bind(self.state, Self.channel, self.arena.bytes(name), source, key, arguments)
            try self.checkReply("bind the exchange \(name) to \(binding.source)")
        }
    }

    /// Removes what is ready in the queue, and returns how many messages that were.
    func purge(_ queue: String) throws(AMQPError) -> Int {
        defer { self.arena.reset() }
        let answer = amqp_queue_purge(self.state, Self.channel, self.arena.bytes(queue))
        try self.checkReply("purge the queue \(queue)")
        return answer.map { Int($0.pointee.message_count) } ?? 0
    }

    /// Deletes the queue, and returns how many messages it held; 0 if there is no such queue.
    func delete(_ queue: String) throws(AMQPError) -> Int {
        defer { self.arena.reset() }
        let answer = amqp_queue_delete(self.state, Self.channel, self.arena.bytes(queue), 0, 0)
        try self.checkReply("delete the queue \(queue)")
        return answer.map { Int($0.pointee.message_count) } ?? 0
    }

    /// How many messages are ready in the queue.
    func messageCount(_ queue: String) throws(AMQPError) -> Int {
        defer { self.arena.reset() }
        let name = self.arena.bytes(queue)
        let answer = amqp_queue_declare(self.state, Self.channel, name, 1, 0, 0, 0, amqp_empty_table)
        try self.checkReply("look at the queue \(queue)")
        return answer.map { Int($0.pointee.message_count) } ?? 0
    }

    /// From now on every message is answered for.
    func selectConfirms() throws(AMQPError) {
        amqp_confirm_select(self.state, Self.channel)
        try self.checkReply("turn on publisher confirms")
    }

    /// Begins to consume; at most `prefetch` deliveries are unsettled at any time.
    func consume(_ queue: String, prefetch: UInt16, exclusive: Bool, arguments: AMQPTable) throws(AMQPError) {
        defer { self.arena.reset() }
        amqp_basic_qos(self.state, Self.channel, 0, prefetch, 0)
        try self.checkReply("set the prefetch to \(prefetch)")
        amqp_basic_consume(
            self.state,
            Self.channel,
            self.arena.bytes(queue),
            self.arena.bytes(Self.consumerTag),
            0,
            0,
            exclusive ? 1 : 0,
            self.arena.table(arguments)
        )
        try self.checkReply("consume from the queue \(queue)")
    }

    /// Ends consuming: no more deliveries come, unsettled ones may still be settled.
    func cancelConsumer() throws(AMQPError) {
        defer { self.arena.reset() }
        amqp_basic_cancel(self.state, Self.channel, self.arena.bytes(Self.consumerTag))
        try self.checkReply("stop consuming")
    }

    /// One consumer per channel: the name need only differ within it.
    private static let consumerTag = "millrace"
}
