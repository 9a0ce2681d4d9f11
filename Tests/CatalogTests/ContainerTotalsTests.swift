import Catalog
import Postgres
import Testing

/// A container counts a file once, however many of its datasets hold it.
@Suite struct ContainerTotalsTests {
    /// `made` (1) and `raw` (3) are of tasks, with a file each; of people's, `mine` (4) has both and `yours` (5) that of `made`.
    private static let script = """
        INSERT INTO dataset (name, home) VALUES ('mine', 'HOME'), ('yours', 'HOME');
        INSERT INTO dataset_file (dataset, file) VALUES (4, 1), (4, 2), (5, 2);
        INSERT INTO container (name, owner) VALUES ('tasks', 'ann'), ('alone', 'ann'), ('mixed', 'ann'), ('people', 'ann'), ('all', 'ann'),
            ('empty', 'ann'), ('half', 'ann');
        INSERT INTO container_member (container, dataset)
        VALUES (1, 1), (1, 3), (2, 4), (3, 1), (3, 4), (4, 4), (4, 5), (5, 1), (5, 3), (5, 4), (5, 5), (7, 3), (7, 5);
        """

    @Test func aFileOfSeveralDatasetsCountsOnce() async throws {
        try await RecoveryWorld.with(Self.script) { world in
            let counted: SQL = """
                SELECT string_agg(concat_ws(' ', container, datasets, files, bytes, events), ', ' ORDER BY container COLLATE "C")
                FROM container_view
                """
            #expect(
                try await world.text(counted)
                    == "all 4 2 10 20, alone 1 2 10 20, empty 0 0 0 0, half 2 2 10 20, mixed 2 2 10 20, people 2 2 10 20, tasks 2 2 10 20"
            )
            // What is taken out of one is still in the other.
            try await world.script("DELETE FROM container_member WHERE container = 4 AND dataset = 4")
            let people: SQL =
                "SELECT concat_ws(' ', datasets, files, bytes, events) FROM container_view WHERE container = 'people'"
            #expect(try await world.text(people) == "1 1 5 10")
        }
    }
}
