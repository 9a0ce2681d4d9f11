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

    /// The merge that stands first is none of them, the task that stands last is one: pages count the same tasks as the tracker.
    @Test func theViewOfTasksSaysWhichTheseAre() async throws {
        try await RecoveryWorld.with(Self.script) { world in
            let told = try await world.text(
                "SELECT string_agg(concat_ws(' ', name, position, is_first), ', ' ORDER BY position) FROM task_view WHERE request = 1"
            )
            #expect(told == "all 0 f, more 1 t, make 5 t")
            let sums = try await world.text(
                "SELECT concat_ws(' ', sum(events_expected), sum(events_done), sum(events_lost)) FROM task_view WHERE request = 1 AND is_first"
            )
            #expect(sums == "150 20 20")
        }
    }

    /// Nothing is made: the dataset that two tasks read was asked for once.
    @Test func whatTwoTasksReadCountsOnce() async throws {
        let readers = """
            INSERT INTO request (workflow, parameters, seed, owner, sample, simulation, submission)
            VALUES (1, '{}', 1, 'eve', 1, 1, gen_random_uuid());
            UPDATE request SET state = 'approved', version = 2 WHERE id = 4;
            INSERT INTO task (request, name, position, kind, class, priority, spec, jobs_total, events_total)
            VALUES (4, 'one', 0, 'skim', 1, 100, '{}', 1, 10), (4, 'two', 1, 'skim', 1, 100, '{}', 1, 10);
            INSERT INTO task_input (task, position, dataset) VALUES (4, 0, 'raw'), (5, 0, 'raw');
            """
        try await RecoveryWorld.with(readers) { world in
            let counted = try await world.text("SELECT generated FROM tracker_view WHERE username = 'eve'")
            #expect(counted == "10")
        }
    }
}
