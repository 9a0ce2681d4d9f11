import Catalog
import Domain
import Postgres
import Testing

/// What jobs read through a dataset that people filled outlives the clean-up of the request that made it, also one that is forced.
@Suite(.serialized) struct SelectionCleanupTests {
    /// The dataset `mine` holds three files of `many`, and is in the container `study`.
    private static let selection = """
        INSERT INTO dataset (name, home) VALUES ('mine', 'HOME');
        INSERT INTO dataset_source (dataset, source) VALUES (7, 4);
        INSERT INTO dataset_file (dataset, file) SELECT 7, id FROM file WHERE lfn IN ('/4/7', '/4/8', '/4/1007');
        INSERT INTO container (name, owner) VALUES ('study', 'mary');
        INSERT INTO container_member (container, dataset) VALUES (1, 7);
        """

    /// Jobs of task 6 read two of the three.
    private static let jobs = """
        UPDATE task SET state = 'running', version = 2, jobs_total = 2, events_total = 20 WHERE id = 6;
        INSERT INTO job (task, index, events_expected, state) VALUES (6, 0, 10, 'waiting'), (6, 1, 10, 'waiting');
        INSERT INTO unit_input (task, index, file, slice)
        SELECT 6, row_number() OVER (ORDER BY id) - 1, id, '[0,10)' FROM file WHERE lfn IN ('/4/7', '/4/1007');
        INSERT INTO waiting (task, first, last, class, priority) VALUES (6, 0, 1, 1, 100);
        """

    /// Two of the three wait to be in jobs of task 6, which takes its inputs as they come.
    private static let pending = """
        UPDATE task SET state = 'running', version = 2, jobs_total = 0, events_total = 0, inputs_open = true WHERE id = 6;
        INSERT INTO input_feed (dataset, task) VALUES (7, 6);
        INSERT INTO pending_input (task, file, dataset) SELECT 6, id, 7 FROM file WHERE lfn IN ('/4/7', '/4/1007');
        """

    /// A forced clean-up keeps the two, and takes them when their reader has ended.
    private static func expectKept(_ script: String) async throws {
        try await RecoveryWorld.with(CleanupWorld.script + Self.selection + script) { world in
            #expect(try await world.cancel(role: .administrator, force: true).changed)
            try await world.script(CleanupWorld.killed)
            #expect(try await world.cleanAll() == 1199)
            let kept: SQL =
                "SELECT string_agg(lfn, ' ' ORDER BY id) FROM millrace.file WHERE task IN (4, 5) AND NOT lost"
            #expect(try await world.text(kept) == "/4/7 /4/1007")
            #expect(
                try await world.cleanup("waits_for")
                    == "many keeps 2 files that requests which have not ended read, such as task 6"
            )
            try await world.expectNoViolations()
            _ = try await world.operations("joe").cancel(5, version: nil, reason: nil)
            #expect(try await world.cleanAll() == 2)
            try await world.expectNoViolations()
        }
    }

    @Test func whatJobsReadThroughASelectionIsKept() async throws {
        try await Self.expectKept(CleanupWorld.reads("mine") + Self.jobs)
    }

    @Test func whatJobsReadThroughAContainerWithASelectionIsKept() async throws {
        try await Self.expectKept(
            "INSERT INTO task_input (task, position, container) VALUES (6, 0, 'study');" + Self.jobs
        )
    }

    @Test func whatWaitsToBeInAJobIsKept() async throws {
        try await Self.expectKept(CleanupWorld.reads("mine") + Self.pending)
    }
}
