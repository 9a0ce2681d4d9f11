import Catalog
import Domain
import Messages
import Postgres
import TestSupport
import Testing

/// What the books read and write about events and late manifests, on a small catalogue.
@Suite struct LateStatementsTests {
    private static func mark(_ index: Int64, _ words: String) -> SQL {
        LateStatements.note([
            (AttemptKey(task: 1, index: index, attempt: 1), Failure(.staleAttempt, words))
        ])
    }

    @Test func theFirstLateManifestIsNotedWithAnAttemptThatEndedOtherwise() async throws {
        try await RecoveryWorld.with("") { world in
            func marks() async throws -> String? {
                try await world.text(
                    """
                    SELECT string_agg(concat_ws(' ', index, state, code, late_code, late_diagnostic, late_at IS NOT NULL), '; ' ORDER BY index)
                    FROM millrace.attempt_view WHERE late_code IS NOT NULL
                    """
                )
            }
            let log = try await world.text("SELECT count(*) FROM millrace.transition")
            try await world.database.execute(Self.mark(2, "first"))
            try await world.database.execute(Self.mark(2, "second"))
            let once = try await marks()
            #expect(once == "2 failed 1001 8214 first t")
            // It is no move of the attempt, and no second verdict.
            let after = try await world.text("SELECT count(*) FROM millrace.transition")
            let verdicts = try await world.text("SELECT count(*) FROM millrace.verdict WHERE task = 1 AND index = 2")
            #expect(after == log && verdicts == "1")
            // Neither a winner nor a live attempt can be marked: nothing of theirs is late.
            for index: Int64 in [0, 1] {
                let error = await #expect(throws: PostgresError.self) {
                    try await world.database.execute(Self.mark(index, "wrong"))
                }
                #expect(error?.sqlState == "23514", "\(String(describing: error))")
            }
            let still = try await marks()
            #expect(still == once)
        }
    }

    @Test func howAttemptsEndedIsReadByKey() async throws {
        let refuse = """
            UPDATE attempt SET cause = '\(LateStatements.refused)' WHERE task = 1 AND index = 3;
            """
        try await RecoveryWorld.with(refuse) { world in
            let keys = (Int64(0)...9).map { AttemptKey(task: 1, index: $0, attempt: 1) }
            let rows = try await world.database.query(LateStatements.ends(keys))
            let told = rows.sorted { $0.1 < $1.1 }.map { "\($0.1) \($0.4) \($0.5 ?? "live") \($0.6 ?? 0) \($0.7)" }
            #expect(
                told == [
                    "0 LOCAL done 0 false", "1 LOCAL live 0 false", "2 LOCAL failed 1001 false",
                    "3 LOCAL failed 1001 true", "4 LOCAL failed 1001 false",
                ]
            )
        }
    }

    @Test func theEventsOfAJobAreItsSlicesOrItsNumbersInTheTask() async throws {
        let more = """
            INSERT INTO file (lfn, bytes, adler32, crc32c, events) VALUES ('/raw/1', 1, '00000001', '00000001', 30);
            SET LOCAL session_replication_role = replica;
            INSERT INTO unit_input (task, index, file, slice)
                SELECT 2, 0, id, s FROM file, unnest(ARRAY['[5,8)', '[20,30)']::int8range[]) s WHERE lfn = '/raw/1';
            UPDATE job SET first_event = 77 WHERE task = 1 AND index = 2;
            """
        try await RecoveryWorld.with(more) { world in
            let jobs = [(1, 1), (1, 2), (1, 99), (2, 0), (9, 0)].map { JobKey(task: $0.0, index: $0.1) }
            let rows = try await world.database.query(AcceptStatements.slices(jobs))
            let told = rows.map { "\($0.0).\($0.1) \($0.2 ?? "-") \($0.3) \($0.4)" }.sorted()
            #expect(told == ["1.1 - 10 10", "1.2 - 77 10", "2.0 /raw/0 0 10", "2.0 /raw/1 20 10", "2.0 /raw/1 5 3"])
        }
    }
}
