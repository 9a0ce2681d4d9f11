import Catalog
import Postgres
import Testing

/// A task that read through a dataset that people filled is not archived before the tasks that made its files have ended.
@Suite(.serialized) struct ArchiveSelectionTests {
    /// The dataset `mine` holds a file of task 1, which runs, and is in the container `study`.
    private static let selection = """
        INSERT INTO dataset (name, home) VALUES ('mine', 'HOME');
        INSERT INTO dataset_source (dataset, source) VALUES (5, 1);
        INSERT INTO dataset_file (dataset, file) VALUES (5, 2);
        INSERT INTO container (name, owner) VALUES ('study', 'mary');
        INSERT INTO container_member (container, dataset) VALUES (1, 5);
        """

    @Test(arguments: [
        "INSERT INTO task_input (task, position, dataset) VALUES (4, 0, 'mine');",
        "INSERT INTO task_input (task, position, container) VALUES (4, 0, 'study');",
    ])
    func whatIsBehindASelectionMustHaveEnded(input: String) async throws {
        try await RecoveryWorld.with(ArchiveWorld.script + Self.selection + input) { world in
            await expectRefusal("task 4 (old) read what task 1 made, which has not ended") {
                try await world.operations().archive(request: 4, reason: nil)
            }
            let old = try await world.operations(dry: true).archive(olderThan: 0.000_001, reason: nil)
            #expect(
                old.lines.contains("request 4 is left: task 4 (old) read what task 1 made, which has not ended"),
                "\(old.lines)"
            )
            try await world.database.executeScript(
                """
                SET search_path = millrace, public; SET session_replication_role = replica;
                UPDATE task SET state = 'done' WHERE id = 1;
                """
            )
            let outcome = try await world.operations().archive(request: 4, reason: nil)
            #expect(outcome.changed, "\(outcome.lines)")
        }
    }

    /// However many tasks have ended.
    @Test func tasksThatHaveNotEndedAreFoundByTheirIndex() async throws {
        let facts = try #require(CatalogStatements.all.first { $0.name == "archiving.facts" })
        try await RecoveryWorld.with("") { world in
            let byIndex: SQL = "SET LOCAL enable_seqscan = off"
            let explain: SQL = "EXPLAIN \(fragment: facts.sql)"
            let plan = try await world.database.withTransaction { transaction in
                try await transaction.execute(byIndex)
                return try await transaction.query(Statement("test.plan", explain, returning: String.self))
            }
            #expect(plan.contains { $0.contains(" task_open") }, "\(plan.joined(separator: "\n"))")
        }
    }
}
