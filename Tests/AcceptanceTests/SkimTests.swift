import Catalog
import Domain
import Foundation
import Messages
import Postgres
import PrivateServers
import SimulatedSite
import TestSupport
import Testing

/// Scenario `skim14`: merged streams hold exactly the events of an independent count, whatever fails on the way.
@Suite(.serialized) struct SkimTests {
    /// Each run has its own seed, which it prints; `MILLRACE_SKIM_SEED` replays one, `MILLRACE_SKIM_INPUTS` makes it larger.
    private static func scenario() -> SkimScenario {
        let environment = ProcessInfo.processInfo.environment
        let seed = environment["MILLRACE_SKIM_SEED"].flatMap(UInt64.init) ?? UInt64.random(in: 1...1_000_000)
        let inputs = environment["MILLRACE_SKIM_INPUTS"].flatMap(Int64.init) ?? 400
        print("skim14: MILLRACE_SKIM_SEED=\(seed) MILLRACE_SKIM_INPUTS=\(inputs)")
        return SkimScenario(seed: seed, inputs: inputs)
    }

    @Test func mergedStreamsHoldExactlyWhatWasSelected() async throws {
        let config = "monitor:\n  brakes: {failureShare: 1, dominantShare: 1, minJobs: 1000000, minFailures: 1000000}\n"
        try await LifecycleTests.withCentre(services: ["scheduler", "transfer", "bookkeeper"]) { centre, processes in
            processes.append(try await centre.start("monitor", config: config))
            let scenario = Self.scenario()
            // A payload of a test need not wait as one of a site does.
            try await centre.database.execute("UPDATE failure_rule SET parameters = parameters - 'pauseSeconds'")
            let watch = try await centre.events(["task.#", "request.#"])
            var running: [Task<Void, any Error>] = []
            for site in ["ALPHA", "BETA"] {
                let agent = try await centre.agent(site, room: 100) { scenario.behaviour($0, $1) }
                running.append(Task { try await agent.run() })
            }
            let request = try await centre.approve(scenario.workflow)
            // While the merges begin, the Bookkeeper and the broker are killed.
            _ = try await watch.until { _, event in event.entity == "task:3" && event.to == "running" }
            processes[2].signal(9)
            _ = await processes[2].waitForExit()
            processes[2] = try await centre.start("bookkeeper", instance: "2")
            await watch.stop()
            try await centre.until(
                "SELECT state NOT IN ('new', 'approved', 'running') FROM request_view WHERE request = \(request)"
            )
            for task in running { task.cancel() }
            try await Self.check(scenario, request, centre)
            try await LifecycleTests.expectNoViolations(centre)
        }
    }

    private static func check(_ scenario: SkimScenario, _ request: Int64, _ centre: TestCentre) async throws {
        let state = try await centre.one("SELECT state FROM request_view WHERE request = \(request)", as: String.self)
        #expect(state == "finished")
        let rows = try await centre.database.query(
            Statement(
                "test.merged",
                "SELECT dataset, state, files, events FROM dataset_view WHERE dataset LIKE 'skim14.%' ORDER BY dataset",
                returning: String.self,
                String.self,
                Int64.self,
                Int64.self
            )
        )
        let expected = scenario.expected
        #expect(rows.count == 14)
        for (dataset, state, files, events) in rows {
            let stream = String(dataset.dropFirst("skim14.".count))
            #expect(state == "closed" && events == expected[stream], "\(dataset)")
            #expect((files == 0) == (expected[stream] == 0), "\(dataset)")
            let jobs = (Self.filled(scenario, stream) + SkimScenario.inputsPerMerge - 1) / SkimScenario.inputsPerMerge
            #expect(files == jobs, "\(dataset): merged \(SkimScenario.inputsPerMerge) at a time")
        }
        // Every input was read once: by one winner, completely.
        let read = try await centre.one(
            """
            SELECT sum(a.events_read)::bigint FROM winner w JOIN attempt a ON a.task = w.task AND a.index = w.index AND a.attempt = w.attempt
            JOIN task t ON t.id = w.task AND t.name = 'skim'
            """,
            as: Int64.self
        )
        #expect(read == scenario.inputs * SkimScenario.eventsPerInput)
        let twice = try await centre.one(
            "SELECT count(*) FROM (SELECT FROM merge_input GROUP BY src_task, src_index, stream HAVING count(*) > 1) x",
            as: Int64.self
        )
        #expect(twice == 0)
        #expect(scenario.faults.count == 5, "each kind of fault happened: \(scenario.faults)")
    }

    /// Inputs with events in a stream.
    private static func filled(_ scenario: SkimScenario, _ stream: String) -> Int64 {
        guard let place = SkimScenario.streams.firstIndex(of: stream) else { return 0 }
        return Int64((0..<scenario.inputs).filter { scenario.selected(input: $0)[place] > 0 }.count)
    }
}
