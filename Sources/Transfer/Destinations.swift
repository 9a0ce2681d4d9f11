import AMQP
import Catalog
import CentralKit
import Domain
import Logging
import Messages
import NIOConcurrencyHelpers
import Postgres
import ServiceKit
import ServiceLifecycle

/// One consumer for each storage element's queue; a new element gets one when it is added.
final class Destinations: Sendable {
    private let parts: CentralParts
    private let bell: AsyncStream<Void>
    private let rope: AsyncStream<Void>.Continuation

    init(parts: CentralParts) {
        self.parts = parts
        (self.bell, self.rope) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    }

    /// Consumes every `transfer.<destination>`: a message there means that something is due.
    func service(_ moving: PeriodicSweep) -> any Service {
        DestinationConsumers { [parts, bell, rope] in
            await withGracefulShutdownHandler {
                await withTaskGroup(of: Void.self) { group in
                    var known: Set<String> = []
                    rope.yield()
                    for await _ in bell {
                        do {
                            let names = try await parts.database.query(TransferStatements.storages).map(\.0)
                            for name in names where known.insert(name).inserted {
                                group.addTask { await Self.consume(name, parts, moving) }
                            }
                        } catch {
                            parts.logger.warning("storage elements not read", metadata: ["error": "\(error)"])
                        }
                    }
                    group.cancelAll()
                }
            } onGracefulShutdown: {
                rope.finish()
            }
        }
    }

    /// A word that a storage element was added, or that files were registered.
    func control(_ verifying: PeriodicSweep) -> ConsumerService<[ControlItem]> {
        self.parts.consumer(
            of: ControlItem.self,
            Queue.control("transfer"),
            topology: MillraceTopology.transfer(storages: [])
        ) { [rope] batch in
            let subjects = Set(batch.flatMap(\.content).map(\.subject))
            if subjects.contains(.storage) { rope.yield() }
            if subjects.contains(.registration) { verifying.ring() }
            return batch.map { _ in .done }
        }
    }

    private static func consume(_ name: String, _ parts: CentralParts, _ moving: PeriodicSweep) async {
        let consumer = parts.consumer(
            of: TransferItem.self,
            Queue.transfer(name),
            topology: MillraceTopology.transfer(storages: [name])
        ) { batch in
            moving.ring()
            return batch.map { _ in .done }
        }
        do {
            try await consumer.run()
        } catch is CancellationError {
            return
        } catch {
            parts.logger.error("consumer ended", metadata: ["queue": "\(Queue.transfer(name))", "error": "\(error)"])
        }
    }
}

/// A service that is one closure.
private struct DestinationConsumers: Service {
    let body: @Sendable () async -> Void

    func run() async throws { await self.body() }
}
