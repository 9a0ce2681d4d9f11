import Catalog
import Domain
import Postgres
import Testing

/// A lost file holds its task open until it is recovered, or what it held is in a merged file.
@Suite struct LostMergedTests {
    /// The file of task 3 is lost; job 2.0, which is to merge it, waits.
    private static let lost = """
        SET LOCAL session_replication_role = replica;
        DELETE FROM replica WHERE file = 1;
        UPDATE file SET lost = true WHERE id = 1;
        """

    @Test(arguments: [(merged: false, open: Int64(1)), (merged: true, open: 0)])
    func whatIsMergedIsNotWaitedFor(merged: Bool, open: Int64) async throws {
        let merge = """
            DELETE FROM job WHERE task = 2 AND index = 0;
            \(DoctorWorld.lease(task: 2, index: 0))
            \(DoctorWorld.accept(task: 2, index: 0, lfn: "/read/0", dataset: 2, file: 3))
            """
        try await RecoveryWorld.with(Self.lost + (merged ? merge : "")) { world in
            let files = try await world.database.query(SettlingStatements.filesOnTheWay(3))
            #expect(files == [open])
        }
    }

    @Test func aFileTellsTheNodeItWasMadeOn() async throws {
        let node = """
            SET LOCAL session_replication_role = replica;
            UPDATE attempt SET node = 'n7' WHERE task = 1 AND index = 0;
            UPDATE file SET node = 'n8' WHERE lfn = '/raw/0';
            """
        try await RecoveryWorld.with(node) { world in
            let file = try await world.database.query(ObjectStatements.file("/made/0")).first
            #expect(file?.contains(#""node":"n7""#) == true, "\(file ?? "")")
            // The attempt that made the other may be archived.
            let raw = try await world.database.query(ObjectStatements.file("/raw/0")).first
            #expect(raw?.contains(#""node":"n8""#) == true, "\(raw ?? "")")
        }
    }

    /// A job that reads two slices of a file reads one file.
    @Test func theFilesOfASubmissionAreCountedOnce() async throws {
        let slices = """
            SET LOCAL session_replication_role = replica;
            INSERT INTO unit_input (task, index, file, slice) VALUES (1, 1, 1, '[0,5)'), (1, 1, 1, '[5,10)'), (1, 1, 2, '[0,5)');
            """
        try await RecoveryWorld.with(slices) { world in
            let token = try #require(
                try await world.database.query(
                    Statement(
                        "token",
                        "SELECT token FROM millrace.attempt WHERE task = 1 AND index = 1",
                        returning: UUIDText.self
                    )
                ).first
            )
            let words = [
                ReportStatements.Submitted(
                    key: AttemptKey(task: 1, index: 1, attempt: 1),
                    token: token,
                    submission: "grid job 1",
                    batchID: "1.7"
                )
            ]
            for _ in 1...2 { try await world.database.execute(ReportStatements.submitted(words)) }
            let told = try await world.text(
                "SELECT concat(name, ': ', attempts, ' ', input_files) FROM millrace.batch_submission"
            )
            #expect(told == "grid job 1: 1 2")
            let batch = try await world.text("SELECT batch_id FROM millrace.attempt WHERE task = 1 AND index = 1")
            #expect(batch == "1.7")
        }
    }
}
