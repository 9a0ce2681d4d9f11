/// ``ErrorWorld`` as people look at it: with agents, excluded places, a job that waits, words of an attacker wherever a
/// site may write, and evidence that rules can be tried on.
enum FailureWorld {
    /// In an SQL literal.
    private static let attack = Production.attack.replacing("'", with: "''")

    static let script = """
        \(ErrorWorld.script)
        UPDATE request SET title = 'ZH at 250 GeV' WHERE id = 1;
        UPDATE verdict SET rule = CASE code WHEN 1001 THEN 'payload' WHEN 8101 THEN 'stage-out' ELSE 'agent-lost' END,
            blame_rule = CASE code WHEN 1001 THEN 'payload-said' END,
            observed = CASE code WHEN 8101 THEN '{quiet}'::text[] ELSE '{}' END, diagnostic = CASE code
                WHEN 1001 THEN 'exit status 7: segmentation violation in the drift of electron ' || index
                WHEN 8101 THEN 'the step left no file tpc.slcio in its folder' ELSE 'nothing heard for 300 s' END,
            carried_out_at = at + interval '2 seconds', at = at - interval '1 minute' * (index % 50);
        UPDATE verdict SET changes = '{"excludedSites": ["lyon"], "memoryMB": 3000}' WHERE code = 8101;
        UPDATE attempt a SET diagnostic = v.diagnostic,
            failures = json_build_array(json_build_object('code', v.code, 'diagnostic', v.diagnostic))
            FROM verdict v WHERE v.task = a.task AND v.index = a.index AND v.attempt = a.attempt;
        UPDATE verdict SET diagnostic = '\(Self.attack)', node = '\(Self.attack)', at = clock_timestamp()
            WHERE task = 1 AND index = 48 AND attempt = 2;
        UPDATE attempt SET diagnostic = '\(Self.attack)', node = '\(Self.attack)', log = 'before' || chr(10) || '\(Self.attack)',
            failures = json_build_array(json_build_object('code', 1001, 'diagnostic', '\(Self.attack)'),
                                        json_build_object('code', 3003, 'diagnostic', 'the wrapper was killed'))
            WHERE task = 1 AND index = 48 AND attempt = 2;
        UPDATE verdict SET forgiven = true WHERE task = 1 AND index = 54 AND attempt = 1;
        UPDATE job SET state = 'recovering', version = version + 1 WHERE task = 1 AND index = 48;
        INSERT INTO waiting (task, first, last, class, priority, held) VALUES (4, 0, 4, 2, 100, false);
        INSERT INTO agent_session (site, agent, session, sequence, reply_to, room, cores, memory_mb, walltime_s, disk_mb,
                                   platform, tags, storage, last_seen, held_count)
            SELECT site, 'ce1', gen_random_uuid(), 7, 'site.' || site || '.ce1', 0, cores, 2000, 172800, 50000,
                   'linux-x86_64', '{}', '{vault}', clock_timestamp(), 12
            FROM (VALUES ('lyon', 8), ('desy', 8), ('kek', 4), ('fermilab', 16)) AS i(site, cores);
        UPDATE site SET access = 'banned', version = 2, reason = 'power cut until Monday: \(Self.attack)', who = 'olga'
            WHERE name = 'fermilab';
        UPDATE site SET access = 'draining', version = 2, reason = 'resting after it failed', who = 'monitor'
            WHERE name = 'kek';
        INSERT INTO excluded_place (site, node, phase, reason, round, pause_seconds, since, excluded_at, probes) VALUES
            ('lyon', 'n3', 'resting', '12 of 12 attempts failed within 40 s, elsewhere 3 %', 1, 600,
                now() - interval '4 minutes', now() - interval '4 minutes', 3),
            ('desy', 'n17', 'resting', '31 of 40 attempts failed, elsewhere 3 %', 2, 1200,
                now() - interval '3 minutes', now() - interval '35 minutes', 3),
            ('kek', '', 'resting', '210 of 230 attempts failed: \(Self.attack)', 3, 2400,
                now() - interval '30 minutes', now() - interval '2 hours', 3);
        UPDATE excluded_place SET phase = 'probing' WHERE site = 'desy';
        INSERT INTO place_tally (minute, site, node, task, slot, good, failed, good_wall, failed_wall)
            VALUES (date_trunc('minute', now()), 'desy', 'n17', 1, 0, 2, 0, 100, 0);
        INSERT INTO failure_rule (name, kind, priority, code_first, code_last, pattern, action, parameters, why, active, who)
            VALUES ('quiet', 'action', 50, 8101, 8101, '\(Self.attack.replacing("[", with: ""))', 'resubmit', '{"limit": 2}',
                    '\(Self.attack)', false, 'olga');
        ANALYZE;
        """

    /// One task more, of which five attempts ended today before it was archived.
    static let archived = """
        INSERT INTO task (request, name, position, kind, class, priority, spec, jobs_total, events_total, events_per_job)
            VALUES (3, 'older', 1, 'generate', 1, 100, '{}', 5, 50, 10);
        INSERT INTO production (day, task, site, class, blame, slot, cloud, attempts, failed)
            SELECT utc_day(now()), id, 'lyon', 1, 'payload', -1, 'west', 5, 5 FROM task WHERE name = 'older';
        INSERT INTO archived_task (task, state, jobs, done, aborted, events, sources, log, who)
            SELECT id, 'archived', 5, 5, 0, 50, '{}', 0, 'olga' FROM task WHERE name = 'older';
        """
}
