import AMQP
import PrivateServers
import TestSupport
import Testing

/// How a publisher and a consumer end.
@Suite(.timeLimit(.minutes(5))) struct EndTests {
    private func publisher(at url: String, options: AMQPOptions = AMQPOptions()) throws -> AMQPPublisher {
        try AMQPPublisher(endpoint: AMQPEndpoint(url: url), name: "end", options: options, logger: quietLogger)
    }

    @Test func cancellingTheRunConfirmsWhatWasAcceptedAndRefusesTheRest() async throws {
        let name = TestBroker.uniqueName("flush")
        try await withPublisher { try await $0.declare(Topology(queues: [.quorum(name)])) }
        let publisher = try await self.publisher(at: TestBroker.start().url)
        let run = Task { try await publisher.run() }
        await reached(publisher.stateChanges()) { $0 == .connected }
        let messages = (0..<2000).map { _ in OutgoingMessage(exchange: "", routingKey: name, body: [1]) }
        let calls = (0..<5).map { _ in Task { try await publisher.publish(messages) } }
        _ = try await publisher.publish([messages[0]])
        run.cancel()
        try await run.value
        var confirmed = 1
        for call in calls {
            switch await call.result {
            case .success(let outcomes):
                #expect(outcomes.allSatisfy { $0 == .confirmed })
                confirmed += outcomes.count
            case .failure(let error): #expect((error as? AMQPError)?.code == .stopped)
            }
        }
        let found = try await withPublisher { try await $0.messageCount(name) }
        #expect(found == confirmed)
        #expect(publisher.state == .stopped)
        let late = await #expect(throws: AMQPError.self) { try await publisher.publish(messages) }
        #expect(late?.code == .stopped)
        let again = await #expect(throws: AMQPError.self) { try await publisher.run() }
        #expect(again?.code == .stopped)
        try await publisher.stop()
    }

    @Test func aStopWithoutAConnectionFailsWhatWaits() async throws {
        var options = AMQPOptions()
        options.drainLimit = .milliseconds(50)
        let publisher = try self.publisher(at: "amqp://127.0.0.1:\(FreePort.pick()[0])", options: options)
        let run = Task { try await publisher.run() }
        await reached(publisher.stateChanges()) { if case .disconnected = $0 { true } else { false } }
        let message = OutgoingMessage(exchange: "", routingKey: "q", body: [])
        let publishing = Task { try await publisher.publish([message]) }
        let counting = Task { try await publisher.messageCount("q") }
        try await publisher.stop()
        try await run.value
        await #expect(throws: AMQPError.self) { try await publishing.value }
        await #expect(throws: AMQPError.self) { try await counting.value }
    }

    @Test func aStopBeforeTheRunEndsEverything() async throws {
        let publisher = try self.publisher(at: "amqp://127.0.0.1:1")
        try await publisher.stop()
        #expect(publisher.state == .stopped)
        await #expect(throws: AMQPError.self) { try await publisher.run() }
    }

    @Test func stoppingAConsumerEndsItsSequencesAndWaitsForTheLastSettlement() async throws {
        let name = TestBroker.uniqueName("last")
        let topology = Topology(queues: [.quorum(name)])
        try await withPublisher(topology) { publisher in
            let messages = (0..<4).map { OutgoingMessage(exchange: "", routingKey: name, body: [UInt8($0)]) }
            _ = try await publisher.publish(messages)
            let consumer = try await AMQPConsumer(
                endpoint: AMQPEndpoint(url: TestBroker.start().url),
                name: "last",
                topology: topology,
                queue: name,
                logger: quietLogger
            )
            let run = Task { try await consumer.run() }
            var held: [DeliveryBatch] = []
            for await batch in consumer.batches(maximum: 4) {
                held.append(batch)
                if held.map(\.deliveries.count).reduce(0, +) == 4 { break }
            }
            let waiting = Task { await consumer.batches(maximum: 1).first { _ in true } == nil }
            run.cancel()
            #expect(await waiting.value)
            // The connection must still be there for these, or they would be void.
            for batch in held { await batch.acknowledge() }
            try await run.value
            let left = try await publisher.messageCount(name)
            #expect(left == 0)
        }
    }

    @Test func cancellingAReaderLosesNoDelivery() async throws {
        let name = TestBroker.uniqueName("reader")
        try await withLink(Topology(queues: [.quorum(name)]), queue: name) { publisher, consumer in
            for number in 0..<50 {
                let reader = Task { await consumer.batches(maximum: 1).first { _ in true } }
                async let outcome = publisher.publish([
                    OutgoingMessage(exchange: "", routingKey: name, body: [UInt8(number)])
                ])
                reader.cancel()
                _ = try await outcome
                if let batch = await reader.value {
                    await batch.acknowledge()
                } else {
                    #expect(await take(1, from: consumer).map(\.body) == [[UInt8(number)]])
                }
            }
        }
    }
}
