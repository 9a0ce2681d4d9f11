import Domain
package import Postgres

/// Deleting what cancelled requests made, batch by batch. Safe to call at any time, by any service and by several at once, and to be
/// killed: each step is a transaction, and the next one, whoever makes it, goes on where it ended.
///
/// A step only takes files out: they count as lost, and their replicas stand on the list of what Transfer deletes after the grace time.
/// Membership, provenance and what was accepted stay as they are.
package enum Cleanup {
    /// Files that one step takes out.
    private static let batch = 500
    /// The longest pause of a dataset that somebody else keeps.
    fileprivate static let longestPauseSeconds = 3600.0

    /// What a step did.
    package enum Step: Sendable, Hashable {
        /// There is nothing to do now.
        case nothing
        /// Something keeps a dataset: it is looked at again after the pause. `isNew`: it was something else before, or nothing.
        case waiting(request: Int64, dataset: String, reason: String, isNew: Bool)
        /// So many files of a dataset went, so many stayed; `emptied`: it was the last time.
        case removed(request: Int64, dataset: String, files: Int64, kept: Int64, emptied: Bool)
        /// The last file of so many clean-ups is deleted.
        case finished(Int64)
    }

    /// One step with the first dataset that is due and that nobody else works on.
    ///
    /// - Parameters:
    ///   - graceSeconds: how long a worker may still be copying one of the files.
    ///   - pauseSeconds: when a dataset that waits is looked at again; later each time that the same keeps it, if that does not go away by
    ///     itself.
    ///   - batch: files, at most.
    package static func step(
        _ database: PostgresClient,
        graceSeconds: Double,
        pauseSeconds: Double,
        batch: Int = Self.batch
    ) async throws -> Step {
        try await database.withTransaction { transaction in
            guard let part = try await transaction.query(CleanupStatements.next).first.map(CleanupPart.init(row:))
            else {
                let done = try await transaction.execute(CleanupStatements.finish)
                return done > 0 ? .finished(Int64(done)) : .nothing
            }
            let work = CleanupWork(part: part, graceSeconds: graceSeconds, pauseSeconds: pauseSeconds, batch: batch)
            return try await work.run(in: transaction)
        }
    }
}

/// One dataset of a clean-up, locked.
struct CleanupPart: Sendable {
    let dataset: Int64
    let request: Int64
    let name: String
    let position: Int64
    let kept: Int64
    let includesClosed: Bool
    let isForced: Bool
    let who: String
    let reason: String?
    /// Of one of the files passed by on this way through; nil: of none, or the way begins.
    let reader: Int64?
    /// What kept it when it was looked at last.
    let waitsFor: String?

    init(row: (Int64, Int64, String, Int64, Int64, Bool, Bool, String, String?, Int64?, String?)) {
        (self.dataset, self.request, self.name, self.position, self.kept) = (row.0, row.1, row.2, row.3, row.4)
        (self.includesClosed, self.isForced, self.who, self.reason) = (row.5, row.6, row.7, row.8)
        self.reader = row.3 > 0 ? row.9 : nil
        self.waitsFor = row.10
    }
}

/// What is done with one dataset in one transaction.
private struct CleanupWork: Sendable {
    let part: CleanupPart
    let graceSeconds: Double
    let pauseSeconds: Double
    let batch: Int

    func run(in transaction: PostgresTransaction) async throws -> Cleanup.Step {
        // Looked at twice: first without locks, since most that wait go on waiting, then when nobody can change it any more.
        if let obstacle = try await self.obstacle(in: transaction) {
            return try await self.wait(obstacle, in: transaction)
        }
        try await transaction.execute(CleanupStatements.inOrder)
        let looked = try await transaction.query(
            CleanupStatements.lockFiles(self.part.dataset, after: self.part.position, limit: self.batch)
        )
        let files = looked.filter { !$0.2 }.map { ($0.0, $0.1) }
        _ = try await transaction.query(CleanupStatements.lockDatasets([self.part.dataset]))
        if let obstacle = try await self.obstacle(in: transaction) {
            return try await self.wait(obstacle, in: transaction)
        }
        let read = try await transaction.query(
            CleanupStatements.read(files.map(\.0), notBy: self.part.request)
        )
        let kept = Set(read.map(\.0))
        let gone = files.filter { !kept.contains($0.0) }
        try await self.remove(gone, in: transaction)
        let isLast = looked.count < self.batch
        let passed = self.part.kept + Int64(kept.count)
        let reader = self.part.reader ?? read.first?.1
        if isLast, let reader {
            // The next way through begins at the front, when that request has ended: what went is passed by.
            let reason = "keeps \(passed) files that requests which have not ended read, such as task \(reader)"
            try await transaction.execute([
                CleanupStatements.move(self.part.dataset, to: 0, kept: 0, reader: reader),
                CleanupStatements.wait(self.part.dataset, reason, seconds: self.pauseSeconds),
            ])
        } else if isLast {
            try await transaction.execute(
                CleanupStatements.empty(self.part.dataset, who: self.part.who, cause: self.cause)
            )
        } else {
            try await transaction.execute(
                CleanupStatements.move(
                    self.part.dataset,
                    to: looked.last?.0 ?? self.part.position,
                    kept: passed,
                    reader: reader
                )
            )
        }
        return .removed(
            request: self.part.request,
            dataset: self.part.name,
            files: Int64(gone.count),
            kept: Int64(kept.count),
            emptied: isLast && passed == 0
        )
    }

    private var cause: String { "cleaned up: \(self.part.reason ?? "request \(self.part.request) was cancelled")" }

    private func obstacle(in transaction: PostgresTransaction) async throws -> CleanupObstacle? {
        let rows = try await transaction.query(CleanupStatements.facts([self.part.dataset], of: self.part.request))
        return rows.first.flatMap { row in
            var facts = CleanupStatements.facts(row: row).facts
            (facts.includesClosed, facts.isForced) = (self.part.includesClosed, self.part.isForced)
            return CleanupPolicy.obstacle(facts)
        }
    }

    private func wait(_ obstacle: CleanupObstacle, in transaction: PostgresTransaction) async throws -> Cleanup.Step {
        try await transaction.execute(
            CleanupStatements.wait(
                self.part.dataset,
                obstacle.text,
                seconds: self.pauseSeconds,
                upTo: obstacle.endsByItself ? nil : Cleanup.longestPauseSeconds
            )
        )
        return .waiting(
            request: self.part.request,
            dataset: self.part.name,
            reason: obstacle.text,
            isNew: obstacle.text != self.part.waitsFor
        )
    }

    private func remove(_ files: [(Int64, Int64)], in transaction: PostgresTransaction) async throws {
        guard !files.isEmpty else { return }
        _ = try await transaction.query(RecoveryStatements.sayWhy(who: self.part.who, cause: self.cause))
        try await transaction.execute(
            CleanupStatements.remove(
                files.map(\.0),
                bytes: files.reduce(0) { $0 + $1.1 },
                part: self.part,
                cause: self.cause,
                graceSeconds: self.graceSeconds
            )
        )
    }
}

extension CleanupObstacle {
    /// Nobody needs to do anything about it, and it does not last.
    fileprivate var endsByItself: Bool {
        if case .attempts = self { true } else { false }
    }
}
