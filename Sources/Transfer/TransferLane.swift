import Catalog
import Logging
import NIOConcurrencyHelpers
import Postgres

/// Moves files to one storage element, as many at once as may go there. Each is reported when it ends, and another begins in its place: a
/// copy that takes hours, or does not end at all, holds up neither the reports of the others nor what comes after them.
final class TransferLane: Sendable {
    private let destination: String
    private let worker: TransferWorker
    private let held: HeldLeases
    /// As the catalogue has them; they may change while the lane is in use.
    private let places = NIOLockedValueBox<[String: StoragePlace]>([:])
    /// What has ended and is not reported.
    private let ended = NIOLockedValueBox<[TransferWorker.Outcome]>([])
    private let isEnding = NIOLockedValueBox(false)
    private let bell: AsyncStream<Void>
    private let rope: AsyncStream<Void>.Continuation

    init(to destination: String, worker: TransferWorker) {
        self.destination = destination
        self.worker = worker
        self.held = HeldLeases(seconds: worker.leaseSeconds)
        (self.bell, self.rope) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    }

    /// Something is due. May be called before ``run()``.
    func ring(_ places: [String: StoragePlace]) {
        self.places.withLockedValue { $0 = places }
        self.rope.yield()
    }

    /// Begins nothing more; what is being copied is copied to its end.
    func end() {
        self.isEnding.withLockedValue { $0 = true }
        self.rope.yield()
    }

    func run() async {
        await self.held.renewing(
            every: self.worker.renewSeconds,
            by: { [worker] leases in try await worker.renew(leases) },
            logger: self.worker.logger,
            during: { await self.work() }
        )
    }

    /// Until it is told to end, and all that it began has ended.
    private func work() async {
        await withDiscardingTaskGroup { group in
            for await _ in self.bell {
                await self.report()
                if self.isEnding.withLockedValue({ $0 }) {
                    if self.held.count == 0 { break }
                    continue
                }
                for lease in await self.lease() { group.addTask { await self.move(lease) } }
            }
        }
    }

    /// Takes as many as there is room for.
    private func lease() async -> [TransferLease] {
        let limit = self.places.withLockedValue { [destination] in $0[destination]?.limit } ?? 1
        let room = limit - self.held.count
        guard room > 0 else { return [] }
        let start = self.held.now()
        do {
            let leases = try await self.worker.lease(to: self.destination, limit: room)
            self.held.add(leases.map { (id: $0.id, token: $0.token) }, since: start)
            return leases
        } catch {
            self.warn("transfers not leased", error)
            return []
        }
    }

    private func move(_ lease: TransferLease) async {
        let places = self.places.withLockedValue { $0 }
        let outcome = await self.worker.move(lease, places) { [held] in held.holds(lease.token) }
        self.ended.withLockedValue { $0.append(outcome) }
        self.rope.yield()
    }

    /// All that have ended since, together. What could not be reported is found there by the next who leases it, when the lease has run out.
    private func report() async {
        let outcomes = self.ended.withLockedValue { ended in
            defer { ended = [] }
            return ended
        }
        guard !outcomes.isEmpty else { return }
        do {
            try await self.worker.report(outcomes)
        } catch {
            self.warn("transfers not reported", error)
        }
        self.held.remove(outcomes.map(\.lease.token))
    }

    private func warn(_ what: Logger.Message, _ error: any Error) {
        guard !Task.isCancelled else { return }
        self.worker.logger.warning(what, metadata: ["destination": "\(self.destination)", "error": "\(error)"])
    }
}
