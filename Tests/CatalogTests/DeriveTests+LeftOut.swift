import Catalog
import Domain
import Postgres
import Testing

/// A task that one version leaves out and a later one has again.
extension DeriveTests {
    /// Twenty events, and tasks that read all of them.
    private static func readers(_ names: String...) -> WorkflowDocument {
        let generate = TaskTemplate(
            name: "generate",
            kind: "generate",
            events: 20,
            eventsPerJob: 10,
            steps: [StepTemplate(name: "make", command: ["true"])],
            outputs: [OutputTemplate(stream: "out", file: "gen.dat")]
        )
        let readers = names.map { name in
            TaskTemplate(
                name: name,
                kind: "process",
                inputs: [InputTemplate(task: "generate", stream: "out")],
                steps: [StepTemplate(name: "read", command: ["true"])],
                outputs: [OutputTemplate(stream: "out", file: "out.dat")]
            )
        }
        return WorkflowDocument(name: "readers", tasks: [generate] + readers)
    }

    /// Task 4 has made its events, task 5 (read) has read both files, task 6 (count) the first of them.
    private static let read = """
        UPDATE request SET state = 'running', version = 3 WHERE id = 4;
        UPDATE task SET state = 'running', version = 2 WHERE id = 4;
        \((0..<2).map { DoctorWorld.lease(task: 4, index: $0) }.joined(separator: "\n"))
        \(DoctorWorld.accept(task: 4, index: 0, lfn: "/four/0", dataset: 4, file: 3))
        \(DoctorWorld.accept(task: 4, index: 1, lfn: "/four/1", dataset: 4, file: 4))
        UPDATE task SET state = 'running', version = 2, jobs_total = 2, events_total = 20 WHERE id IN (5, 6);
        \((0..<2).map { DoctorWorld.lease(task: 5, index: $0) }.joined(separator: "\n"))
        \(DoctorWorld.lease(task: 6, index: 0))
        INSERT INTO unit_input (task, index, file, slice) VALUES (5, 0, 3, '[0,10)'), (5, 1, 4, '[0,10)'), (6, 0, 3, '[0,10)');
        \(DoctorWorld.accept(task: 5, index: 0, lfn: "/five/0", dataset: 5, file: 5))
        \(DoctorWorld.accept(task: 5, index: 1, lfn: "/five/1", dataset: 5, file: 6))
        \(DoctorWorld.accept(task: 6, index: 0, lfn: "/six/0", dataset: 6, file: 7))
        INSERT INTO file_parent (file, parent) VALUES (5, 3), (6, 4), (7, 3);
        INSERT INTO job (task, index, events_expected, state) VALUES (6, 1, 10, 'waiting');
        INSERT INTO unit_input (task, index, file, slice) VALUES (6, 1, 4, '[0,10)');
        INSERT INTO waiting (task, first, last, class, priority) SELECT 6, 1, 1, class, priority FROM task WHERE id = 6;
        UPDATE task SET state = 'finishing', version = 3 WHERE id IN (4, 5);
        UPDATE task SET state = 'done', version = 4 WHERE id IN (4, 5);
        UPDATE dataset SET state = 'closed', version = 2, closed = now() WHERE task IN (4, 5);
        """

    @Test func whatWasLeftOutIsNotDoneTwice() async throws {
        try await RecoveryWorld.with("") { world in
            func approve(_ request: Int64) async throws -> Outcome {
                try await world.operations().approve(request, version: nil, home: nil, reason: nil)
            }
            _ = try await world.operations().addWorkflow(Self.readers("read", "count"))
            _ = try await world.operations().createRequest(NewRequest(workflow: "readers"))
            _ = try await approve(4)
            try await Self.run(Self.read, in: world)
            _ = try await world.operations().cancel(4, version: nil, reason: nil)
            _ = try await Self.derive(world, document: Self.readers("count"))
            _ = try await approve(5)
            _ = try await world.operations().cancel(5, version: nil, reason: nil)
            let lines = try await Self.derive(world, 5, document: Self.readers("read", "count")).lines
            #expect(
                lines.contains(
                    "task read (process), as request 4 left it: 2 of 2 files are read, 20 of 20 events; none is left but what generate will make"
                ),
                "\(lines)"
            )
            // What it did has to be at hand.
            try await world.script(
                "INSERT INTO millrace.archived_task VALUES (5, 'archived', 2, 2, 0, 20, '{}', 0, NULL, 'olga')"
            )
            await expectRefusal("what task 5 did is archived: restore it first") { try await approve(6) }
            try await world.script("DELETE FROM millrace.archived_task")
            _ = try await approve(6)
            let tasks = try await world.text(
                """
                SELECT string_agg(concat_ws(' ', t.id, t.name, t.continues,
                    (SELECT string_agg(coalesce(i.parent::text, i.dataset), '+' ORDER BY i.position) FROM millrace.task_input i WHERE i.task = t.id)),
                    ', ' ORDER BY t.id) FROM millrace.task t WHERE t.request = 6
                """
            )
            let inputs = "9+4.generate.out+5.generate.out"
            #expect(tasks == "9 generate 7, 10 read 5 \(inputs), 11 count 8 \(inputs)")
            let read = try await world.database.query(ContinuingStatements.read(before: 10, of: [3, 4]))
            #expect(read.map(\.0) == [3, 4])
            try await world.expectNoViolations()
            // Had it begun afresh, the doctor would know.
            try await Self.run(
                "SET session_replication_role = replica; UPDATE task SET continues = NULL WHERE id = 10",
                in: world
            )
            let found = try await Doctor.examine(world.database).filter { $0.violations > 0 }.map(\.invariant)
            #expect(found.contains("versions-do-nothing-twice"), "\(found)")
        }
    }
}
