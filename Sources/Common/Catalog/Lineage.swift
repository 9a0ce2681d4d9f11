package import Postgres

/// What an export of lineage reads and keeps: it follows the log by its ids, as the feed does (see ``FeedStatements``).
package enum LineageStatements {
    /// Takes or renews the export's lease, and makes its row the first time. Returns how far it is and the term when this holder has it;
    /// no row: somebody else does.
    package static func lease(holder: String, seconds: Double) -> Statement<Int64, Int64> {
        Statement(
            "lineage.lease",
            """
            INSERT INTO lineage_export AS l (holder, term, lease_until)
            VALUES (\(holder), 1, clock_timestamp() + make_interval(secs => \(seconds)))
            ON CONFLICT (one) DO UPDATE SET holder = excluded.holder, lease_until = excluded.lease_until,
                term = l.term + CASE WHEN l.holder IS NOT DISTINCT FROM excluded.holder THEN 0 ELSE 1 END
            WHERE l.holder IS NOT DISTINCT FROM excluded.holder OR l.lease_until < clock_timestamp()
            RETURNING exported, term
            """,
            returning: Int64.self,
            Int64.self
        )
    }

    /// Notes how far the log is exported, if this holder still leads; and leads on.
    package static func exported(_ id: Int64, after: Int64, holder: String, term: Int64, seconds: Double) -> SQL {
        """
        UPDATE lineage_export SET exported = \(id), lease_until = clock_timestamp() + make_interval(secs => \(seconds))
        WHERE holder = \(holder) AND term = \(term) AND exported = \(after)
        """
    }

    /// The attempts that the log says ended well, failed or were lost, after `after` up to `through`, in the order of the log: id of the
    /// transition, and the facts as the text of a JSON object. Attempts that are archived are no longer known.
    package static func ended(after: Int64, through: Int64) -> Statement<Int64, String> {
        Statement(
            "lineage.ended",
            """
            SELECT x.id, (SELECT row_to_json(d) FROM (
                SELECT a.task, a.index, a.attempt, x.to_state AS state, x.at, coalesce(a.started_at, a.leased_at) AS started, a.ended_at AS ended,
                       a.site, a.node, a.code, a.diagnostic, r.id AS request, r.submission, w.name AS workflow, w.version AS "workflowVersion",
                       t.name, t.kind,
                       coalesce((SELECT json_agg(i) FROM (\(fragment: Self.inputs)) i), '[]') AS inputs,
                       coalesce((SELECT json_agg(o) FROM (\(fragment: Self.outputs)) o WHERE x.to_state = 'done'), '[]') AS outputs
            ) d)::text
            FROM transition x
            CROSS JOIN LATERAL (
                SELECT * FROM attempt a WHERE a.task = (x.detail ->> 'task')::bigint AND a.index = (x.detail ->> 'index')::bigint
                    AND a.attempt = (x.detail ->> 'attempt')::int OFFSET 0) a
            CROSS JOIN LATERAL (SELECT * FROM task t WHERE t.id = a.task OFFSET 0) t
            CROSS JOIN LATERAL (SELECT * FROM request r WHERE r.id = t.request OFFSET 0) r
            CROSS JOIN LATERAL (SELECT w.name, w.version FROM workflow w WHERE w.id = r.workflow OFFSET 0) w
            WHERE x.id > \(after) AND x.id <= \(through) AND x.kind = 'attempt' AND x.to_state IN ('done', 'failed', 'lost')
            ORDER BY x.id
            """,
            returning: Int64.self,
            String.self
        )
    }

    /// What the job of `a` reads, by dataset; a file that is in none stands for itself.
    private static let inputs: SQL = """
        SELECT coalesce(d.name, f.lfn) AS dataset, d.version::text AS version, count(*) AS files, sum(f.bytes)::bigint AS bytes,
               sum(upper(u.slice) - lower(u.slice))::bigint AS events
        FROM unit_input u CROSS JOIN LATERAL (SELECT f.id, f.lfn, f.bytes FROM file f WHERE f.id = u.file OFFSET 0) f
        LEFT JOIN LATERAL (
            SELECT d.name, d.version FROM dataset_file m JOIN dataset d ON d.id = m.dataset WHERE m.file = f.id
            ORDER BY d.task IS NULL, d.id LIMIT 1) d ON true
        WHERE \(fragment: UnitInputs.areOfJob(task: "a.task", index: "a.index")) GROUP BY 1, 2 ORDER BY 1, 2
        """

    /// What `a` wrote, by stream; one without events has no file.
    private static let outputs: SQL = """
        SELECT coalesce(d.name, o.stream) AS dataset, d.version::text AS version, o.stream, count(f.lfn) AS files,
               coalesce(sum(f.bytes), 0)::bigint AS bytes, sum(o.events)::bigint AS events, min(f.lfn) AS lfn, min(f.adler32) AS adler32
        FROM output o LEFT JOIN LATERAL (SELECT f.lfn, f.bytes, f.adler32 FROM file f WHERE f.id = o.file OFFSET 0) f ON true
        LEFT JOIN LATERAL (SELECT d.name, d.version FROM dataset d WHERE d.task = o.task AND d.stream = o.stream OFFSET 0) d ON true
        WHERE o.task = a.task AND o.index = a.index AND o.attempt = a.attempt GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
        """

    static var examples: [AnyStatement] {
        [
            Self.lease(holder: "x", seconds: 1).erased, Self.ended(after: 0, through: 1).erased,
            Command("lineage.exported", Self.exported(1, after: 0, holder: "x", term: 1, seconds: 1)).erased,
        ]
    }
}
