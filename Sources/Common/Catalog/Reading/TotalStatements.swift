import Domain
package import Postgres

/// The farm in a few numbers: cheap, from counters, whatever the number of jobs.
package enum TotalStatements {
    /// Jobs in all (of tasks whose number is known), active, recovering, done, aborted, cancelled; of tasks that have not ended: still
    /// waiting.
    package static let jobs = Statement<Int64, Int64, Int64, Int64, Int64, Int64, Int64>(
        "totals.jobs",
        """
        SELECT coalesce(sum(t.jobs_total), 0)::bigint, coalesce(sum(c.active), 0)::bigint, coalesce(sum(c.recovering), 0)::bigint,
               coalesce(sum(c.done), 0)::bigint, coalesce(sum(c.aborted), 0)::bigint, coalesce(sum(c.cancelled), 0)::bigint,
               coalesce(sum(greatest(t.jobs_total - coalesce(c.active + c.recovering + c.done + c.aborted + c.cancelled, 0), 0))
                        FILTER (WHERE t.state NOT IN ('done', 'failed', 'aborted')), 0)::bigint
        FROM task t LEFT JOIN (
            SELECT task, sum(active) AS active, sum(recovering) AS recovering, sum(done) AS done, sum(aborted) AS aborted,
                   sum(cancelled) AS cancelled
            FROM task_counter GROUP BY task
        ) c ON c.task = t.id
        """,
        returning: Int64.self,
        Int64.self,
        Int64.self,
        Int64.self,
        Int64.self,
        Int64.self,
        Int64.self
    )

    /// Events accepted, expected and lost, over all tasks.
    package static let events = Statement<Int64, Int64, Int64>(
        "totals.events",
        """
        SELECT (SELECT coalesce(sum(events), 0)::bigint FROM task_counter), (SELECT coalesce(sum(events_total), 0)::bigint FROM task),
               (SELECT coalesce(sum(lost), 0)::bigint FROM task_counter)
        """,
        returning: Int64.self,
        Int64.self,
        Int64.self
    )

    /// State and number of requests.
    package static let requests = Statement<String, Int64>(
        "totals.requests",
        "SELECT state, count(*) FROM request GROUP BY state ORDER BY state",
        returning: String.self,
        Int64.self
    )

    /// Agents here and silent, and attempts they hold by their own count.
    package static let agents = Statement<Int64, Int64, Int64>(
        "totals.agents",
        """
        SELECT count(*) FILTER (WHERE state = 'here'), count(*) FILTER (WHERE state = 'silent'),
               coalesce(sum(held_count) FILTER (WHERE state = 'here'), 0)::bigint
        FROM agent_session
        """,
        returning: Int64.self,
        Int64.self,
        Int64.self
    )

    /// Attempts that failed or were lost since: an index holds just these. (`clock_timestamp()` is new for every row, so that all of
    /// the index would be read: 180 ms instead of 1 with 216,000 failures.)
    package static func failures(seconds: Double) -> Statement<Int64> {
        Statement(
            "totals.failures",
            """
            SELECT count(*) FROM attempt
            WHERE state IN ('failed', 'lost') AND ended_at > statement_timestamp() - make_interval(secs => \(seconds))
            """,
            returning: Int64.self
        )
    }

    /// What ended in each minute of the last hour, from the sums by minute: minute, done, failed, events.
    package static let history = Statement<Moment, Int64, Int64, Int64>(
        "totals.history",
        """
        SELECT at, sum(done), sum(failed), sum(events)::bigint FROM ended_total
        WHERE grain = 'm' AND at > now() - interval '1 hour' GROUP BY at ORDER BY at
        """,
        returning: Moment.self,
        Int64.self,
        Int64.self,
        Int64.self
    )

    static var examples: [AnyStatement] {
        [
            Self.jobs.erased, Self.events.erased, Self.requests.erased, Self.agents.erased,
            Self.failures(seconds: 60).erased, Self.history.erased,
        ]
    }
}
