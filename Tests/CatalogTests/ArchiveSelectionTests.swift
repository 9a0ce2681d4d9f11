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

    /// A hundred tasks that have ended and read by query, three hundred that have not ended, and five hundred files that are still to be deleted.
    private static let crowd: [SQL] = [
        "SET LOCAL session_replication_role = replica",
        // As the Bookkeeper's sessions.
        "SET LOCAL enable_seqscan = off",
        """
        INSERT INTO task (id, request, name, position, kind, class, priority, spec, state) OVERRIDING SYSTEM VALUE
        SELECT n, 4, 'query' || n, n, 'process', 1, 100, '{}'::jsonb, 'done' FROM generate_series(101, 200) n
        UNION ALL SELECT n, 1, 'open' || n, n, 'process', 1, 100, '{}'::jsonb, 'running' FROM generate_series(301, 600) n
        """,
        "INSERT INTO task_input (task, position, query) SELECT n, 0, 'bytes > 1' FROM generate_series(101, 200) n",
        // They read what task 4 made, and one of them what task 1 did, which runs.
        """
        INSERT INTO unit_input (task, index, file, slice)
        SELECT n, k, 10 + k, '[0,10)'::int8range FROM generate_series(101, 200) n, generate_series(0, 4) k
        UNION ALL SELECT 150, 5, 2, '[0,10)'::int8range
        """,
        """
        INSERT INTO garbage (lfn, storage, not_before, reason)
        SELECT lfn, 'HOME', now(), 'x' FROM file WHERE task = 4 ORDER BY id LIMIT 500
        """,
    ]

    @Test func manyTasksAreNotEachComparedWithAllThatIsOpenOrToBeDeleted() async throws {
        let tasks: [Int64] = [4] + Array(101...200)
        try await RecoveryWorld.with(ArchiveWorld.script) { world in
            try await world.database.withTransaction { transaction in
                try await transaction.execute(Self.crowd)
                let before = try await transaction.query(RowsRead.soFar).first ?? 0
                let facts = try await transaction.query(ArchivingStatements.facts(tasks))
                let read = (try await transaction.query(RowsRead.soFar).first ?? 0) - before
                #expect(read < 20_000, "\(read) rows are read")
                #expect(facts.map(\.0) == tasks)
                #expect(facts.first?.11 == 500 && facts.dropFirst().allSatisfy { $0.11 == 0 })
                // What made what they read, and has not ended.
                #expect(facts.filter { $0.13 != nil }.map(\.0) == [150])
                #expect(facts.first(where: { $0.0 == 150 })?.13 == 1)
            }
        }
    }
}
