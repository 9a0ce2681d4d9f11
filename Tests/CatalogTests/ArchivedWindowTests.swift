import Catalog
import Messages
import Postgres
import Testing

/// What fails is told without what is archived, and it is told that it is without it; that costs what the days of the question hold.
@Suite struct ArchivedWindowTests {
    private static let long = 20_000

    /// Many tasks that were archived after all of them had ended two years ago. Of yesterday: one that is archived, one on its way there, one
    /// on its way back, one that is here, one that is archived of which all was cancelled, and one of which all was taken back.
    private static let script = """
        SET search_path = millrace, public;
        INSERT INTO site (name) VALUES ('lyon');
        INSERT INTO workflow (name, version, document, sha256, owner) VALUES ('w', 1, '{"name": "w"}', repeat('a', 64), 'x');
        INSERT INTO request (workflow, parameters, seed, owner, submission) SELECT 1, '{}', i, 'x', gen_random_uuid() FROM generate_series(1, 2) i;
        UPDATE request SET state = 'approved', version = 2;
        INSERT INTO class (cores, memory_mb, walltime_s, disk_mb, platform, tags, sites, storage) VALUES (1, 2000, 86400, 1000, 'any', '{}', '{}', '{}');
        INSERT INTO task (request, name, position, kind, class, priority, spec)
            SELECT 1 + (i = 2)::int, 't' || i, 0, 'generate', 1, 100, '{}' FROM generate_series(1, \(6 + long)) i ORDER BY i;
        INSERT INTO production (day, task, site, class, blame, slot, cloud, attempts, cancelled)
            SELECT utc_day(now()) - CASE WHEN id > 6 THEN 730 + (id % 300)::int ELSE 1 END, id, 'lyon', 1, '', s, '',
                   CASE id WHEN 5 THEN 0 WHEN 6 THEN s * 2 - 1 ELSE 7 END, CASE id WHEN 5 THEN 7 ELSE 0 END
            FROM task, generate_series(0, 1) s;
        INSERT INTO archived_task (task, state, jobs, done, aborted, events, sources, log, who)
            SELECT id, CASE id WHEN 2 THEN 'archiving' WHEN 3 THEN 'restoring' ELSE 'archived' END, 0, 0, 0, 0, '{}', 0, 'x' FROM task WHERE id <> 4;
        ANALYZE;
        """

    private struct Said: Decodable, Equatable {
        let archived: Int
        let complete: Bool
    }

    @Test func archivedTasksOfTheDaysAreCountedAndNoOthersAreLookedAt() async throws {
        let url = try await CatalogDatabase.make()
        try await PostgresSession.with(url: url, logger: CatalogDatabase.logger) {
            try await $0.executeScript(Self.script)
        }
        let client = PostgresClient(url: url, logger: CatalogDatabase.logger)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await client.run() }
            defer { group.cancelAll() }
            for (seconds, tasks) in [(36 * 3600.0, 3), (3 * 365 * 86400.0, 3 + Self.long), (0.0, 0)] {
                let said = Said(archived: tasks, complete: tasks == 0)
                let start = WindowStart.secondsAgo(seconds)
                let answers = [
                    EfficiencyStatements.efficiency(.site, since: start), MatrixStatements.matrix(.task, since: start),
                    RuleUseStatements.uses(since: start),
                ]
                for answer in answers {
                    let text = try #require(try await client.query(answer).first)
                    #expect(try WireFormat.value(Said.self, from: text) == said, "\(answer.name) of \(seconds) s")
                }
                let errors = ErrorStatements.errors(.class, order: .count, since: start)
                let first = try #require(try await client.query(errors).first)
                #expect(try WireFormat.value(Said.self, from: first.1) == said, "errors of \(seconds) s")
            }
            let ofOne = MatrixStatements.matrix(.task, since: .secondsAgo(36 * 3600), request: 2)
            let text = try #require(try await client.query(ofOne).first)
            #expect(try WireFormat.value(Said.self, from: text) == Said(archived: 1, complete: false))
            let read: Int64 = try await client.withTransaction { transaction in
                let before = try await transaction.query(Self.rowsRead).first ?? 0
                _ = try await transaction.query(EfficiencyStatements.efficiency(.site, since: .secondsAgo(36 * 3600)))
                return (try await transaction.query(Self.rowsRead).first ?? 0) - before
            }
            #expect((1..<100).contains(read), "\(read) rows are read")
        }
    }

    /// So far, of the tables that grow with all that was ever done.
    private static let rowsRead = Statement<Int64>(
        "test.read",
        """
        SELECT coalesce(sum(seq_tup_read + coalesce(idx_tup_fetch, 0)), 0)::bigint FROM pg_stat_xact_user_tables
        WHERE relname IN ('production', 'archived_task')
        """,
        returning: Int64.self
    )
}
