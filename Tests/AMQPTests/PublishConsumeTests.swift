import AMQP
import Logging
import PrivateServers
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(5))) struct PublishConsumeTests {
    @Test func aMessageArrivesWithAllItsProperties() async throws {
        let name = TestBroker.uniqueName("round-trip")
        let topology = Topology(
            exchanges: [.init(name), .init(name + ".in")],
            queues: [.quorum(name)],
            bindings: [
                .init(from: name + ".in", to: .exchange(name), routingKey: "#"),
                .init(from: name, to: .queue(name), routingKey: "a.*"),
            ]
        )
        let headers: AMQPTable = [
            "text": "grün", "number": -7, "flag": true, "table": .table(["inner": .array([1, "x", false, .null])]),
            "double": .double(1.5), "time": .timestamp(1_700_000_000), "bytes": .bytes([0, 255]),
        ]
        let message = OutgoingMessage(
            exchange: name + ".in",
            routingKey: "a.b",
            body: Array("hello".utf8),
            type: "greeting.v1",
            timestamp: 1_700_000_001,
            contentType: "text/plain",
            replyTo: "back",
            correlationID: "question",
            headers: headers
        )
        try await withLink(topology, queue: name) { publisher, consumer in
            #expect(try await publisher.publish([message]) == [.confirmed])
            let batch = try #require(await consumer.batches(maximum: 10).first { _ in true })
            let delivery = try #require(batch.deliveries.first)
            #expect(batch.deliveries.count == 1)
            #expect(delivery.body == message.body)
            #expect(delivery.exchange == name + ".in")
            #expect(delivery.routingKey == "a.b")
            #expect(delivery.redelivered == false)
            #expect(delivery.type == "greeting.v1")
            #expect(delivery.messageID == message.messageID)
            #expect(delivery.timestamp == 1_700_000_001)
            #expect(delivery.contentType == "text/plain")
            #expect(delivery.replyTo == "back")
            #expect(delivery.correlationID == "question")
            #expect(delivery.properties.persistent)
            #expect(delivery.headers == headers)
            await batch.acknowledge()
        }
    }
    @Test func anUnroutableMandatoryMessageComesBackAndItsNeighboursDoNot() async throws {
        let name = TestBroker.uniqueName("mandatory")
        try await withPublisher(Topology(queues: [.quorum(name)])) { publisher in
            var messages = (0..<50).map { index in
                OutgoingMessage(exchange: "", routingKey: index % 3 == 0 ? name + ".nowhere" : name, body: [])
            }
            messages[3].mandatory = false
            let outcomes = try await publisher.publish(messages)
            for (index, outcome) in outcomes.enumerated() {
                let isReturned = index % 3 == 0 && index != 3
                #expect(outcome == (isReturned ? .returned(code: 312, text: "NO_ROUTE") : .confirmed), "\(index)")
            }
            #expect(try await publisher.messageCount(name) == 33)
            #expect(try await publisher.purge(name) == 33)
            #expect(try await publisher.deleteQueue(name) == 0)
            #expect(try await publisher.deleteQueue(name) == 0)
        }
    }

    @Test func aFullQueueRefuses() async throws {
        let name = TestBroker.uniqueName("full")
        let full = Topology.Queue.quorum(name, arguments: ["x-max-length": 5, "x-overflow": "reject-publish"])
        try await withPublisher(Topology(queues: [full])) { publisher in
            // One burst may overshoot the limit whole: it is known to be full only by the next one.
            var outcomes: [PublishOutcome] = []
            for _ in 0..<20 {
                let messages = (0..<10).map { _ in OutgoingMessage(exchange: "", routingKey: name, body: [1]) }
                outcomes += try await publisher.publish(messages)
            }
            let confirmed = outcomes.count { $0 == .confirmed }
            let refused = outcomes.count { $0 == .refused }
            #expect(confirmed >= 5)
            #expect(refused > 0)
            #expect(confirmed + refused == 200)
            #expect(try await publisher.messageCount(name) == confirmed)
            #expect(publisher.isConnected)
        }
    }

    @Test func settlementsRequeueRejectAndAcknowledge() async throws {
        let name = TestBroker.uniqueName("settle")
        let topology = Topology(
            exchanges: [.init(name + ".dead", kind: .fanout)],
            queues: [
                .quorum(
                    name,
                    arguments: [
                        "x-dead-letter-exchange": .string(name + ".dead"), "x-dead-letter-strategy": "at-least-once",
                        "x-overflow": "reject-publish", "x-delivery-limit": 20,
                    ]
                ),
                .quorum(name + ".dead"),
            ],
            bindings: [.init(from: name + ".dead", to: .queue(name + ".dead"), routingKey: "")]
        )
        try await withLink(topology, queue: name) { publisher, consumer in
            let messages = (0..<9).map { OutgoingMessage(exchange: "", routingKey: name, body: [UInt8($0)]) }
            #expect(try await publisher.publish(messages).allSatisfy { $0 == .confirmed })
            var seen: [UInt8: Int] = [:]
            for await batch in consumer.batches(maximum: 4) {
                let settlements = batch.deliveries.map { delivery -> Settlement in
                    seen[delivery.body[0], default: 0] += 1
                    switch delivery.body[0] % 3 {
                    case 0: return .acknowledge
                    case 1: return delivery.redelivered ? .acknowledge : .requeue
                    default: return .reject
                    }
                }
                await batch.settle(settlements)
                // Settled before: must change nothing, and above all not cost the channel.
                await batch.acknowledge()
                if seen.values.reduce(0, +) == 12 { break }
            }
            #expect(seen == [0: 1, 1: 2, 2: 1, 3: 1, 4: 2, 5: 1, 6: 1, 7: 2, 8: 1])
            let dead = try await AMQPConsumer(
                endpoint: AMQPEndpoint(url: TestBroker.start().url),
                name: "dead",
                queue: name + ".dead",
                logger: quietLogger
            )
            let letters = try await running(dead.run, until: dead.stop) { await take(3, from: dead) }
            #expect(Set(letters.map { $0.body[0] }) == [2, 5, 8])
            #expect(letters.allSatisfy { $0.headers["x-first-death-reason"] == "rejected" })
        }
        let left = try await withPublisher { try await $0.messageCount(name) }
        #expect(left == 0)
    }

    @Test func aLaterBatchIsSettledWithoutTheEarlierOne() async throws {
        let name = TestBroker.uniqueName("shared")
        let topology = Topology(queues: [.quorum(name)])
        let messages = (0..<8).map { OutgoingMessage(exchange: "", routingKey: name, body: [UInt8($0)]) }
        _ = try await withPublisher(topology) { try await $0.publish(messages) }
        var options = AMQPOptions()
        // The first delivery stays unsettled on purpose.
        options.drainLimit = .milliseconds(100)
        try await withLink(topology, queue: name, options: options) { _, consumer in
            var held = 0
            for await batch in consumer.batches(maximum: 1) {
                #expect(batch.deliveries[0].body == [0])
                held += 1
                break
            }
            for await batch in consumer.batches(maximum: 7) {
                await batch.acknowledge()
                held += batch.deliveries.count
                if held == 8 { break }
            }
            // The channel is in order: what was acknowledged twice, or wrongly, would have closed it.
            #expect(consumer.isConnected)
        }
        try await withLink(topology, queue: name) { _, consumer in
            let again = await take(1, from: consumer)
            #expect(again.map(\.body) == [[0]])
            #expect(again.allSatisfy { $0.redelivered })
        }
    }

    @Test func fewUnconfirmedMessagesAtATimeStillGetAllThrough() async throws {
        let name = TestBroker.uniqueName("bounded")
        try await withPublisher(Topology(queues: [.quorum(name)]), maximumUnconfirmed: 7) { publisher in
            let calls = try await withThrowingTaskGroup(of: [PublishOutcome].self) { group in
                for _ in 0..<20 {
                    group.addTask {
                        try await publisher.publish(
                            (0..<50).map { OutgoingMessage(exchange: "", routingKey: name, body: [UInt8($0)]) }
                        )
                    }
                }
                return try await group.reduce(into: []) { $0 += $1 }
            }
            #expect(calls.count == 1000)
            #expect(calls.allSatisfy { $0 == .confirmed })
            #expect(try await publisher.messageCount(name) == 1000)
        }
    }

    @Test func largeBodiesAndEmptyOnesArriveWhole() async throws {
        let name = TestBroker.uniqueName("large")
        try await withLink(Topology(queues: [.quorum(name)]), queue: name) { publisher, consumer in
            let sizes = [0, 1, 131_064, 131_065, 1_000_000, 5_000_000]
            let bodies = sizes.map { size in (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ size) } }
            _ = try await publisher.publish(bodies.map { OutgoingMessage(exchange: "", routingKey: name, body: $0) })
            #expect(await take(sizes.count, from: consumer).map(\.body) == bodies)
        }
    }

    @Test func aReplyQueueNamedByTheBrokerIsReachable() async throws {
        let consumer = try await AMQPConsumer(
            endpoint: AMQPEndpoint(url: TestBroker.start().url),
            name: "reply",
            topology: Topology(
                queues: [.reply()],
                bindings: [.init(from: "amq.topic", to: .queue(""), routingKey: "to.me")]
            ),
            queue: "",
            exclusive: true,
            logger: quietLogger
        )
        try await running(consumer.run, until: consumer.stop) {
            await reached(consumer.stateChanges()) { $0 == .connected }
            let queue = try #require(consumer.queueName)
            #expect(queue.hasPrefix("amq.gen"))
            try await withPublisher { publisher in
                let outcomes = try await publisher.publish([
                    OutgoingMessage(exchange: "", routingKey: queue, body: [1]),
                    OutgoingMessage(exchange: "amq.topic", routingKey: "to.me", body: [2]),
                ])
                #expect(outcomes == [.confirmed, .confirmed])
            }
            #expect(await take(2, from: consumer).map { $0.body[0] } == [1, 2])
        }
    }

    @Test func aStreamIsReadFromItsBeginningAndNotEmptied() async throws {
        let name = TestBroker.uniqueName("stream")
        let topology = Topology(queues: [.stream(name, arguments: ["x-max-length-bytes": 1_000_000])])
        let messages = (0..<20).map { OutgoingMessage(exchange: "", routingKey: name, body: [UInt8($0)]) }
        _ = try await withPublisher(topology) { try await $0.publish(messages) }
        for _ in 0..<2 {
            try await withLink(topology, queue: name, arguments: ["x-stream-offset": "first"]) { _, consumer in
                let events = await take(20, from: consumer, maximum: 6)
                #expect(events.map { $0.body[0] } == Array(0..<20))
                #expect(events.map(\.streamOffset) == (0..<20).map { Int64($0) })
            }
        }
    }
}
