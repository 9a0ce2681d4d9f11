import Catalog
import Domain
import Logging
import NIOPosix
import Postgres
import ServiceKit
import Storage

/// Deletes files of attempts that did not win, after their grace time. Never one the catalogue knows.
struct GarbageWorker: Sendable {
    let database: PostgresClient
    let logger: Logger
    /// How long a file is left alone that could not be deleted: a storage element that is away does not keep the others from theirs.
    var pauseSeconds = 300.0

    func turn() async throws -> PeriodicSweep.Result {
        let elements = try await self.database.query(TransferStatements.storages).reduce(
            into: [String: StorageElement]()
        ) {
            $0[$1.0] = StorageElement(name: $1.0, kind: .posix, base: $1.2)
        }
        let count = try await self.database.withTransaction { transaction -> Int in
            let rows = try await transaction.query(TransferStatements.garbage(limit: 200))
            var deleted: [(lfn: String, storage: String)] = []
            var left: [(lfn: String, storage: String, problem: String)] = []
            for (lfn, storage) in rows {
                guard let element = elements[storage] else { continue }
                do {
                    try await NIOThreadPool.singleton.runIfActive {
                        _ = try PosixStorage(element).delete(try LogicalName(lfn))
                    }
                    deleted.append((lfn, storage))
                } catch let error as StorageError {
                    // The row says what is left to do, and why it was not done.
                    left.append((lfn, storage, "\(storage): \(error)"))
                    self.logger.warning(
                        "file not deleted",
                        metadata: ["lfn": "\(lfn)", "storage": "\(storage)", "error": "\(error)"]
                    )
                }
            }
            try await transaction.execute([
                TransferStatements.deleted(deleted),
                TransferStatements.notDeleted(left, pauseSeconds: self.pauseSeconds),
            ])
            return rows.count
        }
        return count == 200 ? .more : .done
    }
}
