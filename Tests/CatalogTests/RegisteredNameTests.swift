import Catalog
import Domain
import Postgres
import TestSupport
import Testing

/// Names that jobs give their files are nobody's to register, and names that somebody registered hold up no job.
@Suite struct RegisteredNameTests {
    private static let jobsNames = [
        "/7/make/rec/0/12.5.1.npz", "/7/make/rec/0/12.5.1", "/7/make/rec/0/12.5.1.", "/7/x/12.5.1.tar.gz",
        "/7/x/12.5.1",
    ]
    private static let others = [
        "/7/12.5.1", "/7/make/rec/0/12.5", "/7/make/rec/0/12.5.x", "/7/make/rec/0/12.5.1x", "/7/make/rec/0/a.12.5.1",
        "/run7/make/rec/0/12.5.1", "/7/make/12.5.1/readme", "/7/make/rec/0/12..1",
    ]

    @Test func theTableAndTheProgramAgreeAboutNames() async throws {
        try await RegistrationWorld.with { world in
            for (lfn, isJobs) in Self.jobsNames.map({ ($0, true) }) + Self.others.map({ ($0, false) }) {
                let entry = FileEntry(lfn: lfn, bytes: 1, adler32: "00000001", events: 1)
                #expect(entry.problems(measured: false).isEmpty != isJobs, "\(lfn)")
                let insert: SQL = """
                    INSERT INTO registration (dataset, storage, lfn, bytes, adler32, events, who)
                    VALUES (4, 'HOME', \(lfn), 1, '00000001', 1, 'x')
                    """
                if isJobs {
                    let error = await #expect(throws: PostgresError.self) { try await world.script(insert) }
                    #expect(error?.sqlState == "23514", "\(lfn): \(String(describing: error))")
                } else {
                    try await world.script(insert)
                }
            }
        }
    }

    /// At schema 19 five files are registered, four of them under names of jobs: one waits, one is being read, one failed, one is verified.
    private static let before = """
        INSERT INTO storage_element (name, kind, base) VALUES ('HOME', 'posix', '/home');
        INSERT INTO dataset (name, home) VALUES ('mine', 'HOME');
        INSERT INTO metadata_field (name, type, who) VALUES ('run', 'integer', 'olga');
        INSERT INTO registration (dataset, storage, lfn, bytes, adler32, events, who)
        SELECT 1, 'HOME', lfn, 5, '00000001', 7, 'olga'
        FROM unnest('{/7/make/rec/0/12.5.1,/7/make/rec/0/12.5.2,/7/make/rec/0/12.5.3,/7/make/rec/0/12.5.4,/7/make/readme}'::text[]) lfn;
        INSERT INTO registration_metadata (registration, field, type, integer_value) SELECT id, 1, 'integer', 7 FROM registration;
        UPDATE registration SET state = 'active', version = 2, token = gen_random_uuid(), lease_until = now() WHERE lfn ~ '[.][234]$';
        UPDATE registration SET state = 'failed', version = 3, token = NULL, lease_until = NULL WHERE lfn LIKE '%.3';
        INSERT INTO file (lfn, bytes, adler32, crc32c, events) VALUES ('/7/make/rec/0/12.5.4', 5, '00000001', '00000001', 7);
        INSERT INTO replica (file, storage, state) VALUES (1, 'HOME', 'available');
        UPDATE registration SET state = 'done', version = 3, token = NULL, lease_until = NULL, file = 1 WHERE lfn LIKE '%.4';
        """

    @Test func whatWasRegisteredBeforeDoesNotStopTheMigration() async throws {
        let url = try await TestDatabase.make()
        try await PostgresSession.with(url: url, logger: CatalogDatabase.logger) { session in
            try await session.executeScript(MigrationStatements.prepare)
            for migration in Migration.all where migration.version < 20 {
                try await session.executeScript(
                    """
                    SET LOCAL search_path = millrace, public;
                    \(migration.text)
                    INSERT INTO millrace.schema_migration (version, name, checksum)
                    VALUES (\(migration.version), '\(migration.name)', '\(migration.checksum)');
                    """
                )
            }
            try await session.executeScript("SET LOCAL search_path = millrace, public;\n\(Self.before)")
        }
        #expect(try await Migrator.migrate(url: url, logger: CatalogDatabase.logger).first == "names")
        let left = Statement(
            "test.left",
            """
            SELECT r.lfn || ' ' || r.state || ' ' || (SELECT count(*) FROM millrace.registration_metadata m WHERE m.registration = r.id)
            FROM millrace.registration r ORDER BY r.lfn
            """,
            returning: String.self
        )
        let told = Statement(
            "test.told",
            "SELECT subject || ' ' || change || ' ' || detail FROM millrace.metadata_change",
            returning: String.self
        )
        let (rows, words) = try await PostgresSession.with(url: url, logger: CatalogDatabase.logger) { session in
            (try await session.query(left), try await session.query(told))
        }
        // What is in the books stays, with what keeps it from being deleted.
        #expect(rows == ["/7/make/readme queued 1", "/7/make/rec/0/12.5.4 done 1"])
        #expect(words.count == 1 && words[0].hasPrefix("dataset:mine removed "), "\(words)")
        for name in 1...3 { #expect(words.first?.contains("/7/make/rec/0/12.5.\(name) at HOME") == true, "\(words)") }
    }

    /// A job made a file of a name that somebody registered. What lies there under it stays, and the job is made again.
    @Test func whatIsWithdrawnStaysWhereItsNameIsRegistered() async throws {
        try await RegistrationWorld.with(RecoveryWorld.filesGone) { world in
            try await world.script(
                "INSERT INTO registration (dataset, storage, lfn, bytes, adler32, events, who) VALUES (4, 'HOME', '/made/0', 5, '00000001', 10, 'x')"
            )
            _ = try await world.recover()
            #expect(try await world.job(1, 0) == "waiting in a range")
            let garbage: SQL = "SELECT string_agg(lfn || '@' || storage, ' ') FROM garbage"
            #expect(try await world.text(garbage) == "/made/0@DISK")
            let replicas: SQL = "SELECT string_agg(storage || ' ' || state, ',') FROM replica WHERE file = 2"
            #expect(try await world.text(replicas) == "DISK deleting")
        }
    }

    @Test func aCleanUpPassesByWhatIsRegistered() async throws {
        let registered = """
            INSERT INTO dataset (name, home) VALUES ('mine', 'HOME');
            INSERT INTO registration (dataset, storage, lfn, bytes, adler32, events, who) VALUES (7, 'HOME', '/5/0', 5, '00000001', 10, 'x');
            """
        try await RecoveryWorld.with(CleanupWorld.script + registered) { world in
            _ = try await world.cancel()
            try await world.script(CleanupWorld.killed)
            #expect(try await world.cleanAll() == 1201)
            #expect(try await world.cleanup("replicas_left") == "1201")
            let garbage: SQL = "SELECT string_agg(storage, ' ') FROM garbage WHERE lfn = '/5/0'"
            #expect(try await world.text(garbage) == "DISK")
            try await world.expectNoViolations()
            try await world.deleteGarbage()
            #expect(try await world.clean() == .finished(1))
            try await world.expectNoViolations()
        }
    }
}
