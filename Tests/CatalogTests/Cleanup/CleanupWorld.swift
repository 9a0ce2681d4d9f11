import Catalog
import Domain
import Postgres
import Testing

/// ``DoctorWorld`` with request 4 of bob: task 4 made 1,201 files, of which 1,200 are accepted, in the open dataset `many`, and one job still
/// runs; task 5 made the closed dataset `handed` of one file. Request 5 of joe runs and reads nothing yet.
enum CleanupWorld {
    static let script = """
        INSERT INTO request (workflow, title, parameters, seed, owner, submission)
        VALUES (1, 'wrong', '{}', 1, 'bob', gen_random_uuid()), (1, 'reader', '{}', 1, 'joe', gen_random_uuid());
        UPDATE request SET state = 'approved', version = 2 WHERE id IN (4, 5);
        INSERT INTO task (request, name, position, kind, class, priority, spec, jobs_total, events_total, events_per_job)
        VALUES (4, 'many', 0, 'generate', 1, 100, '{}', 1201, 12010, 10), (4, 'handed', 1, 'generate', 1, 100, '{}', 1, 10, 10),
               (5, 'reader', 0, 'process', 1, 100, '{}', NULL, NULL, 10);
        INSERT INTO task_stream (task, stream, counted, main) VALUES (4, 'out', true, true), (5, 'out', true, true), (6, 'out', true, true);
        INSERT INTO dataset (name, task, stream, home) VALUES ('many', 4, 'out', 'HOME'), ('handed', 5, 'out', 'HOME'), ('read5', 6, 'out', 'HOME');
        UPDATE task SET state = 'running', version = 2 WHERE id IN (4, 5);
        UPDATE request SET state = 'running', version = 3 WHERE id IN (4, 5);
        INSERT INTO job (task, index, events_expected, state, attempts) SELECT 4, i, 10, 'active', 1 FROM generate_series(0, 1200) i;
        INSERT INTO job (task, index, events_expected, state, attempts) VALUES (5, 0, 10, 'active', 1);
        INSERT INTO attempt (task, index, attempt, token, site, agent, events_expected)
        SELECT task, index, 1, gen_random_uuid(), 'LOCAL', 'a', 10 FROM job WHERE task IN (4, 5);
        INSERT INTO lease (task, index, attempt, holder, token, site, state)
        SELECT task, index, 1, 1, token, 'LOCAL', 'leased' FROM attempt WHERE task IN (4, 5);
        DELETE FROM lease WHERE task IN (4, 5) AND index < 1200;
        UPDATE attempt SET state = 'done', left_from = 'leased', version = 3, ended_at = now(), finished_at = now(), events_read = 10
        WHERE task IN (4, 5) AND index < 1200;
        INSERT INTO file (lfn, bytes, adler32, crc32c, events, task, index, attempt, site, created)
        SELECT '/' || task || '/' || index, 5, '00000001', '00000001', 10, task, index, 1, 'LOCAL', now() - interval '1 hour' FROM attempt
        WHERE task IN (4, 5) AND index < 1200 ORDER BY task, index;
        INSERT INTO replica (file, storage, state) SELECT id, 'HOME', 'available' FROM file WHERE task IN (4, 5);
        INSERT INTO replica (file, storage, state) SELECT id, 'DISK', 'available' FROM file WHERE task = 5;
        INSERT INTO output (task, index, attempt, stream, events, counted, file)
        SELECT task, index, 1, 'out', 10, true, id FROM file WHERE task IN (4, 5);
        INSERT INTO winner (task, index, attempt) SELECT task, index, 1 FROM file WHERE task IN (4, 5);
        INSERT INTO accepted (task, index, stream, attempt, events) SELECT task, index, 'out', 1, 10 FROM file WHERE task IN (4, 5);
        INSERT INTO dataset_file (dataset, file) SELECT task, id FROM file WHERE task IN (4, 5);
        UPDATE job SET state = 'done', version = 2 WHERE task IN (4, 5) AND index < 1200;
        UPDATE task SET state = 'finishing', version = 3 WHERE id = 5;
        UPDATE task SET state = 'done', version = 4 WHERE id = 5;
        UPDATE dataset SET state = 'closed', version = 2, closed = now() WHERE id = 5;
        """

    /// The job that runs says that it was killed.
    static let killed: SQL = """
        WITH l AS (DELETE FROM lease WHERE task = 4 RETURNING *), a AS (
            UPDATE attempt a SET state = 'cancelled', left_from = 'leased', version = 2, ended_at = now() FROM l
            WHERE a.task = l.task AND a.index = l.index AND a.attempt = l.attempt)
        UPDATE job SET state = 'cancelled', version = 2 WHERE task = 4 AND index = 1200
        """

    /// Request 5 reads a dataset of request 4, from now on.
    static func reads(_ dataset: String) -> String {
        "INSERT INTO task_input (task, position, dataset) VALUES (6, 0, '\(dataset)');"
    }

    /// Request 5 reads files that its query found.
    static let readsFound = """
        INSERT INTO task_input (task, position, query) VALUES (6, 0, 'bytes > 1');
        UPDATE task SET state = 'running', version = 2, jobs_total = 2, events_total = 20 WHERE id = 6;
        INSERT INTO job (task, index, events_expected, state) VALUES (6, 0, 10, 'waiting'), (6, 1, 10, 'waiting');
        INSERT INTO unit_input (task, index, file, slice)
        SELECT 6, row_number() OVER (ORDER BY id) - 1, id, '[0,10)' FROM file WHERE lfn IN ('/4/7', '/4/1007');
        INSERT INTO waiting (task, first, last, class, priority) VALUES (6, 0, 1, 1, 100);
        """
}

extension RecoveryWorld {
    /// One step, with nothing to wait for.
    func clean(batch: Int = 500) async throws -> Cleanup.Step {
        try await Cleanup.step(self.database, graceSeconds: 0, pauseSeconds: 0, batch: batch)
    }

    /// Steps until nothing more is taken out: at most so many looks at what waits. - Returns: files that went.
    @discardableResult
    func cleanAll() async throws -> Int64 {
        var (files, idle): (Int64, Int) = (0, 0)
        while idle < 8 {
            switch try await self.clean() {
            case .removed(_, _, let gone, _, let emptied):
                files += gone
                idle = gone > 0 || emptied ? 0 : idle + 1
            case .waiting: idle += 1
            case .nothing, .finished: return files
            }
        }
        return files
    }

    /// What Transfer does with all that is due.
    func deleteGarbage() async throws {
        try await self.database.execute(TransferStatements.deleted(try await self.claimGarbage()))
    }

    func claimGarbage() async throws -> [TransferStatements.Claim] {
        try await self.database.query(TransferStatements.claimGarbage(limit: 10_000, pauseSeconds: 600)).map {
            ($0.0, $0.1, $0.2)
        }
    }

    /// Whether a task that would take the files of this one now would look again.
    func areLost(of task: Int64) async throws -> Bool? {
        let files = try await self.database.query(
            Statement(
                "test.files",
                "SELECT file FROM unit_input WHERE task = \(task) ORDER BY file",
                returning: Int64.self
            )
        )
        return try await self.database.query(ExpansionStatements.lockFiles(files)).first
    }

    func cleanup(_ field: String, request: Int64 = 4) async throws -> String? {
        try await self.text(
            "SELECT row_to_json(v) ->> \(field) FROM millrace.cleanup_view v WHERE request = \(request)"
        )
    }

    func cancel(
        _ request: Int64 = 4,
        by who: String = "olga",
        role: Role = .operator,
        force: Bool = false,
        dry: Bool = false
    ) async throws -> Outcome {
        try await self.operations(who, dry: dry, role: role).cancel(
            request,
            version: nil,
            reason: "wrong field map",
            cleaning: Cleaning(force: force)
        )
    }
}
