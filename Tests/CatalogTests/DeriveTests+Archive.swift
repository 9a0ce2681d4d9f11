import Catalog
import Domain
import Postgres
import Testing

extension DeriveTests {
    /// While a third version is approved the first is being archived: it waits, and finds that what was read is not at hand.
    @Test func allVersionsAreLockedBeforeTheNextIsApproved() async throws {
        try await Self.with { world in
            _ = try await world.operations().cancel(4, version: nil, reason: nil)
            try await Self.run(Self.answered, in: world)
            _ = try await Self.derive(world)
            _ = try await world.operations().approve(5, version: nil, home: nil, reason: nil)
            _ = try await world.operations().cancel(5, version: nil, reason: nil)
            _ = try await Self.derive(world, 5)
            await #expect(throws: CatalogRefusal.self) {
                _ = try await world.crossing(
                    { transaction in
                        _ = try await transaction.execute([
                            "SELECT FROM request WHERE id = 4 FOR NO KEY UPDATE",
                            """
                            INSERT INTO archived_task (task, state, jobs, done, aborted, events, sources, log, who)
                            SELECT id, 'archiving', 0, 0, 0, 0, '{}', 0, 'olga' FROM task WHERE request = 4
                            """,
                        ])
                    },
                    { try await world.operations().approve(6, version: nil, home: nil, reason: nil) }
                )
            }
            #expect(try await world.text("SELECT state FROM request WHERE id = 6") == "new")
        }
    }
}
