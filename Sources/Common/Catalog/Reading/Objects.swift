package import Domain
package import Postgres

/// Single things with what belongs to them, each the text of one JSON object; no row: there is no such thing.
package enum ObjectStatements {
    package static func request(_ request: Int64) -> Statement<String> {
        Statement(
            "objects.request",
            """
            SELECT row_to_json(d)::text FROM (
                SELECT v.*, r.parameters, r.seed, r.grp AS "group", s.root_name AS sample, row_to_json(m) AS simulation, r.submission,
                       coalesce((SELECT json_agg(t ORDER BY t.position, t.task) FROM (
                           SELECT q.*, \(fragment: Self.failures(of: "q.task")) AS failures FROM task_view q WHERE q.request = v.request) t), '[]') AS tasks,
                       (SELECT row_to_json(c) FROM cleanup_view c WHERE c.request = v.request) AS cleanup
                FROM request_view v JOIN request r ON r.id = v.request LEFT JOIN sample s ON s.gen_id = r.sample
                LEFT JOIN simulation m ON m.sim_id = r.simulation
                WHERE v.request = \(request)
            ) d
            """,
            returning: String.self
        )
    }

    /// How many attempts of a task failed or were lost, from the sums.
    private static func failures(of task: StaticString) -> SQL {
        "(SELECT coalesce(sum(p.failed), 0)::bigint FROM production p WHERE p.task = \(unsafe: task))"
    }

    package static func task(_ task: Int64) -> Statement<String> {
        Statement(
            "objects.task",
            """
            SELECT row_to_json(d)::text FROM (
                SELECT v.*, \(fragment: Self.failures(of: "v.task")) AS failures, t.inputs_open, t.class, t.version, t.allowed_loss, t.max_attempts, t.events_per_job, t.scouts, t.measured, t.spec,
                       (SELECT row_to_json(c) FROM class c WHERE c.id = t.class) AS requirement,
                       coalesce((SELECT json_agg(json_build_object('task', i.parent, 'stream', i.stream, 'dataset', i.dataset,
                                     'query', i.query, 'container', i.container, 'events', i.events) ORDER BY i.position)
                     FROM task_input i WHERE i.task = t.id), '[]') AS inputs,
                       coalesce((SELECT json_agg(json_build_object('stream', s.stream, 'counted', s.counted, 'main', s.main,
                                     'dataset', d.name) ORDER BY s.stream)
                                 FROM task_stream s LEFT JOIN dataset d ON d.task = s.task AND d.stream = s.stream
                                 WHERE s.task = t.id), '[]') AS streams,
                       (SELECT json_build_object('state', a.state, 'since', a.since, 'who', a.who, 'jobs', a.jobs)
                        FROM archived_task a WHERE a.task = t.id) AS archived
                FROM task_view v JOIN task t ON t.id = v.task WHERE v.task = \(task)
            ) d
            """,
            returning: String.self
        )
    }

    /// A job that never left its range has no row: it is made up from the range.
    package static func job(_ key: JobKey) -> Statement<String> {
        Statement(
            "objects.job",
            """
            SELECT row_to_json(d)::text FROM (
                SELECT j.*, coalesce((SELECT json_agg(a ORDER BY a.attempt) FROM attempt_view a
                                      WHERE a.task = \(key.task) AND a.index = \(key.index)), '[]') AS attempt_rows
                FROM (
                    SELECT v.* FROM job_view v WHERE v.task = \(key.task) AND v.index = \(key.index)
                    UNION ALL
                    SELECT w.task, \(key.index)::bigint, 'waiting', 0, NULL,
                           coalesce(least(t.events_per_job, t.events_total - \(key.index)::bigint * t.events_per_job), 0), 0, t.cause, NULL
                    FROM waiting w JOIN task t ON t.id = w.task
                    WHERE w.task = \(key.task) AND \(key.index)::bigint BETWEEN w.first AND w.last
                      AND NOT EXISTS (SELECT 1 FROM job j WHERE j.task = \(key.task) AND j.index = \(key.index))
                ) j
            ) d
            """,
            returning: String.self
        )
    }

    package static func attempt(_ key: AttemptKey) -> Statement<String> {
        Statement(
            "objects.attempt",
            """
            SELECT row_to_json(d)::text FROM (
                SELECT v.*, a.failures, a.steps, a.cause, a.submission,
                       (SELECT b.name FROM batch_submission b WHERE b.id = a.submission) AS batch,
                       coalesce((SELECT json_agg(o ORDER BY o.stream) FROM output_view o
                                 WHERE o.task = a.task AND o.index = a.index AND o.attempt = a.attempt), '[]') AS outputs,
                       (SELECT row_to_json(w) FROM verdict_view w
                        WHERE w.task = a.task AND w.index = a.index AND w.attempt = a.attempt) AS verdict
                FROM attempt_view v JOIN attempt a ON a.task = v.task AND a.index = v.index AND a.attempt = v.attempt
                WHERE v.task = \(key.task) AND v.index = \(key.index) AND v.attempt = \(Int32(clamping: key.attempt))
            ) d
            """,
            returning: String.self
        )
    }

    /// The tail of an attempt's log, and its verdict. - Parameter attempt: nil: the last.
    package static func log(_ key: JobKey, attempt: Int?) -> Statement<String> {
        Statement(
            "objects.log",
            """
            SELECT row_to_json(d)::text FROM (
                SELECT v.task, v.index, v.attempt, v.state, a.log,
                       (SELECT row_to_json(w) FROM verdict_view w
                        WHERE w.task = a.task AND w.index = a.index AND w.attempt = a.attempt) AS verdict
                FROM attempt_view v JOIN attempt a ON a.task = v.task AND a.index = v.index AND a.attempt = v.attempt
                WHERE v.task = \(key.task) AND v.index = \(key.index)
                  AND (\(attempt.map { Int32(clamping: $0) })::int IS NULL OR v.attempt = \(attempt.map { Int32(clamping: $0) })::int)
                ORDER BY v.attempt DESC LIMIT 1
            ) d
            """,
            returning: String.self
        )
    }

    package static func dataset(_ name: String) -> Statement<String> { MetadataStatements.ofDataset(name) }

    package static func file(_ lfn: String) -> Statement<String> {
        Statement(
            "objects.file",
            """
            SELECT row_to_json(d)::text FROM (
                SELECT v.lfn, v.bytes, v.adler32, v.crc32c, v.events, v.task, v.index, v.attempt, v.software, v.site, v.parents, v.replicas,
                       v.created, v.lost, v.file,
                       -- Of what was made by an older version only the attempt knows it.
                       coalesce(v.node, (SELECT a.node FROM attempt a WHERE a.task = v.task AND a.index = v.index AND a.attempt = v.attempt)) AS node,
                       coalesce((SELECT json_agg(r ORDER BY r.storage) FROM replica_view r WHERE r.lfn = v.lfn), '[]') AS replica_rows,
                       coalesce((SELECT json_agg(json_build_object('task', s.task, 'index', s.index, 'attempt', s.attempt, 'site', s.site,
                                     'code', s.code, 'diagnostic', s.diagnostic, 'at', s.at) ORDER BY s.at)
                                 FROM file f JOIN suspicion s ON s.file = f.id WHERE f.lfn = v.lfn), '[]') AS suspicions,
                       ARRAY(SELECT s.name FROM file f JOIN dataset_file df ON df.file = f.id JOIN dataset s ON s.id = df.dataset
                             WHERE f.lfn = v.lfn ORDER BY s.name) AS datasets,
                       \(fragment: MetadataStatements.ofFile) AS metadata,
                       (SELECT json_build_object('request', x.request, 'who', c.who, 'at', x.at, 'reason', c.reason)
                        FROM file f JOIN deleted_file x ON x.file = f.id JOIN cleanup c ON c.request = x.request WHERE f.lfn = v.lfn) AS deleted
                FROM file_view v WHERE v.lfn = \(lfn)
            ) d
            """,
            returning: String.self
        )
    }

    /// What a file was made from, and what that was made from: nearest first. Every step goes by key, whatever the planner
    /// thinks of the sizes: joined freely, it read the whole table of files (50 ms instead of 1 with 140,000 of them).
    package static func ancestors(_ lfn: String, depth: Int) -> Statement<String> {
        Statement(
            "objects.ancestors",
            """
            WITH RECURSIVE up AS (
                SELECT p.parent AS file, 1 AS depth FROM file f JOIN file_parent p ON p.file = f.id WHERE f.lfn = \(lfn)
                UNION
                SELECT p.parent, u.depth + 1 FROM up u CROSS JOIN LATERAL (
                    SELECT p.parent FROM file_parent p WHERE p.file = u.file OFFSET 0) p
                WHERE u.depth < \(Int32(clamping: depth))
            )
            SELECT row_to_json(d)::text FROM (
                SELECT f.lfn, u.depth, f.events, f.task, f.index, f.attempt, f.software, f.site, f.node, f.lost
                FROM (SELECT file, min(depth) AS depth FROM up GROUP BY file) u CROSS JOIN LATERAL (
                    SELECT * FROM file f WHERE f.id = u.file OFFSET 0) f
                ORDER BY 2, 1 LIMIT \(Listing.largestPage + 1)
            ) d
            """,
            returning: String.self
        )
    }

    /// What was made from a file, and from that: nearest first.
    package static func descendants(_ lfn: String, depth: Int) -> Statement<String> {
        Statement(
            "objects.descendants",
            """
            WITH RECURSIVE down AS (
                SELECT p.file, 1 AS depth FROM file f JOIN file_parent p ON p.parent = f.id WHERE f.lfn = \(lfn)
                UNION
                SELECT p.file, d.depth + 1 FROM down d CROSS JOIN LATERAL (
                    SELECT p.file FROM file_parent p WHERE p.parent = d.file OFFSET 0) p
                WHERE d.depth < \(Int32(clamping: depth))
            )
            SELECT row_to_json(d)::text FROM (
                SELECT f.lfn, u.depth, f.events, f.task, f.index, f.attempt, f.software, f.site, f.node, f.lost
                FROM (SELECT file, min(depth) AS depth FROM down GROUP BY file) u CROSS JOIN LATERAL (
                    SELECT * FROM file f WHERE f.id = u.file OFFSET 0) f
                ORDER BY 2, 1 LIMIT \(Listing.largestPage + 1)
            ) d
            """,
            returning: String.self
        )
    }

    package static func site(_ name: String) -> Statement<String> {
        Statement(
            "objects.site",
            """
            SELECT row_to_json(d)::text FROM (
                SELECT v.*, extract(epoch FROM s.lost_after)::double precision AS lost_after, s.version,
                       coalesce((SELECT json_agg(json_build_object('agent', a.agent, 'state', a.state, 'room', a.room, 'cores', a.cores,
                                     'platform', a.platform, 'held', a.held_count, 'last_seen', a.last_seen,
                                     'reserved', (SELECT c.cores FROM class c WHERE c.id = a.reserved_for AND a.state = 'here' AND a.room > 0)) ORDER BY a.agent)
                                 FROM agent_session a WHERE a.site = v.site), '[]') AS agents_rows
                FROM site_view v JOIN site s ON s.name = v.site WHERE v.site = \(name)
            ) d
            """,
            returning: String.self
        )
    }

    /// - Parameter version: nil: the latest.
    package static func workflow(_ name: String, version: Int?) -> Statement<String> {
        Statement(
            "objects.workflow",
            """
            SELECT row_to_json(d)::text FROM (
                SELECT name, version, sha256, owner, created, document ->> 'description' AS description, document FROM workflow
                WHERE name = \(name) AND (\(version.map { Int32(clamping: $0) })::int IS NULL OR version = \(version.map { Int32(clamping: $0) })::int)
                ORDER BY version DESC LIMIT 1
            ) d
            """,
            returning: String.self
        )
    }

    /// Where an artefact lies: base folder of each posix storage element with a good replica, and the file's size. Only
    /// outputs that hold no events, of attempts the books accepted.
    package static func artefact(_ lfn: String) -> Statement<String, Int64> {
        Statement(
            "objects.artefact",
            """
            SELECT e.base, f.bytes
            FROM file f JOIN replica r ON r.file = f.id AND r.state = 'available'
            JOIN storage_element e ON e.name = r.storage AND e.kind = 'posix'
            JOIN dataset_file m ON m.file = f.id JOIN dataset d ON d.id = m.dataset
            JOIN task_stream s ON s.task = d.task AND s.stream = d.stream AND NOT s.counted
            WHERE f.lfn = \(lfn) AND NOT f.lost ORDER BY e.name
            """,
            returning: String.self,
            Int64.self
        )
    }

    static var examples: [AnyStatement] {
        let job = JobKey(task: 1, index: 1)
        return [
            Self.request(1).erased, Self.task(1).erased, Self.job(job).erased,
            Self.attempt(AttemptKey(job, attempt: 1)).erased, Self.log(job, attempt: nil).erased,
            Self.file("/x").erased, Self.ancestors("/x", depth: 1).erased, Self.descendants("/x", depth: 1).erased,
            Self.site("x").erased, Self.workflow("x", version: nil).erased, Self.artefact("/x").erased,
        ]
    }
}
