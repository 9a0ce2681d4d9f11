import AMQP
import Domain
import Logging
import Messages
import NIOConcurrencyHelpers
import PrivateServers
import ServiceLifecycle
import TestSupport
import Testing

@testable import ServiceKit

/// The topology and the consumers on a real broker, which is theirs because the contract's names are fixed. Each test
/// leaves its queues empty.
@Suite(.serialized) struct BrokerTests {
    private static let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    /// Ends with the process.
    private static let broker = Task { try await TestBroker.startOwn() }

    private struct Bench {
        let endpoint: AMQPEndpoint
        let publisher: MessagePublisher
        let health: HealthState
    }

    /// Runs `body` with a publisher that has declared everything, twice, on the broker.
    private func withBench(_ body: @Sendable (Bench) async throws -> Void) async throws {
        let endpoint = try await AMQPEndpoint(url: Self.broker.value.url)
        let health = HealthState(identity: Identity(service: "test"))
        let topology = MillraceTopology.full(sites: ["alpha", "beta"], storages: ["disk", "tape"])
        let publisher = MessagePublisher(
            endpoint: endpoint,
            identity: health.identity,
            topology: topology,
            health: health,
            logger: Self.logger
        )
        try await self.running(publisher) {
            try await publisher.broker.declare(topology)
            #expect(health.connectionProblem() == nil)
            try await body(Bench(endpoint: endpoint, publisher: publisher, health: health))
        }
        #expect(health.connectionProblem() == "publisher: stopped")
    }

    /// Runs a service in a group beside `body`, and stops it gracefully.
    private func running(_ service: any Service, _ body: () async throws -> Void) async throws {
        let group = ServiceGroup(services: [service], gracefulShutdownSignals: [], logger: Self.logger)
        let task = Task { try await group.run() }
        do {
            try await body()
        } catch {
            task.cancel()
            _ = await task.result
            throw error
        }
        await group.triggerGracefulShutdown()
        try await task.value
    }

    private func consumer(
        _ bench: Bench,
        queue: String,
        retry: RetryPolicy = RetryPolicy(),
        pace: Duration = .zero,
        handle: @escaping ConsumerService<[ControlItem]>.Handle
    ) -> ConsumerService<[ControlItem]> {
        ConsumerService(
            of: ControlItem.self,
            endpoint: bench.endpoint,
            identity: bench.health.identity,
            topology: MillraceTopology.exchanges,
            queue: queue,
            pace: { pace },
            retry: retry,
            health: bench.health,
            logger: Self.logger,
            handle: handle
        )
    }

    /// The first messages of a queue, acknowledged.
    private func take(_ count: Int, _ bench: Bench, queue: String) async throws -> [Delivery] {
        let consumer = AMQPConsumer(endpoint: bench.endpoint, name: "take", queue: queue, logger: Self.logger)
        let task = Task { try await consumer.run() }
        var deliveries: [Delivery] = []
        for await batch in consumer.batches(maximum: count) {
            deliveries += batch.deliveries
            await batch.acknowledge()
            if deliveries.count >= count { break }
        }
        try await consumer.stop()
        try await task.value
        return deliveries
    }

    @Test func everyPathOfTheContractLeadsToItsQueue() async throws {
        let site = Exchange.site("alpha")
        let paths: [(exchange: String, key: String, queue: String)] = [
            (site, RoutingKey.work, Queue.work),
            (site, RoutingKey.running, Queue.reports),
            (site, RoutingKey.failed, Queue.reports),
            (site, RoutingKey.cancelled, Queue.reports),
            (site, RoutingKey.progress, Queue.progress),
            (site, RoutingKey.finished, Queue.manifests),
            (site, RoutingKey.heartbeat, Queue.heartbeats),
            (Exchange.site("beta"), RoutingKey.work, Queue.work),
            (Exchange.command, RoutingKey.rejected, Queue.reports),
            (Exchange.command, RoutingKey.verdict("resubmit"), Queue.verdicts),
            (Exchange.command, RoutingKey.verdict("abort"), Queue.verdicts),
            (Exchange.command, RoutingKey.verdict("pause"), Queue.verdicts),
            (Exchange.command, RoutingKey.books("replica"), Queue.books),
            (Exchange.command, RoutingKey.transfer("disk"), Queue.transfer("disk")),
            (Exchange.command, RoutingKey.transfer("tape"), Queue.transfer("tape")),
            (Exchange.command, RoutingKey.control("scheduler"), Queue.control("scheduler")),
            (Exchange.command, RoutingKey.control("monitor"), Queue.control("monitor")),
            (Exchange.command, RoutingKey.control("bookkeeper"), Queue.control("bookkeeper")),
            (Exchange.command, RoutingKey.control("transfer"), Queue.control("transfer")),
            ("", Queue.work, Queue.work),
        ]
        try await self.withBench { bench in
            for path in paths {
                let items = [ControlItem(.task, ids: [7])]
                let sent = try await bench.publisher.send(items, exchange: path.exchange, routingKey: path.key)
                // Else there is nothing to wait for.
                try #require(sent == [.confirmed], "\(path)")
                let delivery = try #require(try await self.take(1, bench, queue: path.queue).first)
                #expect(delivery.exchange == path.exchange)
                #expect(delivery.routingKey == path.key)
                #expect(delivery.type == "control.v1")
                #expect(delivery.contentType == "application/json")
                #expect(delivery.properties.persistent)
                #expect(delivery.timestamp != nil && delivery.messageID?.count == 36)
                let message = ReceivedMessage(delivery)
                #expect(try message.items(of: ControlItem.self) == items)
                #expect(message.site == Exchange.siteName(path.exchange))
            }
            // Nothing has gone anywhere else.
            for queue in Set(paths.map(\.queue)) + [Queue.deadLetters] {
                #expect(try await bench.publisher.broker.messageCount(queue) == 0, "\(queue)")
            }
            // And what leads nowhere comes back.
            let outcomes = try await bench.publisher.send(
                [ControlItem(.task)],
                exchange: Exchange.command,
                routingKey: "none"
            )
            guard case .returned(312, _) = try #require(outcomes.first) else {
                Issue.record("not returned: \(outcomes)")
                return
            }
        }
    }

    @Test func theStreamKeepsEvents() async throws {
        try await self.withBench { bench in
            let sent = try await bench.publisher.send(
                [ControlItem(.feed)],
                exchange: Exchange.event,
                routingKey: "task.1.done"
            )
            #expect(sent == [.confirmed])
            for _ in 0..<2 {
                let consumer = AMQPConsumer(
                    endpoint: bench.endpoint,
                    name: "reader",
                    queue: Queue.events,
                    arguments: ["x-stream-offset": "first"],
                    logger: Self.logger
                )
                try await self.running(
                    ClosureServiceOf {
                        try await consumer.run()
                    } stop: {
                        try await consumer.stop()
                    }
                ) {
                    let batch = try #require(await consumer.batches(maximum: 1).first { _ in true })
                    #expect(batch.deliveries.first?.routingKey == "task.1.done")
                    await batch.acknowledge()
                }
            }
        }
    }

    /// The first is handled at once, what comes next waits until it is time; and whoever stops the service does not wait.
    @Test func aConsumerWithAPaceRestsBetweenItsBatches() async throws {
        try await self.withBench { bench in
            let queue = Queue.control("monitor")
            let (handled, continuation) = AsyncStream.makeStream(of: Int.self)
            let consumer = self.consumer(bench, queue: queue, pace: .seconds(3600)) { batch in
                continuation.yield(batch.count)
                return batch.map { _ in .done }
            }
            try await self.running(consumer) {
                _ = try await bench.publisher.send([ControlItem(.task)], exchange: "", routingKey: queue)
                #expect(await handled.first { _ in true } == 1)
                let late = try PreparedMessage(Batch([ControlItem(.task)]), exchange: "", routingKey: queue)
                #expect(try await bench.publisher.sendRaw([late, late]) == [.confirmed, .confirmed])
            }
            continuation.finish()
            for await count in handled { Issue.record("\(count) more were handled within the hour") }
            #expect(try await self.take(2, bench, queue: queue).count == 2)
        }
    }

    @Test func manyItemsBecomeMessagesOfTheAllowedSizeAndAPreparedMessageKeepsItsID() async throws {
        try await self.withBench { bench in
            let items = (0..<1001).map { ControlItem(.task, ids: [Int64($0)]) }
            let queue = Queue.control("scheduler")
            let sent = try await bench.publisher.send(items, exchange: "", routingKey: queue)
            #expect(sent == [.confirmed, .confirmed, .confirmed])
            let received = try await self.take(3, bench, queue: queue)
            #expect(try received.flatMap { try ReceivedMessage($0).items(of: ControlItem.self) } == items)
            await #expect(throws: MessageError.self) {
                try await bench.publisher.send(items, exchange: "", routingKey: queue, messageID: "one")
            }
            let message = try PreparedMessage(Batch([items[0]]), exchange: "", routingKey: queue)
            #expect(try await bench.publisher.sendRaw([message, message]) == [.confirmed, .confirmed])
            #expect(try await self.take(2, bench, queue: queue).map(\.messageID) == [message.id, message.id])
        }
    }

    @Test func aMalformedMessageGoesToTheDeadLettersAndTheOthersAreHandledInOrder() async throws {
        try await self.withBench { bench in
            let queue = Queue.control("monitor")
            for id in 1...3 as ClosedRange<Int64> {
                try await bench.publisher.send([ControlItem(.task, ids: [id])], exchange: "", routingKey: queue)
                _ = try await bench.publisher.sendRaw([
                    PreparedMessage(
                        id: "bad-\(id)",
                        exchange: "",
                        routingKey: queue,
                        type: id == 2 ? "other.v1" : ControlItem.type,
                        body: Array("{\"items\":[]}".utf8)
                    )
                ])
            }
            let (handled, tell) = AsyncStream.makeStream(of: Int64.self)
            let consumer = self.consumer(bench, queue: queue) { batch in
                for received in batch { tell.yield(received.content[0].ids[0]) }
                return batch.map { _ in .done }
            }
            try await self.running(consumer) {
                var seen: [Int64] = []
                for await id in handled {
                    seen.append(id)
                    if seen.count == 3 { break }
                }
                #expect(seen == [1, 2, 3])
                let dead = try await self.take(3, bench, queue: Queue.deadLetters)
                #expect(Set(dead.compactMap(\.messageID)) == ["bad-1", "bad-2", "bad-3"])
                #expect(dead.allSatisfy { $0.headers["x-first-death-queue"] == .string(queue) })
            }
            #expect(try await bench.publisher.broker.messageCount(queue) == 0)
        }
    }

    @Test func whatAHandlerThrowsOnComesAgainAndDuplicatesAreDelivered() async throws {
        struct Trouble: Error {}
        try await self.withBench { bench in
            let queue = Queue.control("bookkeeper")
            let message = try PreparedMessage(Batch([ControlItem(.task)]), exchange: "", routingKey: queue)
            _ = try await bench.publisher.sendRaw([message, message])
            var retry = RetryPolicy()
            retry.hold = .zero
            let (handled, tell) = AsyncStream.makeStream(of: ReceivedMessage.self)
            let failures = NIOLockedValueBox(0)
            let consumer = self.consumer(bench, queue: queue, retry: retry) { batch in
                let number = failures.withLockedValue { failures in
                    failures += 1
                    return failures
                }
                guard number > 2 else { throw Trouble() }
                for received in batch { tell.yield(received.message) }
                return batch.map { _ in .done }
            }
            try await self.running(consumer) {
                var seen: [ReceivedMessage] = []
                for await message in handled {
                    seen.append(message)
                    if seen.count == 2 { break }
                }
                #expect(seen.map(\.messageID) == [message.id, message.id])
                #expect(seen.contains { $0.redelivered })
            }
            #expect(try await bench.publisher.broker.messageCount(queue) == 0)
            #expect(try await bench.publisher.broker.messageCount(Queue.deadLetters) == 0)
        }
    }

    @Test func aGracefulShutdownFinishesAndSettlesTheBatchInHand() async throws {
        try await self.withBench { bench in
            let queue = Queue.control("transfer")
            try await bench.publisher.send([ControlItem(.task)], exchange: "", routingKey: queue)
            let (begun, begin) = AsyncStream.makeStream(of: Void.self)
            let consumer = self.consumer(bench, queue: queue) { batch in
                begin.yield()
                try await gracefulShutdown()
                return batch.map { _ in .done }
            }
            try await self.running(consumer) {
                for await _ in begun { break }
                #expect(consumer.state == .connected)
            }
            #expect(consumer.state == .stopped)
            #expect(try await bench.publisher.broker.messageCount(queue) == 0)
        }
    }
}

/// A service of two closures.
private struct ClosureServiceOf: Service {
    let body: @Sendable () async throws -> Void
    let end: @Sendable () async throws -> Void

    init(_ body: @escaping @Sendable () async throws -> Void, stop: @escaping @Sendable () async throws -> Void) {
        self.body = body
        self.end = stop
    }

    func run() async throws {
        async let _: Void = self.stopWhenAsked()
        try await self.body()
    }

    private func stopWhenAsked() async throws {
        try await gracefulShutdown()
        try await self.end()
    }
}
