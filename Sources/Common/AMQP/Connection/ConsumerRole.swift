/// Consuming: what has been delivered and waits to be fetched, who waits for deliveries, what is unsettled.
struct ConsumerRole: LinkRole {
    private struct Waiter: Sendable {
        let maximum: Int
        let answer: OneShot<Fetched?>
    }

    /// Deliveries of one connection.
    struct Fetched: Sendable {
        let epoch: UInt64
        let deliveries: [Delivery]
    }

    let queue: String
    let prefetch: UInt16
    let exclusive: Bool
    let arguments: AMQPTable

    /// Counts the connections: a settlement of an older one is void.
    private var epoch: UInt64 = 0
    private var buffer = FIFO<Delivery>()
    private var waiters = FIFO<Waiter>()
    private var ledger = SettlementLedger()
    private var outbox: [SettlementLedger.Command] = []
    private var isEnding = false

    init(queue: String, prefetch: UInt16, exclusive: Bool, arguments: AMQPTable) {
        precondition(prefetch > 0, "a consumer without a prefetch would be sent the whole queue at once")
        self.queue = queue
        self.prefetch = prefetch
        self.exclusive = exclusive
        self.arguments = arguments
    }

    /// What is in the buffer has reached nobody: the broker gives it to another.
    var isIdle: Bool { self.ledger.unsettled == self.buffer.count && self.outbox.isEmpty }

    /// That no message comes says nothing: there may be none.
    func answerDeadline(limit: Duration, start: ContinuousClock.Instant) -> ContinuousClock.Instant? { nil }

    mutating func established(_ connection: RawConnection, unnamedQueue: String?) throws(AMQPError) {
        guard !self.isEnding else { return }
        try connection.consume(
            self.queue.isEmpty ? unnamedQueue ?? "" : self.queue,
            prefetch: self.prefetch,
            exclusive: self.exclusive,
            arguments: self.resumedArguments
        )
    }

    /// A stream is read on from where everything was settled, not from where the reading once began.
    private var resumedArguments: AMQPTable {
        var arguments = self.arguments
        if let offset = self.ledger.settledOffset { arguments["x-stream-offset"] = .int(offset + 1) }
        return arguments
    }

    mutating func lost() {
        self.epoch += 1
        self.buffer.removeAll()
        self.outbox.removeAll()
        self.ledger.reset()
    }

    mutating func receive(_ event: IncomingEvent) throws(AMQPError) {
        guard case .delivered(let delivery) = event else { return }
        self.ledger.delivered(delivery.tag, offset: delivery.streamOffset)
        self.buffer.append(delivery)
    }

    mutating func transmit(_ connection: RawConnection) throws(AMQPError) -> Transmission {
        var result = Transmission()
        guard !self.outbox.isEmpty else { return result }
        guard connection.isWritable else {
            result.rest = .noRoom
            return result
        }
        let commands = self.outbox
        self.outbox.removeAll()
        for command in commands { try connection.settle(command) }
        result.sent = commands.count
        return result
    }

    mutating func beginDrain(_ connection: RawConnection?) throws(AMQPError) {
        self.isEnding = true
        while let waiter = self.waiters.popFirst() { waiter.answer.succeed(nil) }
        try connection?.cancelConsumer()
    }

    mutating func finish() {
        self.isEnding = true
        self.lost()
        while let waiter = self.waiters.popFirst() { waiter.answer.succeed(nil) }
    }

    mutating func deliver() {
        while !self.buffer.isEmpty, let waiter = self.waiters.popFirst() {
            guard !waiter.answer.isFinished else { continue }
            let fetched = self.peek(waiter.maximum)
            // The waiter may have been cancelled this very moment: the deliveries then stay for the next.
            if waiter.answer.succeed(fetched) { self.drop(fetched.deliveries.count) }
        }
    }

    /// The deliveries at hand, or the promise of some; `nil` at the end.
    mutating func fetch(_ maximum: Int) -> OneShot<Fetched?> {
        let answer = OneShot<Fetched?>()
        if self.isEnding {
            answer.succeed(nil)
        } else if self.buffer.isEmpty || !self.waiters.isEmpty {
            self.waiters.append(Waiter(maximum: maximum, answer: answer))
        } else {
            let fetched = self.peek(maximum)
            self.drop(fetched.deliveries.count)
            answer.succeed(fetched)
        }
        return answer
    }

    /// Notes settlements, to be sent in the next turn. Those of a connection that is gone are void.
    mutating func settle(_ decisions: [(tag: UInt64, settlement: Settlement)], epoch: UInt64) {
        guard epoch == self.epoch else { return }
        self.outbox += self.ledger.settle(decisions)
    }

    private func peek(_ maximum: Int) -> Fetched {
        let count = min(maximum, self.buffer.count)
        return Fetched(epoch: self.epoch, deliveries: (0..<count).compactMap { self.buffer[$0] })
    }

    private mutating func drop(_ count: Int) {
        for _ in 0..<count { _ = self.buffer.popFirst() }
    }
}
