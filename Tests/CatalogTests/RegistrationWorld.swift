import Catalog
import Domain
import Postgres
import Testing

/// ``RecoveryWorld`` in which people fill a dataset.
enum RegistrationWorld {
    static let good = FileEntry(lfn: "/mc/a", bytes: 5, adler32: "0000000a", events: 7)
    static let other = FileEntry(lfn: "/mc/b", bytes: 6, crc32c: "0000000b", events: 8)

    /// A catalogue with the open dataset `mine`, at home at HOME.
    static func with(
        _ script: String = "",
        _ body: @escaping @Sendable (RecoveryWorld) async throws -> Void
    ) async throws {
        try await RecoveryWorld.with(RecoveryWorld.quiet + script) { world in
            let made = try await world.operations().createDataset("mine", home: "HOME", metadata: [:], reason: nil)
            #expect(made.changed && made.lines == ["dataset mine made: open, at home at HOME"])
            try await body(world)
            try await world.expectNoViolations()
        }
    }
}

extension RecoveryWorld {
    func register(
        _ entries: [FileEntry],
        at storage: String = "HOME",
        into dataset: String = "mine",
        dry: Bool = false
    ) async throws -> Outcome {
        try await self.operations(dry: dry).register(entries, at: storage, into: dataset, measured: false, reason: nil)
    }

    /// What was leased, as a worker that finds everything as it was said.
    func lease(
        at storage: String = "HOME",
        limit: Int = 100,
        bytes: Int64 = 0
    ) async throws -> [RegistrationStatements.Found] {
        try await self.database.query(
            RegistrationStatements.lease(storage: storage, worker: "w", seconds: 60, limit: limit, bytes: bytes)
        ).map { ($0.0, $0.5, $0.3 ?? "000000aa", $0.4 ?? "000000cc") }
    }

    /// - Returns: how many are in the books.
    func enter(_ found: [RegistrationStatements.Found]) async throws -> Int {
        let done: SQL = "SELECT count(*)::text FROM registration WHERE state = 'done'"
        let before = try await self.text(done)
        try await self.database.withTransaction { transaction in
            _ = try await RegisteredFiles.enter(found, in: transaction)
        }
        let after = try await self.text(done)
        return (Int(after ?? "") ?? 0) - (Int(before ?? "") ?? 0)
    }

    func verify(at storage: String? = nil) async throws -> Int {
        var count = 0
        for place in storage.map({ [$0] }) ?? ["HOME", "DISK"] { count += try await self.enter(self.lease(at: place)) }
        return count
    }

    func script(_ statements: [SQL]) async throws { try await self.database.execute(statements) }
}
