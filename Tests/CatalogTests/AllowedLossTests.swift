import Catalog
import Domain
import Postgres
import Testing

/// How much a task may lose is a share of its events, however its jobs were divided.
@Suite struct AllowedLossTests {
    /// Task 3 had ten jobs of ten events each, of which one was split into ten, and may lose a tenth. A whole job and a part are more than
    /// that, though not of the jobs; all parts are just as much.
    @Test(arguments: [
        (2, 11, "failed: 2 of 19 jobs with 11 of 100 events were given up, more than its allowed loss"),
        (10, 10, "done: 10 of 19 jobs with 10 of 100 events were given up, within its allowed loss"),
    ])
    func partsOfASplitJobWeighWhatTheyHold(aborted: Int, lost: Int, end: String) async throws {
        let script = """
            SET LOCAL session_replication_role = replica;
            UPDATE request SET state = 'running', version = 5 WHERE id = 3;
            UPDATE dataset SET state = 'open', version = 3, closed = NULL WHERE id = 3;
            UPDATE task SET state = 'running', version = 5, jobs_total = 20, events_total = 100, allowed_loss = 0.1 WHERE id = 3;
            DELETE FROM task_counter WHERE task = 3;
            INSERT INTO task_counter (task, slot, done, aborted, cancelled, lost)
            VALUES (3, 0, \(19 - aborted), \(aborted), 1, \(lost));
            """
        try await RecoveryWorld.with(script) { world in
            _ = try await Settlement.settle([3], in: world.database)
            let told = try await world.text("SELECT state || ': ' || cause FROM millrace.task WHERE id = 3")
            #expect(told == end)
        }
    }
}
