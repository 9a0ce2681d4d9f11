import Catalog
import Domain
import Messages
import NIOConcurrencyHelpers
import Postgres
import PrivateServers
import SimulatedSite
import TestSupport
import Testing

/// New versions of a request go on where the ones before stopped, through all processes.
@Suite(.serialized) struct DeriveTests {
    private struct Made: Decodable { let request: Int64 }

    /// The first version is stopped in the middle, the second as well, each with jobs that failed, that never ended and files of which
    /// half was read; the third comes to its end. Together they hold every event that was asked for, once.
    @Test func versionsTogetherHoldEveryEventOnce() async throws {
        try await LifecycleTests.withCentre(services: ["scheduler", "bookkeeper", "transfer"]) { centre, processes in
            let brakes = "{failureShare: 1, dominantShare: 1, minJobs: 1000000, minFailures: 1000000}"
            processes.append(try await centre.start("monitor", config: "monitor:\n  brakes: \(brakes)\n"))
            try await centre.database.execute("UPDATE failure_rule SET parameters = parameters - 'pauseSeconds'")
            let scenario = DeriveScenario()
            let watch = try await centre.events(["request.#"])
            let agent = try await centre.agent("ALPHA", room: 200) { scenario.behaviour($0, $1) }
            let running = Task { try await agent.run() }
            let first = try await Self.first(centre)
            try await Self.stop(first, centre)
            let second = try await Self.derive(first, .init(perJob: 8, files: 4, memoryMB: 900), centre)
            try await Self.approve(second, centre)
            try await Self.stop(second, centre)
            let third = try await Self.derive(second, .init(perJob: 6, files: 5, memoryMB: 1100), centre)
            scenario.last.withLockedValue { $0 = third }
            try await Self.approve(third, centre)
            try await watch.finish(of: third)
            running.cancel()
            await watch.stop()
            try await Self.check(scenario, centre)
            try await LifecycleTests.expectNoViolations(centre)
            await Self.expectRefusal("nothing is left of request \(third)") {
                _ = try await Self.derive(third, nil, centre)
            }
        }
    }

    struct Change {
        let perJob: Int64
        let files: Int64
        let memoryMB: Int64
    }

    private static func first(_ centre: TestCentre) async throws -> Int64 {
        let operations = Operations(centre.database, caller: centre.caller)
        let sample = NewSample(
            rootName: "z",
            process: "z",
            generator: "g",
            energy: 91,
            producer: "p",
            totalEvents: DeriveScenario.events
        )
        _ = try await operations.createSample(sample)
        return try await centre.approve(DeriveScenario.workflow(perJob: 10, files: 3, memoryMB: 1000)) {
            $0.sample = "z"
            $0.simulation = NewSimulation(ssw: "s", sswVersion: "1", detectorModel: "d", physicsList: "l")
        }
    }

    /// Cancels a request of which some is done everywhere, some is half done, and some runs for ever.
    private static func stop(_ request: Int64, _ centre: TestCentre) async throws {
        try await centre.until(
            """
            SELECT bool_and(jobs_done >= CASE kind WHEN 'merge' THEN 1 ELSE 5 END AND (kind = 'merge' OR jobs_active > 0)) FROM task_view
            WHERE request = \(request)
            """
        )
        try await centre.until(
            """
            SELECT EXISTS (SELECT 1 FROM unit_input u JOIN winner w ON w.task = u.task AND w.index = u.index JOIN file f ON f.id = u.file
                           JOIN task t ON t.id = u.task WHERE t.request = \(request) AND t.kind = 'skim'
                           GROUP BY f.id HAVING sum(upper(u.slice) - lower(u.slice)) < f.events)
            """
        )
        await Self.expectRefusal("request \(request) is running") { _ = try await Self.derive(request, nil, centre) }
        let operations = Operations(centre.database, caller: centre.caller)
        try await centre.carryOut(try await operations.cancel(request, version: nil, reason: "too little memory"))
    }

    /// Two operators at once, and a third one afterwards: one new version comes of it.
    private static func derive(_ request: Int64, _ change: Change?, _ centre: TestCentre) async throws -> Int64 {
        let document = change.map {
            DeriveScenario.workflow(perJob: $0.perJob, files: $0.files, memoryMB: $0.memoryMB)
        }
        @Sendable func derive(_ who: String) async throws -> Int64 {
            let operations = Operations(centre.database, caller: Caller(who: who, role: .physicist))
            let outcome = try await operations.derive(request, .init(.init(), document: document))
            return try WireFormat.value(Made.self, from: outcome.result).request
        }
        guard change != nil else { return try await derive("olga") }
        let ends = await withTaskGroup(of: Result<Int64, any Error>.self) { group in
            for who in ["olga", "igor"] {
                group.addTask {
                    do { return .success(try await derive(who)) } catch { return .failure(error) }
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        let made = ends.compactMap { try? $0.get() }
        #expect(made.count == 1)
        for end in ends {
            guard case .failure(let error) = end else { continue }
            #expect("\(error)".contains("goes on with request \(request) already: "), "\(error)")
        }
        await Self.expectRefusal("goes on with request \(request) already") { _ = try await derive("ann") }
        return try #require(made.first)
    }

    private static func approve(_ request: Int64, _ centre: TestCentre) async throws {
        // The agents are told to end what they run: until they answer, what they have may still be accepted.
        try await centre.until("SELECT count(*) = 0 FROM lease")
        try await centre.until("SELECT count(*) = 0 FROM job WHERE state IN ('active', 'recovering', 'waiting')")
        let operations = Operations(centre.database, caller: centre.caller)
        let approved = try await operations.approve(request, version: nil, home: nil, reason: nil)
        #expect(
            approved.lines.contains { $0.hasPrefix("task skim (skim): ") && $0.contains(" half, ") },
            "\(approved.lines)"
        )
        try await centre.carryOut(approved)
    }

    /// Ten of twenty files that a query found are processed. Then it finds twenty more: the next version reads the ten that are left.
    @Test func whatAQueryFoundStays() async throws {
        try await LifecycleTests.withCentre { centre, _ in
            let operations = Operations(centre.database, caller: centre.caller)
            _ = try await operations.addField("run", type: .integer, description: "")
            let hangs = NIOLockedValueBox(true)
            let watch = try await centre.events(["request.#"])
            let agent = try await centre.agent("ALPHA", room: 100) { job, task in
                task.name == "read" && job.name.index % 2 == 1 && hangs.withLockedValue({ $0 }) ? .hang : .finish
            }
            let running = Task { try await agent.run() }
            func make(_ name: String) async throws {
                let task = TaskTemplate(
                    name: "generate",
                    kind: "generate",
                    events: 200,
                    eventsPerJob: 10,
                    steps: [StepTemplate(name: "make", command: ["true"])],
                    outputs: [OutputTemplate(stream: "gen", file: "gen.dat")],
                    metadata: ["run": 7]
                )
                let request = try await centre.approve(WorkflowDocument(name: name, tasks: [task]))
                try await watch.finish(of: request)
            }
            try await make("first")
            let read = TaskTemplate(
                name: "read",
                kind: "process",
                inputs: [InputTemplate(query: "run = 7")],
                steps: [StepTemplate(name: "read", command: ["true"])],
                outputs: [OutputTemplate(stream: "out", file: "out.dat")]
            )
            let first = try await centre.approve(WorkflowDocument(name: "read", tasks: [read]))
            try await centre.until("SELECT jobs_done = 10 AND jobs_active = 10 FROM task_view WHERE request = \(first)")
            try await centre.carryOut(try await operations.cancel(first, version: nil, reason: nil))
            try await centre.until("SELECT count(*) = 0 FROM lease")
            try await make("second")
            hangs.withLockedValue { $0 = false }
            let derived = try await operations.derive(first, .init(.init()))
            #expect(
                derived.lines.contains(
                    "task read (process): 10 of 20 files are read, 100 of 200 events; 10 files with 100 events are left"
                ),
                "\(derived.lines)"
            )
            let next = try WireFormat.value(Made.self, from: derived.result).request
            try await centre.carryOut(try await operations.approve(next, version: nil, home: nil, reason: nil))
            try await watch.finish(of: next)
            running.cancel()
            await watch.stop()
            let files = try await centre.one(
                """
                SELECT concat_ws(' ', count(*), count(DISTINCT u.file), count(DISTINCT f.task)) FROM unit_input u
                JOIN winner w ON w.task = u.task AND w.index = u.index JOIN file f ON f.id = u.file
                """,
                as: String.self
            )
            #expect(files == "20 20 1")
            try await LifecycleTests.expectNoViolations(centre)
        }
    }

    private static func expectRefusal(_ text: String, _ body: () async throws -> Void) async {
        do {
            try await body()
            Issue.record("nothing was refused: \(text)")
        } catch {
            #expect("\(error)".contains(text), "\(error)")
        }
    }

    // MARK: What must be so in the end

    private static func check(_ scenario: DeriveScenario, _ centre: TestCentre) async throws {
        func files(_ task: String) async throws -> [String] {
            try await centre.database.query(
                Statement(
                    "test.files",
                    """
                    SELECT f.lfn FROM task t JOIN dataset d ON d.task = t.id JOIN dataset_file df ON df.dataset = d.id
                    JOIN file f ON f.id = df.file WHERE t.name = \(task)
                    """,
                    returning: String.self
                )
            )
        }
        let made = try await files("generate")
        let events = scenario.events(of: made)
        #expect(events.count == DeriveScenario.events && Set(events).count == events.count, "each number once")
        #expect(scenario.seeds(of: made).count == made.count, "each seed once")
        for stream in ["a", "b"] {
            let merged = scenario.events(of: try await files("merge-\(stream)"))
            #expect(merged == events.filter { DeriveScenario.belongs($0, to: stream) }, "stream \(stream)")
        }
        let versions = try await centre.one(
            "SELECT string_agg(concat_ws('.', state, coalesce(continues, 0), coalesce(continued_by, 0)), ' ' ORDER BY request) FROM request_view",
            as: String.self
        )
        let numbers = try await centre.database.query(
            Statement("test.requests", "SELECT id FROM request ORDER BY id", returning: Int64.self)
        )
        try #require(numbers.count == 3)
        #expect(
            versions
                == "cancelled.0.\(numbers[1]) cancelled.\(numbers[0]).\(numbers[2]) finished.\(numbers[1]).0"
        )
        let datasets = try await centre.one(
            "SELECT string_agg(name || ' ' || state, ', ' ORDER BY name) FROM dataset WHERE name LIKE 'derived.%'",
            as: String.self
        )
        let names = ["a", "b"].flatMap { stream in ["", ".v2", ".v3"].map { "derived.\(stream)\($0) closed" } }
        #expect(datasets == names.joined(separator: ", "))
        let tracker = try await centre.one(
            "SELECT concat_ws(' ', sum(generated), sum(processed), sum(damaged)) FROM tracker_view",
            as: String.self
        )
        #expect(tracker == "\(DeriveScenario.events) \(DeriveScenario.events) 0")
    }
}
