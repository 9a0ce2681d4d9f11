import Catalog
import Postgres
import Testing

@Suite struct FailureFactsTests {
    /// Two of the ten jobs of task 1 got more memory, and one of these was divided into four: it needed it once.
    @Test func whatAJobWasDividedIntoNeededMoreOnce() async throws {
        let script = """
            SET LOCAL session_replication_role = replica;
            UPDATE job SET class = 1 WHERE task = 1 AND index IN (2, 4);
            INSERT INTO job (task, index, events_expected, state, class, split_from, split_level)
            SELECT 1, i, 2, 'waiting', 1, 4, 1 FROM generate_series(10, 13) i;
            """
        try await RecoveryWorld.with(script) { world in
            let raised = try await world.database.query(FailureFactStatements.raised([1]))
            #expect(raised.map(\.1) == [0.2])
        }
    }
}
