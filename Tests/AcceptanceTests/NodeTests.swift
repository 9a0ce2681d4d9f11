import Catalog
import Domain
import Messages
import Postgres
import PrivateServers
import SimulatedSite
import Testing

/// Jobs that are to be tried on another node, where each agent has one.
@Suite(.serialized) struct NodeTests {
    /// The other one comes later and fails nothing: what came back waits for it, and is not given to the first again.
    @Test func aJobIsTriedOnAnotherNode() async throws {
        try await LifecycleTests.withCentre(services: ["monitor", "bookkeeper"]) { centre, processes in
            // Nobody looks meanwhile whether there is another node at all.
            processes.append(try await centre.start("scheduler", config: "scheduler:\n  sweep: 1h\n"))
            let watch = try await centre.events(["request.#"])
            let broken = try await centre.agent("ALPHA", name: "n1", manner: .init(nodes: ["n1"])) { _, _ in
                .fail([Failure(.nodeLost, "the node n1 crashed")])
            }
            var running = [Task { try await broken.run() }]
            try await centre.until("SELECT EXISTS (SELECT FROM agent_session WHERE room = 50)")
            // Eight only: a node that fails many in a row is excluded, which is not what is tried here.
            let request = try await centre.approve(jobs: 8, maxAttempts: 20)
            try await centre.until("SELECT count(*) = 8 FROM attempt WHERE ended_at IS NOT NULL")
            let good = try await centre.agent("ALPHA", name: "n2", manner: .init(nodes: ["n2"]))
            running.append(Task { try await good.run() })
            try await watch.finish(of: request)
            for task in running { task.cancel() }
            await watch.stop()
            let tries = try await centre.one(
                "SELECT array_agg(node || ' ' || n ORDER BY node) FROM (SELECT node, count(*) AS n FROM attempt GROUP BY node) x",
                as: [String].self
            )
            #expect(tries == ["n1 8", "n2 8"])
            try await LifecycleTests.expectNoViolations(centre)
        }
    }

    /// A farm of one node has no other: its jobs go back to it, a moment later.
    @Test func aJobGoesBackToTheOnlyNode() async throws {
        try await LifecycleTests.withCentre(services: ["monitor", "bookkeeper"]) { centre, processes in
            processes.append(try await centre.start("scheduler", config: "scheduler:\n  sweep: 200ms\n"))
            let watch = try await centre.events(["request.#"])
            let agent = try await centre.agent("ALPHA", manner: .init(nodes: ["n1"])) { job, _ in
                job.name.attempt == 1 ? .fail([Failure(.nodeLost, "the node n1 crashed")]) : .finish
            }
            let running = Task { try await agent.run() }
            try await watch.finish(of: try await centre.approve(jobs: 3))
            running.cancel()
            await watch.stop()
            let kept = try await centre.one(
                "SELECT count(*) FROM verdict WHERE changes ->> 'excludedNodes' LIKE '%n1%'",
                as: Int64.self
            )
            #expect(kept == 3)
            try await LifecycleTests.expectNoViolations(centre)
        }
    }
}
