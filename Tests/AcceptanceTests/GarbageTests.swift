import Catalog
import Logging
import NIOConcurrencyHelpers
import Postgres
import ServiceKit
import Storage
import TestSupport
import Testing

@testable import Transfer

/// Files are deleted with no transaction open, whatever their storage element does meanwhile.
@Suite struct GarbageTests {
    /// A catalogue with two storage elements, and six files of each that are due.
    private struct World: Sendable {
        let database: PostgresClient
        /// A file of SLOW is being deleted.
        let begun = Gathered()
        /// It may go on.
        let word = Gathered()
        let asked = NIOLockedValueBox(0)

        /// How often a storage element was asked to delete something.
        var calls: Int { self.asked.withLockedValue { $0 } }

        static let logger = Logger(label: "garbage-test") { _ in SwiftLogNoOpLogHandler() }

        static func with(_ body: @escaping @Sendable (World) async throws -> Void) async throws {
            let url = try await TestDatabase.make(template: "millrace_template") { url in
                _ = try await Migrator.migrate(url: url, logger: Self.logger)
            }
            let client = PostgresClient(url: url, logger: Self.logger)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await client.run() }
                defer { group.cancelAll() }
                try await client.execute([
                    "INSERT INTO storage_element (name, kind, base) VALUES ('FAST', 'posix', '/fast'), ('SLOW', 'posix', '/slow')",
                    """
                    INSERT INTO garbage (lfn, storage, not_before, reason)
                    SELECT '/made/' || i, s, now() - interval '1 minute', 'test' FROM generate_series(1, 6) i, unnest('{FAST,SLOW}'::text[]) s
                    """,
                ])
                try await body(World(database: client))
            }
        }

        var worker: GarbageWorker {
            GarbageWorker(database: self.database, logger: Self.logger) { element, name in
                if element.name == "SLOW" {
                    self.begun.insert([1])
                    await self.word.more(than: 0)
                }
                self.asked.withLockedValue { $0 += 1 }
            }
        }

        func text(_ sql: SQL) async throws -> String? {
            try await self.database.query(
                Statement("test.text", "SELECT (\(fragment: sql))::text", returning: String?.self)
            ).first ?? nil
        }

        func left(_ storage: String) async throws -> String? {
            try await self.text("SELECT count(*) FROM garbage WHERE storage = \(storage)")
        }

        func until(_ storage: String, holds count: String) async throws {
            while try await self.left(storage) != count { await Task.yield() }
        }
    }

    @Test func aSlowStorageElementHoldsNoTransactionAndNobodyElse() async throws {
        try await World.with { world in
            let turn = Task { try await world.worker.turn() }
            await world.begun.more(than: 0)
            // The other one's are gone and written, while this one still takes its time.
            try await world.until("FAST", holds: "0")
            #expect(try await world.left("SLOW") == "6")
            let open: SQL =
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND xact_start IS NOT NULL AND pid <> pg_backend_pid()"
            while try await world.text(open) != "0" { await Task.yield() }
            // Nobody waits for these rows, and nobody else takes them.
            try await world.database.execute(
                "DO $$ BEGIN PERFORM 1 FROM millrace.garbage FOR UPDATE NOWAIT; END $$"
            )
            try await world.database.execute(
                "INSERT INTO garbage (lfn, storage, not_before, reason) VALUES ('/made/7', 'FAST', now(), 'test')"
            )
            let other = NIOLockedValueBox<[String]>([])
            var worker = world.worker
            worker.delete = { element, name in other.withLockedValue { $0.append("\(element.name) \(name)") } }
            #expect(try await worker.turn() == .done)
            #expect(other.withLockedValue { $0 } == ["FAST /made/7"])
            #expect(try await world.left("FAST") == "0")
            world.word.insert([1])
            _ = try await turn.value
            #expect(try await world.left("SLOW") == "0")
        }
    }

    /// As after a kill -9 between the claim and its end: nothing is forgotten, and until the pause is over nothing is done twice.
    @Test func whatWasClaimedAndNotDoneIsDoneLater() async throws {
        try await World.with { world in
            world.word.insert([1])
            let claimed = try await world.database.query(TransferStatements.claimGarbage(limit: 5, pauseSeconds: 300))
            #expect(claimed.count == 5)
            _ = try await world.worker.turn()
            #expect(world.calls == 7)
            #expect(try await world.text("SELECT count(*) FROM garbage") == "5")
            try await world.database.execute("UPDATE garbage SET not_before = now()")
            _ = try await world.worker.turn()
            #expect(world.calls == 12)
            #expect(try await world.text("SELECT count(*) FROM garbage") == "0")
            // The first one, if it was only slow, has nothing to say any more.
            try await world.database.execute(TransferStatements.deleted(claimed.map { ($0.0, $0.1, $0.2) }))
        }
    }

    /// A loser's file is stored and reported once more while it is deleted: it stays on the list.
    @Test func whatIsPutOnTheListAgainMeanwhileStays() async throws {
        try await World.with { world in
            let turn = Task { try await world.worker.turn() }
            await world.begun.more(than: 0)
            try await world.database.execute(
                AcceptStatements.discard(
                    [("/made/3", "SLOW"), ("/made/3", "SLOW")],
                    graceSeconds: 0,
                    reason: "its attempt did not win"
                )
            )
            world.word.insert([1])
            _ = try await turn.value
            #expect(try await world.text("SELECT string_agg(lfn || storage, ' ') FROM garbage") == "/made/3SLOW")
        }
    }

    /// What the catalogue knows is not touched, whatever the list says.
    @Test func whatIsInTheCatalogueIsNeverTaken() async throws {
        try await World.with { world in
            world.word.insert([1])
            try await world.database.execute(
                "INSERT INTO file (lfn, bytes, adler32, crc32c, events) VALUES ('/made/2', 1, '00000001', '00000001', 1)"
            )
            _ = try await world.worker.turn()
            #expect(try await world.text("SELECT string_agg(DISTINCT lfn, ' ') FROM garbage") == "/made/2")
            #expect(world.calls == 10)
        }
    }
}
