/// A production as the services would have left it, for pages and listings.
enum Production {
    static let attack =
        "<img src=x onerror=\"document.title='broken in'\"><script>document.title='broken in'</script> exit status 134"

    /// Sites, storage, and a workflow; nothing requested yet.
    static let farm = """
        SET search_path = millrace, public;
        INSERT INTO cloud VALUES ('west'), ('east');
        INSERT INTO site (name, cloud) VALUES ('lyon', 'west'), ('desy', 'west'), ('kek', 'east'), ('fermilab', 'west');
        INSERT INTO storage_element (name, site, kind, base) VALUES ('vault', NULL, 'posix', '/tmp');
        """

    /// A request that runs, one that is new, one that has finished.
    static func running(base: String = "/tmp") -> String {
        """
        \(Self.farm)
        UPDATE storage_element SET base = '\(base)';
        INSERT INTO storage_element (name, site, kind, base) VALUES ('lyon-disk', 'lyon', 'posix', '\(base)');
        INSERT INTO sample (process, generator, energy, producer, root_name, total_events)
            VALUES ('e+e- -> Z H', 'whizard-3.1', 250, 'mary', 'zh250', 10000000), ('e+e- -> W W', 'whizard-3.1', 500, 'mary', 'ww500', 2000000);
        INSERT INTO simulation (ssw, ssw_ver, detector_model, physics_list)
            VALUES ('mokka', '08-05', 'ILD_o1_v06', 'QGSP_BERT'), ('ddsim', '01-30', 'ILD_l5_v02', 'FTFP_BERT');
        INSERT INTO workflow (name, version, document, sha256, owner)
            VALUES ('tpc-study', 1, '{"name": "tpc-study", "description": "End plates of a TPC", "parameters": {"tune": {"default": "a"}}, "tasks": [
                {"name": "simulate", "kind": "generate", "events": 1000000, "eventsPerJob": 500, "steps": [{"name": "run", "command": ["sim", "${tune}"]}],
                 "outputs": [{"stream": "events", "file": "events.slcio"}]}]}', repeat('a', 64), 'mary');
        INSERT INTO request (workflow, title, parameters, seed, owner, sample, simulation, submission, state)
            VALUES (1, 'ZH at 250 GeV, left-handed', '{}', 4711, 'mary', 1, 1, gen_random_uuid(), 'new'),
                   (1, 'WW background at 500 GeV', '{}', 4712, 'john', 2, 2, gen_random_uuid(), 'new'),
                   (1, 'End-plate resolution, scan of pad sizes', '{}', 4713, 'mary', NULL, NULL, gen_random_uuid(), 'new');
        UPDATE request SET state = 'approved', version = 2, who = 'olga' WHERE id IN (1, 2);
        UPDATE request SET state = 'running', version = 3, who = NULL WHERE id IN (1, 2);
        INSERT INTO class (cores, memory_mb, walltime_s, disk_mb, platform, tags, sites, storage)
            VALUES (1, 2000, 86400, 1000, 'any', '{}', '{}', '{}'), (8, 16000, 86400, 1000, 'any', '{gpu}', '{}', '{}');
        INSERT INTO task (request, name, position, kind, class, priority, spec, jobs_total, events_total, events_per_job)
            VALUES (1, 'simulate', 0, 'generate', 1, 100, '{}', 2000, 1000000, 500), (1, 'merge', 1, 'merge', 1, 100, '{}', 100, 1000000, NULL),
                   (2, 'simulate', 0, 'generate', 2, 50, '{}', 800, 400000, 500);
        UPDATE task SET state = 'running', version = 2 WHERE id IN (1, 2, 3);
        UPDATE task SET state = 'paused', paused_from = 'running', version = 3, cause = 'the same failure on 12 jobs', who = NULL WHERE id = 3;
        INSERT INTO task_stream VALUES (1, 'events', true, true), (1, 'plot', false, false), (2, 'merged', true, true), (3, 'events', true, true);
        INSERT INTO task_input (task, position, parent, stream) VALUES (2, 0, 1, 'events');
        INSERT INTO dataset (name, task, stream, home, who) VALUES ('1.simulate.events', 1, 'events', 'vault', 'olga'),
            ('1.merge.merged', 2, 'merged', 'vault', 'olga'), ('1.simulate.plot', 1, 'plot', 'vault', 'olga');
        INSERT INTO waiting (task, first, last, class, priority, held) VALUES (1, 1300, 1999, 1, 100, false), (3, 120, 799, 2, 50, true);
        INSERT INTO agent_session (site, agent, session, sequence, reply_to, room, cores, memory_mb, walltime_s, disk_mb, platform, tags,
                                   storage, last_seen, held_count)
            VALUES ('lyon', 'ce1', gen_random_uuid(), 7, 'site.lyon.ce1', 0, 8, 2000, 172800, 50000, 'linux-x86_64', '{}', '{vault}', clock_timestamp(), 120),
                   ('desy', 'ce1', gen_random_uuid(), 9, 'site.desy.ce1', 4, 8, 2000, 172800, 50000, 'linux-x86_64', '{}', '{vault}', clock_timestamp(), 86),
                   ('kek', 'ce1', gen_random_uuid(), 3, 'site.kek.ce1', 0, 4, 2000, 172800, 50000, 'linux-x86_64', '{}', '{vault}',
                    clock_timestamp() - interval '4 minutes', 24);
        UPDATE agent_session SET state = 'silent' WHERE site = 'kek';
        UPDATE site SET access = 'banned', version = 2, reason = 'nodes lose their scratch disk', who = 'olga' WHERE name = 'fermilab';
        INSERT INTO job (task, index, events_expected, state) SELECT 1, i, 500, 'waiting' FROM generate_series(0, 1299) i;
        INSERT INTO job (task, index, events_expected, state) SELECT 3, i, 500, 'waiting' FROM generate_series(0, 119) i;
        UPDATE job SET state = 'active', attempts = 1, version = 2;
        INSERT INTO attempt (task, index, attempt, token, site, agent, node, events_expected, leased_at, started_at)
            SELECT task, index, 1, gen_random_uuid(), (ARRAY['lyon', 'desy', 'kek'])[1 + index % 3], 'ce1', 'node' || index % 40, 500,
                   now() - interval '20 minutes', now() - interval '19 minutes' FROM job;
        INSERT INTO lease (task, index, attempt, holder, token, site, state)
            SELECT task, index, 1, 1 + index % 3, token, site, 'leased' FROM attempt WHERE task = 1 AND index >= 1070;
        UPDATE lease SET state = 'running', version = 2;
        UPDATE attempt SET state = 'failed', left_from = 'running', version = 2, ended_at = clock_timestamp() - interval '1 minute' * (index % 30),
            code = 1001, blame = 'payload', diagnostic = 'exit status 1', log = 'Traceback: last words'
            WHERE (task = 1 AND index BETWEEN 1000 AND 1069) OR task = 3;
        INSERT INTO verdict (task, index, attempt, site, node, action, class, blame, code, diagnostic, fingerprint, rule, reason, counted, at)
            SELECT task, index, 1, site, node, CASE WHEN index % 7 = 0 THEN 'abort' ELSE 'resubmit' END, 'payload', 'payload', 1001,
                   CASE WHEN index = 1069 THEN '\(Self.attack.replacing("'", with: "''"))' ELSE 'exit status 1: segmentation violation in the drift of electron ' || index END,
                   '1001:x', 'payload', 'failure 1 of 3 allowed', true, now() - interval '1 second' * (1100 - index) * 3
            FROM attempt WHERE state = 'failed' AND task = 1;
        UPDATE job SET state = 'recovering', version = 3, failures = 1 WHERE (task = 1 AND index BETWEEN 1000 AND 1069) OR task = 3;
        UPDATE job SET state = 'aborted', version = 4 WHERE task = 1 AND index BETWEEN 1000 AND 1069 AND index % 7 = 0;
        \(Self.books)
        INSERT INTO service_instance (service, instance, host, pid, version, started_at, seen_at, progressed_at, done, trouble) VALUES
            ('scheduler', 'node1-4711', 'node1', 4711, '0.1.0', now(), clock_timestamp() + interval '1 hour', now(), 1300, NULL),
            ('monitor', 'node1-4712', 'node1', 4712, '0.1.0', now(), clock_timestamp() + interval '1 hour', now(), 912, NULL),
            ('bookkeeper', 'node1-4713', 'node1', 4713, '0.1.0', now(), clock_timestamp() + interval '1 hour', now(), 1000, NULL),
            ('transfer', 'node1-4714', 'node1', 4714, '0.1.0', now(), now() - interval '5 minutes', now(), 12, 'queue transfer.vault: not connected yet');
        INSERT INTO excluded_place (site, node, phase, reason, round, pause_seconds, probes) VALUES ('lyon', 'n3', 'resting', '12 of 12 attempts failed', 1, 600, 3);
        INSERT INTO share (name, parent, weight, who) VALUES ('ilc', NULL, 3, 'steve'), ('reco', 'ilc', 1, 'steve');
        INSERT INTO batch_submission (site, agent, name, task, attempts, input_files) VALUES ('desy', 'agent1', '4711', 1, 40, 40);
        INSERT INTO suspicion (file, task, index, attempt, site, code, diagnostic)
            SELECT min(id), 1, 1001, 1, 'desy', 7001, 'not on the storage it should be on' FROM file;
        INSERT INTO failure_rule (name, kind, priority, code_first, code_last, action, who) VALUES ('payload', 'action', 90, 1000, 1999, 'resubmit', 'millrace');
        INSERT INTO archived_task (task, state, jobs, done, aborted, events, sources, log, reason, who)
            VALUES (2, 'archived', 0, 0, 0, 0, '{1}', 0, 'kept for the record', 'olga');
        ALTER TABLE cleanup DISABLE TRIGGER guard_new;
        INSERT INTO cleanup (request, closed_too, reason, who) VALUES (3, false, 'wrong field map', 'mary');
        ALTER TABLE cleanup ENABLE TRIGGER guard_new;
        ANALYZE;
        """
    }

    /// Sixty requests that came after the others and have ended, and more submissions, one of another task.
    static let manyFinished = """
        INSERT INTO request (workflow, title, parameters, seed, owner, submission, state)
            SELECT 1, 'calibration ' || i, '{"tune": "a"}', i, 'john', gen_random_uuid(), 'new' FROM generate_series(1, 60) i;
        UPDATE request SET state = 'approved', version = 2, who = 'olga' WHERE title LIKE 'calibration %';
        UPDATE request SET state = 'finished', version = 3, who = NULL, cause = 'every task is done' WHERE title LIKE 'calibration %';
        INSERT INTO batch_submission (site, agent, name, task, attempts, input_files)
            VALUES ('lyon', 'ce1', '4712.head1', 1, 1200, 1200), ('kek', 'ce1', '99', 3, 120, 0);
        UPDATE attempt SET submission = 2 WHERE task = 1 AND site = 'lyon';
        ANALYZE;
        """

    /// In the workflow of request 1 the merge stands before what it merges.
    static let mergeListedFirst = "UPDATE task SET position = 1 - position WHERE request = 1;"

    /// A thousand finished jobs with their files, one plot, and a merged file made from two of them.
    private static let books = """
        UPDATE attempt SET state = 'done', left_from = 'running', version = 2, finished_at = now(), ended_at = now(), events_read = 500,
            cpu_seconds = 900, wall_seconds = 1000 WHERE task = 1 AND index < 1000;
        INSERT INTO file (lfn, bytes, adler32, crc32c, events, task, index, attempt, site)
            SELECT '/1/simulate/events/0/1.' || index || '.1.slcio', 1000 + index, '0000abcd', '0000abcd', 500, 1, index, 1, site
            FROM attempt WHERE task = 1 AND index < 1000;
        INSERT INTO file (lfn, bytes, adler32, crc32c, events, task, index, attempt)
            VALUES ('/1/simulate/plot/0/1.0.1.png', 70, '0000abcd', '0000abcd', 0, 1, 0, 1),
                   ('/1/merge/merged/0/2.0.1.slcio', 5000, '0000abcd', '0000abcd', 1000, NULL, NULL, NULL);
        INSERT INTO file_parent SELECT m.id, f.id FROM file m, file f
            WHERE m.lfn = '/1/merge/merged/0/2.0.1.slcio' AND f.lfn IN ('/1/simulate/events/0/1.0.1.slcio', '/1/simulate/events/0/1.1.1.slcio');
        INSERT INTO replica (file, storage, state) SELECT id, 'vault', 'available' FROM file;
        INSERT INTO output (task, index, attempt, stream, events, counted, file)
            SELECT 1, index, 1, 'events', 500, true, id FROM file WHERE task = 1 AND lfn LIKE '%/events/%';
        INSERT INTO output (task, index, attempt, stream, events, counted, file)
            SELECT 1, 0, 1, 'plot', 0, false, id FROM file WHERE lfn LIKE '%/plot/%';
        INSERT INTO winner (task, index, attempt) SELECT 1, index, 1 FROM attempt WHERE task = 1 AND state = 'done';
        INSERT INTO accepted (task, index, stream, attempt, events) SELECT task, index, stream, attempt, events FROM output;
        UPDATE job SET state = 'done', version = 3 WHERE task = 1 AND index < 1000;
        INSERT INTO dataset_file SELECT CASE stream WHEN 'events' THEN 1 ELSE 3 END, file FROM output;
        INSERT INTO transfer (file, source, destination) SELECT id, 'vault', 'lyon-disk' FROM file WHERE index < 3;
        UPDATE transfer SET state = 'failed', version = 2, reason = 'no source is left' WHERE id = 1;
        INSERT INTO metadata_field (name, type, description, who) VALUES ('run', 'integer', 'of the detector', 'olga'),
            ('quality', 'text', '', 'olga');
        INSERT INTO file_metadata (file, field, type, integer_value) SELECT id, 1, 'integer', index / 100 FROM file WHERE task = 1;
        INSERT INTO dataset_metadata (dataset, field, type, text_value) VALUES (1, 2, 'text', 'good');
        INSERT INTO metadata_change (subject, change, detail, who) VALUES ('dataset:1.simulate.events', 'changed', '{"quality": "good"}', 'mary');
        INSERT INTO dataset (name, home, who) VALUES ('brought', 'vault', 'olga');
        INSERT INTO registration (dataset, storage, lfn, bytes, adler32, events, who)
            VALUES (4, 'vault', '/old/a.slcio', 5, '0000abcd', 10, 'olga'), (4, 'vault', '/old/b.slcio', 6, '0000abcd', 10, 'olga');
        INSERT INTO container (name, owner) VALUES ('study', 'mary'), ('nothing-yet', 'john');
        INSERT INTO container_member VALUES (1, 1);
        """
}
