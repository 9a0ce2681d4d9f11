package import Postgres

/// Fills a database for a benchmark as years of work would, with triggers and checks of keys off: only into a farm made for it,
/// by a user who may set `session_replication_role`.
///
/// Of 100 jobs of a grown task 95 are done, each with a file in the task's dataset, one is given up, one recovers, one runs, two wait
/// again; every second job failed once before. What ended did so in the last days, the newest task last.
package enum GrowthStatements {
    /// A task that is to be filled.
    package struct Task: Sendable {
        package let id: Int64
        package let dataset: Int64
        /// Its files are numbered from here.
        package let firstFile: Int64
        package let jobs: Int64
        /// When its first and its last job ended, seconds ago.
        package let began: Double
        package let ended: Double

        package init(id: Int64, dataset: Int64, firstFile: Int64, jobs: Int64, began: Double, ended: Double) {
            self.id = id
            self.dataset = dataset
            self.firstFile = firstFile
            self.jobs = jobs
            self.began = began
            self.ended = ended
        }
    }

    /// What every grown transaction begins with.
    package static let quietly: SQL = "SET LOCAL session_replication_role = replica"

    /// What autovacuum and the writing of dirty pages would have done by then, and would otherwise do while something is measured. What is
    /// empty is not analysed: the planner would go on believing that it is, and plans made before it grows would be bad ones.
    package static let settle: [SQL] = [
        "VACUUM file, replica, output, winner, accepted, dataset_file, transition, job, attempt, transfer",
        Self.analyze, "CHECKPOINT",
    ]

    private static let analyze: SQL = """
        DO $$ DECLARE t regclass; BEGIN
            FOR t IN SELECT c.oid FROM pg_class c WHERE c.relnamespace = 'millrace'::regnamespace AND c.relkind = 'r' AND pg_relation_size(c.oid) > 0 LOOP
                EXECUTE format('ANALYZE %s', t);
            END LOOP;
        END $$
        """

    /// Jobs and attempts in the catalogue.
    package static let size = Statement<Int64, Int64>(
        "growth.size",
        "SELECT (SELECT count(*) FROM job), (SELECT count(*) FROM attempt)",
        returning: Int64.self,
        Int64.self
    )

    /// A done job of a grown task that failed once before: task, request, index, lfn, site, dataset.
    package static let sample = Statement<Int64, Int64, Int64, String, String, String>(
        "growth.sample",
        """
        SELECT t.id, t.request, f.index, f.lfn, f.site, d.name
        FROM (SELECT max(task) AS task FROM file WHERE lfn LIKE '/grown/%') g JOIN task t ON t.id = g.task
        JOIN dataset d ON d.task = t.id JOIN file f ON f.task = t.id AND f.index = 1 ORDER BY 1 LIMIT 1
        """,
        returning: Int64.self,
        Int64.self,
        Int64.self,
        String.self,
        String.self,
        String.self
    )

    /// Twenty sites with a storage element and five agents each, a home for the files, and a workflow.
    package static let farm: [SQL] = [
        // Nobody answers for these sites: their attempts are not to be given up while something is measured.
        """
        INSERT INTO site (name, lost_after) SELECT 'GROWN' || n, interval '10000 days' FROM generate_series(0, 19) n
        ON CONFLICT DO NOTHING
        """,
        """
        INSERT INTO storage_element (name, site, kind, base)
        SELECT 'GROWN-DISK' || n, 'GROWN' || n, 'posix', '/nonexistent' FROM generate_series(0, 19) n
        UNION ALL SELECT 'GROWN-HOME', NULL, 'posix', '/nonexistent' ON CONFLICT DO NOTHING
        """,
        """
        INSERT INTO workflow (name, version, document, sha256, owner) VALUES ('bench-grown', 1, '{}', repeat('0', 64), 'bench')
        ON CONFLICT DO NOTHING
        """,
        """
        INSERT INTO class (cores, memory_mb, walltime_s, disk_mb, platform, tags, sites, storage)
        VALUES (1, 1000, 3600, 1000, 'any', '{}', '{GROWN0}', '{}') ON CONFLICT DO NOTHING
        """,
        """
        INSERT INTO agent_session (site, agent, session, sequence, reply_to, room, cores, memory_mb, walltime_s, disk_mb, platform, tags,
                                   storage, last_seen)
        SELECT 'GROWN' || n % 20, 'grown' || n, gen_random_uuid(), 1, 'site.GROWN' || n % 20 || '.grown' || n, 0, 1, 1000, 3600, 1000,
               'any', '{}', '{}', now()
        FROM generate_series(0, 99) n ON CONFLICT DO NOTHING
        """,
    ]

    /// A running request with one running task of so many jobs: task, its dataset, the number of its first file.
    package static func begin(jobs: Int64, number: Int64) -> Statement<Int64, Int64, Int64> {
        Statement(
            "growth.begin",
            """
            WITH r AS (
                INSERT INTO request (workflow, title, parameters, seed, owner, state, version, submission)
                SELECT id, 'grown', '{}', 1, 'user' || \(number) % 10, 'running', 3, gen_random_uuid() FROM workflow WHERE name = 'bench-grown'
                RETURNING id
            ), t AS (
                INSERT INTO task (request, name, position, kind, class, priority, spec, jobs_total, events_total, events_per_job, state, version)
                SELECT r.id, 'make', 0, 'generate', c.id, 100, '{}', \(jobs), \(jobs) * 10, 10, 'running', 2
                FROM r, class c WHERE c.sites = '{GROWN0}' RETURNING id, request
            ), s AS (
                INSERT INTO task_stream (task, stream, counted, main) SELECT id, 'out', true, true FROM t
            ), d AS (
                INSERT INTO dataset (name, task, stream, home) SELECT request || '.make.out', id, 'out', 'GROWN-HOME' FROM t RETURNING id
            )
            SELECT t.id, d.id, setval('file_id_seq', nextval('file_id_seq') + \(jobs)) - \(jobs) FROM t, d
            """,
            returning: Int64.self,
            Int64.self,
            Int64.self
        )
    }

    /// All rows of one task. No larger than a transaction should be: tens of thousands of jobs.
    package static func rows(_ task: Task) -> [SQL] {
        Self.work(task) + Self.books(task) + Self.history(task) + Self.log(task)
    }

    /// Its attempts: index `i`, number `n`, how each ended (NULL: it runs), where, with what code, and when.
    private static func attempts(_ task: Task) -> SQL {
        """
        (SELECT i, n, CASE WHEN n = 1 + i % 2 AND i % 100 < 95 THEN 'done' WHEN n = 1 + i % 2 AND i % 100 = 97 THEN NULL ELSE 'failed' END AS state,
                n = 1 + i % 2 AS is_last, 'GROWN' || (i * 7 + n) % 20 AS site, 'node' || i % 50 AS node,
                (ARRAY[1001, 1002, 2001, 3001, 5001, 5002, 7001, 8001])[1 + (i / 3 + n) % 8] AS code,
                now() - make_interval(secs => \(task.began) - (\(task.began) - \(task.ended)) * i / \(Double(task.jobs))) AS at
         FROM generate_series(0::bigint, \(task.jobs) - 1) i CROSS JOIN LATERAL generate_series(1, (1 + i % 2)::int) n)
        """
    }

    private static func work(_ task: Task) -> [SQL] {
        [
            """
            INSERT INTO job (task, index, events_expected, state, attempts, failures, version, cause)
            SELECT \(task.id), i, 10, CASE WHEN i % 100 < 95 THEN 'done' WHEN i % 100 = 95 THEN 'aborted' WHEN i % 100 = 96 THEN 'recovering'
                                           WHEN i % 100 = 97 THEN 'active' ELSE 'waiting' END,
                   1 + i % 2, CASE WHEN i % 100 < 95 OR i % 100 = 97 THEN i % 2 ELSE 1 + i % 2 END, 5, 'grown'
            FROM generate_series(0::bigint, \(task.jobs) - 1) i
            """,
            """
            INSERT INTO batch_submission (site, agent, name, task, attempts, input_files)
            SELECT site, 'grown' || i % 100, 'grid-' || i / 5000, \(task.id), count(*), 0 FROM \(fragment: Self.attempts(task)) a
            GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
            """,
            """
            INSERT INTO attempt (task, index, attempt, token, site, agent, node, batch_id, submission, events_expected, events_read, state,
                                 left_from, version, step, leased_at, started_at, finished_at, ended_at, cpu_seconds, wall_seconds, memory_peak, code,
                                 blame, diagnostic, steps, log, leased_class)
            SELECT \(task.id), i, n, gen_random_uuid(), a.site, 'grown' || i % 100, node, i::text, b.id, 10, CASE WHEN state = 'done' THEN 10 END, state,
                   CASE WHEN state IS NOT NULL THEN 'running' END, 4, 'make', a.at - interval '1 hour', a.at - interval '1 hour',
                   CASE WHEN state = 'done' THEN a.at END, CASE WHEN state IS NOT NULL THEN a.at END, 3000, 3600, 1000000000,
                   CASE WHEN state = 'failed' THEN code END, CASE WHEN state = 'failed' THEN 'payload' END,
                   CASE WHEN state = 'failed' THEN 'exit status ' || code END, '[]', CASE WHEN state = 'failed' THEN 'last line of the log' END,
                   (SELECT t.class FROM task t WHERE t.id = \(task.id))
            FROM \(fragment: Self.attempts(task)) a
            JOIN batch_submission b ON b.task = \(task.id) AND b.site = a.site AND b.agent = 'grown' || a.i % 100 AND b.name = 'grid-' || a.i / 5000
            """,
            """
            INSERT INTO lease (task, index, attempt, holder, token, site, state)
            SELECT \(task.id), a.i, a.n, s.id, gen_random_uuid(), a.site, 'running'
            FROM \(fragment: Self.attempts(task)) a JOIN agent_session s ON s.agent = 'grown' || a.i % 100 WHERE a.state IS NULL
            """,
            """
            INSERT INTO verdict (task, index, attempt, site, node, action, class, blame, code, diagnostic, fingerprint, rule, reason, counted,
                                 at, carried_out_at)
            SELECT \(task.id), i, n, site, node, CASE WHEN i % 100 = 95 AND is_last THEN 'abort' ELSE 'resubmit' END,
                   (ARRAY['payload', 'limit', 'wrapper', 'software', 'site', 'batch', 'data', 'output'])[code / 1000], 'payload', code,
                   'exit status ' || code, code || ':exit status', 'payload', 'grown', true, at,
                   CASE WHEN i % 100 <> 96 OR NOT is_last THEN at END
            FROM \(fragment: Self.attempts(task)) a WHERE state = 'failed'
            """,
            """
            INSERT INTO waiting (task, first, last, class, priority)
            SELECT \(task.id), i, i, t.class, 100 FROM task t, generate_series(0::bigint, \(task.jobs) - 1) i
            WHERE t.id = \(task.id) AND i % 100 >= 98
            """,
            """
            INSERT INTO task_counter (task, slot, active, done, aborted, recovering, events, lost)
            SELECT \(task.id), 0, count(*) FILTER (WHERE i % 100 = 97), count(*) FILTER (WHERE i % 100 < 95), count(*) FILTER (WHERE i % 100 = 95),
                   count(*) FILTER (WHERE i % 100 = 96), 10 * count(*) FILTER (WHERE i % 100 < 95), 10 * count(*) FILTER (WHERE i % 100 = 95)
            FROM generate_series(0::bigint, \(task.jobs) - 1) i
            """,
        ]
    }

    private static func books(_ task: Task) -> [SQL] {
        let done: SQL = "\(fragment: Self.attempts(task)) a WHERE a.state = 'done'"
        return [
            """
            INSERT INTO file (id, lfn, bytes, adler32, crc32c, events, task, index, attempt, software, site, created) OVERRIDING SYSTEM VALUE
            SELECT \(task.firstFile) + i, '/grown/' || \(task.id) || '/' || i || '/out.dat', 1000 + i, '0000000a', '0000000b', 10, \(task.id), i, n,
                   'grown-1', site, at FROM \(fragment: done)
            """,
            "INSERT INTO replica (file, storage, state) SELECT \(task.firstFile) + i, 'GROWN-HOME', 'available' FROM \(fragment: done)",
            """
            INSERT INTO output (task, index, attempt, stream, events, counted, file)
            SELECT \(task.id), i, n, 'out', 10, true, \(task.firstFile) + i FROM \(fragment: done)
            """,
            "INSERT INTO winner (task, index, attempt) SELECT \(task.id), i, n FROM \(fragment: done)",
            """
            INSERT INTO accepted (task, index, stream, attempt, events) SELECT \(task.id), i, 'out', n, 10 FROM \(fragment: done)
            """,
            "INSERT INTO dataset_file (dataset, file) SELECT \(task.dataset), \(task.firstFile) + i FROM \(fragment: done)",
            """
            INSERT INTO dataset_counter (dataset, slot, files, bytes, events)
            SELECT \(task.dataset), 0, count(*), sum(1000 + i), count(*) * 10 FROM \(fragment: done)
            """,
            """
            INSERT INTO transfer (file, source, destination, state, version)
            SELECT \(task.firstFile) + i, 'GROWN-DISK' || i % 20, 'GROWN-HOME', 'done', 3 FROM \(fragment: done) AND i % 4 = 0
            """,
        ]
    }

    /// What triggers would have counted.
    private static func history(_ task: Task) -> [SQL] {
        [
            """
            INSERT INTO given_up (task, index, events, first_event, last_event, attempt, site, node, class, code, blame, diagnostic, rule, reason, at)
            SELECT \(task.id), i, 10, i * 10, i * 10 + 9, n, site, node, t.class, code, 'payload', 'exit status ' || code, 'payload', 'grown', at
            FROM \(fragment: Self.attempts(task)) a JOIN task t ON t.id = \(task.id) WHERE i % 100 = 95 AND is_last
            """,
            """
            INSERT INTO production (day, task, site, class, blame, slot, cloud, jobs_done, jobs_aborted, events, attempts, failed, cancelled,
                                    core_ms, lost_core_ms)
            SELECT utc_day(a.at), t.id, a.site, t.class, CASE WHEN a.state = 'failed' THEN 'payload' ELSE '' END, -1, '',
                   count(*) FILTER (WHERE a.state = 'done'), count(*) FILTER (WHERE a.i % 100 = 95 AND a.is_last),
                   10 * count(*) FILTER (WHERE a.state = 'done'), count(*), count(*) FILTER (WHERE a.state = 'failed'), 0,
                   3600000 * count(*), 3600000 * count(*) FILTER (WHERE a.state = 'failed')
            FROM \(fragment: Self.attempts(task)) a JOIN task t ON t.id = \(task.id) WHERE a.state IS NOT NULL GROUP BY 1, 2, 3, 4, 5
            """,
        ]
    }

    /// The last move of each attempt and of each done job. Without a route: they would have been published long ago, and are not to be
    /// published while something is measured.
    private static func log(_ task: Task) -> [SQL] {
        [
            """
            INSERT INTO transition (kind, entity, version, from_state, to_state, who, at, detail)
            SELECT 'attempt', 'attempt:' || \(task.id) || '.' || i || '.' || n, 4, 'running', state, 'bench', at,
                   jsonb_build_object('task', \(task.id)::bigint, 'index', i, 'attempt', n, 'site', site, 'node', node, 'code', code)
            FROM \(fragment: Self.attempts(task)) a WHERE state IS NOT NULL ORDER BY at
            """,
            """
            INSERT INTO transition (kind, entity, version, from_state, to_state, who, at)
            SELECT 'job', 'job:' || \(task.id) || '.' || i, 5, 'active', 'done', 'bench', at
            FROM \(fragment: Self.attempts(task)) a WHERE state = 'done'
            """,
        ]
    }

    static var examples: [AnyStatement] {
        let task = Task(id: 1, dataset: 1, firstFile: 1, jobs: 1, began: 1, ended: 0)
        return [
            Command("growth.quietly", Self.quietly).erased, Self.size.erased, Self.sample.erased,
            Self.begin(jobs: 1, number: 1).erased,
        ]
            + (Self.farm + Self.rows(task)).enumerated().map { Command("growth.\($0)", $1).erased }
    }
}
