import AMQP
import Catalog
import Domain
import Messages
import Postgres
import SimulatedSite

/// Leasing alone: agents that take what they are offered, run nothing and ask again. Once from many short requests, once from
/// one long one: what waits must cost nothing.
struct MatchingBench: Sendable {
    struct Measured: Codable, Sendable {
        var jobsInRequest: Int64
        var requests: Int
        var leased: Int64
        var seconds: Double
        var leasesPerSecond: Double
        /// Approving one such request until its jobs wait, milliseconds: the median.
        var approveMilliseconds: Double
        /// Rows of the waiting table that one request made.
        var waitingRows: Int64
    }

    let databaseURL: String
    let brokerURL: String
    let long: Int64
    let leases: Int64
    let agents: Int
    let room: Int

    func run() async throws -> [Measured] {
        try await LocalCatalog.with(self.databaseURL) { database in
            let operations = Operations(database, caller: Caller(who: "bench", role: .administrator))
            try await LifecycleBench.prepare(operations)
            let short = try await self.measure(jobs: 1000, requests: Int(self.leases / 1000), operations, database)
            let long = try await self.measure(jobs: self.long, requests: 1, operations, database)
            return [short, long]
        }
    }

    private func measure(
        jobs: Int64,
        requests: Int,
        _ operations: Operations,
        _ database: PostgresClient
    ) async throws -> Measured {
        let clock = ContinuousClock()
        let endpoint = try AMQPEndpoint(url: self.brokerURL)
        var made: [Int64] = []
        for _ in 0..<requests { made.append(try await LifecycleBench.request(operations, jobs: jobs)) }
        let wanted = min(self.leases, jobs * Int64(requests))
        let ids = made
        let approving = try await LocalCatalog.withBroker(self.brokerURL) { publisher in
            var approving: [Double] = []
            for id in ids {
                let duration = try await clock.measure {
                    let outcome = try await operations.approve(id, version: nil, home: "BENCH-DISK", reason: nil)
                    try await LifecycleBench.send(outcome.messages, publisher)
                }
                approving.append(duration.seconds * 1000)
            }
            return approving
        }
        // The Scheduler makes the ranges: every request has at least one row when it is done.
        while try await database.query(BenchStatements.waitingTasks(of: ids)).first != Int64(requests) {
            await Task.yield()
        }
        let rows = try await database.query(BenchStatements.waitingRows(of: ids)).first ?? 0
        let duration = try await self.lease(wanted, endpoint)
        for id in ids { _ = try await operations.cancel(id, version: nil, reason: "benchmark done") }
        return Measured(
            jobsInRequest: jobs,
            requests: requests,
            leased: wanted,
            seconds: duration.seconds,
            leasesPerSecond: Double(wanted) / duration.seconds,
            approveMilliseconds: approving.sorted()[approving.count / 2],
            waitingRows: rows / Int64(requests)
        )
    }

    /// - Returns: how long it took until so many jobs were offered, agents' connecting included.
    private func lease(_ wanted: Int64, _ endpoint: AMQPEndpoint) async throws -> Duration {
        let (offered, continuation) = AsyncStream.makeStream(of: Void.self)
        let began = ContinuousClock.now
        return await withThrowingTaskGroup(of: Void.self) { group in
            for number in 1...self.agents {
                let agent = SimulatedAgent(
                    endpoint: endpoint,
                    site: "BENCH",
                    agent: "bench\(number)",
                    room: self.room,
                    storage: "BENCH-DISK",
                    manner: .init(keepsAsking: true, isSilent: true),
                    logger: LocalCatalog.quiet
                ) { _, _, _ in
                    continuation.yield()
                    return .hang
                }
                group.addTask { try await agent.run() }
            }
            var count: Int64 = 0
            for await _ in offered {
                count += 1
                if count == wanted { break }
            }
            let duration = began.duration(to: .now)
            group.cancelAll()
            return duration
        }
    }
}
