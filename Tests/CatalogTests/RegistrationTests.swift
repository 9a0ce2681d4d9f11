import Catalog
import Domain
import Messages
import Postgres
import Testing

/// Files that were there before: nothing is in the books before it is verified, and nothing that was there is deleted.
@Suite struct RegistrationTests {
    private static let good = FileEntry(lfn: "/mc/a", bytes: 5, adler32: "0000000a", events: 7)
    private static let other = FileEntry(lfn: "/mc/b", bytes: 6, crc32c: "0000000b", events: 8)

    /// A catalogue with the open dataset `mine`, at home at HOME.
    private static func with(
        _ script: String = "",
        _ body: @escaping @Sendable (RecoveryWorld) async throws -> Void
    ) async throws {
        try await RecoveryWorld.with(RecoveryWorld.quiet + script) { world in
            let made = try await world.operations().createDataset("mine", home: "HOME", metadata: [:], reason: nil)
            #expect(made.changed && made.lines == ["dataset mine made: open, at home at HOME"])
            try await body(world)
            try await world.expectNoViolations()
        }
    }

    // MARK: Registering

    @Test func nothingIsInTheBooksBeforeItIsVerified() async throws {
        try await Self.with { world in
            let files = try await world.text("SELECT count(*) FROM file")
            let outcome = try await world.register([Self.good, Self.other])
            #expect(outcome.changed && outcome.lines == ["2 files of dataset mine are to be verified at HOME"])
            #expect(outcome.messages.map(\.routingKey) == ["control.transfer"])
            #expect(try await world.text("SELECT count(*) FROM file") == files)
            #expect(try await world.text("SELECT count(*) FROM dataset_file WHERE dataset = 4") == "0")
            let listed: SQL =
                "SELECT string_agg(concat_ws(' ', lfn, state, dataset, who), ',' ORDER BY lfn) FROM registration_view"
            #expect(try await world.text(listed) == "/mc/a queued mine olga,/mc/b queued mine olga")

            #expect(try await world.verify() == 2)
            let books: SQL = """
                SELECT string_agg(concat_ws(' ', f.lfn, f.bytes, f.adler32, f.crc32c, f.events, r.storage, r.state), ',' ORDER BY f.lfn)
                FROM file f JOIN dataset_file m ON m.file = f.id AND m.dataset = 4 LEFT JOIN replica r ON r.file = f.id
                """
            #expect(
                try await world.text(books)
                    == "/mc/a 5 0000000a 000000cc 7 HOME available,/mc/b 6 000000aa 0000000b 8 HOME available"
            )
            // The log says who brought it in, and how.
            let log: SQL = "SELECT string_agg(who || ': ' || cause, ',') FROM transition WHERE entity = 'file:/mc/a'"
            #expect(try await world.text(log) == "olga: was at HOME, and is verified")
            let moves: SQL = """
                SELECT string_agg(to_state, ' ' ORDER BY t.id) FROM transition t JOIN registration r ON t.entity = 'registration:' || r.id
                WHERE r.lfn = '/mc/a'
                """
            #expect(try await world.text(moves) == "queued active done")
        }
    }

    @Test func theSameAgainChangesNothing() async throws {
        try await Self.with { world in
            _ = try await world.register([Self.good])
            let waiting = try await world.register([Self.good])
            #expect(!waiting.changed && waiting.messages.isEmpty)
            #expect(waiting.lines.last == "1 files were registered already: nothing to do")
            _ = try await world.verify()
            let done = try await world.register([Self.good])
            #expect(!done.changed && done.messages.isEmpty)
            #expect(try await world.verify() == 0)
            // A dry run meets the same, and leaves nothing.
            let dry = try await world.register([Self.other], dry: true)
            #expect(dry.changed && dry.messages.isEmpty)
            #expect(try await world.text("SELECT count(*) FROM registration") == "1")
        }
    }

    @Test func otherFactsAreRefusedAndThenNothingOfTheBatchIsRegistered() async throws {
        try await Self.with { world in
            let wrong = FileEntry(lfn: "/mc/a", bytes: 5, adler32: "0000000a", events: 8)
            for round in 1...2 {
                _ = try await world.register([Self.good])
                do {
                    _ = try await world.register([Self.other, wrong])
                    Issue.record("not refused in round \(round)")
                } catch let refusal as CatalogRefusal {
                    #expect(
                        refusal.kind == .state && refusal.description.hasPrefix("1 of 2 files cannot be registered")
                    )
                    #expect(refusal.problems.map(\.item) == [1] && refusal.problems.map(\.field) == ["events"])
                }
                #expect(try await world.text("SELECT string_agg(lfn, ',') FROM registration") == "/mc/a")
                _ = try await world.verify()
            }
        }
    }

    @Test func everyWrongItemIsTold() async throws {
        try await Self.with { world in
            let entries = [
                Self.good, FileEntry(lfn: "mc", bytes: 0, adler32: "x", events: -1), Self.good,
                FileEntry(lfn: "/mc/c", bytes: 1, events: 0),
            ]
            do {
                _ = try await world.register(entries)
                Issue.record("not refused")
            } catch let refusal as CatalogRefusal {
                #expect(refusal.kind == .invalid)
                #expect(
                    refusal.problems.map { "\($0.item) \($0.field)" }
                        == ["1 lfn", "1 bytes", "1 events", "1 adler32", "2 lfn", "3 adler32"]
                )
            }
            await expectRefusal("there is no dataset", .missing) { try await world.register([Self.good], into: "none") }
            await expectRefusal("there is no storage", .missing) { try await world.register([Self.good], at: "MOON") }
            await expectRefusal("must be operator", .permission) {
                try await world.operations("ann", role: .physicist).register(
                    [Self.good],
                    at: "HOME",
                    into: "mine",
                    measured: false,
                    reason: nil
                )
            }
            await expectRefusal("1 to 1000", .invalid) { try await world.register([]) }
        }
    }

    @Test func aFileThatIsKnownMayHaveAnotherReplicaAndAnotherDataset() async throws {
        try await Self.with { world in
            _ = try await world.register([Self.good])
            _ = try await world.verify()
            // At another place it is read there, too; nothing is copied from one to the other.
            _ = try await world.register([Self.good], at: "DISK")
            #expect(try await world.verify() == 1)
            let replicas: SQL = """
                SELECT string_agg(r.storage || ' ' || r.state, ',' ORDER BY r.storage) FROM replica r JOIN file f ON f.id = r.file
                WHERE f.lfn = '/mc/a'
                """
            #expect(try await world.text(replicas) == "DISK available,HOME available")
            #expect(try await world.text("SELECT count(*) FROM transfer WHERE state = 'queued'") == "0")
            _ = try await world.operations().createDataset("yours", home: nil, metadata: [:], reason: nil)
            let joined = try await world.register([Self.good], into: "yours")
            #expect(joined.lines.last == "1 files that are verified already are put into the dataset")
            #expect(try await world.text("SELECT sum(files) FROM dataset_counter WHERE dataset IN (4, 5)") == "2")
        }
    }

    @Test func whatIsNotAtHomeIsCopiedThere() async throws {
        try await Self.with { world in
            _ = try await world.operations().subscribe(dataset: "mine", to: "DISK")
            _ = try await world.register([Self.good], at: "DISK")
            _ = try await world.verify()
            let transfers: SQL =
                "SELECT string_agg(source || '>' || destination || ' ' || state, ',') FROM transfer WHERE id > 1"
            #expect(try await world.text(transfers) == "DISK>HOME queued")
        }
    }

    // MARK: What is not as it was said

    @Test func whatFailsIsNowhereAndIsNeverDeleted() async throws {
        try await Self.with { world in
            let files = try await world.text("SELECT count(*) FROM file")
            _ = try await world.register([Self.good])
            let lease = try #require(try await world.lease().first)
            try await world.script(
                RegistrationStatements.failed([(lease.id, lease.token, true, 0, "it has other bytes")])
            )
            let state: SQL = "SELECT state || ': ' || reason FROM registration"
            #expect(try await world.text(state) == "failed: it has other bytes")
            #expect(try await world.text("SELECT count(*) FROM file") == files)
            #expect(try await world.text("SELECT count(*) FROM replica WHERE state <> 'available'") == "0")
            #expect(try await world.text("SELECT count(*) FROM dataset_file WHERE dataset = 4") == "0")
            // It lies there, and the audit knows whose it is.
            let unknown = AuditStatements.unknown(storage: "HOME", lfns: ["/mc/a", "/mc/z"], attempts: ["a", "z"])
            let found = try await world.database.query(unknown)
            #expect(found == ["/mc/z"])
            // An attempt that claims to have written it and loses does not get it deleted; nor does a list that says so.
            try await world.script(AcceptStatements.discard([("/mc/a", "HOME")], graceSeconds: 0, reason: "lost"))
            #expect(try await world.text("SELECT count(*) FROM garbage") == "0")
            await #expect(throws: PostgresError.self) {
                try await world.script(
                    "INSERT INTO garbage (lfn, storage, not_before, reason) VALUES ('/mc/a', 'HOME', now(), 'x')"
                )
            }
            try await world.script("ALTER TABLE garbage DISABLE TRIGGER guard_new")
            try await world.script(
                "INSERT INTO garbage (lfn, storage, not_before, reason) VALUES ('/mc/a', 'HOME', now(), 'x')"
            )
            let claimed = try await world.claimGarbage()
            #expect(claimed.isEmpty)
            try await world.script("DELETE FROM garbage")

            // Said otherwise it is read once more.
            let right = FileEntry(lfn: "/mc/a", bytes: 9, adler32: "0000000d", events: 7)
            let again = try await world.register([right])
            #expect(again.lines.contains("1 of them were refused by what was stored before"))
            #expect(try await world.verify() == 1)
            #expect(try await world.text("SELECT bytes FROM file WHERE lfn = '/mc/a'") == "9")
        }
    }

    @Test func aWorkerThatIsLateChangesNothing() async throws {
        try await Self.with { world in
            _ = try await world.register([Self.good])
            let late = try await world.lease()
            // One that says that it reads still is not late.
            try await world.script("UPDATE registration SET lease_until = now() - interval '1 second'")
            try await world.script(RegistrationStatements.renew(late.map { ($0.id, $0.token) }, seconds: 60))
            try await world.script(RegistrationStatements.expire)
            #expect(try await world.text("SELECT state FROM registration") == "active")
            try await world.script("UPDATE registration SET lease_until = now() - interval '1 second'")
            try await world.script(RegistrationStatements.expire)
            let next = try await world.lease()
            #expect(next.count == 1)
            #expect(try await world.enter(late) == 0)
            let failed = late.map { (id: $0.id, token: $0.token, final: true, pauseSeconds: 0.0, reason: "late") }
            try await world.script(RegistrationStatements.failed(failed))
            #expect(try await world.text("SELECT state FROM registration") == "active")
            #expect(try await world.enter(next) == 1)
        }
    }

    @Test func aNameThatIsTakenMeanwhileFails() async throws {
        try await Self.with { world in
            _ = try await world.register([Self.good, Self.other])
            let leases = try await world.lease()
            try await world.script(
                """
                INSERT INTO file (lfn, bytes, adler32, crc32c, events, task, index, attempt) VALUES
                    ('/mc/a', 5, '0000000a', '000000cc', 7, 1, 0, 1)
                """
            )
            try await world.script(
                "INSERT INTO replica (file, storage, state) SELECT id, 'DISK', 'available' FROM file WHERE lfn = '/mc/a'"
            )
            #expect(try await world.enter(leases) == 1)
            let states: SQL =
                "SELECT string_agg(concat_ws(' ', lfn, state, reason), ',' ORDER BY lfn) FROM registration"
            #expect(
                try await world.text(states)
                    == "/mc/a failed a job has made a file of this name,/mc/b done read and verified"
            )
            #expect(try await world.text("SELECT count(*) FROM dataset_file WHERE dataset = 4") == "1")
        }
    }

    @Test func smallFilesAreTakenManyAtOnce() async throws {
        try await Self.with { world in
            let entries = (1...40).map { FileEntry(lfn: "/mc/\($0)", bytes: 10, adler32: "0000000a", events: 1) }
            _ = try await world.register(entries)
            #expect(try await world.lease(limit: 2, bytes: 105).count == 10)
            #expect(try await world.lease(limit: 2, bytes: 5).count == 2)
            #expect(try await world.lease(limit: 2, bytes: 1000).count == 28)
            try await world.script("UPDATE registration SET lease_until = '-infinity'")
            try await world.script(RegistrationStatements.expire)
            #expect(try await world.verify() == 40)
        }
    }

    // MARK: Datasets

    @Test func aClosedDatasetTakesNothingAndOneThatWaitsIsNotClosed() async throws {
        try await Self.with { world in
            _ = try await world.register([Self.good])
            await expectRefusal("1 files that were registered in it have yet to be verified") {
                try await world.operations().close(dataset: "mine", reason: nil)
            }
            _ = try await world.verify()
            _ = try await world.operations().close(dataset: "mine", reason: nil)
            await expectRefusal("closed") { try await world.register([Self.other]) }
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
            await expectRefusal("is filled by task 1") { try await world.register([Self.other], into: "made") }
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
        try await Self.with { world in
            await expectRefusal("closed") {
                try await world.crossing({ transaction in
                    _ = try await transaction.query(DataStatements.lock(dataset: "mine"))
                    try await transaction.execute(DataStatements.close(dataset: 4, cause: "x", who: "x"))
                }) { try await world.register([Self.good]) }
            }
        }
        try await Self.with { world in
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
        try await Self.with { world in
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
            var entry = Self.good
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
        try await Self.with { world in
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
        try await Self.with(Self.reader) { world in
            #expect(try await world.database.query(FeedingStatements.canBegin(4)).count == 1)
            try await world.script(FeedingStatements.begin(4))
            _ = try await world.register([Self.good])
            _ = try await world.register([Self.other], at: "DISK")
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
        try await Self.with(both) { world in
            _ = try await world.operations().createDataset("yours", home: "HOME", metadata: [:], reason: nil)
            try await world.script(FeedingStatements.begin(4))
            _ = try await world.register([Self.good, Self.other])
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

extension RecoveryWorld {
    fileprivate func register(
        _ entries: [FileEntry],
        at storage: String = "HOME",
        into dataset: String = "mine",
        dry: Bool = false
    ) async throws -> Outcome {
        try await self.operations(dry: dry).register(entries, at: storage, into: dataset, measured: false, reason: nil)
    }

    /// What was leased, as a worker that finds everything as it was said.
    fileprivate func lease(
        at storage: String = "HOME",
        limit: Int = 100,
        bytes: Int64 = 0
    ) async throws -> [RegistrationStatements.Found] {
        try await self.database.query(
            RegistrationStatements.lease(storage: storage, worker: "w", seconds: 60, limit: limit, bytes: bytes)
        ).map { ($0.0, $0.5, $0.3 ?? "000000aa", $0.4 ?? "000000cc") }
    }

    /// - Returns: how many are in the books.
    fileprivate func enter(_ found: [RegistrationStatements.Found]) async throws -> Int {
        let done: SQL = "SELECT count(*)::text FROM registration WHERE state = 'done'"
        let before = try await self.text(done)
        try await self.database.withTransaction { transaction in
            _ = try await RegisteredFiles.enter(found, in: transaction)
        }
        let after = try await self.text(done)
        return (Int(after ?? "") ?? 0) - (Int(before ?? "") ?? 0)
    }

    fileprivate func verify(at storage: String? = nil) async throws -> Int {
        var count = 0
        for place in storage.map({ [$0] }) ?? ["HOME", "DISK"] { count += try await self.enter(self.lease(at: place)) }
        return count
    }

    fileprivate func script(_ statements: [SQL]) async throws { try await self.database.execute(statements) }
}
