import AMQP
import Logging
import NIOConcurrencyHelpers
import PrivateServers
import TestSupport
import Testing

/// Runs `body` with a running publisher and a running consumer of `queue` at the shared broker (or `at`).
func withLink<Result: Sendable>(
    _ topology: Topology,
    queue: String,
    at broker: PrivateBroker? = nil,
    prefetch: UInt16 = 200,
    arguments: AMQPTable = [:],
    options: AMQPOptions = AMQPOptions(),
    _ body: (AMQPPublisher, AMQPConsumer) async throws -> Result
) async throws -> Result {
    let endpoint = try await AMQPEndpoint(url: resolve(broker).url)
    let publisher = AMQPPublisher(
        endpoint: endpoint,
        name: "publisher",
        topology: topology,
        options: options,
        logger: quietLogger
    )
    let consumer = AMQPConsumer(
        endpoint: endpoint,
        name: "consumer",
        topology: topology,
        queue: queue,
        prefetch: prefetch,
        arguments: arguments,
        options: options,
        logger: quietLogger
    )
    return try await running(publisher.run, until: publisher.stop) {
        try await running(consumer.run, until: consumer.stop) {
            await reached(consumer.stateChanges()) { $0 == .connected }
            return try await body(publisher, consumer)
        }
    }
}

/// Runs `body` with a running publisher at the shared broker (or `at`).
func withPublisher<Result: Sendable>(
    _ topology: Topology = Topology(),
    at endpoint: AMQPEndpoint? = nil,
    maximumUnconfirmed: Int = 1000,
    options: AMQPOptions = AMQPOptions(),
    _ body: (AMQPPublisher) async throws -> Result
) async throws -> Result {
    let url = try await resolve(nil).url
    let publisher = AMQPPublisher(
        endpoint: try endpoint ?? AMQPEndpoint(url: url),
        name: "publisher",
        topology: topology,
        maximumUnconfirmed: maximumUnconfirmed,
        options: options,
        logger: quietLogger
    )
    return try await running(publisher.run, until: publisher.stop) { try await body(publisher) }
}

/// Runs `service` beside `body`; at the end it must stop when asked, and must not throw.
func running<Result: Sendable>(
    _ service: @escaping @Sendable () async throws -> Void,
    until stop: @Sendable () async throws -> Void,
    _ body: () async throws -> Result
) async throws -> Result {
    let service = Task { try await service() }
    do {
        let result = try await body()
        try await stop()
        try await service.value
        return result
    } catch {
        service.cancel()
        _ = await service.result
        throw error
    }
}

/// Waits for a state; the stream's end, too, ends the waiting.
@discardableResult
func reached(
    _ changes: AsyncStream<ConnectionState>,
    _ isWanted: (ConnectionState) -> Bool
) async -> ConnectionState? {
    for await state in changes where isWanted(state) { return state }
    return nil
}

/// The next `count` deliveries, each acknowledged.
func take(_ count: Int, from consumer: AMQPConsumer, maximum: Int = 100) async -> [Delivery] {
    var deliveries: [Delivery] = []
    for await batch in consumer.batches(maximum: min(maximum, count)) {
        deliveries += batch.deliveries
        await batch.acknowledge()
        if deliveries.count >= count { break }
    }
    return deliveries
}

/// Publishes, and sends again what a queue refused, as every owner of messages does: one whose leader is not known or
/// busy, as after a start of the broker, may refuse.
///
/// - Returns: one outcome per message, none of them refused.
func publishPatiently(_ messages: [OutgoingMessage], by publisher: AMQPPublisher) async throws -> [PublishOutcome] {
    var outcomes = try await publisher.publish(messages)
    while true {
        let refused = outcomes.indices.filter { outcomes[$0] == .refused }
        guard !refused.isEmpty else { return outcomes }
        for (index, outcome) in zip(refused, try await publisher.publish(refused.map { messages[$0] })) {
            outcomes[index] = outcome
        }
    }
}

let quietLogger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

private func resolve(_ broker: PrivateBroker?) async throws -> PrivateBroker {
    if let broker { return broker }
    return try await TestBroker.start()
}
