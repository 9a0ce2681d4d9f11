import Catalog
import Postgres
import Testing

@Suite struct FailureFactsTests {
    /// Two of the ten jobs of task 1 got more memory. One of these was divided into four, of which one got still more.
    @Test func whatAJobWasDividedIntoNeededMoreOnce() async throws {
        let script = """
            SET LOCAL session_replication_role = replica;
            UPDATE job SET class = 1 WHERE task = 1 AND index IN (2, 4);
            UPDATE task SET jobs_total = 14 WHERE id = 1;
            INSERT INTO job (task, index, events_expected, state, class, split_from, split_level)
            SELECT 1, i, 2, 'waiting', 1, 4, 1 FROM generate_series(10, 13) i;
            """
        try await RecoveryWorld.with(script) { world in
            func raised() async throws -> [Double] {
                try await world.database.query(FailureFactStatements.raised([1])).map(\.1)
            }
            #expect(try await raised() == [0.2])
            try await world.script(
                """
                INSERT INTO millrace.class (cores, memory_mb, walltime_s, disk_mb, platform, tags, sites, storage)
                VALUES (1, 4000, 3600, 1000, 'any', '{}', '{}', '{}')
                """
            )
            try await world.script("UPDATE millrace.job SET class = 2 WHERE task = 1 AND index = 13")
            #expect(try await raised() == [0.3])
        }
    }
}
