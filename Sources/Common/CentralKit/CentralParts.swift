package import AMQP
package import Logging
package import Messages
package import Postgres
package import ServiceKit
package import ServiceLifecycle

/// What every central service is made of beside its own work: the catalogue, a publisher, the outbox, the word that there is
/// something for the feed, and the pulse that `millrace status` shows.
package struct CentralParts: Sendable {
    package let context: ServiceContext
    package let endpoint: AMQPEndpoint
    package let publisher: MessagePublisher
    package let outbox: OutboxService
    package let bell: FeedBell
    package let pulse: Pulse
    private let connections: Database

    /// - Parameters:
    ///   - topology: what the service's publisher declares, so that what it sends has a queue.
    ///   - pool: connections for transactions.
    ///   - worksByKey: false for a service that answers any question.
    /// - Throws: ``AMQPError`` for a broker URL that makes no sense.
    package init(
        _ context: ServiceContext,
        topology: Topology = MillraceTopology.core,
        pool: Int = 4,
        worksByKey: Bool = true
    ) throws {
        self.context = context
        self.endpoint = try AMQPEndpoint(url: context.environment.amqpURL.value)
        self.connections = Database(context: context, pool: pool, worksByKey: worksByKey)
        self.publisher = MessagePublisher(
            endpoint: self.endpoint,
            identity: context.identity,
            topology: topology,
            health: context.health,
            logger: context.logger
        )
        self.outbox = OutboxService(
            database: self.connections.client,
            publisher: self.publisher,
            health: context.health,
            logger: context.logger
        )
        self.bell = FeedBell(publisher: self.publisher, health: context.health, logger: context.logger)
        self.pulse = Pulse()
    }

    package var database: PostgresClient { self.connections.client }
    package var logger: Logger { self.context.logger }

    /// The parts that run, in the order in which they start; the service's own come after them.
    package var services: [any Service] {
        [
            self.connections, self.publisher, self.outbox, self.bell.sweep,
            self.pulse.sweep(context: self.context, database: self.database),
        ]
    }

    /// Something to be looked at without being told.
    package func sweep(
        _ name: String,
        every interval: Duration,
        pace: Duration = .zero,
        _ turn: @escaping @Sendable () async throws -> PeriodicSweep.Result
    ) -> PeriodicSweep {
        PeriodicSweep(
            name: name,
            interval: interval,
            pace: pace,
            health: self.context.health,
            logger: self.context.logger,
            work: turn
        )
    }

    /// The consumer of a queue with items of one type.
    package func consumer<Item: MessageItem>(
        of item: Item.Type,
        _ queue: String,
        topology: Topology,
        prefetch: UInt16 = 100,
        pace: @escaping @Sendable () -> Duration = { .zero },
        handle: @escaping ConsumerService<[Item]>.Handle
    ) -> ConsumerService<[Item]> {
        ConsumerService(
            of: item,
            endpoint: self.endpoint,
            identity: self.context.identity,
            topology: topology,
            queue: queue,
            prefetch: prefetch,
            maximum: Int(prefetch),
            pace: pace,
            health: self.context.health,
            logger: self.context.logger,
            handle: handle
        )
    }
}
