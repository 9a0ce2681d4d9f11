import Catalog
import CentralKit
import Logging
import NIOConcurrencyHelpers
import Postgres
import ServiceKit
import ServiceLifecycle
import Storage

/// Has each storage element with registered files read by itself: a slow one never holds up another.
final class RegistrationDesk: Service {
    private typealias Place = (element: StorageElement, limit: Int)

    private let parts: CentralParts
    private let worker: RegistrationWorker
    /// Storage elements that are being read, by name.
    private let busy = NIOLockedValueBox<Set<String>>([])
    private let isEnding = NIOLockedValueBox(false)
    private let places: AsyncStream<Place>
    private let rope: AsyncStream<Place>.Continuation

    init(parts: CentralParts, worker: RegistrationWorker) {
        self.parts = parts
        self.worker = worker
        (self.places, self.rope) = AsyncStream.makeStream(of: Place.self)
    }

    /// Begins with every storage element that has something due and that nobody here reads.
    func turn() async throws -> PeriodicSweep.Result {
        let elements = try await self.parts.database.query(TransferStatements.storages).reduce(
            into: [String: Place]()
        ) {
            $0[$1.0] = (StorageElement(name: $1.0, kind: .posix, base: $1.2), Int($1.3))
        }
        for storage in try await self.parts.database.query(RegistrationStatements.dueStorages) {
            guard let place = elements[storage], self.busy.withLockedValue({ $0.insert(storage).inserted }) else {
                continue
            }
            self.rope.yield(place)
        }
        return .done
    }

    func run() async throws {
        await withGracefulShutdownHandler {
            await withDiscardingTaskGroup { group in
                for await place in self.places { group.addTask { await self.read(place) } }
            }
        } onGracefulShutdown: {
            self.isEnding.withLockedValue { $0 = true }
            self.rope.finish()
        }
    }

    /// Until nothing is due there any more, or the service ends: then what is being read is read to its end.
    private func read(_ place: Place) async {
        defer { self.busy.withLockedValue { _ = $0.remove(place.element.name) } }
        do {
            while !self.isEnding.withLockedValue({ $0 }) {
                if try await self.worker.work(place.element, place.limit) == 0 { return }
            }
        } catch is CancellationError {
            return
        } catch {
            // What was leased is read again when the leases have run out.
            self.parts.logger.warning(
                "registered files not entered",
                metadata: ["storage": "\(place.element.name)", "error": "\(error)"]
            )
        }
    }
}
