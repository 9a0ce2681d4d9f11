package import Domain
package import Postgres

/// What answers "why does this job not run?".
package enum WhyStatements {
    /// State, class, request, the states of task and request, the causes of task and job, and
    /// the range the job waits in, as JSON.
    package static func job(
        _ key: JobKey
    ) -> Statement<String, Int32, Int64, String, String, String?, String?, String?> {
        Statement(
            "why.job",
            """
            SELECT coalesce(j.state, CASE WHEN w.task IS NOT NULL THEN 'waiting' ELSE 'unknown' END),
                   coalesce(w.class, t.class), r.id, t.state, r.state, t.cause, j.cause,
                   CASE WHEN w.task IS NOT NULL THEN json_build_object('task', w.task, 'class', w.class,
                       'priority', w.priority, 'first', w.first, 'last', w.last,
                       'not_before', nullif(w.not_before, '-infinity'), 'excluded', w.excluded,
                       'excluded_nodes', w.excluded_nodes, 'held', w.held)::text END
            FROM task t JOIN request r ON r.id = t.request
            LEFT JOIN job j ON j.task = t.id AND j.index = \(key.index)
            LEFT JOIN waiting w ON w.task = t.id AND \(key.index)::bigint BETWEEN w.first AND w.last
            WHERE t.id = \(key.task) AND (j.task IS NOT NULL OR w.task IS NOT NULL OR \(key.index) < t.jobs_total)
            """,
            returning: String.self,
            Int32.self,
            Int64.self,
            String.self,
            String.self,
            String?.self,
            String?.self,
            String?.self
        )
    }

    /// The jobs of its class that are served before a job that waits: those of a higher priority, and those that
    /// came earlier. At most 10,000 ranges are read, by the index that matching uses.
    package static func ahead(_ key: JobKey) -> Statement<Int64> {
        Statement(
            "why.ahead",
            """
            WITH mine AS (
                SELECT class, priority, task, first FROM waiting
                WHERE task = \(key.task) AND \(key.index)::bigint BETWEEN first AND last
            )
            SELECT (coalesce(sum(b.jobs), 0) + (SELECT \(key.index) - first FROM mine))::bigint
            FROM mine CROSS JOIN LATERAL (
                SELECT w.last - w.first + 1 AS jobs FROM waiting w
                WHERE w.class = mine.class AND w.due AND NOT w.held AND w.priority >= mine.priority
                  AND (w.priority > mine.priority OR (w.task, w.first) < (mine.task, mine.first))
                ORDER BY w.priority DESC, w.task, w.first LIMIT 10000
            ) b HAVING EXISTS (SELECT 1 FROM mine)
            """,
            returning: Int64.self
        )
    }

    /// Seconds until the range of a job is due (0: now), when that is (null: now), the sites it excludes,
    /// whether it is held, and the nodes it excludes.
    package static func range(_ key: JobKey) -> Statement<Double, Moment?, [String], Bool, [String]> {
        Statement(
            "why.range",
            """
            SELECT CASE WHEN due THEN 0
                        ELSE greatest(extract(epoch FROM not_before - clock_timestamp()), 0)::double precision END,
                   CASE WHEN NOT due THEN nullif(not_before, '-infinity') END, excluded, held, excluded_nodes
            FROM waiting WHERE task = \(key.task) AND \(key.index)::bigint BETWEEN first AND last
            """,
            returning: Double.self,
            Moment?.self,
            [String].self,
            Bool.self,
            [String].self
        )
    }

    /// The needs of a class: cores, memory, wall time, disk, platform, tags, sites, storage.
    package static func requirement(
        _ id: Int32
    ) -> Statement<Int32, Int32, Int32, Int32, String, [String], [String], [String]> {
        Statement(
            "why.class",
            """
            SELECT cores, memory_mb, walltime_s, disk_mb, platform, tags, sites, storage FROM class WHERE id = \(id)
            """,
            returning: Int32.self,
            Int32.self,
            Int32.self,
            Int32.self,
            String.self,
            [String].self,
            [String].self,
            [String].self
        )
    }

    /// The agents, the last seen first: site, agent, state, when it was seen, access of the site, why, until
    /// when, free cores, what it offers, why its only node is excluded, and that node; the class for which it keeps its free cores, what one
    /// job of that needs, and since when; how many more jobs it may have because its site or node is probed.
    package static let agents = Statement<
        String, String, String, Moment, String, String?, Moment?, Int32, Int32, Int32, Int32, Int32, String, [String],
        [String], String?, String?, Int32?, Int32?, Moment?, Int64?
    >(
        "why.agents",
        """
        SELECT a.site, a.agent, a.state, a.last_seen, s.access, s.reason, s.until, a.room, a.cores, a.memory_mb,
               a.walltime_s, a.disk_mb, a.platform, a.tags, a.storage,
               CASE WHEN n.phase = 'resting' THEN a.node || ': ' || n.reason END, a.node,
               c.id, c.cores, a.reserved_at,
               least(CASE WHEN p.site IS NOT NULL THEN p.probes - (SELECT count(*) FROM lease l WHERE l.site = a.site) END,
                     CASE WHEN n.phase = 'probing' THEN n.probes - (SELECT count(*) FROM lease l WHERE l.holder = a.id) END)
        FROM agent_session a JOIN site s ON s.name = a.site LEFT JOIN excluded_place n ON n.site = a.site AND n.node = a.node
        LEFT JOIN excluded_place p ON p.site = a.site AND p.node = '' AND p.phase = 'probing'
        LEFT JOIN class c ON c.id = a.reserved_for AND a.state = 'here' AND a.room > 0
        ORDER BY a.last_seen DESC, a.id LIMIT 1000
        """,
        returning: String.self,
        String.self,
        String.self,
        Moment.self,
        String.self,
        String?.self,
        Moment?.self,
        Int32.self,
        Int32.self,
        Int32.self,
        Int32.self,
        Int32.self,
        String.self,
        [String].self,
        [String].self,
        String?.self,
        String?.self,
        Int32?.self,
        Int32?.self,
        Moment?.self,
        Int64?.self
    )

    /// The last 50 attempts of a job, the first first: code, and the attempt as JSON with the evidence, the last line of
    /// its log and what was decided.
    package static func attempts(_ key: JobKey) -> Statement<Int32?, String> {
        Statement(
            "why.attempts",
            """
            SELECT x.code, x.attempt_json FROM (
                SELECT a.attempt, coalesce(v.code, a.code) AS code, json_build_object(
                    'attempt', a.attempt, 'state', coalesce(a.state, l.state, 'leased'), 'site', a.site,
                    'agent', a.agent, 'node', a.node, 'batch_id', a.batch_id, 'step', coalesce(a.step, l.step), 'leased_at', a.leased_at,
                    'started_at', a.started_at, 'ended_at', a.ended_at, 'wall_seconds', a.wall_seconds,
                    'cpu_seconds', a.cpu_seconds, 'memory_peak', a.memory_peak, 'code', coalesce(v.code, a.code),
                    'blame', coalesce(v.blame, a.blame), 'diagnostic', coalesce(v.diagnostic, a.diagnostic),
                    'failures', coalesce(a.failures, '[]'), 'log_line', nullif(\(fragment: LogText.lastLine), ''),
                    'log', '/api/v1/jobs/' || a.task || '/' || a.index || '/log?attempt=' || a.attempt,
                    'late_code', a.late_code, 'late_diagnostic', a.late_diagnostic, 'late_at', a.late_at,
                    'rule', v.rule, 'action', v.action, 'reason', v.reason, 'counted', v.counted,
                    'fingerprint', v.fingerprint, 'not_before', v.not_before, 'changes', v.changes,
                    'decided_at', v.at, 'carried_out_at', v.carried_out_at)::text AS attempt_json
                FROM attempt a LEFT JOIN lease l ON l.task = a.task AND l.index = a.index AND l.attempt = a.attempt
                LEFT JOIN verdict v ON v.task = a.task AND v.index = a.index AND v.attempt = a.attempt
                WHERE a.task = \(key.task) AND a.index = \(key.index) ORDER BY a.attempt DESC LIMIT 50
            ) x ORDER BY x.attempt
            """,
            returning: Int32?.self,
            String.self
        )
    }

    /// The verdicts on a job's attempts, each as JSON, the first first.
    package static func verdicts(_ key: JobKey) -> Statement<String> {
        Statement(
            "why.verdicts",
            """
            SELECT row_to_json(v)::text FROM verdict_view v
            WHERE v.task = \(key.task) AND v.index = \(key.index) ORDER BY v.attempt
            """,
            returning: String.self
        )
    }

    static var examples: [AnyStatement] {
        let key = JobKey(task: 1, index: 1)
        return [
            Self.job(key).erased, Self.range(key).erased, Self.requirement(1).erased, Self.agents.erased,
            Self.verdicts(key).erased, Self.ahead(key).erased, Self.attempts(key).erased,
        ]
    }
}
