import Domain
import Postgres

extension Operations {
    /// The file is gone: what was on the way to anywhere ends, and whoever depends on it is looked for.
    func lose(_ file: Int64, _ cause: String, in transaction: PostgresTransaction) async throws -> FileLoss {
        _ = try await transaction.query(RecoveryStatements.sayWhy(who: self.caller.who, cause: cause))
        try await transaction.execute(DataStatements.lose(file, reason: cause, who: self.caller.who))
        let rows = try await transaction.query(DataStatements.dependents(file))
        let tasks = rows.compactMap { row in
            row.0.map {
                FileLoss.Dependent(
                    task: $0,
                    name: row.1 ?? "",
                    request: row.2 ?? 0,
                    files_made: row.3,
                    jobs_waiting: row.4,
                    jobs_after: row.5
                )
            }
        }
        return FileLoss(
            files_made: rows.reduce(0) { $0 + $1.3 },
            jobs_waiting: rows.reduce(0) { $0 + $1.4 },
            jobs_after: rows.reduce(0) { $0 + $1.5 },
            tasks: tasks,
            datasets: try await transaction.query(DataStatements.datasets(with: file, limit: FileLoss.mostDatasets)),
            remedy: try await self.remedy(file, tasks, in: transaction)
        )
    }

    private func remedy(
        _ file: Int64,
        _ dependents: [FileLoss.Dependent],
        in transaction: PostgresTransaction
    ) async throws -> FileLoss.Remedy {
        guard
            let (task, index, word, request, isArchived) = try await transaction.query(DataStatements.maker(of: file))
                .first
        else { return .ofNobody(dependents) }
        let job = JobKey(task: task, index: index)
        guard let state = TaskState(rawValue: word) else {
            throw CatalogRefusal(.state, "task \(task): this program does not know the state \(word)")
        }
        if state.isTerminal {
            let ended = try await self.ended(job, request, isArchived: isArchived, in: transaction)
            return .ofEnded(job, state, request: request, ended)
        }
        guard let row = try await transaction.query(RecoveryFacts.of(task, [index])).first else {
            throw CatalogRefusal(.missing, "there is no job \(job), which made the file")
        }
        let facts = try RecoveryFacts.row(task, row)
        let plan = RecoveryPolicy.plan(facts.condition)
        return .ofRunning(job, plan, detail: facts.detail(plan))
    }
    private func ended(
        _ job: JobKey,
        _ request: Int64,
        isArchived: Bool,
        in transaction: PostgresTransaction
    ) async throws -> FileLoss.Remedy.Ended {
        if isArchived { return .archived }
        guard try await transaction.query(DataStatements.isHole(job.task, job.index)).first == true else {
            return .partly
        }
        let next = try await transaction.query(ContinuingStatements.after(request)).first
        return next.map { .continued(by: $0.0) } ?? .hole
    }
}
