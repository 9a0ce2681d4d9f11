import AMQP
import Catalog
import Domain
import Foundation
import Messages
import NIOConcurrencyHelpers
import Postgres
import PrivateServers
import SimulatedSite
import TestSupport
import Testing

/// Scenario `skim14`: merged streams hold exactly the events of an independent count, whatever fails on the way.
@Suite(.serialized) struct SkimTests {
    /// Each run has its own seed, which it prints; `MILLRACE_SKIM_SEED` replays one, `MILLRACE_SKIM_INPUTS` makes it larger.
    private static func scenario(_ centre: TestCentre) -> SkimScenario {
        let environment = ProcessInfo.processInfo.environment
        let seed = environment["MILLRACE_SKIM_SEED"].flatMap(UInt64.init) ?? UInt64.random(in: 1...1_000_000)
        let inputs = environment["MILLRACE_SKIM_INPUTS"].flatMap(Int64.init) ?? 400
        print("skim14: MILLRACE_SKIM_SEED=\(seed) MILLRACE_SKIM_INPUTS=\(inputs)")
        return SkimScenario(seed: seed, inputs: inputs, disk: ScenarioDisk(base: "\(centre.folder)/HOME-DISK"))
    }

    @Test func mergedStreamsHoldExactlyWhatWasSelected() async throws {
        try await LifecycleTests.withCentre(services: ["scheduler"]) { centre, processes in
            let brakes = "{failureShare: 1, dominantShare: 1, minJobs: 1000000, minFailures: 1000000}"
            processes.append(try await centre.start("monitor", config: "monitor:\n  brakes: \(brakes)\n"))
            processes.append(try await centre.start("transfer", config: "transfer:\n  garbage: 1s\n"))
            processes.append(try await Self.bookkeeper(centre, 1))
            let scenario = Self.scenario(centre)
            // A payload of a test need not wait as one of a site does.
            try await centre.database.execute("UPDATE failure_rule SET parameters = parameters - 'pauseSeconds'")
            var running: [Task<Void, any Error>] = []
            for site in ["ALPHA", "BETA"] {
                let agent = try await centre.agent(site, room: 100) { scenario.behaviour($0, $1) }
                running.append(Task { try await agent.run() })
            }
            let request = try await centre.approve(scenario.workflow)
            let bookkeeper = NIOLockedValueBox(processes.removeLast())
            let recovered = try await Self.disturb(scenario, centre, bookkeeper)
            processes.append(bookkeeper.withLockedValue { $0 })
            try await centre.until(
                "SELECT state NOT IN ('new', 'approved', 'running') FROM request_view WHERE request = \(request)"
            )
            // Each of them by one of the operators, however often both looked.
            let again = try await centre.one(
                "SELECT count(*) FROM transition WHERE kind = 'job' AND from_state = 'aborted' AND to_state = 'waiting'",
                as: Int64.self
            )
            #expect(recovered > 0 && again == Int64(recovered))
            try await Self.check(scenario, request, centre)
            try await Self.checkFiles(scenario, centre)
            for task in running { task.cancel() }
            try await LifecycleTests.expectNoViolations(centre)
        }
    }

    private static func bookkeeper(_ centre: TestCentre, _ number: Int) async throws -> ServerProcess {
        let config = "bookkeeper:\n  grace: 1s\n  sweep: 1s\n"
        return try await centre.start("bookkeeper", instance: "\(number)", config: config)
    }

    // MARK: What happens meanwhile

    /// Until all inputs but the last are skimmed: two operators recover the tasks at random moments, the Bookkeeper and the broker are
    /// killed at random shares of the work. Then the last input is let come.
    ///
    /// - Returns: the jobs that recovery let wait again.
    private static func disturb(
        _ scenario: SkimScenario,
        _ centre: TestCentre,
        _ bookkeeper: NIOLockedValueBox<ServerProcess>
    ) async throws -> Int {
        try await withThrowingTaskGroup(of: Int.self) { group in
            for name in ["olga", "steve"] {
                group.addTask { try await Self.operate(name, scenario, centre) }
            }
            group.addTask {
                for number in 2...3 {
                    try await Self.untilSkimmed(Double.random(in: 0.05...0.95), scenario, centre)
                    let old = bookkeeper.withLockedValue { $0 }
                    old.signal(9)
                    _ = await old.waitForExit()
                    let new = try await Self.bookkeeper(centre, number)
                    bookkeeper.withLockedValue { $0 = new }
                }
                return 0
            }
            group.addTask {
                for _ in 1...2 {
                    try await Self.untilSkimmed(Double.random(in: 0.05...0.95), scenario, centre)
                    await centre.broker.kill9()
                    try await centre.broker.start()
                }
                return 0
            }
            group.addTask {
                try await centre.until(
                    "SELECT jobs_done = \(scenario.inputs - 1) AND jobs_aborted = 0 FROM task_view WHERE name = 'skim'"
                )
                scenario.lastInput.insert([1])
                return 0
            }
            return try await group.reduce(0, +)
        }
    }

    /// Waits until this share of the inputs has been skimmed.
    private static func untilSkimmed(_ share: Double, _ scenario: SkimScenario, _ centre: TestCentre) async throws {
        let jobs = Int64(Double(scenario.inputs - 1) * share)
        try await centre.until("SELECT jobs_done >= \(jobs) FROM task_view WHERE name = 'skim'")
    }

    /// An operator who recovers one task after the other, whether it needs it or not. - Returns: jobs that were let wait again.
    private static func operate(_ name: String, _ scenario: SkimScenario, _ centre: TestCentre) async throws -> Int {
        let operations = Operations(centre.database, caller: Caller(who: name, role: .operator))
        var jobs = 0
        while scenario.lastInput.count == 0 {
            // Not to wait for anything: operators come at any moment, and the moment is what is tried.
            try await Task.sleep(for: .milliseconds(Int.random(in: 10...1500)))
            let tasks = try await centre.database.query(
                Statement(
                    "test.tasks",
                    "SELECT task FROM task_view WHERE state IN ('running', 'finishing') AND (name = 'skim' OR random() < 0.2)",
                    returning: Int64.self
                )
            )
            for task in tasks {
                do {
                    let outcome = try await operations.recover(task: task, version: nil, reason: nil)
                    try await centre.carryOut(outcome)
                    let again = try WireFormat.value(Recovered.self, from: outcome.result).waitAgain
                    if again > 0 { scenario.recovered.insert([1]) }
                    jobs += again
                } catch let refusal as CatalogRefusal where refusal.kind == .state {
                    // It has ended since it was looked at.
                }
            }
        }
        return jobs
    }

    /// What a recovery did, of its result.
    private struct Recovered: Decodable {
        struct Row: Decodable {
            let action: String
            let jobs: Int
        }
        let plan: [Row]

        var waitAgain: Int {
            self.plan.filter { ["waitAgain", "makeAgain"].contains($0.action) }.reduce(0) { $0 + $1.jobs }
        }
    }

    // MARK: What must be so in the end

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

    /// After their grace time the files of attempts that did not win are gone: the disk holds what the catalogue says, and no more.
    private static func checkFiles(_ scenario: SkimScenario, _ centre: TestCentre) async throws {
        try await centre.until("SELECT count(*) = 0 FROM garbage")
        let known = try await centre.database.query(
            Statement(
                "test.replicas",
                "SELECT lfn FROM replica_view WHERE storage = 'HOME-DISK' AND state = 'available'",
                returning: String.self
            )
        )
        let found = scenario.disk.files()
        let (dark, lost) = (found.subtracting(known), Set(known).subtracting(found))
        #expect(dark.isEmpty && lost.isEmpty, "dark: \(dark.sorted().prefix(5)), lost: \(lost.sorted().prefix(5))")
    }

    /// Inputs with events in a stream.
    private static func filled(_ scenario: SkimScenario, _ stream: String) -> Int64 {
        guard let place = SkimScenario.streams.firstIndex(of: stream) else { return 0 }
        return Int64((0..<scenario.inputs).filter { scenario.selected(input: $0)[place] > 0 }.count)
    }
}
