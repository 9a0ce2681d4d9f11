import Postgres

/// A small world of failures whose figures the tests count again in SQL of their own: two requests, three tasks, four
/// sites, retries
/// at other sites, attempts without wall time, operators' kills, and one failure that has no verdict yet.
enum ErrorWorld {
    static let script = """
        \(Production.farm)
        INSERT INTO workflow (name, version, document, sha256, owner) VALUES ('w', 1, '{}', repeat('a', 64), 'mary');
        INSERT INTO request (workflow, title, parameters, seed, owner, submission) VALUES
            (1, 'first', '{}', 1, 'mary', gen_random_uuid()), (1, 'second', '{}', 2, 'mary', gen_random_uuid()),
            (1, 'idle', '{}', 3, 'mary', gen_random_uuid());
        UPDATE request SET state = 'approved', version = 2;
        UPDATE request SET state = 'running', version = 3;
        INSERT INTO class (cores, memory_mb, walltime_s, disk_mb, platform, tags, sites, storage)
            VALUES (1, 2000, 86400, 1000, 'any', '{}', '{}', '{}'), (8, 16000, 86400, 1000, 'any', '{}', '{}', '{}');
        INSERT INTO task (request, name, position, kind, class, priority, spec, jobs_total, events_total,
            events_per_job) VALUES
            (1, 'simulate', 0, 'generate', 1, 100, '{}', 60, 600, 10), (1, 'digitise', 1, 'process', 2, 100, '{}', 40,
                400, 10),
            (2, 'simulate', 0, 'generate', 1, 100, '{}', 20, 200, 10), (3, 'nothing', 0, 'generate', 1, 100, '{}', 5,
                50, 10);
        UPDATE task SET state = 'running', version = 2;
        INSERT INTO job (task, index, events_expected, state)
            SELECT t.id, i, 10, 'waiting' FROM task t, generate_series(0, t.jobs_total - 1) i WHERE t.id < 4;
        UPDATE job SET state = 'active', attempts = 1, version = 2;
        \(Self.attempts(1, site: "1 + (index + task) % 4"))
        -- The first attempts: some end well, some fail for reasons of every kind, some are lost or cancelled.
        UPDATE attempt SET state = CASE WHEN index % 3 <> 0 THEN 'done' WHEN index % 9 = 6 THEN 'lost' WHEN index % 15
            = 12 THEN 'cancelled'
                                   ELSE 'failed' END,
            left_from = CASE WHEN index % 3 <> 0 THEN 'finished' ELSE 'running' END, version = 2,
            ended_at = started_at + interval '1 second' * (50 + index),
            code = CASE WHEN index % 3 <> 0 THEN NULL WHEN index % 9 = 6 THEN 9001 WHEN index % 2 = 0 THEN 1001
                ELSE 8101 END,
            blame = CASE WHEN index % 3 <> 0 THEN NULL WHEN index % 9 = 6 THEN 'network' WHEN index % 2 = 0
                THEN 'payload' ELSE 'site' END,
            events_read = CASE WHEN index % 3 <> 0 THEN 10 END, cpu_seconds = CASE WHEN index % 4 <> 1 THEN 30 + index
                END,
            wall_seconds = CASE WHEN index % 5 <> 0 THEN 40 + index END, diagnostic = CASE WHEN index % 3 = 0
                THEN 'exit status ' || index END,
            log = CASE WHEN index % 6 = 0 THEN E'first\\n  the last word of ' || index || E'\\r\\n\\n  \\n' WHEN index
                % 3 = 0 THEN E' \\n' END;
        \(Self.verdicts)
        UPDATE job j SET state = 'recovering', version = 3 FROM verdict v WHERE v.task = j.task AND v.index = j.index;
        UPDATE job j SET state = 'waiting', version = 4 WHERE state = 'recovering';
        -- Those that failed are tried again, at the next site.
        UPDATE job j SET state = 'active', version = 5, attempts = 2 WHERE state = 'waiting';
        \(Self.attempts(2, site: "1 + (index + task + 1) % 4"))
        UPDATE attempt SET state = CASE WHEN index % 6 = 0 THEN 'failed' ELSE 'done' END,
            left_from = CASE WHEN index % 6 = 0 THEN 'running' ELSE 'finished' END, version = 2,
            ended_at = started_at + interval '100 seconds', code = CASE WHEN index % 6 = 0 THEN 1001 END,
            blame = CASE WHEN index % 6 = 0 THEN 'payload' END, events_read = CASE WHEN index % 6 <> 0 THEN 10 END,
                cpu_seconds = 70,
            wall_seconds = 100, log = CASE WHEN index % 6 = 0 THEN 'second ' || index END,
            diagnostic = CASE WHEN index % 6 = 0 THEN 'exit status 7' END
            WHERE attempt = 2;
        \(Self.verdicts)
        -- The end of one long ago, one without a verdict, and what an operator did.
        DELETE FROM verdict WHERE task = 1 AND index = 0 AND attempt = 2;
        UPDATE verdict SET blame = 'operator' WHERE task = 2 AND index IN (0, 3);
        UPDATE attempt SET ended_at = ended_at - interval '10 days', started_at = started_at - interval '10 days'
            WHERE (task, index, attempt) IN ((1, 3, 1), (1, 1, 1), (2, 6, 1));
        ANALYZE;
        """

    private static func attempts(_ number: Int, site: String) -> String {
        """
        INSERT INTO attempt (task, index, attempt, token, site, agent, node, events_expected, leased_at, started_at)
            SELECT task, index, \(number), gen_random_uuid(), (ARRAY['lyon', 'desy', 'kek', 'fermilab'])[\(site)],
                'ce1',
                   CASE WHEN index % 7 <> 0 THEN 'node' || index % 3 END, 10, now() - interval '30 minutes' - interval
                       '1 second' * index,
                   now() - interval '20 minutes' - interval '1 second' * index
            FROM job WHERE state = 'active' AND attempts = \(number);
        """
    }

    /// For each failure that has none.
    private static let verdicts = """
        INSERT INTO verdict (task, index, attempt, site, node, action, class, blame, code, diagnostic, fingerprint,
            rule, reason, counted)
            SELECT a.task, a.index, a.attempt, a.site, a.node, CASE WHEN a.index % 4 = 0 THEN 'abort' ELSE 'resubmit'
                END,
                   CASE a.code / 1000 WHEN 1 THEN 'payload' WHEN 8 THEN 'output and bookkeeping'
                       ELSE 'centre, agent link, cancelled' END,
                   a.blame, a.code, a.diagnostic, a.code || ':exit status #', 'rule-' || a.code, 'because',
                       a.blame = 'payload'
            FROM attempt a WHERE a.state IN ('failed', 'lost')
              AND NOT EXISTS (SELECT 1 FROM verdict v WHERE v.task = a.task AND v.index = a.index
                  AND v.attempt = a.attempt);
        """

    /// `f`: every failure with what the tests count: written without the help of the catalogue's own statements.
    static let failures: SQL = """
        SELECT a.task, a.index, a.attempt, a.site, a.node, a.ended_at, a.state, coalesce(v.code, a.code) AS code,
               coalesce(v.blame, a.blame) AS blame, v.fingerprint, v.rule, v.action, v.class, c.cores, t.request, a.log,
               CASE WHEN a.wall_seconds IS NULL THEN extract(epoch FROM a.ended_at) - extract(epoch FROM a.started_at)
                    ELSE a.wall_seconds END::double precision AS lost
        FROM millrace.attempt a JOIN millrace.task t ON t.id = a.task JOIN millrace.class c ON c.id = t.class
        LEFT JOIN millrace.verdict v ON v.task = a.task AND v.index = a.index AND v.attempt = a.attempt
        WHERE a.state = 'failed' OR a.state = 'lost'
        """
}
