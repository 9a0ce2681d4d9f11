import Catalog
import Domain
import Messages
import Postgres
import PrivateServers
import SimulatedSite
import TestSupport
import Testing

/// Defects that other systems have or had in what happens after a failure, shown not to be here, through all processes.
@Suite(.serialized) struct KnownDefectTests {
    /// What a time-out found never reached the rules, since an exception on the way was swallowed.
    @Test func anAttemptLostInSilenceIsDecidedByTheRules() async throws {
        try await LifecycleTests.withCentre { centre, _ in
            let watch = try await centre.events(["verdict.#"])
            // Says nothing after it has taken the job, not even that it lives.
            let agent = try await centre.agent("ALPHA", manner: .init(keepsAsking: true, isSilent: true)) { _, _ in
                .hang
            }
            let running = Task { try await agent.run() }
            _ = try await centre.approve(jobs: 1)
            _ = try await watch.until { key, _ in key == "verdict.resubmit.ALPHA" }
            running.cancel()
            await watch.stop()
            let rule = try await centre.one("SELECT rule FROM verdict_view", as: String.self)
            let code = try await centre.one("SELECT code FROM verdict_view", as: Int32.self)
            let counted = try await centre.one("SELECT counted FROM verdict_view", as: Bool.self)
            #expect(
                rule != nil && rule != "no-rule" && code == Int32(FailureCode.agentLost.rawValue) && counted == false
            )
        }
    }

    /// A classifier that could not work answered "all is well". Here a rule that somebody broke by hand is left out, and all others
    /// go on deciding.
    @Test func aBrokenRuleStopsNoVerdict() async throws {
        try await LifecycleTests.withCentre(services: ["scheduler", "bookkeeper"]) { centre, processes in
            try await centre.database.execute(
                """
                INSERT INTO failure_rule (name, kind, priority, pattern, action, who)
                VALUES ('broken-by-hand', 'action', 0, '(', 'abort', 'psql')
                """
            )
            processes.append(try await centre.start("monitor"))
            let watch = try await centre.events(["verdict.#"])
            let agent = try await centre.agent("ALPHA") { _, _ in .fail([Failure(.payloadExit, "exit code 1")]) }
            let running = Task { try await agent.run() }
            _ = try await centre.approve(jobs: 1)
            _ = try await watch.until { key, _ in key == "verdict.abort.ALPHA" }
            running.cancel()
            await watch.stop()
            let rules = try await centre.one("SELECT string_agg(DISTINCT rule, ',') FROM verdict_view", as: String.self)
            #expect(rules == "payload")
        }
    }

    /// An attempt that its agent keeps without beginning it, or runs without an end, is taken from it, and the agent told to end it.
    @Test(arguments: ["leased", "running"])
    func anAttemptThatTakesTooLongIsGivenToAnother(state: String) async throws {
        try await LifecycleTests.withCentre(services: ["scheduler", "bookkeeper"]) { centre, processes in
            let limits = state == "leased" ? "leased: 0s, overdue: 1d" : "leased: 1d, overdue: 0s"
            let config = "monitor:\n  timeoutsEvery: 200ms\n  timeouts: [{\(limits)}]\n"
            processes.append(try await centre.start("monitor", config: config))
            let watch = try await centre.events(["verdict.#"])
            // It stays alive and says that it holds the job.
            let agent = try await centre.agent("ALPHA", manner: .init(isSilent: state == "leased")) { _, _ in .hang }
            let running = Task { try await agent.run() }
            _ = try await centre.approve(Self.shortJob)
            let seen = try await watch.until { key, _ in key == "verdict.resubmit.ALPHA" }
            let wanted: FailureCode = state == "leased" ? .neverStarted : .leaseLost
            #expect(seen.last?.event.detail?["code"] == .integer(Int64(wanted.rawValue)))
            // The wish goes when the agent says that it has ended it.
            while agent.killed.isEmpty { await Task.yield() }
            running.cancel()
            await watch.stop()
            #expect(agent.killed.first?.attempt == 1)
        }
    }

    /// One job that may run for a second.
    private static let shortJob = WorkflowDocument(
        name: "short",
        tasks: [
            TaskTemplate(
                name: "generate",
                kind: "generate",
                events: 1,
                eventsPerJob: 1,
                steps: [StepTemplate(name: "make", command: ["true"])],
                outputs: [OutputTemplate(stream: "gen", file: "gen.dat")],
                resources: ResourceTemplate(walltimeSeconds: 1)
            )
        ]
    )
}
