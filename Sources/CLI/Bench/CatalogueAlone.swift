import Catalog
import Domain
import Messages
import Postgres

/// The same writes as a job's life, by one client, without broker, services and agents: what the catalogue alone can do.
struct CatalogueAlone: Sendable {
    let database: PostgresClient
    let operations: Operations
    var batch = 200

    func run(jobs: Int64) async throws -> (jobs: Int64, seconds: Double) {
        let (task, holder) = try await self.prepare(jobs: jobs)
        let clock = ContinuousClock()
        let duration = try await clock.measure {
            for first in stride(from: Int64(0), to: jobs, by: Int64.Stride(self.batch)) {
                try await self.life(task, holder, first..<min(first + Int64(self.batch), jobs))
            }
        }
        return (jobs, duration.seconds)
    }

    /// A running task of its own that no Scheduler leases from.
    private func prepare(jobs: Int64) async throws -> (task: Int64, holder: Int32) {
        let made = try await self.operations.createRequest(
            NewRequest(
                workflow: "bench-lifecycle",
                title: "benchmark, catalogue alone",
                parameters: ["jobs": String(jobs), "site": "BENCH"]
            )
        )
        let request = try WireFormat.value(RequestID.self, from: made.result).request
        // Its words to the Scheduler stay unsent and its request is held at once: the ranges are made here and leased by nobody else.
        _ = try await self.operations.approve(request, version: nil, home: "BENCH-DISK", reason: nil)
        return try await self.database.withTransaction { transaction in
            let tasks = try await transaction.query(RequestStatements.tasks(of: request))
            guard let task = tasks.first?.0, tasks.first?.2 == TaskState.waiting.rawValue else {
                throw CommandFailure(.failed, "the Scheduler was faster than the benchmark: run it again")
            }
            try await transaction.execute(ExpansionStatements.startWithoutInputs(task))
            let holder = try await transaction.query(BenchStatements.holder).first ?? 0
            return (task, holder)
        }
    }

    private struct RequestID: Codable { let request: Int64 }

    /// Leased, running, finished and accepted: three transactions, as the three services make them.
    private func life(_ task: Int64, _ holder: Int32, _ indexes: Range<Int64>) async throws {
        let leases = indexes.map {
            NewLease(
                job: JobKey(task: task, index: $0),
                holder: holder,
                site: "BENCH",
                agent: "bench1",
                token: .random()
            )
        }
        let now = Moment.now
        let rows = try await self.database.withTransaction { try await $0.query(LeasingStatements.lease(leases)) }
        let keys = rows.map { AttemptKey(task: $0.0, index: $0.1, attempt: Int($0.2)) }
        try await self.database.withTransaction { transaction in
            _ = try await transaction.query(ReportStatements.lockLeases(keys.map(\.job)))
            try await transaction.executeAndCommit(
                ReportStatements.running(
                    keys.map { .init(key: $0, sequence: 1, step: "make", node: "node1", batchID: nil, at: now) }
                )
            )
        }
        try await self.database.withTransaction { transaction in
            _ = try await transaction.query(ReportStatements.lockJobs(keys.map(\.job)))
            _ = try await transaction.query(ReportStatements.lockLeases(keys.map(\.job)))
            _ = try await transaction.query(AcceptStatements.accept(keys.map { self.acceptance($0, now) }))
        }
    }

    private func acceptance(_ key: AttemptKey, _ now: Moment) -> Acceptance {
        Acceptance(
            key: key,
            site: "BENCH",
            node: "node1",
            eventsRead: 1,
            started: now,
            finished: now,
            software: nil,
            cpuSeconds: 0,
            wallSeconds: 0,
            memoryPeak: 0,
            steps: JSONText("[]"),
            outputs: [
                .init(
                    stream: "gen",
                    events: 1,
                    counted: true,
                    file: .init(
                        lfn: "/bench/\(key)",
                        bytes: 1000,
                        adler32: "00000001",
                        crc32c: "00000000",
                        storage: "BENCH-DISK"
                    )
                )
            ]
        )
    }
}
