import Catalog
import Postgres
import PrivateServers
import SimulatedSite
import TestSupport
import Testing

/// Two Schedulers and a long queue.
@Suite(.serialized) struct LeasingTests {
    /// Neither Scheduler looks at anything without being told for an hour: an agent that is sent away empty once while jobs
    /// wait gets no offer any more, and the test would never end.
    @Test(arguments: [1_000, 10_000_000] as [Int64])
    func twoSchedulersSendNoAgentAwayWhileJobsWait(jobs: Int64) async throws {
        try await LifecycleTests.withCentre(services: []) { centre, processes in
            for instance in ["1", "2"] {
                processes.append(
                    try await centre.start("scheduler", instance: instance, config: "scheduler:\n  sweep: 1h\n")
                )
            }
            let (offered, continuation) = AsyncStream.makeStream(of: String.self)
            var agents: [SimulatedAgent] = []
            for (site, name) in [("ALPHA", "a"), ("ALPHA", "b"), ("BETA", "c"), ("BETA", "d")] {
                agents.append(
                    try await centre.agent(site, name: name, manner: .init(keepsAsking: true)) { _, _ in
                        continuation.yield(name)
                        return .hang
                    }
                )
            }
            let running = agents.map { agent in Task { try await agent.run() } }
            _ = try await centre.approve(jobs: jobs)
            // The short queue to its last job; of the long one 1,500 for each agent.
            var (seen, all) = ([String: Int](), 0)
            for await name in offered {
                seen[name, default: 0] += 1
                all += 1
                if all == jobs || (seen.count == agents.count && seen.values.allSatisfy { $0 >= 1500 }) { break }
            }
            for task in running { task.cancel() }
            for task in running { _ = await task.result }
            let twice = try await centre.one(
                "SELECT count(*) FROM (SELECT 1 FROM attempt WHERE state IS DISTINCT FROM 'cancelled' GROUP BY task, index HAVING count(*) > 1) x",
                as: Int64.self
            )
            #expect(twice == 0)
            if jobs == 1_000 { #expect(try await centre.one("SELECT count(*) FROM waiting", as: Int64.self) == 0) }
            let schedulers = try await centre.one(
                "SELECT count(DISTINCT who) FROM transition WHERE kind = 'attempt' AND to_state = 'leased'",
                as: Int64.self
            )
            #expect(schedulers == 2)
        }
    }
}
