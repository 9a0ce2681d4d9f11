import Catalog
import Postgres

/// ``DoctorWorld`` in which requests 2 and 3 have ended: task 2 merged what task 3 made. Request 4 has ended long ago: its task 4 had 600 jobs, of
/// which every seventh failed once before and every hundredth was given up.
enum ArchiveWorld {
    static let script = """
        DELETE FROM waiting WHERE task = 2;
        UPDATE job SET state = 'active', version = 2, attempts = 1 WHERE task = 2;
        INSERT INTO attempt (task, index, attempt, token, site, agent, events_expected) VALUES (2, 0, 1, gen_random_uuid(), 'LOCAL', 'a', 10);
        INSERT INTO lease (task, index, attempt, holder, token, site, state) VALUES (2, 0, 1, 1, gen_random_uuid(), 'LOCAL', 'leased');
        UPDATE lease SET state = 'running', version = 2 WHERE task = 2;
        DELETE FROM lease WHERE task = 2;
        UPDATE attempt SET state = 'done', left_from = 'running', version = 4, ended_at = now(), finished_at = now(), events_read = 10,
            started_at = now() - interval '90 seconds' WHERE task = 2;
        INSERT INTO file (lfn, bytes, adler32, crc32c, events, task, index, attempt, site, created)
        VALUES ('/read/0', 5, '00000001', '00000001', 10, 2, 0, 1, 'LOCAL', now() - interval '1 hour');
        INSERT INTO file_parent (file, parent) VALUES (3, 1);
        INSERT INTO replica (file, storage, state) VALUES (3, 'HOME', 'available');
        INSERT INTO output (task, index, attempt, stream, events, counted, file) VALUES (2, 0, 1, 'out', 10, true, 3);
        INSERT INTO winner (task, index, attempt) VALUES (2, 0, 1);
        INSERT INTO accepted (task, index, stream, attempt, events) VALUES (2, 0, 'out', 1, 10);
        INSERT INTO dataset_file (dataset, file) VALUES (2, 3);
        UPDATE job SET state = 'done', version = 3 WHERE task = 2;
        UPDATE task SET state = 'finishing', version = 3 WHERE id = 2;
        UPDATE task SET state = 'done', version = 4 WHERE id = 2;
        UPDATE dataset SET state = 'closed', version = 2, closed = now() WHERE id = 2;
        UPDATE request SET state = 'finished', version = 4 WHERE id = 2;
        \(Self.large)
        """

    private static let large = """
        INSERT INTO request (workflow, title, parameters, seed, owner, sample, simulation, submission) VALUES (1, 'old', '{}', 1, 'bob', 1, 1, gen_random_uuid());
        UPDATE request SET state = 'approved', version = 2 WHERE id = 4;
        INSERT INTO task (request, name, position, kind, class, priority, spec, jobs_total, events_total, events_per_job, allowed_loss)
        VALUES (4, 'old', 0, 'generate', 1, 100, '{}', 600, 6000, 10, 1);
        INSERT INTO task_stream (task, stream, counted, main) VALUES (4, 'out', true, true);
        INSERT INTO dataset (name, task, stream, home) VALUES ('old', 4, 'out', 'HOME');
        UPDATE task SET state = 'running', version = 2 WHERE id = 4;
        UPDATE request SET state = 'running', version = 3 WHERE id = 4;
        INSERT INTO job (task, index, events_expected, state, attempts) SELECT 4, i, 10, 'active', 1 FROM generate_series(0, 599) i;
        \(Self.attempts(1, of: "true"))
        \(Self.fail(1, where: "index % 7 = 0", action: "resubmit"))
        UPDATE job SET state = 'recovering', version = 2, failures = 1 WHERE task = 4 AND index % 7 = 0;
        UPDATE job SET state = 'waiting', version = 3 WHERE task = 4 AND index % 7 = 0;
        UPDATE job SET state = 'active', version = 4, attempts = 2 WHERE task = 4 AND index % 7 = 0;
        \(Self.attempts(2, of: "index % 7 = 0"))
        \(Self.fail(2, where: "attempt = 2 AND index % 100 = 0", action: "abort"))
        \(Self.fail(1, where: "index % 100 = 0", action: "abort"))
        UPDATE job SET state = 'recovering', version = 5, failures = failures + 1 WHERE task = 4 AND index % 100 = 0;
        UPDATE job SET state = 'aborted', version = 6 WHERE task = 4 AND index % 100 = 0;
        DELETE FROM lease WHERE task = 4;
        UPDATE attempt SET state = 'done', left_from = 'leased', version = 4, ended_at = now() - interval '100 days', finished_at = now(),
            started_at = now() - interval '100 days' - interval '1 minute', events_read = 10, cpu_seconds = 0.1 + index / 3.0, wall_seconds = 0.7 + index / 7.0,
            failures = '[{"code": 1, "diagnostic": "a \\"b\\" \\u00e9"}]', log = E'one\\ntwo\\t"three"' WHERE task = 4 AND state IS NULL;
        INSERT INTO file (lfn, bytes, adler32, crc32c, events, task, index, attempt, site, created)
        SELECT '/old/' || index, 5 + index, '00000001', '00000001', 10, 4, index, attempt, 'LOCAL', now() - interval '100 days' FROM attempt
        WHERE task = 4 AND state = 'done';
        INSERT INTO replica (file, storage, state) SELECT id, 'HOME', 'available' FROM file WHERE task = 4;
        INSERT INTO output (task, index, attempt, stream, events, counted, file) SELECT 4, index, attempt, 'out', 10, true, id FROM file WHERE task = 4;
        INSERT INTO winner (task, index, attempt) SELECT 4, index, attempt FROM file WHERE task = 4;
        INSERT INTO accepted (task, index, stream, attempt, events) SELECT 4, index, 'out', attempt, 10 FROM file WHERE task = 4;
        INSERT INTO dataset_file (dataset, file) SELECT 4, id FROM file WHERE task = 4;
        UPDATE job SET state = 'done', version = version + 1 WHERE task = 4 AND state = 'active';
        UPDATE task SET state = 'finishing', version = 3 WHERE id = 4;
        UPDATE task SET state = 'done', version = 4 WHERE id = 4;
        UPDATE dataset SET state = 'closed', version = 2, closed = now() WHERE id = 4;
        UPDATE request SET state = 'finished', version = 4, updated = now() - interval '99 days' WHERE id = 4;
        """

    private static func attempts(_ number: Int, of jobs: String) -> String {
        """
        INSERT INTO attempt (task, index, attempt, token, site, agent, events_expected)
        SELECT 4, index, \(number), gen_random_uuid(), 'LOCAL', 'a', 10 FROM job WHERE task = 4 AND \(jobs);
        INSERT INTO lease (task, index, attempt, holder, token, site, state)
        SELECT 4, index, \(number), 1, gen_random_uuid(), 'LOCAL', 'leased' FROM job WHERE task = 4 AND \(jobs);
        """
    }

    private static func fail(_ number: Int, where which: String, action: String) -> String {
        """
        DELETE FROM lease WHERE task = 4 AND \(which);
        UPDATE attempt SET state = 'failed', left_from = 'leased', version = 3, ended_at = now() - interval '101 days', code = 1001, blame = 'payload',
            wall_seconds = 12.345 WHERE task = 4 AND attempt = \(number) AND state IS NULL AND \(which);
        INSERT INTO verdict (task, index, attempt, site, action, class, blame, code, diagnostic, fingerprint, rule, reason, counted, at, carried_out_at)
        SELECT 4, index, attempt, 'LOCAL', '\(action)', 'payload', 'payload', 1001, 'exit status 7', 'f', 'payload', 'r', true, now(), now()
        FROM attempt a WHERE task = 4 AND attempt = \(number) AND state = 'failed' AND \(which)
          AND NOT EXISTS (SELECT 1 FROM verdict v WHERE v.task = a.task AND v.index = a.index AND v.attempt = a.attempt);
        """
    }
}
