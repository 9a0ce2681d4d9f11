import AMQP
import PrivateServers
import TestSupport
import Testing

/// What happens when the broker itself is in trouble: each test has a broker of its own.
@Suite(.serialized, .timeLimit(.minutes(10))) struct OutageTests {
    @Test func noConfirmedMessageIsLostWhenTheBrokerIsKilledUnderLoad() async throws {
        let total = 100_000
        let batch = 100
        try await TestBroker.withOwn { broker in
            let queue = "load"
            let topology = Topology(queues: [.quorum(queue)])
            try await withLink(topology, queue: queue, at: broker, prefetch: 1000) { publisher, consumer in
                let (confirmed, received) = (Gathered(), Gathered())
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for lane in 0..<4 {
                        group.addTask {
                            for start in stride(from: lane * batch, to: total, by: 4 * batch) {
                                let numbers = Array(start..<start + batch)
                                let messages = numbers.map { Self.message($0, to: queue) }
                                let outcomes = try await publishPatiently(messages, by: publisher)
                                if outcomes.allSatisfy({ $0 == .confirmed }) { confirmed.insert(numbers) }
                            }
                        }
                    }
                    group.addTask {
                        for await batch in consumer.batches(maximum: 500) {
                            let numbers = batch.deliveries.compactMap { $0.messageID.flatMap { Int($0) } }
                            let count = received.insert(numbers)
                            await batch.acknowledge()
                            if count == total { break }
                        }
                    }
                    group.addTask {
                        for fraction in [5, 2] {
                            // The load is the event: the broker dies when so much of it has got through.
                            let changes = consumer.stateChanges()
                            await received.more(than: total / fraction)
                            await broker.kill9()
                            await reached(changes) { if case .disconnected = $0 { true } else { false } }
                            try await broker.start()
                        }
                    }
                    try await group.waitForAll()
                }
                #expect(confirmed.count == total)
                #expect(received.all == Set(0..<total))
            }
        }
    }

    @Test func aMessageThatTheBrokerForgetsIsSentAgain() async throws {
        try await TestBroker.withOwn { broker in
            var options = AMQPOptions()
            options.confirmLimit = .seconds(1)
            let topology = Topology(queues: [.quorum("q")])
            try await withLink(topology, queue: "q", at: broker, options: options) { publisher, consumer in
                #expect(try await publishPatiently([Self.message(1, to: "q")], by: publisher) == [.confirmed])
                // The connection lives, heartbeats go both ways; only the queue does not answer.
                try await broker.control(["eval", Self.onQueues("sys:suspend")])
                let changes = publisher.stateChanges()
                async let outcomes = publishPatiently([Self.message(2, to: "q")], by: publisher)
                let lost = await reached(changes) { if case .disconnected = $0 { true } else { false } }
                #expect(
                    "\(String(describing: lost))".contains("owes the confirm of a message for too long (1.0 seconds")
                )
                try await broker.control(["eval", Self.onQueues("sys:resume")])
                let result = try await outcomes
                #expect(result == [.confirmed])
                // The first may come again: it was not acknowledged.
                for await batch in consumer.batches(maximum: 1) {
                    await batch.acknowledge()
                    if batch.deliveries.contains(where: { $0.messageID == "2" }) { break }
                }
            }
        }
    }

    /// What `rabbitmqctl eval` is given to call `function` with the process of every quorum queue.
    private static func onQueues(_ function: String) -> String {
        let queues = "Q <- rabbit_amqqueue:list(), amqqueue:is_quorum(Q)"
        return "[begin {Name, _} = amqqueue:get_pid(Q), \(function)(whereis(Name)) end || \(queues)]."
    }

    private static func message(_ number: Int, to queue: String) -> OutgoingMessage {
        OutgoingMessage(exchange: "", routingKey: queue, body: [1, 2, 3], messageID: String(number))
    }

    @Test func aBlockingBrokerIsSeenAndPublishingGoesOnAfterwards() async throws {
        try await TestBroker.withOwn { broker in
            let topology = Topology(queues: [.quorum("q")])
            try await withLink(topology, queue: "q", at: broker) { publisher, consumer in
                await reached(publisher.stateChanges()) { $0 == .connected }
                let properties = try await broker.control(["list_connections", "name", "client_properties"])
                #expect(properties.contains("consumer_cancel_notify"))
                #expect(properties.contains("authentication_failure_close"))
                #expect(properties.contains("\"publisher\""))
                let message = OutgoingMessage(exchange: "", routingKey: "q", body: [UInt8](repeating: 1, count: 1000))
                try await broker.control(["set_disk_free_limit", "1000GB"])
                let changes = publisher.stateChanges()
                // The broker tells only who publishes.
                let publishing = Task { try await publisher.publish([message, message]) }
                await reached(changes) { if case .blocked = $0 { true } else { false } }
                #expect(publisher.isBlocked)
                #expect(publisher.isConnected)
                #expect(consumer.isConnected)
                // What is published now must wait, unsent; a caller that gives up does so at once.
                let givingUp = Task { try await publisher.publish([message]) }
                givingUp.cancel()
                await #expect(throws: CancellationError.self) { try await givingUp.value }
                try await broker.control(["set_disk_free_limit", "64MB"])
                let outcomes = try await publishing.value
                #expect(outcomes == [.confirmed, .confirmed])
                #expect(!publisher.isBlocked)
                #expect(await take(2, from: consumer).count == 2)
                #expect(try await publisher.messageCount("q") == 0)
            }
        }
    }
}
