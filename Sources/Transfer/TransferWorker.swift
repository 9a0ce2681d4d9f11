import Catalog
import Logging
import Messages
import Postgres
import Storage

/// Copies files to where they are to be: leased, verified, published by rename, reported.
///
/// A worker that dies leaves a lease that runs out and a `.part` file; neither is ever taken for a file. Two workers never
/// move one file, since each works under the token of its own lease, and publishes nothing after that is over.
struct TransferWorker: Sendable {
    enum Outcome: Sendable {
        case done(TransferLease)
        case failed(TransferLease, StorageError)

        var lease: TransferLease {
            switch self {
            case .done(let lease), .failed(let lease, _): lease
            }
        }
    }

    let database: PostgresClient
    let logger: Logger
    let policy: TransferPolicy
    let worker: String
    /// Tells the others what is in the books now: messages to be sent, and how many transfers are done.
    let announce: @Sendable (_ messages: [OutboxMessage], _ done: Int) -> Void
    /// How long a transfer is left to a worker that does not renew its lease.
    var leaseSeconds = 600.0
    /// How often the leases of files that are still copied are renewed: a large one takes longer than a lease holds.
    var renewSeconds = 120.0
    /// Carries out one copy.
    var copy: @Sendable (CopyOrder) async throws -> Void = { order in try await OwnThread.run { try order.carryOut() } }

    /// Leases that ran out.
    func expire() async throws {
        if try await self.database.execute(TransferStatements.expire) > 0 { self.announce([], 0) }
    }

    func lease(to destination: String, limit: Int) async throws -> [TransferLease] {
        try await self.database.query(
            TransferStatements.lease(
                destination: destination,
                worker: self.worker,
                seconds: self.leaseSeconds,
                limit: limit
            )
        ).map { row in
            TransferLease(
                id: row.0,
                lfn: row.1,
                expected: FileExpectation(bytes: row.2, adler32: row.3, crc32c: row.4),
                destination: row.5,
                token: row.6,
                tries: Int(row.7),
                sources: row.8,
                isReplacing: row.9
            )
        }
    }

    /// - Returns: the tokens of those that are the worker's still.
    func renew(_ leases: [HeldLeases.Lease]) async throws -> [UUIDText] {
        try await self.database.query(TransferStatements.renew(leases, seconds: self.leaseSeconds))
    }

    /// Tries each source in turn; the error of the last one counts.
    func move(
        _ lease: TransferLease,
        _ places: [String: StoragePlace],
        mayPublish: @escaping @Sendable () -> Bool
    ) async -> Outcome {
        guard let destination = places[lease.destination]?.element else {
            return .failed(lease, Self.missing(.destination, "there is no storage element \(lease.destination)"))
        }
        var failure = Self.missing(.source, "no storage element has a good replica of \(lease.lfn)")
        for name in lease.sources {
            guard let source = places[name]?.element else { continue }
            do {
                try await self.copy(
                    CopyOrder(lease: lease, source: source, destination: destination, mayPublish: mayPublish)
                )
                return .done(lease)
            } catch let error as StorageError {
                failure = error
                // Another source makes it no better.
                if error.scope == .destination || !mayPublish() { break }
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

    func report(_ outcomes: [Outcome]) async throws {
        var done: [TransferLease] = []
        var failed: [(id: Int64, token: UUIDText, final: Bool, pauseSeconds: Double, reason: String)] = []
        for outcome in outcomes {
            switch outcome {
            case .done(let lease): done.append(lease)
            case .failed(let lease, let error):
                self.logger.warning("transfer failed", metadata: ["transfer": "\(lease.id)", "error": "\(error)"])
                switch self.policy.step(after: lease.tries, error) {
                case .again(let pause): failed.append((lease.id, lease.token, false, pause, error.description))
                case .giveUp: failed.append((lease.id, lease.token, true, 0, error.description))
                }
            }
        }
        let (finished, failures) = (done, failed)
        let messages = try await self.database.withTransaction { transaction -> [OutboxMessage] in
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
        self.announce(messages, done.count)
    }

    private static func missing(_ scope: StorageError.Scope, _ what: String) -> StorageError {
        StorageError(scope: scope, phase: .open, class: .missing, description: what, isRetryable: true)
    }
}
