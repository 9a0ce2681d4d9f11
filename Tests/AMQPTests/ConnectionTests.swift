import AMQP
import NIOConcurrencyHelpers
import PrivateServers
import TestSupport
import Testing

/// What a connection does when something is wrong, at the shared broker.
@Suite(.timeLimit(.minutes(5))) struct ConnectionTests {
    private func endpoint(_ change: (inout AMQPEndpoint) throws -> Void = { _ in }) async throws -> AMQPEndpoint {
        var endpoint = try await AMQPEndpoint(url: TestBroker.start().url)
        try change(&endpoint)
        return endpoint
    }

    /// The first failure to connect, after which a further attempt must follow.
    private func failure(_ endpoint: AMQPEndpoint, _ topology: Topology = Topology()) async throws -> AMQPError {
        try await withPublisher(topology, at: endpoint) { publisher in
            var failures: [AMQPError] = []
            for await state in publisher.stateChanges() {
                if case .disconnected(let error) = state { failures.append(error) }
                if case .connected = state { Issue.record("connected after all") }
                if failures.count == 2 { break }
            }
            #expect(failures[0] == failures[1])
            #expect(!publisher.isConnected)
            #expect(!failures[0].description.contains("\n"))
            #expect(!failures[0].description.contains(endpoint.password))
            return failures[0]
        }
    }

    @Test func aWrongPasswordIsOneClearErrorAndRetried() async throws {
        let error = try await self.failure(self.endpoint { $0.password = "not-it-at-all" })
        #expect(error.code == .accessRefused)
        #expect(error.description.contains("ACCESS_REFUSED"))
    }

    @Test func aWrongVirtualHostIsOneClearErrorAndRetried() async throws {
        let error = try await self.failure(self.endpoint { $0.virtualHost = "nowhere" })
        #expect(error.code == .accessRefused)
        #expect(error.description.contains("nowhere"))
    }

    @Test func aRefusedPortIsOneClearErrorAndRetried() async throws {
        let error = try await self.failure(self.endpoint { $0.port = try FreePort.pick()[0] })
        #expect(error.code == .unreachable)
        #expect(error.description.contains("no broker answers"))
    }

    @Test func aTopologyTheBrokerRefusesIsOneClearErrorAndRetried() async throws {
        let queue = Topology.Queue("q", arguments: ["x-queue-type": "no-such-type"])
        let error = try await self.failure(self.endpoint(), Topology(queues: [queue]))
        #expect(error.code == .refusedByBroker(406))
        #expect(error.description.contains("declare the queue q"))
    }

    @Test func aTopologyThatCannotBeSentEndsTheRun() async throws {
        let publisher = try await AMQPPublisher(
            endpoint: self.endpoint(),
            name: "bad",
            topology: Topology(queues: [.init(String(repeating: "q", count: 256))]),
            logger: quietLogger
        )
        let error = await #expect(throws: AMQPError.self) { try await publisher.run() }
        #expect(error?.code == .invalidArgument)
        #expect(publisher.state == .stopped)
    }

    @Test func aRefusedRequestIsTheCallersErrorAndTheConnectionComesBack() async throws {
        let name = TestBroker.uniqueName("refused")
        try await withPublisher(Topology(queues: [.quorum(name)])) { publisher in
            let missing = await #expect(throws: AMQPError.self) { try await publisher.messageCount(name + ".none") }
            #expect(missing?.code == .refusedByBroker(404))
            let changed = Topology(queues: [.init(name, arguments: ["x-queue-type": "classic"])])
            let differs = await #expect(throws: AMQPError.self) { try await publisher.declare(changed) }
            #expect(differs?.code == .refusedByBroker(406))
            // An unknown exchange closes the channel; the message is not lost by that, but kept for when it exists.
            let message = OutgoingMessage(exchange: name, routingKey: name, body: [])
            let publishing = Task { try await publisher.publish([message]) }
            await reached(publisher.stateChanges()) {
                if case .disconnected(let error) = $0 { error.code == .refusedByBroker(404) } else { false }
            }
            try await publisher.declare(
                Topology(exchanges: [.init(name)], bindings: [.init(from: name, to: .queue(name), routingKey: "#")])
            )
            #expect(try await publishing.value == [.confirmed])
            #expect(try await publisher.messageCount(name) == 1)
        }
    }

    @Test func aConsumerComesBackWhenItsQueueWasDeleted() async throws {
        let name = TestBroker.uniqueName("deleted")
        try await withLink(Topology(queues: [.quorum(name)]), queue: name) { publisher, consumer in
            let changes = consumer.stateChanges()
            try await publisher.deleteQueue(name)
            let lost = await reached(changes) { if case .disconnected = $0 { true } else { false } }
            guard case .disconnected(let error) = lost else {
                Issue.record("not told of it: \(String(describing: lost))")
                return
            }
            #expect(error.code == .consumerCancelled)
            await reached(consumer.stateChanges()) { $0 == .connected }
            let outcome = try await publisher.publish([OutgoingMessage(exchange: "", routingKey: name, body: [7])])
            #expect(outcome == [.confirmed])
            #expect(await take(1, from: consumer).map(\.body) == [[7]])
        }
    }

    @Test func anExclusiveQueueIsMadeAnewAfterACutConnection() async throws {
        let name = TestBroker.uniqueName("exclusive")
        let proxy = try await TCPProxy(to: self.endpoint().port)
        defer { proxy.close() }
        let consumer = try await AMQPConsumer(
            endpoint: self.endpoint { $0.port = proxy.port },
            name: "exclusive",
            topology: Topology(queues: [.reply(name)]),
            queue: name,
            exclusive: true,
            logger: quietLogger
        )
        try await running(consumer.run, until: consumer.stop) {
            await reached(consumer.stateChanges()) { $0 == .connected }
            let changes = consumer.stateChanges()
            proxy.cut()
            await reached(changes) { if case .disconnected = $0 { true } else { false } }
            await reached(consumer.stateChanges()) { $0 == .connected }
            try await withPublisher { publisher in
                let message = OutgoingMessage(exchange: "", routingKey: name, body: [1])
                let outcomes = try await publisher.publish([message])
                #expect(outcomes == [.confirmed])
            }
            #expect(await take(1, from: consumer).map(\.body) == [[1]])
        }
    }

    @Test func settlingABatchOfALostConnectionDoesNothingAndItComesAgain() async throws {
        let name = TestBroker.uniqueName("stale")
        let proxy = try await TCPProxy(to: self.endpoint().port)
        defer { proxy.close() }
        let consumer = try await AMQPConsumer(
            endpoint: self.endpoint { $0.port = proxy.port },
            name: "stale",
            topology: Topology(queues: [.quorum(name)]),
            queue: name,
            logger: quietLogger
        )
        try await running(consumer.run, until: consumer.stop) {
            await reached(consumer.stateChanges()) { $0 == .connected }
            try await withPublisher { publisher in
                _ = try await publisher.publish([OutgoingMessage(exchange: "", routingKey: name, body: [1])])
            }
            let first = try #require(await consumer.batches(maximum: 1).first { _ in true })
            let changes = consumer.stateChanges()
            proxy.cut()
            await reached(changes) { if case .disconnected = $0 { true } else { false } }
            await reached(consumer.stateChanges()) { $0 == .connected }
            let second = try #require(await consumer.batches(maximum: 1).first { _ in true })
            // The numbers of both connections are alike: the old batch must not settle the new one's delivery.
            await first.acknowledge()
            #expect(second.deliveries[0].redelivered)
            await second.settle([.requeue])
            let third = await take(1, from: consumer)
            #expect(third.map(\.body) == [[1]])
            #expect(consumer.isConnected)
        }
    }

    @Test func anIdleConnectionLivesOnItsHeartbeats() async throws {
        let proxy = try await TCPProxy(to: self.endpoint().port)
        defer { proxy.close() }
        var options = AMQPOptions()
        options.heartbeat = .seconds(1)
        let endpoint = try await self.endpoint { $0.port = proxy.port }
        try await withPublisher(at: endpoint, options: options) { publisher in
            await reached(publisher.stateChanges()) { $0 == .connected }
            let before = proxy.sentByClients
            // A heartbeat frame has 8 bytes. The broker gives up a peer after two missed ones: ten seconds' worth of
            // them, and still the first connection, show that they are sent in time and are taken.
            await proxy.waitUntilSent(before + 10 * 8)
            #expect(publisher.state == .connected)
            #expect(proxy.accepted == 1)
        }
    }

    @Test func aSilentBrokerIsNoticedByItsMissingHeartbeats() async throws {
        let proxy = try await TCPProxy(to: self.endpoint().port)
        defer { proxy.close() }
        var options = AMQPOptions()
        options.heartbeat = .seconds(1)
        let endpoint = try await self.endpoint { $0.port = proxy.port }
        try await withPublisher(at: endpoint, options: options) { publisher in
            await reached(publisher.stateChanges()) { $0 == .connected }
            let changes = publisher.stateChanges()
            proxy.stall()
            let lost = await reached(changes) { if case .disconnected = $0 { true } else { false } }
            #expect(lost != nil)
            proxy.resume()
            await reached(publisher.stateChanges()) { $0 == .connected }
        }
    }

    @Test func theWatchdogBreaksASendThatIsStuckAndTheMessageStillArrives() async throws {
        let name = TestBroker.uniqueName("stuck")
        let proxy = try await TCPProxy(to: self.endpoint().port)
        defer { proxy.close() }
        var options = AMQPOptions()
        options.heartbeat = .seconds(60)
        options.stallLimit = .milliseconds(400)
        let endpoint = try await self.endpoint { $0.port = proxy.port }
        try await withPublisher(Topology(queues: [.quorum(name)]), at: endpoint, options: options) { publisher in
            await reached(publisher.stateChanges()) { $0 == .connected }
            let changes = publisher.stateChanges()
            proxy.stall()
            // More than all buffers on the way hold: the library's call does not return.
            let body = [UInt8](repeating: 1, count: 15_000_000)
            let message = OutgoingMessage(exchange: "", routingKey: name, body: body)
            async let outcome = publishPatiently([message], by: publisher)
            await reached(changes) { if case .disconnected = $0 { true } else { false } }
            proxy.resume()
            let result = try await outcome
            #expect(result == [.confirmed])
            #expect(proxy.accepted > 1)
        }
    }

    @Test func theWatchdogBreaksAConnectionThatTakesNoMoreSmallMessages() async throws {
        let name = TestBroker.uniqueName("clogged")
        let proxy = try await TCPProxy(to: self.endpoint().port)
        defer { proxy.close() }
        var options = AMQPOptions()
        options.heartbeat = .seconds(60)
        options.stallLimit = .milliseconds(400)
        let endpoint = try await self.endpoint { $0.port = proxy.port }
        let topology = Topology(queues: [.quorum(name)])
        try await withPublisher(topology, at: endpoint, maximumUnconfirmed: 20_000, options: options) { publisher in
            await reached(publisher.stateChanges()) { $0 == .connected }
            let changes = publisher.stateChanges()
            proxy.stall()
            let body = [UInt8](repeating: 1, count: 1000)
            let messages = (0..<15_000).map { _ in OutgoingMessage(exchange: "", routingKey: name, body: body) }
            async let outcomes = publishPatiently(messages, by: publisher)
            await reached(changes) { if case .disconnected = $0 { true } else { false } }
            proxy.resume()
            let result = try await outcomes
            #expect(result.allSatisfy { $0 == .confirmed })
        }
    }
}
