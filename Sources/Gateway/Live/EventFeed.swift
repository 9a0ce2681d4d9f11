import AMQP
import Logging
import Messages
import NIOConcurrencyHelpers
import ServiceKit
import ServiceLifecycle

/// Reads the events of the farm from a queue of its own, which goes with the connection, and gives them to the hub. What is
/// published while it is away, the clients find in the log when they come back.
struct EventFeed: Service, CustomStringConvertible {
    /// Events kept for us while we are slow; the oldest go first.
    private static let queueLimit: Int64 = 20_000
    /// Between two heartbeats of the clients.
    private static let heartbeat: Duration = .seconds(15)

    private let consumer: AMQPConsumer
    private let hub: EventHub
    private let logger: Logger

    init(endpoint: AMQPEndpoint, context: ServiceContext, hub: EventHub) {
        let topology = MillraceTopology.exchanges.merging(
            Topology(
                queues: [.reply("", arguments: ["x-max-length": .int(Self.queueLimit), "x-overflow": "drop-head"])],
                bindings: [.init(from: Exchange.event, to: .queue(""), routingKey: "#")]
            )
        )
        let consumer = AMQPConsumer(
            endpoint: endpoint,
            name: context.identity.connectionName("events"),
            topology: topology,
            queue: "",
            prefetch: 500,
            logger: context.logger
        )
        context.health.watch(connection: "events") { consumer.state.problem }
        self.consumer = consumer
        self.hub = hub
        self.logger = context.logger
    }

    var description: String { "event feed" }

    func run() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await self.consumer.run() }
            group.addTask {
                try await gracefulShutdown()
                self.hub.close()
                try await self.consumer.stop()
            }
            group.addTask {
                // Ends with the group.
                while true {
                    try await Task.sleep(for: Self.heartbeat)
                    self.hub.publish([.heartbeat])
                }
            }
            for await batch in self.consumer.batches(maximum: 200) {
                // Who comes later gets what is published later, or asks the log.
                if self.hub.clientCount > 0 {
                    self.hub.publish(batch.deliveries.flatMap { self.signals(ReceivedMessage($0)) })
                }
                await batch.acknowledge()
            }
            group.cancelAll()
            while let ended = await group.nextResult() {
                if case .failure(let error) = ended, !(error is CancellationError) { throw error }
            }
        }
    }

    private func signals(_ message: ReceivedMessage) -> [EventHub.Signal] {
        do {
            return try message.items(of: EventItem.self).map { item in
                .event(
                    LiveEvent(
                        id: item.id,
                        kind: String(item.entity.prefix { $0 != ":" }),
                        data: try WireFormat.text(item)
                    )
                )
            }
        } catch {
            // Anybody may publish to the event exchange whom the broker lets: ours are well formed.
            self.logger.warning("an event cannot be read", metadata: ["error": "\(error)"])
            return []
        }
    }
}
