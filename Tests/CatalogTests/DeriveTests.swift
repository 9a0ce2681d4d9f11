import Catalog
import Domain
import Messages
import Postgres
import Testing

/// New versions of a request: what they take over, and when they are refused. All of it through the processes: the acceptance test.
@Suite struct DeriveTests {
    /// Fifty events, ten a job, and a task that reads them.
    private static func workflow(
        events: Scalar = 50,
        kind: String = "process",
        dataset: String? = nil,
        parameters: [String: ParameterTemplate] = ["tune": ParameterTemplate(default: "a")]
    ) -> WorkflowDocument {
        WorkflowDocument(
            name: "versions",
            parameters: parameters,
            tasks: [
                TaskTemplate(
                    name: "generate",
                    kind: "generate",
                    events: events,
                    eventsPerJob: 10,
                    steps: [StepTemplate(name: "make", command: ["true"])],
                    outputs: [OutputTemplate(stream: "out", file: "gen.dat")]
                ),
                TaskTemplate(
                    name: "read",
                    kind: kind,
                    inputs: [InputTemplate(task: "generate", stream: "out")],
                    steps: [StepTemplate(name: "read", command: ["true"])],
                    outputs: [OutputTemplate(stream: "out", file: "out.dat", dataset: dataset)]
                ),
            ]
        )
    }

    /// Of task 4 two of five jobs are done and one runs; task 5 has read the first of its two files.
    private static let begun = """
        UPDATE request SET state = 'running', version = 3 WHERE id = 4;
        UPDATE task SET state = 'running', version = 2 WHERE id = 4;
        INSERT INTO waiting (task, first, last, class, priority) SELECT 4, 3, 4, class, priority FROM task WHERE id = 4;
        \((0..<3).map { DoctorWorld.lease(task: 4, index: $0) }.joined(separator: "\n"))
        \(DoctorWorld.accept(task: 4, index: 0, lfn: "/four/0", dataset: 4, file: 3))
        \(DoctorWorld.accept(task: 4, index: 1, lfn: "/four/1", dataset: 4, file: 4))
        UPDATE task SET state = 'running', version = 2, jobs_total = 2, events_total = 20, inputs_open = true WHERE id = 5;
        INSERT INTO input_feed (dataset, task) VALUES (4, 5);
        \(DoctorWorld.lease(task: 5, index: 0))
        INSERT INTO unit_input (task, index, file, slice) VALUES (5, 0, 3, '[0,10)');
        \(DoctorWorld.accept(task: 5, index: 0, lfn: "/five/0", dataset: 5, file: 5))
        INSERT INTO file_parent (file, parent) VALUES (5, 3);
        INSERT INTO job (task, index, events_expected, state) VALUES (5, 1, 10, 'waiting');
        INSERT INTO unit_input (task, index, file, slice) VALUES (5, 1, 4, '[0,10)');
        INSERT INTO waiting (task, first, last, class, priority) SELECT 5, 1, 1, class, priority FROM task WHERE id = 5;
        """
    /// The agent of job 4.2 has answered.
    static let answered = """
        DELETE FROM lease WHERE task = 4;
        UPDATE attempt SET state = 'cancelled', left_from = 'running', version = 3, ended_at = now() WHERE task = 4 AND index = 2;
        UPDATE job SET state = 'cancelled', version = 2 WHERE task = 4 AND index = 2;
        DELETE FROM kill_wish WHERE task = 4;
        """

    static func with(_ body: @escaping @Sendable (RecoveryWorld) async throws -> Void) async throws {
        try await RecoveryWorld.with("") { world in
            _ = try await world.operations().addWorkflow(Self.workflow())
            _ = try await world.operations().createRequest(NewRequest(workflow: "versions", parameters: ["tune": "b"]))
            _ = try await world.operations().approve(4, version: nil, home: nil, reason: nil)
            try await Self.run(Self.begun, in: world)
            try await body(world)
        }
    }

    /// Several statements, one after the other.
    static func run(_ script: String, in world: RecoveryWorld) async throws {
        try await world.database.executeScript("SET search_path = millrace, public;\n\(script)")
    }

    static func derive(
        _ world: RecoveryWorld,
        _ request: Int64 = 4,
        document: WorkflowDocument? = nil,
        parameters: [String: String] = [:],
        who: String = "olga",
        dry: Bool = false,
        role: Role = .physicist,
        submission: String? = nil
    ) async throws -> Outcome {
        let clone = Operations.CloneChanges(parameters: parameters, submission: submission)
        return try await world.operations(who, dry: dry, role: role).derive(request, .init(clone, document: document))
    }

    @Test func whatIsLeftIsTold() async throws {
        try await Self.with { world in
            await expectRefusal("request 4 is running") { try await Self.derive(world) }
            _ = try await world.operations().hold(4, version: nil, reason: nil)
            let before = try await world.text("SELECT concat(count(*), max(id)) FROM millrace.request")
            let dry = try await Self.derive(world, dry: true)
            #expect(
                Array(dry.lines.dropFirst()) == [
                    "it goes on where request 4 stopped",
                    "task generate (generate): 20 of 50 events are made, 30 are left, numbered from 50",
                    "task read (process): 1 of 2 files are read, 10 of 20 events; 1 files with 10 events are left, and what generate will make",
                    "request 4 is held: cancel it before this one is approved; what it does until then counts",
                ]
            )
            #expect(
                dry.result.contains(
                    #""tasks":[{"continues":4,"events_done":20,"events_left":30,"first_event":50,"kind":"generate","name":"generate"},"#
                        + #"{"continues":5,"events_done":10,"events_left":10,"files_done":1,"files_left":1,"kind":"process","name":"read"}]"#
                ),
                "\(dry.result)"
            )
            #expect(try await world.text("SELECT concat(count(*), max(id)) FROM millrace.request") == before)
            await expectRefusal("must be physicist", .permission) { try await Self.derive(world, role: .viewer) }
            await expectRefusal("no request 99", .missing) { try await Self.derive(world, 99) }
        }
    }

    @Test func anApprovedVersionHasWhatIsLeft() async throws {
        try await Self.with { world in
            _ = try await world.operations().hold(4, version: nil, reason: nil)
            let same = UUIDText.random().text
            let made = try await Self.derive(world, submission: same)
            #expect(made.result.contains(#""continues":4"#))
            #expect(try await Self.derive(world, submission: same).changed == false)
            func approve() async throws -> Outcome {
                try await world.operations("igor").approve(5, version: nil, home: nil, reason: nil)
            }
            await expectRefusal("request 4, which it goes on with, is held: it must end first", .state, approve)
            _ = try await world.operations().cancel(4, version: nil, reason: nil)
            await expectRefusal(
                "1 jobs of request 4, which it goes on with, have not ended yet, the first is 4.2",
                .state,
                approve
            )
            // A range is as many jobs as it holds.
            try await world.script(
                "INSERT INTO waiting (task, first, last, class, priority) VALUES (4, 1000, 1004, 1, 100)"
            )
            await expectRefusal("6 jobs of request 4, which it goes on with", .state, approve)
            try await world.script("DELETE FROM waiting WHERE task = 4")
            try await Self.run(Self.answered, in: world)
            #expect(try await approve().lines.contains { $0.hasSuffix("30 are left, numbered from 50") })
            let tasks = try await world.text(
                """
                SELECT string_agg(concat_ws(' ', t.id, t.continues, t.first_event, t.events_total, t.jobs_total,
                    (SELECT string_agg(coalesce(i.parent::text, i.dataset), '+' ORDER BY i.position) FROM millrace.task_input i WHERE i.task = t.id)),
                    ', ' ORDER BY t.id) FROM millrace.task t WHERE t.request = 5
                """
            )
            #expect(tasks == "6 4 50 30 3, 7 5 0 6+4.generate.out")
            let facts = try await world.text(
                """
                SELECT concat_ws(' ', n.continues, n.origin, n.parameters ->> 'tune', n.seed <> o.seed, x.who, x.cause, v.continued_by)
                FROM millrace.request n JOIN millrace.request o ON o.id = n.continues JOIN millrace.request_view v ON v.request = o.id
                JOIN millrace.transition x ON x.entity = 'request:5' AND x.to_state = 'new'
                """
            )
            #expect(facts == "4 4 b t olga goes on where request 4 stopped 5")
            // Nothing is added to what was done.
            #expect(
                try await world.text("SELECT string_agg(state, ',') FROM millrace.dataset WHERE task IN (4, 5)")
                    == "closed,closed"
            )
            await #expect(throws: PostgresError.self) {
                try await world.script("INSERT INTO millrace.dataset_file (dataset, file) VALUES (4, 5)")
            }
            try await world.expectNoViolations()
            await expectRefusal("is still read by task 6, which has not ended") {
                try await world.operations().archive(request: 4, reason: nil)
            }
        }
    }

    @Test func oneVersionGoesOnWithAnother() async throws {
        try await Self.with { world in
            _ = try await world.operations().cancel(4, version: nil, reason: nil)
            try await Self.run(Self.answered, in: world)
            _ = try await Self.derive(world)
            await expectRefusal("request 5, which is new, goes on with request 4 already: olga made it at ") {
                try await Self.derive(world, who: "igor")
            }
            await #expect(throws: PostgresError.self) {
                try await world.script(
                    """
                    INSERT INTO millrace.request (workflow, parameters, seed, owner, continues, submission)
                    SELECT workflow, '{}', 1, 'x', 4, gen_random_uuid() FROM millrace.request WHERE id = 5
                    """
                )
            }
            // One that was withdrawn before it began stands in nobody's way; one that has begun does, whatever became of it.
            _ = try await world.operations().reject(5, version: nil, reason: nil)
            _ = try await Self.derive(world)
            let last = try #require(try await world.text("SELECT max(id) FROM millrace.request").flatMap { Int64($0) })
            _ = try await world.operations().approve(last, version: nil, home: nil, reason: nil)
            _ = try await world.operations().cancel(last, version: nil, reason: nil)
            await expectRefusal("which is cancelled, goes on with request 4 already") {
                try await Self.derive(world)
            }
            await expectRefusal("derive that one") { try await Self.derive(world) }
            let third = try await Self.derive(world, last)
            #expect(
                third.lines.contains { $0.hasSuffix("0 of 30 events are made, 30 are left, numbered from 80") },
                "\(third.lines)"
            )
            // The datasets of both versions before are read, and what the first has read is known.
            #expect(third.lines.contains { $0.contains("1 of 2 files are read, 10 of 20 events") }, "\(third.lines)")
        }
    }

    /// What one version did is not deleted while another goes on with it, and what is deleted is gone on with by nobody.
    @Test func whatIsGoneOnWithIsNotDeleted() async throws {
        try await Self.with { world in
            _ = try await world.operations().cancel(4, version: nil, reason: nil)
            try await Self.run(Self.answered, in: world)
            _ = try await Self.derive(world)
            // Asked for after the derivation: it waits, and nothing goes.
            let kept = "is half of what request 5 goes on with, which is neither rejected nor cancelled"
            let asked = try await world.cancel()
            #expect(asked.lines.contains { $0.contains("(2 files) is not deleted yet: it \(kept)") }, "\(asked.lines)")
            guard case .waiting(request: 4, dataset: _, reason: kept, isNew: _) = try await world.clean() else {
                Issue.record("the clean-up does not wait")
                return
            }
            #expect(try await world.cleanAll() == 0)
            // The derivation was made before the clean-up was asked for: it is refused when it is approved.
            let deletes =
                "the clean-up of request 4 deletes what it made: make all of it anew (millrace request clone 4)"
            await expectRefusal(deletes) {
                try await world.operations().approve(5, version: nil, home: nil, reason: nil)
            }
            _ = try await world.operations("olga", role: .operator).stopCleanup(4)
            _ = try await world.operations().approve(5, version: nil, home: nil, reason: nil)
            // Of a version before that one as well, whatever became of the one between.
            _ = try await world.operations().cancel(5, version: nil, reason: nil)
            _ = try await Self.derive(world, 5)
            _ = try await world.cancel()
            #expect(try await world.cleanAll() == 0)
            #expect(try await world.cleanup("waits_for")?.contains("request 6 goes on with") == true)
            _ = try await world.operations().reject(6, version: nil, reason: nil)
            #expect(try await world.cleanAll() == 3)
            try await world.expectNoViolations()
            try await world.deleteGarbage()
            #expect(try await world.clean() == .finished(1))
            await expectRefusal("the clean-up of request 4 deleted what it made: make all of it anew") {
                try await Self.derive(world, 5)
            }
        }
    }

    @Test func anotherWorkflowMustFit() async throws {
        try await Self.with { world in
            _ = try await world.operations().cancel(4, version: nil, reason: nil)
            await expectRefusal("task read is a skim task and in request 4 a process one") {
                try await Self.derive(world, document: Self.workflow(kind: "skim"))
            }
            await expectRefusal("task generate is for 60 events, in request 4 for 50 events") {
                try await Self.derive(world, document: Self.workflow(events: 60))
            }
            await expectRefusal("has no such parameter", .invalid) {
                try await Self.derive(world, document: Self.workflow(), parameters: ["tone": "c"])
            }
            let versions = "SELECT count(*) FROM millrace.workflow WHERE name = 'versions'" as SQL
            #expect(try await world.text(versions) == "1", "what is refused leaves nothing behind")
            let made = try await Self.derive(world, document: Self.workflow(parameters: [:]))
            #expect(made.lines.contains("parameter tune is not one of the new workflow's: it is left out"))
            #expect(try await world.text(versions) == "2")
        }
    }

    /// A file is on its way into a dataset that feeds a task when its request is cancelled: nothing waits for the task afterwards.
    @Test func nothingWaitsForWhatIsCancelled() async throws {
        try await Self.with { world in
            _ = try await world.crossing {
                try await $0.execute([
                    """
                    INSERT INTO file (lfn, bytes, adler32, crc32c, events, task, index, attempt)
                    VALUES ('/four/late', 1, '00000001', '00000001', 10, 4, 2, 1)
                    """,
                    "INSERT INTO dataset_file (dataset, file) SELECT 4, id FROM file WHERE lfn = '/four/late'",
                ])
            } _: {
                try await world.operations().cancel(4, version: nil, reason: nil)
            }
            #expect(try await world.text("SELECT count(*) FROM millrace.pending_input WHERE task = 5") == "0")
            #expect(try await world.text("SELECT count(*) FROM millrace.input_feed WHERE task = 5") == "0")
        }
    }

    @Test func whatHasNothingToGoOnWithIsRefused() async throws {
        try await Self.with { world in
            _ = try await world.operations().createRequest(NewRequest(workflow: "versions"))
            await expectRefusal("request 5 is new") { try await Self.derive(world, 5) }
            _ = try await world.operations().cancel(5, version: nil, reason: nil)
            await expectRefusal("request 5 was never approved") { try await Self.derive(world, 5) }
            _ = try await world.operations().cancel(4, version: nil, reason: nil)
            try await world.script(
                "INSERT INTO millrace.archived_task VALUES (4, 'archived', 3, 2, 0, 20, '{}', 0, NULL, 'olga')"
            )
            await expectRefusal("what task 4 did is archived: restore it first") { try await Self.derive(world) }
            try await world.script("DELETE FROM millrace.archived_task")
            // All events made and read.
            try await Self.run(
                """
                UPDATE task SET events_total = 20 WHERE id = 4;
                DELETE FROM unit_input WHERE task = 5 AND index = 1;
                DELETE FROM dataset_file WHERE file = 4;
                """,
                in: world
            )
            await expectRefusal("nothing is left of request 4") { try await Self.derive(world) }
        }
    }
}
