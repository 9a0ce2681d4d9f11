package import Postgres

/// Keeps the sums by time (V0008) small. What ended is added to them by triggers, failures by ``FailureSums``; ``TotalWindow`` and
/// ``DebugStatements`` read them.
package enum TallyStatements {
    /// Folds the rows of the different slots of one past hour and its minutes, the oldest that has any, into one each. The last whole hour
    /// is left alone: what ended then may still be counted. Returns how many rows there were.
    package static let fold = Statement<Int64>(
        "tallies.fold",
        """
        WITH hour AS (
            SELECT grain_of('h', min(at)) AS at FROM ended_total WHERE slot <> -1 AND at < grain_of('h', now()) - interval '1 hour'
        ), old AS (
            DELETE FROM ended_total WHERE slot <> -1 AND at >= (SELECT at FROM hour) AND at < (SELECT at + interval '1 hour' FROM hour)
            RETURNING *
        ), folded AS (
            INSERT INTO ended_total AS t (grain, at, task, site, slot, done, failed, events, done_us, wall_us, cpu_us, told_us)
            SELECT grain, at, task, site, -1, sum(done), sum(failed), sum(events), sum(done_us), sum(wall_us), sum(cpu_us), sum(told_us)
            FROM old GROUP BY grain, at, task, site ORDER BY grain, at, task, site
            ON CONFLICT (grain, at, task, site, slot) DO UPDATE SET done = t.done + excluded.done, failed = t.failed + excluded.failed,
                events = t.events + excluded.events, done_us = t.done_us + excluded.done_us, wall_us = t.wall_us + excluded.wall_us,
                cpu_us = t.cpu_us + excluded.cpu_us, told_us = t.told_us + excluded.told_us
        )
        SELECT count(*) FROM old
        """,
        returning: Int64.self
    )

    /// Forgets the minutes of the oldest hour that is older than minutes are kept. Returns how many rows there were.
    package static let prune = Statement<Int64>(
        "tallies.prune",
        """
        WITH limits AS (SELECT now() - minutes_kept() - interval '1 hour' AS kept), ended AS (
            DELETE FROM ended_total WHERE grain = 'm' AND at < (SELECT kept FROM limits)
              AND at < (SELECT min(at) + interval '1 hour' FROM ended_total WHERE grain = 'm') RETURNING 1
        ), failures AS (
            DELETE FROM failure_total WHERE grain = 'm' AND at < (SELECT kept FROM limits)
              AND at < (SELECT min(at) + interval '1 hour' FROM failure_total WHERE grain = 'm') RETURNING 1
        ), rules AS (
            DELETE FROM rule_total WHERE grain = 'm' AND at < (SELECT kept FROM limits)
              AND at < (SELECT min(at) + interval '1 hour' FROM rule_total WHERE grain = 'm') RETURNING 1
        )
        SELECT (SELECT count(*) FROM ended) + (SELECT count(*) FROM failures) + (SELECT count(*) FROM rules)
        """,
        returning: Int64.self
    )

    /// All sums of a task in which nothing ends meanwhile, counted anew. Returns 1.
    package static func countAnew(_ task: Int64) -> Statement<Int64> {
        Statement("tallies.countAnew", "SELECT count_tasks_anew(ARRAY[\(task)::bigint])", returning: Int64.self)
    }

    /// Nothing asks for the sums of a task that is archived. Returns it.
    static func forget(_ task: Int64) -> Statement<Int64> {
        Statement("tallies.forget", "SELECT forget_sums(\(task))", returning: Int64.self)
    }

    /// Whether any failure has a verdict and is not counted, or is being counted.
    package static let failuresWait = Statement<Bool>(
        "tallies.failuresWait",
        "SELECT failures_wait()",
        returning: Bool.self
    )

    /// Adds failures that have a verdict and are not counted yet, at most so many; returns how many. Less: all verdicts committed before are
    /// counted.
    package static func countFailures(most: Int) -> Statement<Int32> {
        Statement("tallies.countFailures", "SELECT count_failures(\(Int32(clamping: most)))", returning: Int32.self)
    }

    static var examples: [AnyStatement] {
        [
            Self.fold.erased, Self.prune.erased, Self.countAnew(1).erased, Self.forget(1).erased,
            Self.failuresWait.erased, Self.countFailures(most: 1).erased,
        ]
    }
}
