import AMQP

/// Messages that a benchmark sends.
enum BenchPost {
    /// A farm that has just started declares its queues, and elects their leaders, within this time.
    private static let patience = Duration.seconds(180)

    /// Sends all, and those again that the broker does not take: a service that has just started has not declared its queue yet, and a
    /// queue without a leader refuses.
    ///
    /// - Throws: ``CommandFailure`` when none more is taken for three minutes: the farm is not up.
    static func send(_ messages: [OutgoingMessage], by publisher: AMQPPublisher) async throws {
        var moved = ContinuousClock.now
        var left = messages
        while !left.isEmpty {
            let outcomes = try await publisher.publish(left)
            let open = zip(left, outcomes).filter { $0.1 != .confirmed }
            if let (message, outcome) = open.first {
                if open.count < left.count { moved = .now }
                guard moved.duration(to: .now) < Self.patience else {
                    throw CommandFailure(
                        .failed,
                        "the broker did not take a message to \(message.exchange), \(message.routingKey) (\(outcome)): are all services up?"
                    )
                }
                // Nothing tells when a queue is there. As an agent, say it again.
                try await Task.sleep(for: .milliseconds(20))
            }
            left = open.map(\.0)
        }
    }
}
