package import Domain
import Messages
import Postgres

extension Operations {
    /// Ends the running attempt of a job: its agent is told, and the job is given up when the agent says that it is done: its events count
    /// as damaged until somebody retries it. An attempt that ends by itself before that counts as ever.
    ///
    /// - Throws: ``CatalogRefusal`` (missing) for a job that never left the queue or does not exist, (state) for one that does
    ///   not run.
    package func kill(_ job: JobKey, reason: String?) async throws -> Outcome {
        try self.caller.need(.operator, to: "kill a job")
        return try await self.change { transaction in
            guard let row = try await transaction.query(ReportStatements.lockJobs([job])).first else {
                throw CatalogRefusal(
                    .missing,
                    "job \(job) has never left the queue, or does not exist; cancel its request instead"
                )
            }
            guard let lease = try await transaction.query(ReportStatements.lockLeases([job])).first else {
                throw CatalogRefusal(.state, "job \(job) is \(row.2): only a running job can be killed")
            }
            let attempt = AttemptKey(job, attempt: Int(lease.2))
            let cause = reason ?? "killed"
            try await transaction.execute(
                SessionStatements.wishKill(attempt, holder: lease.6, reason: "\(cause) (by \(self.caller.who))")
            )
            return Outcome(
                lines: [
                    "attempt \(attempt) at \(lease.7) is told to end; its \(row.4) events are given up then",
                    "to make them after all, while task \(job.task) goes on: millrace recover \(job.task)",
                ],
                result: ObjectText.adding("attempt", "\"\(attempt)\"", to: "{}"),
                messages: try OutboxMessage.control("monitor", .kill)
            )
        }
    }
}
