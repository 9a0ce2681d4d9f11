import Catalog
import NIOConcurrencyHelpers
import Postgres
import ServiceKit
import ServiceLifecycle

/// Has a lane for each storage element that files go to: a slow one never holds up another.
final class TransferDesk: Service {
    private let worker: TransferWorker
    private let lanes = NIOLockedValueBox<[String: TransferLane]>([:])
    private let fresh: AsyncStream<TransferLane>
    private let rope: AsyncStream<TransferLane>.Continuation

    init(worker: TransferWorker) {
        self.worker = worker
        (self.fresh, self.rope) = AsyncStream.makeStream(of: TransferLane.self)
    }

    /// Tells every lane for which something is due, and waits for none.
    func turn() async throws -> PeriodicSweep.Result {
        let places = try await StoragePlace.all(in: self.worker.database)
        for destination in try await self.worker.database.query(TransferStatements.dueDestinations) {
            self.lane(to: destination).ring(places)
        }
        return .done
    }

    func run() async throws {
        await withGracefulShutdownHandler {
            await withDiscardingTaskGroup { group in
                for await lane in self.fresh { group.addTask { await lane.run() } }
            }
        } onGracefulShutdown: {
            for lane in self.lanes.withLockedValue({ Array($0.values) }) { lane.end() }
            self.rope.finish()
        }
    }

    private func lane(to destination: String) -> TransferLane {
        self.lanes.withLockedValue { lanes in
            if let lane = lanes[destination] { return lane }
            let lane = TransferLane(to: destination, worker: self.worker)
            lanes[destination] = lane
            self.rope.yield(lane)
            return lane
        }
    }
}
