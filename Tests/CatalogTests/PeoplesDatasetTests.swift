import Catalog
import Domain
import Messages
import Postgres
import Testing

/// Datasets that people fill: when they close, what they feed, and who needs their files.
@Suite struct PeoplesDatasetTests {
    @Test func aClosedDatasetTakesNothingAndOneThatWaitsIsNotClosed() async throws {
        try await RegistrationWorld.with { world in
            _ = try await world.register([RegistrationWorld.good])
            await expectRefusal("1 files that were registered in it have yet to be verified") {
                try await world.operations().close(dataset: "mine", reason: nil)
            }
            _ = try await world.verify()
            _ = try await world.operations().close(dataset: "mine", reason: nil)
            await expectRefusal("closed") { try await world.register([RegistrationWorld.other]) }
            await expectRefusal("closed") { try await world.operations().add(files: ["/made/0"], to: "mine") }
            // By the constraint, whoever writes.
            await #expect(throws: PostgresError.self) {
                try await world.script(
                    "INSERT INTO registration (dataset, storage, lfn, bytes, adler32, events, who) VALUES (4, 'HOME', '/x', 1, '00000001', 1, 'x')"
                )
            }
            await #expect(throws: PostgresError.self) {
                try await world.script(
                    "INSERT INTO registration (dataset, storage, lfn, bytes, adler32, events, who) VALUES (1, 'HOME', '/x', 1, '00000001', 1, 'x')"
                )
            }
            await expectRefusal("is filled by task 1") {
                try await world.register([RegistrationWorld.other], into: "made")
            }
            await expectRefusal("is filled by task 1") {
                try await world.operations().add(files: ["/raw/0"], to: "made")
            }
            await expectRefusal("is filled by task 1") {
                try await world.operations().createDataset("made", home: nil, metadata: [:], reason: nil)
            }
        }
    }

    /// Either the one who closes sees what is registered, or the one who registers sees that it is closed.
    @Test func closingAndRegisteringMeet() async throws {
        try await RegistrationWorld.with { world in
            await expectRefusal("closed") {
                try await world.crossing({ transaction in
                    _ = try await transaction.query(DataStatements.lock(dataset: "mine"))
                    try await transaction.execute(DataStatements.close(dataset: 4, cause: "x", who: "x"))
                }) { try await world.register([RegistrationWorld.good]) }
            }
        }
        try await RegistrationWorld.with { world in
            let insert: SQL =
                "INSERT INTO registration (dataset, storage, lfn, bytes, adler32, events, who) VALUES (4, 'HOME', '/x', 1, '00000001', 1, 'x')"
            await expectRefusal("have yet to be verified") {
                try await world.crossing({ try await $0.execute(insert) }) {
                    try await world.operations().close(dataset: "mine", reason: nil)
                }
            }
        }
    }

    @Test func aDatasetIsMadeOnceAndSaysWhatHoldsForItsFiles() async throws {
        try await RegistrationWorld.with { world in
            let operations = world.operations()
            _ = try await operations.addField("run", type: .integer, description: "")
            let same = try await operations.createDataset("mine", home: nil, metadata: [:], reason: nil)
            #expect(!same.changed)
            let said = try await operations.createDataset("mine", home: "HOME", metadata: ["run": "7"], reason: nil)
            #expect(said.changed && said.lines.last == "it and its files: run = 7")
            await expectRefusal("with HOME as its home") {
                try await operations.createDataset("mine", home: "DISK", metadata: [:], reason: nil)
            }
            await expectRefusal("no storage element", .missing) {
                try await operations.createDataset("more", home: "MOON", metadata: [:], reason: nil)
            }
            await expectRefusal("is not a dataset name", .invalid) {
                try await operations.createDataset("a b", home: nil, metadata: [:], reason: nil)
            }
            await expectRefusal("metadata", .missing) {
                try await operations.createDataset("more", home: nil, metadata: ["none": "1"], reason: nil)
            }
            await expectRefusal("must be operator", .permission) {
                try await world.operations("ann", role: .physicist).createDataset(
                    "more",
                    home: nil,
                    metadata: [:],
                    reason: nil
                )
            }
            #expect(try await world.text("SELECT count(*) FROM dataset WHERE name = 'more'") == "0")
            // What is said of a file goes with it; a field that waits is in use.
            var entry = RegistrationWorld.good
            entry.metadata = ["run": "8"]
            _ = try await world.register([entry])
            await expectRefusal("is in use, such as by file /mc/a") { try await operations.removeField("run") }
            entry.metadata = ["run": "9"]
            await expectRefusal("something else was said of it when it was registered") {
                try await world.register([entry])
            }
            _ = try await world.verify()
            await expectRefusal("millrace file tag") { try await world.register([entry]) }
            #expect(try await world.text("SELECT string_agg(integer_value::text, ',') FROM file_metadata") == "8")
            entry.metadata = ["run": "x"]
            await expectRefusal("metadata run", .invalid) { try await world.register([entry]) }
        }
    }

    @Test func filesOfTheCatalogueArePutIntoASelection() async throws {
        try await RegistrationWorld.with { world in
            let added = try await world.operations().add(files: ["/made/0", "/raw/0"], to: "mine")
            #expect(added.changed && added.lines.first == "2 files put into dataset mine, 0 were in it")
            let again = try await world.operations().add(files: ["/made/0"], to: "mine")
            #expect(!again.changed && again.messages.isEmpty)
            let noted: SQL =
                "SELECT string_agg(who || ' ' || (detail ->> 'files added'), ',') FROM metadata_change WHERE subject = 'dataset:mine'"
            #expect(try await world.text(noted) == "olga /raw/0 /made/0")
            await expectRefusal("/none is not in the catalogue") {
                try await world.operations().add(files: ["/none"], to: "mine")
            }
            try await world.script("UPDATE replica SET state = 'bad' WHERE file = 2")
            await expectRefusal("has no good replica") {
                try await world.operations().add(files: ["/made/0"], to: "mine")
            }
            try await world.script("UPDATE replica SET state = 'available' WHERE file = 2")
            // Where it came from knows that it is needed.
            #expect(
                try await world.text("SELECT string_agg(source::text, ',' ORDER BY source) FROM dataset_source")
                    == "1,3"
            )
        }
    }

    // MARK: Feeding

    /// A task that waits for the dataset `mine`, and runs before anything is in it.
    private static let reader = """
        INSERT INTO task (request, name, position, kind, class, priority, spec, events_per_job)
        VALUES (1, 'skim', 1, 'skim', 1, 100, '{}', 10);
        INSERT INTO task_stream (task, stream, counted, main) VALUES (4, 'out', true, true);
        INSERT INTO task_input (task, position, dataset) VALUES (4, 0, 'mine');
        """

    @Test func whatIsVerifiedFeedsARunningTaskAndNothingElseDoes() async throws {
        try await RegistrationWorld.with(Self.reader) { world in
            #expect(try await world.database.query(FeedingStatements.canBegin(4)).count == 1)
            try await world.script(FeedingStatements.begin(4))
            _ = try await world.register([RegistrationWorld.good])
            _ = try await world.register([RegistrationWorld.other], at: "DISK")
            #expect(try await world.text("SELECT count(*) FROM pending_input") == "0")
            #expect(try await world.verify(at: "HOME") == 1)
            let pending = try await world.database.query(FeedingStatements.pending(4, limit: 10)).map(\.1)
            #expect(pending == [7])
            // Verified elsewhere it waits until it is at home.
            #expect(try await world.verify(at: "DISK") == 1)
            #expect(try await world.text("SELECT count(*) FROM pending_input") == "2")
            let readable = try await world.database.query(FeedingStatements.pending(4, limit: 10)).map(\.1)
            #expect(readable == [7])
        }
    }

    /// What a task has read through one dataset it does not read through another.
    @Test func aFileInTwoDatasetsIsReadOnce() async throws {
        let both = Self.reader + "INSERT INTO task_input (task, position, dataset) VALUES (4, 1, 'yours');"
        try await RegistrationWorld.with(both) { world in
            _ = try await world.operations().createDataset("yours", home: "HOME", metadata: [:], reason: nil)
            try await world.script(FeedingStatements.begin(4))
            _ = try await world.register([RegistrationWorld.good, RegistrationWorld.other])
            _ = try await world.verify()
            // One is in a job, the other waits.
            try await world.script([
                "INSERT INTO job (task, index, events_expected, state) VALUES (4, 0, 7, 'waiting')",
                """
                INSERT INTO unit_input (task, index, file, slice) SELECT 4, 0, id, '[0,7)' FROM file WHERE lfn = '/mc/a'
                """,
                "INSERT INTO waiting (task, first, last, class, priority) VALUES (4, 0, 0, 1, 100)",
                "UPDATE task SET jobs_total = 1, events_total = 7 WHERE id = 4",
                "DELETE FROM pending_input p USING file f WHERE f.id = p.file AND f.lfn = '/mc/a'",
            ])
            _ = try await world.operations().add(files: ["/mc/a", "/mc/b"], to: "yours")
            let pending = try await world.database.query(FeedingStatements.pending(4, limit: 10)).map(\.1)
            #expect(pending == [8])
        }
    }

    // MARK: Clean-ups

    @Test func aCleanUpWaitsForASelection() async throws {
        try await RecoveryWorld.with(RecoveryWorld.quiet + CleanupWorld.script) { world in
            _ = try await world.operations().createDataset("mine", home: "HOME", metadata: [:], reason: nil)
            _ = try await world.operations().add(files: ["/4/7"], to: "mine")
            _ = try await world.cancel()
            try await world.script(CleanupWorld.killed)
            #expect(try await world.cleanAll() == 1)
            #expect(try await world.cleanup("waits_for") == "many has files in dataset mine, which people filled")
            // The other way round: what is being deleted gives nothing away.
            await expectRefusal("cannot be put into another: the clean-up of request 4 deletes its files") {
                try await world.operations().add(files: ["/4/8"], to: "mine")
            }
        }
    }
}
