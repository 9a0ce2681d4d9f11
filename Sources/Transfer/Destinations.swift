import AMQP
import Catalog
import Domain
import Logging
import Messages
import NIOConcurrencyHelpers
import Postgres
import ServiceKit
import ServiceLifecycle

/// One consumer for each storage element's queue; a new element gets one when it is added.
final class Destinations: Sendable {
    private let context: ServiceContext
    private let endpoint: AMQPEndpoint
    private let bell: AsyncStream<Void>
    private let rope: AsyncStream<Void>.Continuation

    init(context: ServiceContext, endpoint: AMQPEndpoint) {
        self.context = context
        self.endpoint = endpoint
        (self.bell, self.rope) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    }

    /// Consumes every `transfer.<destination>`: a message there means that something is due.
    func service(_ database: PostgresClient, _ moving: PeriodicSweep) -> any Service {
        DestinationConsumers { [context, endpoint, bell, rope] in
            await withGracefulShutdownHandler {
                await withTaskGroup(of: Void.self) { group in
                    var known: Set<String> = []
                    rope.yield()
                    for await _ in bell {
                        do {
                            let names = try await database.query(TransferStatements.storages).map(\.0)
                            for name in names where known.insert(name).inserted {
                                group.addTask { await Self.consume(name, context, endpoint, moving) }
                            }
                        } catch {
                            context.logger.warning("storage elements not read", metadata: ["error": "\(error)"])
                        }
                    }
                    group.cancelAll()
                }
            } onGracefulShutdown: {
                rope.finish()
            }
        }
    }

    /// A word that a storage element was added.
    func control() -> ConsumerService<[ControlItem]> {
        ConsumerService(
            of: ControlItem.self,
            endpoint: self.endpoint,
            identity: self.context.identity,
            topology: MillraceTopology.transfer(storages: []),
            queue: Queue.control("transfer"),
            health: self.context.health,
            logger: self.context.logger
        ) { [rope] batch in
            if batch.flatMap(\.content).contains(where: { $0.subject == .storage }) { rope.yield() }
            return batch.map { _ in .done }
        }
    }

    private static func consume(
        _ name: String,
        _ context: ServiceContext,
        _ endpoint: AMQPEndpoint,
        _ moving: PeriodicSweep
    ) async {
        let consumer = ConsumerService(
            of: TransferItem.self,
            endpoint: endpoint,
            identity: context.identity,
            topology: MillraceTopology.transfer(storages: [name]),
            queue: Queue.transfer(name),
            health: context.health,
            logger: context.logger
        ) { batch in
            moving.ring()
            return batch.map { _ in .done }
        }
        do {
            try await consumer.run()
        } catch is CancellationError {
            return
        } catch {
            context.logger.error("consumer ended", metadata: ["queue": "\(Queue.transfer(name))", "error": "\(error)"])
        }
    }
}

/// A service that is one closure.
private struct DestinationConsumers: Service {
    let body: @Sendable () async -> Void

    func run() async throws { await self.body() }
}
