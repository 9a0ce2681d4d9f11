package import Domain
package import Postgres

extension ReportStatements {
    /// Jobs whose attempts were ended on request. Without its task a job has no events to make; a job that an operator ended while its task
    /// goes on is given up: its events are missing, and are counted as such. The reason is the operator's, if there is one.
    package static func cancelJobs(_ attempts: [(key: AttemptKey, cause: String)]) -> SQL {
        """
        UPDATE job j SET state = CASE WHEN t.state IN ('done', 'failed', 'aborted') THEN 'cancelled' ELSE 'aborted' END,
            version = j.version + 1, cause = coalesce(k.reason, i.cause), who = NULL
        FROM unnest(\(attempts.map(\.key.task)), \(attempts.map(\.key.index)), \(attempts.map { Int32($0.key.attempt) }),
                    \(attempts.map(\.cause))) AS i(task, index, attempt, cause)
        JOIN task t ON t.id = i.task
        LEFT JOIN kill_wish k ON k.task = i.task AND k.index = i.index AND k.attempt = i.attempt
        WHERE j.task = i.task AND j.index = i.index
        """
    }
}
