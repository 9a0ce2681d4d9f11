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
    private static let inputs: Int64 = 2000

    /// Each run has its own seed, which it prints; `MILLRACE_SKIM_SEED` replays one, `MILLRACE_SKIM_INPUTS` makes it smaller or larger.
    private static func scenario(_ centre: TestCentre) -> SkimScenario {
        let environment = ProcessInfo.processInfo.environment
        let seed = environment["MILLRACE_SKIM_SEED"].flatMap(UInt64.init) ?? UInt64.random(in: 1...1_000_000)
        let inputs = environment["MILLRACE_SKIM_INPUTS"].flatMap(Int64.init) ?? Self.inputs
        let scenario = SkimScenario(
            seed: seed,
            inputs: inputs,
            disk: ScenarioDisk(base: "\(centre.folder)/HOME-DISK")
        )
        print("skim14: MILLRACE_SKIM_SEED=\(seed) MILLRACE_SKIM_INPUTS=\(inputs): \(scenario.schedule)")
        return scenario
    }

    @Test func aSeedDrawsTheSameScheduleAgain() {
        func schedule(_ seed: UInt64) -> SkimSchedule {
            SkimSchedule(seed: seed, inputs: 1999, merges: SkimScenario.streams)
        }
        for seed in 1...100 as ClosedRange<UInt64> {
            let drawn = schedule(seed)
            #expect(drawn == schedule(seed) && drawn != schedule(seed + 1))
            #expect((drawn.bookkeeperKills + drawn.brokerKills).allSatisfy { (99..<1900).contains($0) })
            let together = Set(drawn.visits[0].map(\.settled)).intersection(drawn.visits[1].map(\.settled))
            #expect(together.count >= 2 && drawn.visits.allSatisfy { $0.count == 5 && $0.last?.settled == 1999 })
        }
    }

    @Test func mergedStreamsHoldExactlyWhatWasSelected() async throws {
        try await LifecycleTests.withCentre(services: ["scheduler"]) { centre, processes in
            let brakes = "{failureShare: 1, dominantShare: 1, minJobs: 1000000, minFailures: 1000000}"
            processes.append(try await centre.start("monitor", config: "monitor:\n  brakes: \(brakes)\n"))
            processes.append(try await centre.start("transfer", config: "transfer:\n  garbage: 1s\n"))
            let gateway = try await centre.startGateway()
            processes.append(gateway.process)
            processes.append(try await Self.bookkeeper(centre, 1))
            let scenario = Self.scenario(centre)
            // A payload of a test need not wait as one of a site does.
            try await centre.database.execute("UPDATE failure_rule SET parameters = parameters - 'pauseSeconds'")
            var running: [Task<Void, any Error>] = []
            defer { for task in running { task.cancel() } }
            for site in ["ALPHA", "BETA"] {
                let manner = SimulatedAgent.Manner(submits: true, loses: { scenario.lost($0) })
                let agent = try await centre.agent(site, room: 100, manner: manner) { scenario.behaviour($0, $1) }
                running.append(Task { try await agent.run() })
            }
            let request = try await centre.approve(scenario.workflow)
            let bookkeeper = NIOLockedValueBox(processes.removeLast())
            let recovered = try await Self.disturb(scenario, centre, gateway, bookkeeper)
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
            try await Self.checkFaults(scenario, centre)
            try await Self.checkEvents(scenario, centre)
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

    /// Until all inputs but the last are skimmed: two operators recover tasks, the Bookkeeper and the broker are killed, each when so many
    /// inputs are settled as the schedule says. Then the last input is let come.
    ///
    /// - Returns: the jobs that recovery let wait again.
    private static func disturb(
        _ scenario: SkimScenario,
        _ centre: TestCentre,
        _ gateway: TestGateway,
        _ bookkeeper: NIOLockedValueBox<ServerProcess>
    ) async throws -> Int {
        let settled = Gathered()
        return try await withThrowingTaskGroup(of: Int.self) { group in
            for (name, visits) in zip(SkimSchedule.operators, scenario.schedule.visits) {
                let shell = try await OperatorShell(name, centre, gateway)
                group.addTask { try await Self.operate(shell, visits, settled, centre) }
            }
            group.addTask {
                for (place, moment) in scenario.schedule.bookkeeperKills.enumerated() {
                    await settled.more(than: Int(moment) - 1)
                    let old = bookkeeper.withLockedValue { $0 }
                    old.signal(9)
                    _ = await old.waitForExit()
                    let new = try await Self.bookkeeper(centre, place + 2)
                    bookkeeper.withLockedValue { $0 = new }
                }
                return 0
            }
            group.addTask {
                for moment in scenario.schedule.brokerKills {
                    await settled.more(than: Int(moment) - 1)
                    await centre.broker.kill9()
                    try await centre.broker.start()
                }
                return 0
            }
            group.addTask {
                try await Self.count(settled, scenario, centre)
                return 0
            }
            return try await group.reduce(0, +)
        }
    }

    /// Tells how many inputs are settled, until all but the last are skimmed; lets the last come.
    private static func count(_ settled: Gathered, _ scenario: SkimScenario, _ centre: TestCentre) async throws {
        let statement = Statement(
            "test.settled",
            "SELECT jobs_done, jobs_aborted FROM task_view WHERE name = 'skim'",
            returning: Int64.self,
            Int64.self
        )
        while true {
            let (done, aborted) = try await centre.database.query(statement).first ?? (0, 0)
            settled.insert(settled.count..<max(settled.count, Int(done + aborted)))
            if done == scenario.inputs - 1 { break }
            await Task.yield()
        }
        scenario.lastInput.insert([1])
    }

    /// An operator who recovers tasks with the command, whether they need it or not. - Returns: jobs that were let wait again.
    private static func operate(
        _ shell: OperatorShell,
        _ visits: [SkimSchedule.Visit],
        _ settled: Gathered,
        _ centre: TestCentre
    ) async throws -> Int {
        var jobs = 0
        for visit in visits {
            await settled.more(than: Int(visit.settled) - 1)
            for name in visit.tasks {
                // A merge may not be there yet.
                guard let task = try await centre.one("SELECT task FROM task_view WHERE name = \(name)", as: Int64.self)
                else { continue }
                jobs += try await shell.recover(task) ?? 0
            }
        }
        return jobs
    }

    // MARK: What must be so in the end

    private static func check(_ scenario: SkimScenario, _ request: Int64, _ centre: TestCentre) async throws {
        let state = try await centre.one("SELECT state FROM request_view WHERE request = \(request)", as: String.self)
        #expect(state == "finished")
        let rows = try await centre.database.query(
            Statement(
                "test.merged",
                "SELECT dataset, state, files FROM dataset_view WHERE dataset LIKE 'skim14.%' ORDER BY dataset",
                returning: String.self,
                String.self,
                Int64.self
            )
        )
        #expect(rows.count == 14)
        for (dataset, state, files) in rows {
            let filled = Self.filled(scenario, String(dataset.dropFirst("skim14.".count)))
            let jobs = (filled + SkimScenario.inputsPerMerge - 1) / SkimScenario.inputsPerMerge
            #expect(state == "closed" && files == jobs, "\(dataset): merged \(SkimScenario.inputsPerMerge) at a time")
            #expect((files == 0) == (dataset == "skim14.s14"), "\(dataset)")
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
    }

    /// Each fault happened, and was called by its name.
    private static func checkFaults(_ scenario: SkimScenario, _ centre: TestCentre) async throws {
        let faults = scenario.faults
        print("skim14: \(faults.map { "\($0.key) \($0.value)" }.sorted().joined(separator: ", "))")
        let isComplete = faults.count == SkimScenario.Fault.allCases.count
        #expect(isComplete || scenario.inputs < Self.inputs, "each kind of fault happened: \(faults)")
        let lostWholly = try await centre.one(
            """
            SELECT count(*) FROM submission_view s JOIN task_view t ON t.task = s.task
            WHERE t.name = 'skim' AND s.attempts > 1 AND s.failed = s.attempts
            """,
            as: Int64.self
        )
        #expect((lostWholly ?? 0) > 0 || scenario.inputs < Self.inputs, "batch submissions of which nothing came back")
        let codes = Set(
            try await centre.database.query(
                Statement(
                    "test.codes",
                    "SELECT DISTINCT code::bigint FROM verdict_view v JOIN task_view t ON t.task = v.task WHERE t.name = 'skim'",
                    returning: Int64.self
                )
            )
        )
        for code in [FailureCode.missingStream, .eventsMismatch, .payloadExit] {
            #expect(codes.contains(Int64(code.rawValue)), "\(code)")
        }
    }

    /// The independent count: the files of the merged streams are read from the disk, event by event.
    private static func checkEvents(_ scenario: SkimScenario, _ centre: TestCentre) async throws {
        for (stream, expected) in zip(SkimScenario.streams, scenario.expected()) {
            try await MergedFiles(of: "skim14.\(stream)", centre, scenario.disk).expect(expected)
        }
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
        return Int64((0..<scenario.inputs).filter { scenario.selectedEvents(input: $0, stream: place) > 0 }.count)
    }
}
