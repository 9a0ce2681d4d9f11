package import Domain
package import Postgres

/// What a verdict is based on beside the failure itself.
package enum FailureFactStatements {
    /// Of each job: task, index, kind, allowed attempts, workflow, software as name/version, cores, memory (MB, all cores), wall
    /// time (s), events (0: it cannot be divided, since it gathers its inputs or comes from many divisions), counted failures before.
    package static func jobs(
        _ jobs: [JobKey]
    ) -> Statement<Int64, Int64, String, Int32, String, [String], Int32, Int32, Int32, Int64, Int32> {
        Statement(
            "failureFacts.jobs",
            """
            SELECT j.task, j.index, t.kind, t.max_attempts, w.name,
                   ARRAY(SELECT (x ->> 'name') || '/' || (x ->> 'version') FROM jsonb_array_elements(t.spec -> 'software') x),
                   c.cores, c.memory_mb, c.walltime_s,
                   CASE WHEN t.kind IN ('merge', 'analyse') OR j.split_level >= \(Int32(JobSplit.deepest)) THEN 0 ELSE j.events_expected END,
                   j.failures
            FROM unnest(\(jobs.map(\.task)), \(jobs.map(\.index))) AS i(task, index)
            CROSS JOIN LATERAL (SELECT * FROM job j WHERE j.task = i.task AND j.index = i.index OFFSET 0) j
            JOIN task t ON t.id = j.task JOIN class c ON c.id = coalesce(j.class, t.class)
            JOIN request r ON r.id = t.request JOIN workflow w ON w.id = r.workflow
            """,
            returning: Int64.self,
            Int64.self,
            String.self,
            Int32.self,
            String.self,
            [String].self,
            Int32.self,
            Int32.self,
            Int32.self,
            Int64.self,
            Int32.self
        )
    }

    /// The earlier failures of jobs, oldest first, but those that were forgiven: task, index, fingerprint, rule.
    package static func history(_ jobs: [JobKey]) -> Statement<Int64, Int64, String, String> {
        Statement(
            "failureFacts.history",
            """
            SELECT v.task, v.index, v.fingerprint, v.rule
            FROM unnest(\(jobs.map(\.task)), \(jobs.map(\.index))) AS i(task, index)
            CROSS JOIN LATERAL (SELECT * FROM verdict v WHERE v.task = i.task AND v.index = i.index AND NOT v.forgiven OFFSET 0) v
            ORDER BY v.task, v.index, v.attempt
            """,
            returning: Int64.self,
            Int64.self,
            String.self,
            String.self
        )
    }

    /// The share of each task's jobs that got more than their task asks for, without those into which others were divided: a part counts if it
    /// got other than what was divided.
    package static func raised(_ tasks: [Int64]) -> Statement<Int64, Double> {
        Statement(
            "failureFacts.raised",
            """
            SELECT t.id, (
                SELECT count(*) FROM (SELECT j.class, j.split_from FROM job j WHERE j.task = t.id AND j.class IS NOT NULL OFFSET 0) j
                LEFT JOIN LATERAL (SELECT s.class FROM job s WHERE s.task = t.id AND s.index = j.split_from OFFSET 0) s ON true
                WHERE j.split_from IS NULL OR j.class IS DISTINCT FROM s.class
            ) / greatest(t.jobs_total - (SELECT count(*) FROM job p WHERE p.task = t.id AND p.split_from IS NOT NULL), 1)::double precision
            FROM task t WHERE t.id = ANY(\(tasks))
            """,
            returning: Int64.self,
            Double.self
        )
    }

    static var examples: [AnyStatement] { [Self.jobs([]).erased, Self.history([]).erased, Self.raised([]).erased] }
}
