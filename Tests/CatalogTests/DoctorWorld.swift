import Catalog
import Postgres

/// A small catalogue in which every kind of row occurs and nothing is wrong, made with all triggers at work.
///
/// Task 1 runs: job 0 is done, 1 is leased, 2 recovers, 3 waits again, 4 was given up, 5 to 9 never left the queue. Task 2
/// reads the closed dataset that task 3 filled.
enum DoctorWorld {
    static let script = """
        SET LOCAL search_path = millrace, public;
        INSERT INTO site (name) VALUES ('LOCAL');
        INSERT INTO storage_element (name, site, kind, base) VALUES ('DISK', 'LOCAL', 'posix', '/disk'), ('HOME', NULL, 'posix', '/home');
        INSERT INTO sample (process, generator, energy, producer, root_name, total_events) VALUES ('uds', 'Pythia', 91, 'p', 'uds91', 100);
        INSERT INTO simulation (ssw, ssw_ver, detector_model, physics_list) VALUES ('s', 'v', 'd', 'l');
        INSERT INTO workflow (name, version, document, sha256, owner) VALUES ('w', 1, '{}', repeat('0', 64), 'ann');
        INSERT INTO class (cores, memory_mb, walltime_s, disk_mb, platform, tags, sites, storage)
        VALUES (1, 1000, 3600, 1000, 'any', '{}', '{}', '{}');
        INSERT INTO agent_session (site, agent, session, sequence, reply_to, room, cores, memory_mb, walltime_s, disk_mb, platform, tags,
                                   storage, last_seen)
        VALUES ('LOCAL', 'a', gen_random_uuid(), 1, 'site.LOCAL.a', 1, 1, 1000, 3600, 1000, 'any', '{}', '{DISK,HOME}', now());

        INSERT INTO request (workflow, parameters, seed, owner, sample, simulation, submission)
        VALUES (1, '{}', 1, 'ann', 1, 1, gen_random_uuid()), (1, '{}', 1, 'ann', NULL, NULL, gen_random_uuid()),
               (1, '{}', 1, 'ann', NULL, NULL, gen_random_uuid());
        UPDATE request SET state = 'approved', version = 2;
        INSERT INTO task (request, name, position, kind, class, priority, spec, jobs_total, events_total, events_per_job)
        VALUES (1, 'make', 0, 'generate', 1, 100, '{}', 10, 100, 10), (2, 'read', 0, 'merge', 1, 100, '{}', NULL, NULL, NULL),
               (3, 'raw', 0, 'generate', 1, 100, '{}', 1, 10, 10);
        INSERT INTO task_stream (task, stream, counted, main) VALUES (1, 'out', true, true), (2, 'out', true, true), (3, 'out', true, true);
        INSERT INTO dataset (name, task, stream, home) VALUES ('made', 1, 'out', 'HOME'), ('read', 2, 'out', 'HOME'), ('raw', 3, 'out', 'HOME');
        INSERT INTO task_input (task, position, dataset) VALUES (2, 0, 'raw');
        UPDATE task SET state = 'running', version = 2 WHERE id IN (1, 3);
        UPDATE request SET state = 'running', version = 3 WHERE id IN (1, 3);
        \(Self.lease(task: 3, index: 0))
        \(Self.accept(task: 3, index: 0, lfn: "/raw/0", dataset: 3, file: 1))
        UPDATE task SET state = 'finishing', version = 3 WHERE id = 3;
        UPDATE task SET state = 'done', version = 4 WHERE id = 3;
        UPDATE dataset SET state = 'closed', version = 2, closed = now() WHERE id = 3;
        UPDATE request SET state = 'finished', version = 4 WHERE id = 3;

        INSERT INTO job (task, index, events_expected, state) VALUES (2, 0, 10, 'waiting');
        INSERT INTO unit_input (task, index, file, slice) VALUES (2, 0, 1, '[0,10)');
        INSERT INTO merge_input (task, index, src_task, src_index, stream) VALUES (2, 0, 3, 0, 'out');
        INSERT INTO waiting (task, first, last, class, priority) VALUES (2, 0, 0, 1, 100);
        UPDATE task SET state = 'running', version = 2, jobs_total = 1, events_total = 10 WHERE id = 2;
        UPDATE request SET state = 'running', version = 3 WHERE id = 2;

        INSERT INTO waiting (task, first, last, class, priority) VALUES (1, 5, 9, 1, 100);
        \((0..<5).map { Self.lease(task: 1, index: $0) }.joined(separator: "\n"))
        \(Self.accept(task: 1, index: 0, lfn: "/made/0", dataset: 1, file: 2))
        \([2, 3, 4].map { Self.fail(task: 1, index: $0) }.joined(separator: "\n"))
        UPDATE verdict SET carried_out_at = now() WHERE index IN (3, 4);
        UPDATE job SET state = 'waiting', version = 3 WHERE task = 1 AND index = 3;
        INSERT INTO waiting (task, first, last, class, priority) VALUES (1, 3, 3, 1, 100);
        UPDATE job SET state = 'aborted', version = 3 WHERE task = 1 AND index = 4;

        INSERT INTO transfer (file, source, destination) VALUES (2, 'DISK', 'HOME');
        UPDATE transfer SET state = 'active', version = 2, token = gen_random_uuid(), lease_until = now() + interval '1 minute';
        UPDATE transfer SET state = 'done', version = 3, token = NULL, lease_until = NULL;
        SELECT count_failures(100);
        """

    static func lease(task: Int, index: Int) -> String {
        """
        INSERT INTO job (task, index, events_expected, state, attempts) VALUES (\(task), \(index), 10, 'active', 1);
        INSERT INTO attempt (task, index, attempt, token, site, agent, events_expected)
        VALUES (\(task), \(index), 1, gen_random_uuid(), 'LOCAL', 'a', 10);
        INSERT INTO lease (task, index, attempt, holder, token, site, state)
        VALUES (\(task), \(index), 1, 1, gen_random_uuid(), 'LOCAL', 'leased');
        UPDATE lease SET state = 'running', version = 2 WHERE task = \(task) AND index = \(index);
        """
    }

    static func accept(task: Int, index: Int, lfn: String, dataset: Int, file: Int) -> String {
        """
        DELETE FROM lease WHERE task = \(task) AND index = \(index);
        UPDATE attempt SET state = 'done', left_from = 'running', version = 4, ended_at = now(), finished_at = now(), events_read = 10
        WHERE task = \(task) AND index = \(index);
        INSERT INTO file (lfn, bytes, adler32, crc32c, events, task, index, attempt, site, created)
        VALUES ('\(lfn)', 5, '00000001', '00000001', 10, \(task), \(index), 1, 'LOCAL', now() - interval '1 hour');
        INSERT INTO replica (file, storage, state) VALUES (\(file), 'DISK', 'available'), (\(file), 'HOME', 'available');
        INSERT INTO output (task, index, attempt, stream, events, counted, file) VALUES (\(task), \(index), 1, 'out', 10, true, \(file));
        INSERT INTO winner (task, index, attempt) VALUES (\(task), \(index), 1);
        INSERT INTO accepted (task, index, stream, attempt, events) VALUES (\(task), \(index), 'out', 1, 10);
        INSERT INTO dataset_file (dataset, file) VALUES (\(dataset), \(file));
        UPDATE job SET state = 'done', version = 2 WHERE task = \(task) AND index = \(index);
        """
    }

    private static func fail(task: Int, index: Int) -> String {
        """
        DELETE FROM lease WHERE task = \(task) AND index = \(index);
        UPDATE attempt SET state = 'failed', left_from = 'running', version = 3, ended_at = now() - interval '1 hour', code = 1001
        WHERE task = \(task) AND index = \(index);
        INSERT INTO verdict (task, index, attempt, site, action, class, blame, code, diagnostic, fingerprint, rule, reason, counted)
        VALUES (\(task), \(index), 1, 'LOCAL', 'resubmit', 'payload', 'payload', 1001, 'd', 'f', 'payload', 'r', true);
        UPDATE job SET state = 'recovering', version = 2, failures = 1 WHERE task = \(task) AND index = \(index);
        """
    }
}
