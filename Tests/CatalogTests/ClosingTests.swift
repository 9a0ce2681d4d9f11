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
}
