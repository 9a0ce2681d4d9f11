import Catalog
import Domain
import Postgres
import Testing

/// A merge that was too large is replaced by smaller ones: what each merges goes with its files.
@Suite struct SplitMergeTests {
    /// Merge 2.0 is to merge what jobs 3.0 and 3.1 made.
    private static let two = """
        UPDATE task SET jobs_total = 2, events_total = 20 WHERE id = 3;
        INSERT INTO job (task, index, events_expected, state, attempts) VALUES (3, 1, 10, 'waiting', 0);
        SET LOCAL session_replication_role = replica;
        INSERT INTO attempt (task, index, attempt, token, site, agent, events_expected, state, ended_at, events_read)
        VALUES (3, 1, 1, gen_random_uuid(), 'LOCAL', 'a', 10, 'done', now(), 10);
        INSERT INTO file (lfn, bytes, adler32, crc32c, events, task, index, attempt)
        VALUES ('/raw/1', 5, '00000001', '00000001', 10, 3, 1, 1);
        INSERT INTO output (task, index, attempt, stream, events, counted, file) SELECT 3, 1, 1, 'out', 10, true, id FROM file WHERE lfn = '/raw/1';
        INSERT INTO winner (task, index, attempt) VALUES (3, 1, 1);
        INSERT INTO accepted (task, index, stream, attempt, events) VALUES (3, 1, 'out', 1, 10);
        INSERT INTO unit_input (task, index, file, slice) SELECT 2, 0, id, '[0,10)' FROM file WHERE lfn = '/raw/1';
        INSERT INTO merge_input (task, index, src_task, src_index, stream) VALUES (2, 0, 3, 1, 'out');
        SET LOCAL session_replication_role = origin;
        """

    @Test func whatIsMergedGoesWithItsFiles() async throws {
        try await RecoveryWorld.with(Self.two) { world in
            let rows = try await world.database.query(SplitStatements.parts([JobKey(task: 2, index: 0)]))
            #expect(rows.map { $0.6 } == [true, true])
            let parts = rows.map { EventPart(file: $0.2, first: $0.3, count: $0.4) }
            let divided = JobSplit.divide(parts, most: 10, whole: true)
            #expect(divided == parts.map { [$0] })
            let made = divided.enumerated().map { place, events in
                SplitStatements.Part(
                    job: JobKey(task: 2, index: Int64(place) + 1),
                    from: 0,
                    level: 1,
                    classID: nil,
                    events: events
                )
            }
            try await world.database.withTransaction { try await $0.execute(SplitStatements.insert(made)) }
            let merged = try await world.text(
                """
                SELECT string_agg(concat_ws(' ', m.index, m.src_index, f.lfn), ', ' ORDER BY m.index)
                FROM merge_input m JOIN unit_input u ON u.task = m.task AND u.index = m.index JOIN file f ON f.id = u.file
                """
            )
            #expect(merged == "1 0 /raw/0, 2 1 /raw/1")
        }
    }

    /// A file is merged once, and as a whole.
    @Test func aSingleFileIsNotCut() {
        let part = EventPart(file: 1, first: 0, count: 100)
        #expect(JobSplit.divide([part], most: 10, whole: true).isEmpty)
        #expect(JobSplit.divide([part], most: 10).count == 10)
    }
}
