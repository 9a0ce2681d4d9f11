import Catalog
import Postgres

/// Fills a farm's database as years of work would.
struct Growth: Sendable {
    /// Jobs of one grown task, all in one transaction.
    static let piece: Int64 = 40_000

    let database: PostgresClient

    /// So many jobs and half as many attempts again, ended in the last three days. - Returns: the tasks.
    func grow(jobs: Int64) async throws -> [GrowthStatements.Task] {
        guard jobs > 0 else { return [] }
        _ = try await self.quietly { try await $0.execute(GrowthStatements.farm) }
        let pieces = (jobs + Self.piece - 1) / Self.piece
        let span = 3.0 * 86_400
        var tasks: [GrowthStatements.Task] = []
        for number in 0..<pieces {
            let count = min(Self.piece, jobs - number * Self.piece)
            tasks.append(
                try await self.task(
                    number,
                    jobs: count,
                    began: span * Double(pieces - number) / Double(pieces),
                    ended: span * Double(pieces - number - 1) / Double(pieces)
                )
            )
        }
        try await self.settle()
        return tasks
    }

    /// A task with a dataset of so many files, of jobs that ended in the last hour.
    func dataset(files: Int64) async throws -> GrowthStatements.Task {
        _ = try await self.quietly { try await $0.execute(GrowthStatements.farm) }
        let task = try await self.task(0, jobs: (files * 100 + 94) / 95, began: 3600, ended: 0)
        try await self.settle()
        return task
    }

    /// Until the farm has done with what was made, and what a server does behind one's back is done, too.
    private func settle() async throws {
        while try await self.database.query(BenchStatements.isFeedBehind).first == true {
            try await Task.sleep(for: .milliseconds(200))
        }
        for statement in GrowthStatements.settle { try await self.database.execute(statement) }
    }

    private func task(
        _ number: Int64,
        jobs: Int64,
        began: Double,
        ended: Double
    ) async throws -> GrowthStatements.Task {
        try await self.quietly { transaction in
            guard let row = try await transaction.query(GrowthStatements.begin(jobs: jobs, number: number)).first else {
                throw CommandFailure(.failed, "the database made no task to be grown")
            }
            let task = GrowthStatements.Task(
                id: row.0,
                dataset: row.1,
                firstFile: row.2,
                jobs: jobs,
                began: began,
                ended: ended
            )
            _ = try await transaction.query(RequestStatements.makePartitions(task.id))
            try await transaction.execute(GrowthStatements.rows(task))
            _ = try await transaction.query(TallyStatements.countAnew(task.id))
            return task
        }
    }

    private func quietly<Result: Sendable>(
        _ body: (PostgresTransaction) async throws -> Result
    ) async throws -> Result {
        try await self.database.withTransaction { transaction in
            try await transaction.execute(GrowthStatements.quietly)
            return try await body(transaction)
        }
    }
}
