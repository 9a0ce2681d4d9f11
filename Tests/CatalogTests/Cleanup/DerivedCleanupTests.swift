import Catalog
import Domain
import Postgres
import Testing

/// What a derive task leaves out, because it is made already, outlives the clean-up of the request that made it.
@Suite(.serialized) struct DerivedCleanupTests {
    typealias World = RecoveryWorld

    /// The container `study` holds `handed`. There is a dataset `events` to derive from.
    private static let study = """
        INSERT INTO container (name, owner) VALUES ('study', 'mary');
        INSERT INTO container_member (container, dataset) VALUES (1, 5);
        INSERT INTO dataset (name, home) VALUES ('events', 'HOME');
        """

    /// The task of request 5 makes of `raw` what a dataset or container lacks.
    private static func derives(missingIn name: String) -> String {
        "INSERT INTO task_input (task, position, dataset, missing_in) VALUES (6, 0, 'raw', '\(name)');"
    }

    /// There was nothing to make: request 5 ends well.
    private static let ends: [SQL] = [
        "UPDATE task SET state = 'done', version = 2, jobs_total = 0, events_total = 0 WHERE id = 6",
        "UPDATE dataset SET state = 'closed', version = 2, closed = now() WHERE id = 6",
        "UPDATE request SET state = 'finished', version = 4 WHERE id = 5",
    ]

    @Test(arguments: ["handed", "study"])
    func whatALiveRequestLeavesOutIsNeverDeleted(name: String) async throws {
        try await World.with(CleanupWorld.script + Self.study + Self.derives(missingIn: name)) { world in
            let kept = "holds what task 6 of request 5, which has not ended, leaves out as made"
            let outcome = try await world.cancel(role: .administrator, force: true)
            #expect(
                outcome.lines.contains("dataset handed (1 files) is not deleted yet: it \(kept)"),
                "\(outcome.lines)"
            )
            try await world.script(CleanupWorld.killed)
            #expect(try await world.cleanAll() == 1200)
            #expect(try await world.cleanup("waits_for") == "handed \(kept)")
            try await world.expectNoViolations()
            // It is cancelled: what it was to add to is of no use.
            _ = try await world.operations("joe").cancel(5, version: nil, reason: nil)
            #expect(try await world.cleanAll() == 1)
            try await world.expectNoViolations()
        }
    }

    @Test(arguments: ["handed", "study"])
    func whatWasLeftOutIsAnAdministratorsToDelete(name: String) async throws {
        try await World.with(CleanupWorld.script + Self.study + Self.derives(missingIn: name)) { world in
            try await world.database.execute(Self.ends)
            let kept = "holds what task 6 of request 5 left out as made: only both together have all events"
            let outcome = try await world.cancel()
            #expect(
                outcome.lines.contains("dataset handed (1 files) is not deleted yet: it \(kept)"),
                "\(outcome.lines)"
            )
            try await world.script(CleanupWorld.killed)
            #expect(try await world.cleanAll() == 1200)
            #expect(try await world.cleanup("waits_for") == "handed \(kept)")
            _ = try await world.operations("root", role: .administrator).forceCleanup(4)
            #expect(try await world.cleanAll() == 1)
            try await world.expectNoViolations()
        }
    }

    /// `handed`, which was made of `raw`, is merged into `merged`: of that nothing is lost with `handed`, and nothing keeps the clean-up.
    @Test func whatIsMergedIntoWhatIsNamedIsDeleted() async throws {
        let merged = """
            INSERT INTO unit_input (task, index, file, slice) VALUES (5, 0, 1, '[0,10)');
            INSERT INTO dataset (name, home) VALUES ('merged', 'HOME');
            INSERT INTO file (lfn, bytes, adler32, crc32c, events) VALUES ('/merged/0', 5, '00000001', '00000001', 10);
            INSERT INTO replica (file, storage, state) SELECT id, 'HOME', 'available' FROM file WHERE lfn = '/merged/0';
            INSERT INTO dataset_file (dataset, file) SELECT 7, id FROM file WHERE lfn = '/merged/0';
            INSERT INTO file_parent (file, parent) SELECT m.id, h.id FROM file m, file h WHERE m.lfn = '/merged/0' AND h.lfn = '/5/0';
            """
        try await World.with(CleanupWorld.script + merged + Self.derives(missingIn: "merged")) { world in
            func made(in name: String) async throws -> [String] {
                try await world.database.query(DerivedStatements.made(in: name, of: [1])).map { "\($0.1) \($0.2)" }
            }
            #expect(try await made(in: "handed") == ["0 10"])
            #expect(try await made(in: "merged") == ["0 10"])
            let outcome = try await world.cancel()
            #expect(!outcome.lines.contains { $0.contains("is not deleted yet") }, "\(outcome.lines)")
            try await world.script(CleanupWorld.killed)
            #expect(try await world.cleanAll() == 1201)
            #expect(try await made(in: "handed") == [])
            #expect(try await made(in: "merged") == ["0 10"])
        }
    }

    /// A dataset that people filled, or a container with it, is named: what it has of the files of the request stays, the others go.
    @Test(arguments: ["mine", "own"])
    func whatPeopleTookIntoWhatIsNamedIsKept(name: String) async throws {
        let selection = """
            INSERT INTO dataset (name, home) VALUES ('mine', 'HOME');
            INSERT INTO dataset_source (dataset, source) VALUES (7, 4);
            INSERT INTO dataset_file (dataset, file) SELECT 7, id FROM file WHERE lfn IN ('/4/7', '/4/8', '/4/1007');
            INSERT INTO container (name, owner) VALUES ('own', 'mary');
            INSERT INTO container_member (container, dataset) VALUES (1, 7);
            """
        try await World.with(CleanupWorld.script + selection + Self.derives(missingIn: name)) { world in
            _ = try await world.cancel(role: .administrator, force: true)
            try await world.script(CleanupWorld.killed)
            #expect(try await world.cleanAll() == 1198)
            let kept: SQL =
                "SELECT string_agg(lfn, ' ' ORDER BY id) FROM millrace.file WHERE task IN (4, 5) AND NOT lost"
            #expect(try await world.text(kept) == "/4/7 /4/8 /4/1007")
            try await world.expectNoViolations()
            _ = try await world.operations("joe").cancel(5, version: nil, reason: nil)
            #expect(try await world.cleanAll() == 3)
            try await world.expectNoViolations()
        }
    }

    @Test func whatIsCleanedUpIsNotCountedOn() async throws {
        try await World.with(CleanupWorld.script + Self.study) { world in
            _ = try await world.cancel()
            for (name, cleaned) in [("many", "many"), ("handed", "handed"), ("study", "handed")] {
                await expectRefusal(
                    "dataset \(cleaned) cannot be counted as made: the clean-up of request 4 deletes its files"
                ) {
                    try await MissingTests.approve("lacks.\(name)", missingIn: name, in: world).outcome
                }
            }
            // What has nothing to do with it.
            let other = try await MissingTests.approve("lacks.made", missingIn: "made", in: world)
            #expect(other.outcome.changed)
            try await world.script(CleanupWorld.killed)
            _ = try await world.operations("root", role: .administrator).forceCleanup(4)
            #expect(try await world.cleanAll() == 1201)
            // Of a container what is left counts, and nothing of what was emptied.
            let later = try await MissingTests.approve("lacks.later", missingIn: "study", in: world)
            #expect(later.outcome.changed)
            await expectRefusal("dataset handed cannot be counted as made") {
                try await MissingTests.approve("lacks.emptied", missingIn: "handed", in: world).outcome
            }
            try await world.expectNoViolations()
        }
    }

    /// Whoever asks for a clean-up while a task that counts on the dataset is being made waits, and finds it.
    @Test(arguments: ["handed", "study"])
    func aCleanUpMeetsWhoeverBeginsToCountOnIt(name: String) async throws {
        try await World.with(CleanupWorld.script + Self.study) { world in
            let outcome = try await world.crossing({ transaction in
                try await transaction.execute(
                    "INSERT INTO task_input (task, position, dataset, missing_in) VALUES (6, 0, 'raw', \(name))"
                )
            }) { try await world.cancel(role: .administrator, force: true) }
            #expect(
                outcome.lines.contains { $0.contains("task 6 of request 5, which has not ended, leaves out as made") },
                "\(outcome.lines)"
            )
        }
    }
}
