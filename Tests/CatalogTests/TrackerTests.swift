import Catalog
import Domain
import Postgres
import Testing

/// The tracker counts what was asked for, wherever its tasks stand in the workflow, and nothing twice.
@Suite struct TrackerTests {
    /// Request 1 has a merge that stands first, and a second task that makes events: of its five jobs one is done and one given up.
    private static let script = """
        UPDATE task SET position = 5 WHERE id = 1;
        INSERT INTO task (request, name, position, kind, class, priority, spec, jobs_total, events_total)
        VALUES (1, 'all', 0, 'merge', 1, 100, '{}', 1, 70);
        INSERT INTO task_stream (task, stream, counted, main) VALUES (4, 'out', true, true);
        INSERT INTO task_input (task, position, parent, stream) VALUES (4, 0, 1, 'out');
        INSERT INTO task (request, name, position, kind, class, priority, spec, jobs_total, events_total, events_per_job, first_event)
        VALUES (1, 'more', 1, 'generate', 1, 100, '{}', 5, 50, 10, 100);
        INSERT INTO task_stream (task, stream, counted, main) VALUES (5, 'out', true, true);
        INSERT INTO dataset (name, task, stream, home) VALUES ('more', 5, 'out', 'HOME');
        UPDATE task SET state = 'running', version = 2 WHERE id = 5;
        INSERT INTO waiting (task, first, last, class, priority) VALUES (5, 2, 4, 1, 100);
        \(DoctorWorld.lease(task: 5, index: 0))
        \(DoctorWorld.accept(task: 5, index: 0, lfn: "/more/0", dataset: 4, file: 3))
        \(DoctorWorld.lease(task: 5, index: 1))
        DELETE FROM lease WHERE task = 5 AND index = 1;
        UPDATE attempt SET state = 'cancelled', left_from = 'running', version = 3, ended_at = now() WHERE task = 5 AND index = 1;
        UPDATE job SET state = 'aborted', version = 2, cause = 'killed' WHERE task = 5 AND index = 1;
        """

    @Test func allTasksThatReadNoOtherOfTheRequestCount() async throws {
        let counted: SQL = "SELECT concat_ws(' ', generated, processed, damaged, requests) FROM tracker_view"
        try await RecoveryWorld.with("") { world in
            let alone = try await world.text(counted)
            #expect(alone == "100 10 10 {1}")
        }
        try await RecoveryWorld.with(Self.script) { world in
            #expect(try await world.text(counted) == "150 20 20 {1}")
            #expect(
                try await world.text(
                    "SELECT string_agg(concat_ws(' ', task, index, events, first_event, reason), ', ' ORDER BY task) FROM damaged_view"
                ) == "1 4 10 40, 5 1 10 110 killed"
            )
            try await world.expectNoViolations()
        }
    }
}
