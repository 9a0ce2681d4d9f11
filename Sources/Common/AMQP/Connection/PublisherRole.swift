/// Publishing: what waits to be sent, what waits for the broker's answer.
struct PublisherRole: LinkRole {
    /// A message of a call.
    struct Entry: Sendable {
        let call: PublishCall
        let index: Int

        var message: OutgoingMessage { self.call.messages[self.index] }
    }

    /// One slice: after it, answers are read and the mailbox is served.
    private static let messagesPerSlice = 128
    private static let bytesPerSlice = 256 * 1024
    /// What a socket found writable surely takes: Linux says so only when a third of its buffer is free.
    private static let bytesPerCheck = 16 * 1024
    /// A message without its body, roughly.
    private static let overhead = 256

    let maximumUnconfirmed: Int
    let name: String
    private var queue = FIFO<Entry>()
    private var ledger = ConfirmLedger<Entry>()
    /// When the broker last confirmed or refused something.
    private var lastAnswer: ContinuousClock.Instant?

    init(maximumUnconfirmed: Int, name: String) {
        precondition(maximumUnconfirmed > 0, "\(name): at least one message must be allowed to be unconfirmed")
        self.maximumUnconfirmed = maximumUnconfirmed
        self.name = name
    }

    var isIdle: Bool { self.queue.isEmpty && self.ledger.unsettled == 0 }

    /// A broker that answers for others is getting on, however slowly: it is given ten times as long for the oldest.
    func answerDeadline(limit: Duration, start: ContinuousClock.Instant) -> ContinuousClock.Instant? {
        guard let oldest = self.ledger.oldest.map({ max($0, start) }) else { return nil }
        return min(max(oldest, self.lastAnswer ?? oldest) + limit, oldest + limit * 10)
    }

    mutating func submit(_ call: PublishCall) {
        for index in call.messages.indices { self.queue.append(Entry(call: call, index: index)) }
    }

    mutating func established(_ connection: RawConnection, unnamedQueue: String?) throws(AMQPError) {
        try connection.selectConfirms()
    }

    /// What has no answer is sent again, before anything new, with the same message ids.
    mutating func lost() {
        let unanswered = self.ledger.takeUnsettled()
        guard !unanswered.isEmpty else { return }
        self.queue = FIFO((unanswered + self.queue.elements).filter { !$0.call.isAbandoned })
    }

    mutating func receive(_ event: IncomingEvent) throws(AMQPError) {
        switch event {
        case .confirm(let tag, let multiple, let positive):
            self.lastAnswer = .now
            for settled in self.ledger.settle(through: tag, multiple: multiple, positive: positive) {
                settled.payload.call.settle(settled.payload.index, settled.outcome)
            }
        case .returned(let code, let text, let exchange, let routingKey, let messageID):
            let found = self.ledger.markReturned(code: code, text: text) { entry in
                let message = entry.message
                return message.mandatory && message.messageID == messageID && message.exchange == exchange
                    && message.routingKey == routingKey
            }
            guard found else {
                throw AMQPError(.connectionLost, "the broker returned a message that was not sent: connecting again")
            }
        case .delivered, .cancelled, .blocked, .unblocked: break
        }
    }

    mutating func transmit(_ connection: RawConnection) throws(AMQPError) -> Transmission {
        var result = Transmission()
        var bytes = 0
        var unchecked = Self.bytesPerCheck
        let now = ContinuousClock.now
        while self.ledger.unsettled < self.maximumUnconfirmed, let entry = self.queue.first {
            guard !entry.call.isAbandoned else {
                _ = self.queue.popFirst()
                continue
            }
            guard result.sent < Self.messagesPerSlice, bytes < Self.bytesPerSlice else {
                result.rest = .more
                return result
            }
            let size = entry.message.body.count + Self.overhead
            if unchecked + size > Self.bytesPerCheck {
                guard connection.isWritable else {
                    result.rest = .noRoom
                    return result
                }
                unchecked = 0
            }
            // Noted first: a message whose sending failed may have arrived.
            _ = self.queue.popFirst()
            self.ledger.append(entry, now: now)
            try connection.publish(entry.message)
            unchecked += size
            bytes += size
            result.sent += 1
        }
        return result
    }

    /// What has been accepted is still sent and confirmed.
    mutating func beginDrain(_ connection: RawConnection?) throws(AMQPError) {}

    mutating func finish() {
        let error = AMQPError(
            .stopped,
            "\(self.name) was stopped before the broker confirmed: it may have the messages"
        )
        for entry in self.ledger.takeUnsettled() + self.queue.elements { entry.call.fail(error) }
        self.queue.removeAll()
    }

    mutating func deliver() {}
}
