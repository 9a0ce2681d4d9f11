import Catalog
import Domain
import Postgres
import Testing

/// Manifests of attempts whose rows are in the archive, or on their way.
@Suite struct LateArchivedTests {
    private static let keys = ([(0, 1), (7, 1), (7, 2), (14, 1), (501, 1), (599, 1), (600, 1)] as [(Int64, Int)]).map {
        AttemptKey(task: 4, index: $0.0, attempt: $0.1)
    }

    /// Token, site, state, code and whether it was refused, by attempt.
    private static func ends(_ world: RecoveryWorld) async throws -> (ends: [String], archived: [Int64]) {
        let rows = try await world.database.query(LateStatements.ends(Self.keys)).sorted { ($0.1, $0.2) < ($1.1, $1.2) }
        let ends = rows.map { row -> String in
            "\(row.1).\(row.2) \(row.3.text) \(row.4) \(row.5 ?? "live") \(row.6 ?? 0) \(row.7)"
        }
        return (ends, rows.filter(\.8).map(\.1))
    }

    @Test func howAnAttemptEndedIsKnownWhereverItsRowIs() async throws {
        let refuse =
            "UPDATE attempt SET cause = '\(LateStatements.refused)' WHERE task = 4 AND index = 14 AND attempt = 1;"
        try await RecoveryWorld.with(ArchiveWorld.script + refuse) { world in
            let before = try await Self.ends(world)
            #expect(before.archived.isEmpty)
            #expect(
                before.ends.map { $0.split(separator: " ").last == "true" } == [
                    false, false, false, true, false, false,
                ]
            )
            #expect(
                before.ends.map { $0.split(separator: " ")[3] } == [
                    "failed", "failed", "done", "failed", "done", "done",
                ]
            )
            _ = try await world.operations().archive(request: 4, reason: nil)
            // The last jobs go first.
            #expect(try await Archive.step(world.database, chunks: 1) == .moved(task: 4, jobs: 100))
            let half = try await Self.ends(world)
            #expect(half.ends == before.ends && half.archived == [501, 599])
            while try await Archive.step(world.database) != .nothing {}
            let after = try await Self.ends(world)
            #expect(after.ends == before.ends && after.archived == [0, 7, 7, 14, 501, 599])
            _ = try await world.operations().restore(request: 4, reason: nil)
            while try await Archive.step(world.database) != .nothing {}
            let back = try await Self.ends(world)
            #expect(back.ends == before.ends && back.archived.isEmpty)
        }
    }

    /// Of what it stored only that goes which is not in the books.
    @Test func whatAnArchivedAttemptStoredIsDeletedUnlessItWon() async throws {
        try await RecoveryWorld.with(ArchiveWorld.script) { world in
            _ = try await world.operations().archive(request: 4, reason: nil)
            while try await Archive.step(world.database) != .nothing {}
            let files = [(lfn: "/old/7", storage: "HOME"), (lfn: "/4/old/out/0/4.7.1", storage: "HOME")]
            try await world.script(AcceptStatements.discard(files, graceSeconds: 0, reason: "its attempt did not win"))
            #expect(try await world.text("SELECT string_agg(lfn, ' ') FROM garbage") == "/4/old/out/0/4.7.1")
            try await world.expectNoViolations()
        }
    }
}
