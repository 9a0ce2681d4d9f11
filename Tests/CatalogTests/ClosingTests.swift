import Catalog
import Domain
import Postgres
import Testing

/// A dataset is closed when nothing can come into it any more.
@Suite struct ClosingTests {
    /// Its task was given up while an attempt ran: that may have finished before it heard of it, and is accepted then.
    @Test func aDatasetWaitsForTheAttemptsThatMayHaveFinished() async throws {
        try await RecoveryWorld.with(RecoveryWorld.quiet) { world in
            let operations = world.operations()
            await expectRefusal("dataset made is being filled by task 1, which is running") {
                try await operations.close(dataset: "made", reason: nil)
            }
            _ = try await operations.abort(task: 1, version: nil, reason: "not wanted")
            await expectRefusal(
                "1 attempts of task 1 have not answered yet, and may have finished: close dataset made when"
            ) {
                try await operations.close(dataset: "made", reason: nil)
            }
            try await world.database.executeScript(
                """
                SET search_path = millrace, public;
                DELETE FROM lease WHERE task = 1;
                UPDATE attempt SET state = 'cancelled', left_from = 'running', version = 3, ended_at = now() WHERE task = 1 AND state IS NULL;
                UPDATE job SET state = 'cancelled', version = version + 1 WHERE task = 1 AND state = 'active';
                """
            )
            #expect(try await operations.close(dataset: "made", reason: nil).changed)
        }
    }

    /// Nor does a task that is fed from it end before: what such an attempt made comes to it.
    @Test func aTaskIsFedUntilTheyHaveAnswered() async throws {
        let reader = """
            INSERT INTO task (request, name, position, kind, class, priority, spec, jobs_total, events_total)
            VALUES (2, 'next', 1, 'process', 1, 100, '{}', 0, 0);
            INSERT INTO task_stream (task, stream, counted, main) VALUES (4, 'out', true, true);
            INSERT INTO task_input (task, position, dataset) VALUES (4, 0, 'made');
            UPDATE task SET state = 'running', version = 2, inputs_open = true WHERE id = 4;
            INSERT INTO input_feed (dataset, task) VALUES (1, 4);
            """
        try await RecoveryWorld.with(RecoveryWorld.quiet + reader) { world in
            #expect(try await Self.isClosed(world) == [false])
            _ = try await world.operations().abort(task: 1, version: nil, reason: "not wanted")
            #expect(try await Self.isClosed(world) == [false])
            try await world.database.executeScript(
                """
                SET search_path = millrace, public;
                \(DoctorWorld.accept(task: 1, index: 1, lfn: "/made/1", dataset: 1, file: 3))
                """
            )
            let came = try await world.text(
                "SELECT string_agg(f.lfn, ' ') FROM millrace.pending_input p JOIN millrace.file f ON f.id = p.file WHERE p.task = 4"
            )
            #expect(came == "/made/1")
            #expect(try await Self.isClosed(world) == [true])
        }
    }

    /// Of each task that is fed, whether no more can come.
    private static func isClosed(_ world: RecoveryWorld) async throws -> [Bool] {
        try await world.database.query(FeedingStatements.fed).map { $0.6 }
    }
}
