import AMQP
import Catalog
import CentralKit
import Domain
import Logging
import Messages
import NIOPosix
import Postgres
import ServiceKit
import Storage

/// Reads what people say is stored already, and brings what is so into the books.
///
/// It reads and never writes: a file that is not what was said stays as it is, for it was there before us.
struct RegistrationWorker: Sendable {
    private struct Lease: Sendable {
        let id: Int64
        let lfn: String
        let expected: FileExpectation
        let token: UUIDText
        let tries: Int
    }

    private enum Outcome: Sendable {
        case read(Lease, StoredFile)
        case failed(Lease, StorageError)
    }

    let parts: CentralParts
    let policy: TransferPolicy
    let worker: String
    /// How often the leases of files that are still read are renewed: a large one takes longer than a lease holds.
    let renewSeconds: Double
    /// How long a file is left to a worker that does not renew its lease.
    var leaseSeconds = 600.0
    /// Files that are taken beyond those which are read at once, as long as they are no larger than this together.
    var smallBytes: Int64 = 1 << 30

    /// Leases that ran out.
    func expire() async throws {
        if try await self.parts.database.execute(RegistrationStatements.expire) > 0 { self.parts.bell.ring() }
    }

    /// Reads what is due at a storage element, as much as is leased at once. - Returns: how many files that were.
    func work(_ element: StorageElement, _ limit: Int) async throws -> Int {
        let held = HeldLeases(seconds: self.leaseSeconds)
        let start = held.now()
        let leases = try await self.parts.database.query(
            RegistrationStatements.lease(
                storage: element.name,
                worker: self.worker,
                seconds: self.leaseSeconds,
                limit: limit,
                bytes: self.smallBytes
            )
        ).map { row in
            Lease(
                id: row.0,
                lfn: row.1,
                expected: FileExpectation(bytes: row.2, adler32: row.3, crc32c: row.4),
                token: row.5,
                tries: Int(row.6)
            )
        }
        guard !leases.isEmpty else { return 0 }
        // Threads of their own: reading for hours, or a storage element that does not answer, holds up nobody's transfers.
        let pool = NIOThreadPool(numberOfThreads: max(1, min(limit, leases.count)))
        pool.start()
        held.add(leases.map { (id: $0.id, token: $0.token) }, since: start)
        let outcomes = await held.renewing(
            every: self.renewSeconds,
            by: { leases in
                try await self.parts.database.query(RegistrationStatements.renew(leases, seconds: self.leaseSeconds))
            },
            logger: self.parts.logger,
            during: { await Self.read(leases, element, by: pool) }
        )
        try await pool.shutdownGracefully()
        try await self.report(outcomes)
        return leases.count
    }

    // MARK: Reading

    private static func read(_ leases: [Lease], _ element: StorageElement, by pool: NIOThreadPool) async -> [Outcome] {
        await withTaskGroup(of: Outcome.self) { group in
            for lease in leases { group.addTask { await Self.read(lease, element, by: pool) } }
            return await group.reduce(into: [Outcome]()) { $0.append($1) }
        }
    }

    private static func read(_ lease: Lease, _ element: StorageElement, by pool: NIOThreadPool) async -> Outcome {
        do {
            return try await pool.runIfActive {
                .read(lease, try Self.check(lease.lfn, lease.expected, PosixStorage(element)))
            }
        } catch let error as StorageError {
            return .failed(lease, error)
        } catch {
            let problem = StorageError(
                scope: .source,
                phase: .read,
                class: .other,
                description: "\(error)",
                isRetryable: true
            )
            return .failed(lease, problem)
        }
    }

    /// The size first: of a file that has another one no byte is read.
    private static func check(
        _ lfn: String,
        _ expected: FileExpectation,
        _ storage: PosixStorage
    ) throws(StorageError) -> StoredFile {
        let name = try LogicalName(lfn)
        // A base that is not there is an error of another kind: a file system that is not mounted is no lack of all its files.
        guard let facts = try storage.facts(name) else {
            throw Self.refusal(.missing, "there is no \(storage.element.base)\(lfn)")
        }
        if let bytes = expected.bytes, bytes != facts.bytes {
            throw Self.refusal(.corrupt, "\(storage.element.base)\(lfn) has \(facts.bytes) bytes, expected \(bytes)")
        }
        return try storage.verify(name, expected: expected)
    }

    private static func refusal(_ class: StorageError.Class, _ what: String) -> StorageError {
        StorageError(scope: .source, phase: .verify, class: `class`, description: what, isRetryable: false)
    }

    // MARK: Into the books

    private func report(_ outcomes: [Outcome]) async throws {
        var found: [RegistrationStatements.Found] = []
        var failed: [(id: Int64, token: UUIDText, final: Bool, pauseSeconds: Double, reason: String)] = []
        for outcome in outcomes {
            switch outcome {
            case .read(let lease, let file): found.append((lease.id, lease.token, file.adler32, file.crc32c))
            case .failed(let lease, let error):
                self.parts.logger.warning(
                    "registered file not verified",
                    metadata: ["registration": "\(lease.id)", "lfn": "\(lease.lfn)", "error": "\(error)"]
                )
                switch self.policy.registrationStep(after: lease.tries, error) {
                case .again(let pause): failed.append((lease.id, lease.token, false, pause, error.description))
                case .giveUp: failed.append((lease.id, lease.token, true, 0, error.description))
                }
            }
        }
        let (read, failures) = (found, failed)
        let messages = try await self.parts.database.withTransaction { transaction in
            let messages = try await RegisteredFiles.enter(read, in: transaction)
            try await transaction.executeAndCommit([
                RegistrationStatements.failed(failures), OutboxStatements.insert(messages),
            ])
            return messages
        }
        self.parts.outbox.send(messages)
        self.parts.bell.ring()
        self.parts.pulse.add(found.count)
    }
}
