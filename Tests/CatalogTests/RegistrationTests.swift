import Catalog
import Domain
import Messages
import Postgres
import Testing

/// Files that were there before: nothing is in the books before it is verified, and nothing that was there is deleted.
@Suite struct RegistrationTests {
    // MARK: Registering

    @Test func nothingIsInTheBooksBeforeItIsVerified() async throws {
        try await RegistrationWorld.with { world in
            let files = try await world.text("SELECT count(*) FROM file")
            let outcome = try await world.register([RegistrationWorld.good, RegistrationWorld.other])
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
        try await RegistrationWorld.with { world in
            _ = try await world.register([RegistrationWorld.good])
            let waiting = try await world.register([RegistrationWorld.good])
            #expect(!waiting.changed && waiting.messages.isEmpty)
            #expect(waiting.lines.last == "1 files were registered already: nothing to do")
            _ = try await world.verify()
            let done = try await world.register([RegistrationWorld.good])
            #expect(!done.changed && done.messages.isEmpty)
            #expect(try await world.verify() == 0)
            // A dry run meets the same, and leaves nothing.
            let dry = try await world.register([RegistrationWorld.other], dry: true)
            #expect(dry.changed && dry.messages.isEmpty)
            #expect(try await world.text("SELECT count(*) FROM registration") == "1")
        }
    }

    @Test func otherFactsAreRefusedAndThenNothingOfTheBatchIsRegistered() async throws {
        try await RegistrationWorld.with { world in
            let wrong = FileEntry(lfn: "/mc/a", bytes: 5, adler32: "0000000a", events: 8)
            for round in 1...2 {
                _ = try await world.register([RegistrationWorld.good])
                do {
                    _ = try await world.register([RegistrationWorld.other, wrong])
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
        try await RegistrationWorld.with { world in
            let entries = [
                RegistrationWorld.good, FileEntry(lfn: "mc", bytes: 0, adler32: "x", events: -1),
                RegistrationWorld.good,
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
            await expectRefusal("there is no dataset", .missing) {
                try await world.register([RegistrationWorld.good], into: "none")
            }
            await expectRefusal("there is no storage", .missing) {
                try await world.register([RegistrationWorld.good], at: "MOON")
            }
            await expectRefusal("must be operator", .permission) {
                try await world.operations("ann", role: .physicist).register(
                    [RegistrationWorld.good],
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
        try await RegistrationWorld.with { world in
            _ = try await world.register([RegistrationWorld.good])
            _ = try await world.verify()
            // At another place it is read there, too; nothing is copied from one to the other.
            _ = try await world.register([RegistrationWorld.good], at: "DISK")
            #expect(try await world.verify() == 1)
            let replicas: SQL = """
                SELECT string_agg(r.storage || ' ' || r.state, ',' ORDER BY r.storage) FROM replica r JOIN file f ON f.id = r.file
                WHERE f.lfn = '/mc/a'
                """
            #expect(try await world.text(replicas) == "DISK available,HOME available")
            #expect(try await world.text("SELECT count(*) FROM transfer WHERE state = 'queued'") == "0")
            _ = try await world.operations().createDataset("yours", home: nil, metadata: [:], reason: nil)
            let joined = try await world.register([RegistrationWorld.good], into: "yours")
            #expect(joined.lines.last == "1 files that are verified already are put into the dataset")
            #expect(try await world.text("SELECT sum(files) FROM dataset_counter WHERE dataset IN (4, 5)") == "2")
        }
    }

    @Test func whatIsNotAtHomeIsCopiedThere() async throws {
        try await RegistrationWorld.with { world in
            _ = try await world.operations().subscribe(dataset: "mine", to: "DISK")
            _ = try await world.register([RegistrationWorld.good], at: "DISK")
            _ = try await world.verify()
            let transfers: SQL =
                "SELECT string_agg(source || '>' || destination || ' ' || state, ',') FROM transfer WHERE id > 1"
            #expect(try await world.text(transfers) == "DISK>HOME queued")
        }
    }

    // MARK: What is not as it was said

    @Test func whatFailsIsNowhereAndIsNeverDeleted() async throws {
        try await RegistrationWorld.with { world in
            let files = try await world.text("SELECT count(*) FROM file")
            _ = try await world.register([RegistrationWorld.good])
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
        try await RegistrationWorld.with { world in
            _ = try await world.register([RegistrationWorld.good])
            let late = try await world.lease()
            // One that says that it reads still is not late.
            try await world.script("UPDATE registration SET lease_until = now() - interval '1 second'")
            let own = late.map { (id: $0.id, token: $0.token) }
            let kept = try await world.database.query(RegistrationStatements.renew(own, seconds: 60))
            #expect(kept == late.map(\.token))
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
        try await RegistrationWorld.with { world in
            _ = try await world.register([RegistrationWorld.good, RegistrationWorld.other])
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
        try await RegistrationWorld.with { world in
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
}
