import Domain
package import Postgres

/// The farm in a few numbers: cheap, from counters, whatever the number of jobs.
package enum TotalStatements {
    /// The columns of ``TaskSums``, of tasks `t` and their counters `c`.
    private static let sums: SQL = """
        coalesce(sum(t.jobs_total), 0)::bigint, coalesce(sum(c.active), 0)::bigint, coalesce(sum(c.recovering), 0)::bigint,
        coalesce(sum(c.done), 0)::bigint, coalesce(sum(c.aborted), 0)::bigint, coalesce(sum(c.cancelled), 0)::bigint,
        coalesce(sum(greatest(t.jobs_total - coalesce(c.active + c.recovering + c.done + c.aborted + c.cancelled, 0), 0))
                 FILTER (WHERE t.state NOT IN ('done', 'failed', 'aborted')), 0)::bigint,
        coalesce(sum(c.events), 0)::bigint, coalesce(sum(t.events_total), 0)::bigint, coalesce(sum(c.lost), 0)::bigint
        """

    private static let counters: SQL = """
        sum(active) AS active, sum(recovering) AS recovering, sum(done) AS done, sum(aborted) AS aborted, sum(cancelled) AS cancelled,
        sum(events) AS events, sum(lost) AS lost FROM task_counter
        """

    /// Tasks that have not ended, and those that came after this one, whatever became of them.
    package static func openTasks(after newest: Int64?) -> Statement<Int64> {
        Statement(
            "totals.openTasks",
            """
            SELECT id FROM task WHERE state IN ('waiting', 'scouting', 'running', 'finishing', 'paused')
            UNION SELECT id FROM task WHERE id > \(newest)
            """,
            returning: Int64.self
        )
    }

    /// Tasks that have ended, though attempts of theirs have not: those of a task that was aborted answer later.
    package static let unfinished = Statement(
        "totals.unfinished",
        """
        SELECT t.id FROM task t JOIN (
            SELECT task FROM task_counter GROUP BY task HAVING sum(active) <> 0 OR sum(recovering) <> 0) c ON c.task = t.id
        WHERE t.state IN ('done', 'failed', 'aborted')
        """,
        returning: Int64.self
    )

    /// ``TaskSums`` of all tasks that have ended, without ``unfinished``, and the newest task of all: it reads every counter there is.
    package static let ended = Statement<
        Int64, Int64, Int64, Int64, Int64, Int64, Int64, Int64, Int64, Int64, Int64
    >(
        "totals.ended",
        """
        SELECT \(fragment: sums), (SELECT coalesce(max(id), 0) FROM task)
        FROM task t LEFT JOIN (SELECT task, \(fragment: counters) GROUP BY task) c ON c.task = t.id
        WHERE t.state IN ('done', 'failed', 'aborted') AND coalesce(c.active = 0 AND c.recovering = 0, true)
        """,
        returning: Int64.self,
        Int64.self,
        Int64.self,
        Int64.self,
        Int64.self,
        Int64.self,
        Int64.self,
        Int64.self,
        Int64.self,
        Int64.self,
        Int64.self
    )

    /// ``TaskSums`` of these tasks.
    package static func of(
        _ tasks: [Int64]
    ) -> Statement<Int64, Int64, Int64, Int64, Int64, Int64, Int64, Int64, Int64, Int64> {
        Statement(
            "totals.ofTasks",
            """
            SELECT \(fragment: sums) FROM unnest(\(tasks)) AS i(id)
            CROSS JOIN LATERAL (SELECT t.jobs_total, t.events_total, t.state FROM task t WHERE t.id = i.id OFFSET 0) t
            CROSS JOIN LATERAL (SELECT \(fragment: counters) WHERE task = i.id OFFSET 0) c
            """,
            returning: Int64.self,
            Int64.self,
            Int64.self,
            Int64.self,
            Int64.self,
            Int64.self,
            Int64.self,
            Int64.self,
            Int64.self,
            Int64.self
        )
    }

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
            Self.openTasks(after: nil).erased, Self.unfinished.erased, Self.ended.erased, Self.of([]).erased,
            Self.requests.erased, Self.agents.erased,
            Self.failures(seconds: 60).erased, Self.history.erased,
        ]
    }
}
