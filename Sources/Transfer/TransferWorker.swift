import Catalog
import CentralKit
import Domain
import Logging
import Messages
import NIOPosix
import Postgres
import ServiceKit
import Storage

/// Copies files to one storage element after another: leased, verified, published by rename, reported.
///
/// A worker that dies leaves a lease that runs out and a `.part` file; neither is ever taken for a file. Two workers never
/// move one file, since each works under the token of its own lease.
struct TransferWorker: Sendable {
    private struct Lease: Sendable {
        let id: Int64
        let lfn: String
        let expected: FileExpectation
        let destination: String
        let token: UUIDText
        let tries: Int
        let sources: [String]
    }

    private enum Outcome: Sendable {
        case done(Lease)
        case failed(Lease, StorageError)
    }

    let parts: CentralParts
    let policy: TransferPolicy
    let worker: String
    /// How long a transfer may take before another worker may take it.
    var leaseSeconds = 600.0

    /// Works off what is due for every destination.
    func turn() async throws -> PeriodicSweep.Result {
        let elements = try await self.parts.database.query(TransferStatements.storages).reduce(
            into: [String: StorageElement]()
        ) {
            $0[$1.0] = StorageElement(name: $1.0, kind: .posix, base: $1.2)
        }
        let limits = try await self.parts.database.query(TransferStatements.storages).reduce(into: [String: Int]()) {
            $0[$1.0] = Int($1.3)
        }
        var moved = 0
        let due = try await self.parts.database.query(TransferStatements.dueDestinations)
        // One slow destination never holds up another.
        try await withThrowingTaskGroup(of: Int.self) { group in
            for destination in due {
                group.addTask { try await self.work(destination, limits[destination] ?? 1, elements) }
            }
            for try await count in group { moved += count }
        }
        return moved > 0 ? .more : .done
    }

    /// Leases that ran out.
    func expire() async throws {
        if try await self.parts.database.execute(TransferStatements.expire) > 0 { self.parts.bell.ring() }
    }

    private func work(_ destination: String, _ limit: Int, _ elements: [String: StorageElement]) async throws -> Int {
        let leases = try await self.parts.database.query(
            TransferStatements.lease(
                destination: destination,
                worker: self.worker,
                seconds: self.leaseSeconds,
                limit: limit
            )
        ).map { row in
            Lease(
                id: row.0,
                lfn: row.1,
                expected: FileExpectation(bytes: row.2, adler32: row.3, crc32c: row.4),
                destination: row.5,
                token: row.6,
                tries: Int(row.7),
                sources: row.8
            )
        }
        guard !leases.isEmpty else { return 0 }
        let outcomes = await withTaskGroup(of: Outcome.self) { group in
            for lease in leases { group.addTask { await self.copy(lease, elements) } }
            return await group.reduce(into: [Outcome]()) { $0.append($1) }
        }
        try await self.report(outcomes)
        return leases.count
    }

    /// Tries each source in turn; the error of the last one counts.
    private func copy(_ lease: Lease, _ elements: [String: StorageElement]) async -> Outcome {
        var failure = StorageError(
            scope: .source,
            phase: .open,
            class: .missing,
            description: "no storage element has a good replica of \(lease.lfn)",
            isRetryable: true
        )
        guard let destination = elements[lease.destination] else {
            return .failed(
                lease,
                StorageError(
                    scope: .destination,
                    phase: .open,
                    class: .missing,
                    description: "there is no storage element \(lease.destination)",
                    isRetryable: true
                )
            )
        }
        for name in lease.sources {
            guard let source = elements[name] else { continue }
            do {
                try await NIOThreadPool.singleton.runIfActive {
                    let from = PosixStorage(source)
                    let to = PosixStorage(destination)
                    _ = try to.copy(
                        try LogicalName(lease.lfn),
                        from: from,
                        token: lease.token.text,
                        expected: lease.expected
                    )
                }
                return .done(lease)
            } catch let error as StorageError {
                failure = error
                if error.scope == .destination { break }
            } catch {
                failure = StorageError(
                    scope: .transfer,
                    phase: .read,
                    class: .other,
                    description: "\(error)",
                    isRetryable: true
                )
            }
        }
        return .failed(lease, failure)
    }

    private func report(_ outcomes: [Outcome]) async throws {
        var done: [Lease] = []
        var failed: [(id: Int64, token: UUIDText, final: Bool, pauseSeconds: Double, reason: String)] = []
        for outcome in outcomes {
            switch outcome {
            case .done(let lease): done.append(lease)
            case .failed(let lease, let error):
                self.parts.logger.warning(
                    "transfer failed",
                    metadata: ["transfer": "\(lease.id)", "error": "\(error)"]
                )
                switch self.policy.step(after: lease.tries, error) {
                case .again(let pause): failed.append((lease.id, lease.token, false, pause, error.description))
                case .giveUp: failed.append((lease.id, lease.token, true, 0, error.description))
                }
            }
        }
        let (finished, failures) = (done, failed)
        let messages = try await self.parts.database.withTransaction { transaction -> [OutboxMessage] in
            let moved = try await transaction.query(TransferStatements.done(finished.map { ($0.id, $0.token) }))
            let messages = try OutboxMessage.messages(
                moved.map { BooksItem(kind: .replica, id: $0) },
                routingKey: RoutingKey.books("replica")
            )
            try await transaction.executeAndCommit([
                TransferStatements.failed(failures), OutboxStatements.insert(messages),
            ])
            return messages
        }
        self.parts.outbox.send(messages)
        self.parts.bell.ring()
        self.parts.pulse.add(done.count)
    }
}
