import Catalog
import Domain
import Messages
import Postgres
import PrivateServers
import SimulatedSite
import TestSupport
import Testing

/// A request is cancelled in the middle with all that it made, through all processes and with real files.
@Suite(.serialized) struct CleanupTests {
    private static let bookkeeper = "bookkeeper: {sweep: 1s, grace: 1s}"
    private static let transfer = "transfer: {sweep: 1s, pause: 1s, garbage: 1s}"

    private static func generate(
        _ name: String,
        jobs: Int,
        dataset: String,
        site: String = "ALPHA"
    ) -> TaskTemplate {
        TaskTemplate(
            name: name,
            kind: "generate",
            events: Scalar("\(jobs)"),
            eventsPerJob: 1,
            steps: [StepTemplate(name: "make", command: ["true"])],
            outputs: [OutputTemplate(stream: "out", file: "out.dat", dataset: dataset, home: "HOME-DISK")],
            resources: ResourceTemplate(sites: [site])
        )
    }

    private static func read(
        _ name: String,
        _ input: InputTemplate,
        merging: Scalar? = nil,
        home: String = "HOME-DISK"
    ) -> TaskTemplate {
        TaskTemplate(
            name: name,
            kind: merging == nil ? "process" : "merge",
            filesPerJob: merging,
            inputs: [input],
            steps: [StepTemplate(name: "read", command: ["true"])],
            outputs: [OutputTemplate(stream: "out", file: "out.dat", dataset: "doomed.\(name)", home: home)],
            resources: ResourceTemplate(sites: ["ALPHA"])
        )
    }

    /// Reads what another request made, merges that and moves it to another storage element; makes files of its own, of which some are still
    /// being made; and has three jobs at a site that does not hear of its end.
    private static let doomed = WorkflowDocument(
        name: "doomed",
        tasks: [
            Self.read("read", InputTemplate(dataset: "source")),
            Self.read("merged", InputTemplate(task: "read", stream: "out"), merging: 10, home: "AWAY-DISK"),
            Self.generate("make", jobs: 1280, dataset: "doomed.make"),
            Self.generate("slow", jobs: 3, dataset: "doomed.slow", site: "BETA"),
        ]
    )

    /// The words that jobs wait for.
    private struct Words: Sendable {
        let cancelled = Gathered()
        let reader = Gathered()
    }

    private static func behaviour(
        _ job: OfferedJob,
        _ task: JobDescription,
        _ words: Words,
        _ disk: ScenarioDisk
    ) -> SimulatedAgent.Behaviour {
        let store: @Sendable (FinishedItem) -> FinishedItem = { disk.storing($0) }
        let cancelled: @Sendable () async -> Void = { await words.cancelled.more(than: 0) }
        switch (task.name, job.name.index) {
        // Taken for lost, made again, and finished after all, when the request is long over.
        case ("make", 1250..<1260): return job.name.attempt == 1 ? .comeBack(cancelled, store) : .hang
        case ("make", 1260...): return .hang
        case ("slow", _): return .comeBack(cancelled, store)
        case ("reader", _): return .until({ await words.reader.more(than: 0) }, .finishWith(store))
        default: return .finishWith(store)
        }
    }

    /// The Bookkeeper is killed in a step, Transfer while it deletes; attempts end after the request; another request reads three of the
    /// files. In the end the disks hold exactly what the catalogue says, and of the request nothing.
    @Test func aRequestIsCancelledWithAllItMade() async throws {
        try await LifecycleTests.withCentre(services: ["scheduler", "monitor"]) { centre, processes in
            let home = ScenarioDisk(base: "\(centre.folder)/HOME-DISK")
            let words = Words()
            let first = try await centre.start("bookkeeper", config: Self.bookkeeper)
            processes.append(first)
            processes.append(try await centre.start("transfer", config: Self.transfer))
            try await centre.database.execute("UPDATE site SET lost_after = '10 minutes' WHERE name = 'BETA'")
            try await centre.database.execute("UPDATE failure_rule SET parameters = parameters - 'pauseSeconds'")
            let alpha = try await centre.agent("ALPHA", room: 200) { Self.behaviour($0, $1, words, home) }
            let beta = try await centre.agent("BETA", manner: .init(keepsAsking: true)) {
                Self.behaviour($0, $1, words, home)
            }
            let running = [Task { try await alpha.run() }, Task { try await beta.run() }]
            let source = WorkflowDocument(name: "source", tasks: [Self.generate("make", jobs: 40, dataset: "source")])
            _ = try await centre.approve(source)
            try await centre.until("SELECT bool_and(state = 'finished') FROM request_view")
            let inputs = home.files()
            #expect(inputs.count == 40)

            let request = try await centre.approve(Self.doomed)
            try await centre.until(
                """
                SELECT (SELECT bool_and(jobs_done = 1250) FROM task_view WHERE request = \(request) AND name = 'make')
                   AND (SELECT bool_and(state = 'done') FROM task_view WHERE request = \(request) AND name IN ('read', 'merged'))
                   AND (SELECT count(*) = 10 FROM attempt_view a JOIN task_view t ON t.task = a.task
                        WHERE t.request = \(request) AND t.name = 'make' AND a.attempt = 2)
                   AND (SELECT count(*) = 3 FROM attempt_view a JOIN task_view t ON t.task = a.task
                        WHERE t.request = \(request) AND t.name = 'slow' AND a.state IN ('leased', 'running'))
                """
            )
            let wanted = try await Self.names(
                centre,
                "SELECT lfn FROM file_view f JOIN task_view t ON t.task = f.task WHERE t.request = \(request) AND t.name = 'make' AND f.index < 3"
            )
            let query = "lfn in (\(wanted.sorted().map { "'\($0)'" }.joined(separator: ", ")))"
            let reader = try await centre.approve(
                WorkflowDocument(name: "reader", tasks: [Self.read("reader", InputTemplate(query: query))])
            )
            try await centre.until(
                "SELECT count(*) = 3 FROM unit_input u JOIN task_view t ON t.task = u.task WHERE t.request = \(reader)"
            )

            try await Self.killInAStep(first, centre, request)
            words.cancelled.insert([1])
            for instance in ["2", "3"] {
                processes.append(try await centre.start("bookkeeper", instance: instance, config: Self.bookkeeper))
            }
            try await centre.until(
                "SELECT EXISTS (SELECT 1 FROM deleted_file x JOIN file_view f ON f.replicas = '{}' AND f.lost LIMIT 1)"
            )
            processes[3].killAndWait()
            processes.append(try await centre.start("transfer", instance: "2", config: Self.transfer))

            // All is gone but what is read, and the catalogue says why.
            try await centre.until(
                "SELECT bool_and(datasets_open = 1 AND replicas_left = 0) FROM cleanup_view WHERE request = \(request)"
            )
            let waits = try await centre.one("SELECT waits_for FROM cleanup_view", as: String.self)
            #expect(waits?.hasPrefix("doomed.make keeps 3 files that requests which have not ended read") == true)
            #expect(home.files().isSuperset(of: wanted.union(inputs)))
            words.reader.insert([1])
            try await centre.until("SELECT state = 'finished' FROM request_view WHERE request = \(reader)")
            try await centre.until("SELECT state = 'done' FROM cleanup_view WHERE request = \(request)")
            // Late ones that nobody knew of go as the files of all losers do.
            try await centre.until("SELECT count(*) = 0 FROM garbage")
            for task in running { task.cancel() }
            try await Self.check(centre, request, reader, home, inputs)
        }
    }

    private static func names(_ centre: TestCentre, _ sql: SQL) async throws -> Set<String> {
        Set(try await centre.database.query(Statement("test.names", sql, returning: String.self)))
    }

    /// Cancels the request, and kills the Bookkeeper when it is in the middle of a step: it waits there for a file that is held here.
    private static func killInAStep(_ victim: ServerProcess, _ centre: TestCentre, _ request: Int64) async throws {
        let held = Statement<Int64>(
            "test.hold",
            """
            SELECT id FROM file WHERE id = (
                SELECT m.file FROM dataset_file m JOIN dataset d ON d.id = m.dataset WHERE d.name = 'doomed.make'
                ORDER BY m.file OFFSET 700 LIMIT 1) FOR KEY SHARE
            """,
            returning: Int64.self
        )
        try await centre.database.withTransaction { transaction in
            #expect(try await transaction.query(held).count == 1)
            let operations = Operations(centre.database, caller: centre.caller)
            let dry = try await Operations(centre.database, caller: centre.caller, isDryRun: true).cancel(
                request,
                version: nil,
                reason: nil,
                cleaning: Cleaning()
            )
            #expect(dry.lines.contains { $0.hasPrefix("its clean-up deletes") })
            try await centre.carryOut(
                try await operations.cancel(request, version: nil, reason: "wrong field map", cleaning: Cleaning())
            )
            try await centre.until(
                """
                SELECT EXISTS (SELECT 1 FROM pg_stat_activity a WHERE a.wait_event_type = 'Lock' AND a.query LIKE '%deleted_file x WHERE x.file = f.id%'
                    AND a.pid <> pg_backend_pid())
                """
            )
            victim.killAndWait()
            let removed = try await centre.one("SELECT files_removed FROM cleanup_view", as: Int64.self) ?? 0
            #expect(removed >= 500, "\(removed) files")
        }
    }

    private static func check(
        _ centre: TestCentre,
        _ request: Int64,
        _ reader: Int64,
        _ home: ScenarioDisk,
        _ inputs: Set<String>
    ) async throws {
        let away = ScenarioDisk(base: "\(centre.folder)/AWAY-DISK")
        let read = try await Self.names(
            centre,
            "SELECT lfn FROM file_view f JOIN task_view t ON t.task = f.task WHERE t.request = \(reader)"
        )
        #expect(read.count == 3)
        #expect(home.files() == inputs.union(read))
        #expect(away.files().isEmpty)
        let available = try await Self.names(centre, "SELECT lfn FROM replica_view WHERE state = 'available'")
        #expect(available == inputs.union(read))
        // What was made is known, and what was accepted is still counted: also what came when the request was over.
        let facts = try await centre.one(
            """
            SELECT concat_ws(' ', (SELECT bool_and(f.lost AND f.replicas = '{}') FROM file_view f JOIN task_view t ON t.task = f.task
                                   WHERE t.request = \(request)),
                (SELECT count(*) FROM deleted_file) = (SELECT count(*) FROM file_view f JOIN task_view t ON t.task = f.task WHERE t.request = \(request)),
                (SELECT string_agg(t.name || ' ' || t.jobs_done || '/' || t.events_done, ', ' ORDER BY t.task) FROM task_view t
                 WHERE t.request = \(request)),
                (SELECT bool_and(d.state = 'closed') FROM dataset_view d JOIN task_view t ON t.task = d.task WHERE t.request = \(request)),
                (SELECT count(*) FROM file_view f WHERE cardinality(f.parents) > 0 AND f.lost) > 40)
            """,
            as: String.self
        )
        #expect(facts == "t t read 40/40, merged 4/40, make 1250/1250, slow 3/3 t t")
        try await LifecycleTests.expectNoViolations(centre)
    }
}
