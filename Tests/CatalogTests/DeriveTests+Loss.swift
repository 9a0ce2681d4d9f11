import Catalog
import Domain
import Postgres
import Testing

/// Of what an earlier version did, what is lost does not count.
extension DeriveTests {
    /// Files 3 and 4 were made by the first task; the second made file 5 from file 3, and has yet to read file 4.
    @Test(arguments: [
        (
            lost: [4], made: "10 of 50 events are made, 40",
            read: "1 of 1 files are read, 10 of 10 events; none is left but"
        ),
        (
            [3], "20 of 50 events are made, 30",
            "1 of 2 files are read, 10 of 20 events; 1 files with 10 events are left, and"
        ),
        (
            [5], "20 of 50 events are made, 30",
            "0 of 2 files are read, 0 of 20 events; 2 files with 20 events are left, and"
        ),
        (
            [3, 5], "10 of 50 events are made, 40",
            "0 of 1 files are read, 0 of 10 events; 1 files with 10 events are left, and"
        ),
    ])
    func whatIsLostIsDoneAgainIfNothingOfItIsLeft(lost: [Int64], made: String, read: String) async throws {
        try await Self.with { world in
            _ = try await world.operations().cancel(4, version: nil, reason: nil)
            try await Self.run(Self.answered, in: world)
            try await world.script("UPDATE millrace.file SET lost = true WHERE id = ANY(\(lost))")
            let lines = try await Self.derive(world).lines
            #expect(lines.contains("task generate (generate): \(made) are left, numbered from 50"), "\(lines)")
            #expect(lines.contains("task read (process): \(read) what generate will make"), "\(lines)")
        }
    }

    @Test func theDoctorKnowsWhatIsDoneAgain() async throws {
        try await Self.with { world in
            _ = try await world.operations().cancel(4, version: nil, reason: nil)
            try await Self.run(Self.answered, in: world)
            try await world.script("UPDATE millrace.file SET lost = true WHERE id = 5")
            _ = try await Self.derive(world)
            _ = try await world.operations().approve(5, version: nil, home: nil, reason: nil)
            let left = try await world.database.query(ContinuingStatements.read(before: 7, of: [3, 4]))
            #expect(left.isEmpty, "what read them is lost")
            let again = """
                UPDATE task SET state = 'running', version = 2, jobs_total = 1, events_total = 10 WHERE id = 7;
                INSERT INTO job (task, index, events_expected, state) VALUES (7, 0, 10, 'waiting');
                INSERT INTO waiting (task, first, last, class, priority) VALUES (7, 0, 0, 1, 100);
                INSERT INTO unit_input (task, index, file, slice) VALUES (7, 0, 3, '[0,10)');
                """
            try await Self.run(again, in: world)
            try await world.expectNoViolations()
            try await Self.run(
                "SET session_replication_role = replica; UPDATE file SET lost = false WHERE id = 5",
                in: world
            )
            let found = try await Doctor.examine(world.database).filter { $0.violations > 0 }.map(\.invariant)
            #expect(found.contains("versions-do-nothing-twice"), "\(found)")
            // While somebody who began before the loss reads it, something may be made of it: it counts.
            let reads = """
                UPDATE file SET lost = true WHERE id = 5;
                \(DoctorWorld.lease(task: 1, index: 7)) INSERT INTO unit_input VALUES (1, 7, 5, '[0,10)');
                """
            try await Self.run(reads, in: world)
            #expect(try await world.database.query(ContinuingStatements.read(before: 7, of: [3])).count == 1)
        }
    }
}
