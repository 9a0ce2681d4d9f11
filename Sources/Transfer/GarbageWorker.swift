import Catalog
import Domain
import Logging
import Postgres
import ServiceKit
import Storage

/// Deletes files of attempts that did not win, after their grace time. Never one the catalogue knows.
///
/// A storage element may take long for each file, or for ever: no transaction is open while it is asked, and what the others have done is
/// written without it. Whoever is killed in between leaves files on the list that are gone: they are deleted once more, which finds nothing.
struct GarbageWorker: Sendable {
    let database: PostgresClient
    let logger: Logger
    /// How long files that were taken are left alone by everybody else, and one that could not be deleted by everybody: a storage element
    /// that is away does not keep the others from theirs.
    var pauseSeconds = 300.0
    /// Files taken at once.
    var limit = 200
    /// Removes a stored file; nothing there is success.
    var delete: @Sendable (StorageElement, LogicalName) async throws -> Void = { element, name in
        try await OwnThread.run { _ = try PosixStorage(element).delete(name) }
    }

    func turn() async throws -> PeriodicSweep.Result {
        let elements = try await self.database.query(TransferStatements.storages).map {
            StorageElement(name: $0.0, kind: .posix, base: $0.2)
        }
        let claims: [TransferStatements.Claim] = try await self.database.withTransaction {
            try await $0.query(
                TransferStatements.claimGarbage(limit: self.limit, pauseSeconds: self.pauseSeconds)
            )
        }.map { ($0.0, $0.1, $0.2) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for element in elements {
                let files = claims.filter { $0.storage == element.name }
                if !files.isEmpty { group.addTask { try await self.delete(files, from: element) } }
            }
            try await group.waitForAll()
        }
        return claims.count == self.limit ? .more : .done
    }

    private func delete(_ files: [TransferStatements.Claim], from element: StorageElement) async throws {
        var deleted: [TransferStatements.Claim] = []
        var left: [(claim: TransferStatements.Claim, problem: String)] = []
        for file in files {
            do {
                try await self.delete(element, try LogicalName(file.lfn))
                deleted.append(file)
            } catch let error as StorageError {
                // The row says what is left to do, and why it was not done.
                left.append((file, "\(element.name): \(error)"))
                self.logger.warning(
                    "file not deleted",
                    metadata: ["lfn": "\(file.lfn)", "storage": "\(element.name)", "error": "\(error)"]
                )
            }
        }
        let (gone, stays) = (deleted, left)
        try await self.database.withTransaction { transaction in
            try await transaction.executeAndCommit([
                TransferStatements.deleted(gone),
                TransferStatements.notDeleted(stays, pauseSeconds: self.pauseSeconds),
            ])
        }
    }
}
