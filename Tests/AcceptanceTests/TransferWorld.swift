import Catalog
import Foundation
import Logging
import Postgres
import Storage
import TestSupport

@testable import Transfer

/// A catalogue with three storage elements that are real folders, and the worker of Transfer without its process.
struct TransferWorld: Sendable {
    let database: PostgresClient
    let folder: String

    static let logger = Logger(label: "transfer-test") { _ in SwiftLogNoOpLogHandler() }
    static let names = ["HOME", "FAR", "AWAY"]

    /// - Parameter limit: files that may go to a storage element at once.
    static func with(
        limit: Int = 2,
        _ body: @escaping @Sendable (TransferWorld) async throws -> Void
    ) async throws {
        let url = try await TestDatabase.make(template: "millrace_template") { url in
            _ = try await Migrator.migrate(url: url, logger: Self.logger)
        }
        let folder = try TestFolder.make("transfer")
        let client = PostgresClient(url: url, logger: Self.logger)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await client.run() }
            defer { group.cancelAll() }
            for name in Self.names {
                let base = "\(folder)/\(name)"
                try FileManager.default.createDirectory(atPath: base, withIntermediateDirectories: true)
                try await client.execute(
                    """
                    INSERT INTO storage_element (name, kind, base, limit_active) VALUES (\(name), 'posix', \(base), \(Int32(limit)))
                    """
                )
            }
            try await client.execute("INSERT INTO dataset (name, home, who) VALUES ('mine', 'HOME', 'olga')")
            try await body(TransferWorld(database: client, folder: folder))
        }
    }

    // MARK: Files

    func path(_ lfn: String, at storage: String) -> String { "\(self.folder)/\(storage)\(lfn)" }

    /// Writes a file where it is.
    @discardableResult
    func write(_ lfn: String, at storage: String, seed: Int = 1) throws -> StoredFile {
        let path = URL(filePath: self.path(lfn, at: storage))
        let content = (0..<5000).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ seed) }
        try FileManager.default.createDirectory(at: path.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(content).write(to: path)
        var sum = RunningChecksum()
        content.withUnsafeBytes { sum.update($0) }
        return sum.file
    }

    func read(_ lfn: String, at storage: String) throws -> StoredFile {
        try PosixStorage(StorageElement(name: storage, base: "\(self.folder)/\(storage)")).verify(LogicalName(lfn))
    }

    /// Everything below a storage element.
    func stored(at storage: String) -> [String] {
        let found =
            FileManager.default.enumerator(atPath: "\(self.folder)/\(storage)")?.compactMap { $0 as? String } ?? []
        return found.filter { !$0.hasSuffix("data") }.sorted()
    }

    /// A file of the dataset `mine`, stored at AWAY.
    func add(_ lfn: String) async throws {
        let file = try self.write(lfn, at: "AWAY")
        try await self.database.execute([
            """
            INSERT INTO file (lfn, bytes, adler32, crc32c, events) VALUES (\(lfn), \(file.bytes), \(file.adler32), \(file.crc32c), 1)
            """,
            "INSERT INTO replica (file, storage, state) SELECT id, 'AWAY', 'available' FROM file WHERE lfn = \(lfn)",
            "INSERT INTO dataset_file (dataset, file) SELECT 1, id FROM file WHERE lfn = \(lfn)",
        ])
    }

    /// One that is to go somewhere.
    func add(_ lfn: String, to destination: String) async throws {
        try await self.add(lfn)
        try await self.database.execute([
            "INSERT INTO replica (file, storage, state) SELECT id, \(destination), 'copying' FROM file WHERE lfn = \(lfn)",
            "INSERT INTO transfer (file, source, destination) SELECT id, 'AWAY', \(destination) FROM file WHERE lfn = \(lfn)",
        ])
    }

    // MARK: Work

    /// A worker that renews its leases all the time.
    func worker(_ copy: @escaping @Sendable (CopyOrder) async throws -> Void) -> TransferWorker {
        TransferWorker(
            database: self.database,
            logger: Self.logger,
            policy: TransferPolicy(),
            worker: "w",
            announce: { _, _ in },
            renewSeconds: 0.01,
            copy: copy
        )
    }

    /// As the process runs it, but for the sweep, whose turns the test takes.
    func running(
        _ worker: TransferWorker,
        _ body: @escaping @Sendable (TransferDesk) async throws -> Void
    ) async throws {
        let desk = TransferDesk(worker: worker)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await desk.run() }
            defer { group.cancelAll() }
            try await body(desk)
        }
    }

    func text(_ sql: SQL) async throws -> String? {
        try await self.database.query(
            Statement("test.text", "SELECT (\(fragment: sql))::text", returning: String?.self)
        ).first ?? nil
    }

    func until(_ condition: SQL) async throws {
        while try await self.text(condition) != "true" { await Task.yield() }
    }

    /// Waits until the transfer of a file is in this state.
    func until(_ lfn: String, is state: String) async throws {
        try await self.until(
            "SELECT t.state = \(state) FROM transfer t JOIN file f ON f.id = t.file WHERE f.lfn = \(lfn) ORDER BY t.id DESC LIMIT 1"
        )
    }
}
