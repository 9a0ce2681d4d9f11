import Catalog
import Logging
import Postgres
import TestSupport

/// A catalogue in which attempts have ended: 30 jobs of a task, of which every third failed first, and a merge of them all.
struct LineageWorld: Sendable {
    let url: String
    let database: PostgresClient

    static let logger = Logger(label: "lineage-test") { _ in SwiftLogNoOpLogHandler() }

    static func with(_ body: @escaping @Sendable (LineageWorld) async throws -> Void) async throws {
        let url = try await TestDatabase.make(template: "millrace_template") { url in
            _ = try await Migrator.migrate(url: url, logger: Self.logger)
        }
        try await PostgresSession.with(url: url, logger: Self.logger) { try await $0.executeScript(Self.script) }
        let client = PostgresClient(url: url, logger: Self.logger)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await client.run() }
            defer { group.cancelAll() }
            try await body(LineageWorld(url: url, database: client))
        }
    }

    func script(_ sql: SQL) async throws { try await self.database.execute(sql) }

    func text(_ sql: SQL) async throws -> String? {
        try await self.database.query(
            Statement("test.text", "SELECT (\(fragment: sql))::text", returning: String?.self)
        ).first ?? nil
    }

    /// More jobs of task 1 end well. - Parameter first: the index of the first.
    func more(_ jobs: Int, from first: Int) async throws {
        try await PostgresSession.with(url: self.url, logger: Self.logger) {
            try await $0.executeScript(
                "SET LOCAL search_path = millrace, public;\n" + Self.done(task: 1, from: first, jobs: jobs, attempt: 1)
            )
        }
    }

    private static let script = """
        SET LOCAL search_path = millrace, public;
        INSERT INTO site (name) VALUES ('LOCAL');
        INSERT INTO storage_element (name, site, kind, base) VALUES ('DISK', 'LOCAL', 'posix', '/disk');
        INSERT INTO workflow (name, version, document, sha256, owner) VALUES ('study', 3, '{}', repeat('0', 64), 'ann');
        INSERT INTO class (cores, memory_mb, walltime_s, disk_mb, platform, tags, sites, storage)
        VALUES (1, 1000, 3600, 1000, 'any', '{}', '{}', '{}');
        INSERT INTO agent_session (site, agent, session, sequence, reply_to, room, cores, memory_mb, walltime_s, disk_mb, platform, tags, storage, last_seen)
        VALUES ('LOCAL', 'a', gen_random_uuid(), 1, 'site.LOCAL.a', 1, 1, 1000, 3600, 1000, 'any', '{}', '{DISK}', now());
        INSERT INTO request (workflow, parameters, seed, owner, submission) VALUES (1, '{}', 1, 'ann', '0b9a3f0e-0000-4000-8000-000000000001');
        UPDATE request SET state = 'approved', version = 2;
        INSERT INTO task (request, name, position, kind, class, priority, spec, jobs_total, events_total, events_per_job)
        VALUES (1, 'make', 0, 'generate', 1, 100, '{}', 100, 1000, 10), (1, 'merge', 1, 'merge', 1, 100, '{}', 1, 300, NULL);
        INSERT INTO task_stream (task, stream, counted, main) VALUES (1, 'out', true, true), (2, 'out', true, true);
        INSERT INTO dataset (name, task, stream, home) VALUES ('made', 1, 'out', 'DISK'), ('merged', 2, 'out', 'DISK');
        INSERT INTO task_input (task, position, parent, stream) VALUES (2, 0, 1, 'out');
        UPDATE task SET state = 'running', version = 2;
        INSERT INTO job (task, index, events_expected, state, attempts) SELECT 1, i, 10, 'active', 1 FROM generate_series(0, 29) i WHERE i % 3 = 0;
        INSERT INTO attempt (task, index, attempt, token, site, agent, events_expected) SELECT 1, i, 1, gen_random_uuid(), 'LOCAL', 'a', 10
        FROM generate_series(0, 29) i WHERE i % 3 = 0;
        INSERT INTO lease (task, index, attempt, holder, token, site, state) SELECT 1, i, 1, 1, gen_random_uuid(), 'LOCAL', 'leased'
        FROM generate_series(0, 29) i WHERE i % 3 = 0;
        DELETE FROM lease;
        UPDATE attempt SET state = 'failed', left_from = 'leased', version = 2, ended_at = now(), code = 1001, diagnostic = 'exit status 7', node = 'n1';
        DELETE FROM job WHERE false;
        UPDATE job SET state = 'recovering', version = 2;
        UPDATE job SET state = 'waiting', version = 3;
        \(Self.done(task: 1, from: 0, jobs: 30, attempt: 1))
        INSERT INTO job (task, index, events_expected, state) VALUES (2, 0, 300, 'waiting');
        INSERT INTO unit_input (task, index, file, slice) SELECT 2, 0, id, '[0,10)' FROM file;
        \(Self.done(task: 2, from: 0, jobs: 1, attempt: 1))
        """

    /// Jobs are leased, end well and are accepted; those that were tried before get their next attempt.
    private static func done(task: Int, from first: Int, jobs: Int, attempt: Int) -> String {
        let which = "task = \(task) AND index BETWEEN \(first) AND \(first + jobs - 1)"
        return """
            INSERT INTO job (task, index, events_expected, state) SELECT \(task), i, 10, 'waiting' FROM generate_series(\(first), \(first + jobs - 1)) i
            ON CONFLICT DO NOTHING;
            UPDATE job SET state = 'active', version = version + 1, attempts = attempts + 1 WHERE \(which);
            INSERT INTO attempt (task, index, attempt, token, site, agent, events_expected, started_at)
            SELECT task, index, attempts, gen_random_uuid(), 'LOCAL', 'a', events_expected, now() - interval '1 minute' FROM job WHERE \(which);
            INSERT INTO lease (task, index, attempt, holder, token, site, state)
            SELECT task, index, attempts, 1, gen_random_uuid(), 'LOCAL', 'leased' FROM job WHERE \(which);
            DELETE FROM lease WHERE \(which);
            UPDATE attempt SET state = 'done', left_from = 'leased', version = 3, ended_at = now(), finished_at = now(), events_read = events_expected, node = 'n2'
            WHERE state IS NULL AND \(which);
            INSERT INTO file (lfn, bytes, adler32, crc32c, events, task, index, attempt, site)
            SELECT '/' || task || '/' || index, 100 + index, '0000abcd', '00000001', events_expected, task, index, attempts, 'LOCAL' FROM job WHERE \(which) ORDER BY index;
            INSERT INTO output (task, index, attempt, stream, events, counted, file)
            SELECT task, index, attempt, 'out', events, true, id FROM file WHERE \(which);
            INSERT INTO winner (task, index, attempt) SELECT task, index, attempt FROM file WHERE \(which);
            INSERT INTO accepted (task, index, stream, attempt, events) SELECT task, index, 'out', attempt, events FROM file WHERE \(which);
            INSERT INTO dataset_file (dataset, file) SELECT \(task), id FROM file WHERE \(which);
            UPDATE job SET state = 'done', version = version + 1 WHERE \(which);
            """
    }
}
