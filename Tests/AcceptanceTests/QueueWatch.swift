import AMQP
import Domain
import Messages
import NIOConcurrencyHelpers

/// What comes through a queue, taken by an ordinary AMQP client.
final class QueueWatch: Sendable {
    let deliveries: AsyncStream<Delivery>
    private let consumer: AMQPConsumer
    private let running: Task<Void, any Error>

    /// A queue of its own, bound to an exchange: what comes from now on.
    convenience init(_ centre: TestCentre, exchange: String, keys: [String]) async throws {
        let queue = "watch-\(UInt32.random(in: 0...UInt32.max))"
        try await self.init(
            centre,
            queue: queue,
            topology: Topology(
                exchanges: [.init(exchange)],
                queues: [.reply(queue)],
                bindings: keys.map { .init(from: exchange, to: .queue(queue), routingKey: $0) }
            )
        )
    }

    /// A queue that is there already.
    init(_ centre: TestCentre, queue: String, topology: Topology = Topology()) async throws {
        let consumer = AMQPConsumer(
            endpoint: try await centre.endpoint(),
            name: "watch",
            topology: topology,
            queue: queue,
            prefetch: 100,
            logger: TestCentre.logger
        )
        self.consumer = consumer
        let (deliveries, continuation) = AsyncStream.makeStream(of: Delivery.self)
        self.deliveries = deliveries
        self.running = Task {
            async let connection: Void = consumer.run()
            for await batch in consumer.batches(maximum: 100) {
                for delivery in batch.deliveries { continuation.yield(delivery) }
                await batch.acknowledge()
            }
            continuation.finish()
            try await connection
        }
        for await state in consumer.stateChanges() where state == .connected { break }
    }

    func stop() async {
        self.running.cancel()
        _ = await self.running.result
    }
}

/// Events of the feed, from a queue of its own. Start it before what causes the event.
final class EventWatch: Sendable {
    private let queue: QueueWatch
    /// The rest of a message whose middle was asked for.
    private let rest = NIOLockedValueBox<[(key: String, event: EventItem)]>([])

    init(_ centre: TestCentre, keys: [String]) async throws {
        // Pauses too: who waits for the end of a request sees that it will not come.
        self.queue = try await QueueWatch(centre, exchange: Exchange.event, keys: keys + ["task.*.paused"])
    }

    /// Takes events until one matches; gives all that were seen, that one last.
    func until(_ matches: (String, EventItem) -> Bool) async throws -> [(key: String, event: EventItem)] {
        var seen: [(key: String, event: EventItem)] = []
        func take(_ events: [(key: String, event: EventItem)]) -> Bool {
            for (place, next) in events.enumerated() {
                seen.append(next)
                guard matches(next.key, next.event) else { continue }
                self.rest.withLockedValue { $0 = Array(events[(place + 1)...]) }
                return true
            }
            return false
        }
        let kept = self.rest.withLockedValue { rest in
            defer { rest = [] }
            return rest
        }
        if take(kept) { return seen }
        for await delivery in self.queue.deliveries {
            let items = try Batch<EventItem>(decoding: delivery.body).items
            if take(items.map { (delivery.routingKey, $0) }) { return seen }
        }
        return seen
    }

    /// Takes events until a request has finished; gives all that were seen.
    ///
    /// - Throws: ``OtherEnd`` when it ends in another way, or a task is paused that nobody will resume: what the test waits for never
    ///   comes.
    @discardableResult
    func finish(of request: Int64) async throws -> [(key: String, event: EventItem)] {
        let seen = try await self.until { key, _ in Self.isEnd(key, of: request) || Self.isPause(key) }
        guard let last = seen.last, last.key == "request.\(request).finished" else {
            let told = seen.last.map { "\($0.key), \($0.event.cause ?? "")" }
            throw OtherEnd(description: "request \(request): \(told ?? "no event")")
        }
        return seen
    }

    /// Takes events until a place is in a phase, while a request runs.
    ///
    /// - Throws: ``OtherEnd`` when the request ends first or a task pauses: without work no place changes.
    func place(_ place: String, is phase: String, before request: Int64) async throws {
        let seen = try await self.until { key, event in
            event.entity == "place:\(place)" && event.to == phase || Self.isEnd(key, of: request) || Self.isPause(key)
        }
        guard let last = seen.last, last.event.entity == "place:\(place)" else {
            let told = seen.last.map { "\($0.key), \($0.event.cause ?? "")" }
            throw OtherEnd(description: "place \(place) was not \(phase) before this: \(told ?? "no event")")
        }
    }

    private static func isEnd(_ key: String, of request: Int64) -> Bool {
        key.hasPrefix("request.\(request).") && Self.ends.contains { key.hasSuffix(".\($0)") }
    }

    private static let ends = RequestState.terminal.map(\.rawValue)

    private static func isPause(_ key: String) -> Bool { key.hasPrefix("task.") && key.hasSuffix(".paused") }

    func stop() async { await self.queue.stop() }
}

/// A request that was to finish did not.
struct OtherEnd: Error, CustomStringConvertible {
    let description: String
}
