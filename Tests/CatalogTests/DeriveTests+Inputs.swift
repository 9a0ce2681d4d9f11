import Catalog
import Domain
import Postgres
import Testing

/// What is lost with its inputs is not left to anybody: it stays damaged.
extension DeriveTests {
    /// A dataset that nobody here made: file 3 of 20 events, file 4 of 50.
    private static let far = """
        INSERT INTO file (lfn, bytes, adler32, crc32c, events)
        VALUES ('/far/a', 5, '00000001', '00000001', 20), ('/far/b', 5, '00000001', '00000001', 50);
        INSERT INTO replica (file, storage, state) VALUES (3, 'DISK', 'available'), (4, 'DISK', 'available');
        INSERT INTO dataset (name, home) VALUES ('far', 'DISK');
        INSERT INTO dataset_file (dataset, file) VALUES (4, 3), (4, 4);
        UPDATE dataset SET state = 'closed', version = 2, closed = now() WHERE id = 4;
        """

    /// Task 4 has read half of file 3 and three fifths of file 4, which is lost then. Of the other jobs 1 (of file 3) and 5 are given up, 6 waits.
    private static let halfRead = """
        UPDATE request SET state = 'running', version = 3 WHERE id = 4;
        UPDATE task SET state = 'running', version = 2, jobs_total = 7, events_total = 70 WHERE id = 4;
        \((0..<6).map { DoctorWorld.lease(task: 4, index: $0) }.joined(separator: "\n"))
        INSERT INTO unit_input (task, index, file, slice)
        VALUES (4, 0, 3, '[0,10)'), (4, 1, 3, '[10,20)'), (4, 2, 4, '[0,10)'), (4, 3, 4, '[10,20)'), (4, 4, 4, '[20,30)'), (4, 5, 4, '[30,40)');
        \(DoctorWorld.accept(task: 4, index: 0, lfn: "/four/0", dataset: 5, file: 5))
        \(DoctorWorld.accept(task: 4, index: 2, lfn: "/four/2", dataset: 5, file: 6))
        \(DoctorWorld.accept(task: 4, index: 3, lfn: "/four/3", dataset: 5, file: 7))
        \(DoctorWorld.accept(task: 4, index: 4, lfn: "/four/4", dataset: 5, file: 8))
        INSERT INTO file_parent (file, parent) VALUES (5, 3), (6, 4), (7, 4), (8, 4);
        INSERT INTO job (task, index, events_expected, state) VALUES (4, 6, 10, 'waiting');
        INSERT INTO unit_input (task, index, file, slice) VALUES (4, 6, 4, '[40,50)');
        INSERT INTO waiting (task, first, last, class, priority) SELECT 4, 6, 6, class, priority FROM task WHERE id = 4;
        DELETE FROM lease WHERE task = 4;
        UPDATE attempt SET state = 'cancelled', left_from = 'running', version = 3, ended_at = now() WHERE task = 4 AND index IN (1, 5);
        UPDATE job SET state = 'aborted', version = 2, cause = 'killed' WHERE task = 4 AND index IN (1, 5);
        UPDATE file SET lost = true WHERE id = 4;
        """

    private static func document() -> WorkflowDocument {
        let read = TaskTemplate(
            name: "read",
            kind: "process",
            eventsPerJob: 10,
            inputs: [InputTemplate(dataset: "far")],
            steps: [StepTemplate(name: "read", command: ["true"])],
            outputs: [OutputTemplate(stream: "out", file: "out.dat")]
        )
        return WorkflowDocument(name: "far", tasks: [read])
    }

    /// Files of which nothing but the names is left, as clean-ups leave them.
    private static func deleted(_ files: Int) -> String {
        """
        INSERT INTO file (id, lfn, bytes, adler32, crc32c, events, lost) OVERRIDING SYSTEM VALUE
        SELECT 1000 + i, '/deleted/' || i, 5, '00000001', '00000001', 10, true FROM generate_series(1, \(files)) i;
        """
    }

    /// Whatever else is lost: where that is much, it is looked for another way.
    @Test(arguments: [0, 1001])
    func whatIsLostWithItsInputsStaysDamaged(deleted: Int) async throws {
        try await RecoveryWorld.with(Self.far + Self.deleted(deleted)) { world in
            func tracker() async throws -> String? {
                try await world.text(
                    "SELECT concat_ws(' ', generated, processed, damaged) FROM millrace.tracker_view WHERE username = 'olga'"
                )
            }
            let simulation = NewSimulation(ssw: "s", sswVersion: "v", detectorModel: "d", physicsList: "l")
            _ = try await world.operations().addWorkflow(Self.document())
            _ = try await world.operations().createRequest(
                NewRequest(workflow: "far", sample: "uds91", simulation: simulation)
            )
            _ = try await world.operations().approve(4, version: nil, home: nil, reason: nil)
            try await Self.run(Self.halfRead, in: world)
            #expect(try await tracker() == "70 40 20")
            _ = try await world.operations().cancel(4, version: nil, reason: nil)
            let derived = try await Self.derive(world)
            #expect(
                derived.lines.contains(
                    "task read (process): 1 of 2 files are read, 1 half, 40 of 50 events; 1 files with 10 events are left; 20 events are lost with their inputs"
                ),
                "\(derived.lines)"
            )
            #expect(derived.result.contains(#""events_left":10,"events_lost":20"#), "\(derived.result)")
            // Until the new task has its inputs nothing is assigned to it: ten events are missing for that long.
            _ = try await world.operations().approve(5, version: nil, home: nil, reason: nil)
            #expect(try await tracker() == "60 40 20")
            let begun = """
                UPDATE request SET state = 'running', version = 3 WHERE id = 5;
                INSERT INTO job (task, index, events_expected, state) VALUES (5, 0, 10, 'waiting');
                INSERT INTO unit_input (task, index, file, slice) VALUES (5, 0, 3, '[10,20)');
                INSERT INTO waiting (task, first, last, class, priority) SELECT 5, 0, 0, class, priority FROM task WHERE id = 5;
                UPDATE task SET state = 'running', version = 2, jobs_total = 1, events_total = 10 WHERE id = 5;
                """
            try await Self.run(begun, in: world)
            #expect(try await tracker() == "70 40 20")
            #expect(
                try await world.text(
                    """
                    SELECT string_agg(concat_ws(' ', task, index, events, inputs -> 0 ->> 'lfn', inputs -> 0 ->> 'first_event', reason), ', ' ORDER BY index)
                    FROM millrace.damaged_view WHERE username = 'olga'
                    """
                ) == "4 5 10 /far/b 30 killed, 4 6 10 /far/b 40 it was cancelled, and its input is lost"
            )
            try await world.expectNoViolations()
            // What is lost now the new task answers for, and nobody can go on with it.
            try await world.script("UPDATE millrace.file SET lost = true WHERE id = 3")
            #expect(try await tracker() == "70 40 20")
            _ = try await world.operations().cancel(5, version: nil, reason: nil)
            await expectRefusal("none is left; 30 events are lost with their inputs") {
                try await Self.derive(world, 5)
            }
            await expectRefusal("nothing is left of request 5") { try await Self.derive(world, 5) }
            #expect(try await tracker() == "70 40 20")
        }
    }
}
