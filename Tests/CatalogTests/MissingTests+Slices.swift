import Catalog
import Domain
import Postgres
import Testing

/// What is missing is told by events, through merges, and not for what was found to be empty.
extension MissingTests {
    /// Two files of a hundred events. Task 11 has read half of the first, made file 111 of it, and found nothing for the stream `rest`; its other half was
    /// given up; of the second it found nothing at all. Task 12 has merged that into file 121, task 13 this into file 131. The container
    /// `streams` holds all that task 11 made.
    private static let halves = """
        SET LOCAL session_replication_role = replica;
        INSERT INTO task (id, request, name, position, kind, class, priority, spec) OVERRIDING SYSTEM VALUE
        VALUES (11, 1, 'half', 11, 'process', 1, 100, '{}'), (12, 1, 'merge', 12, 'merge', 1, 100, '{}'), (13, 1, 'all', 13, 'merge', 1, 100, '{}');
        INSERT INTO dataset (id, name, task, stream, home, state) OVERRIDING SYSTEM VALUE
        VALUES (101, 'events', NULL, NULL, 'HOME', 'closed'), (111, 'derived', 11, 'out', 'HOME', 'closed'), (112, 'rest', 11, 'rest', 'HOME', 'closed'),
               (121, 'merged', 12, 'out', 'HOME', 'closed'), (131, 'all', 13, 'out', 'HOME', 'closed');
        INSERT INTO task_input (task, position, parent, stream, dataset)
        VALUES (11, 0, NULL, NULL, 'events'), (12, 0, 11, 'out', NULL), (13, 0, NULL, NULL, 'merged');
        INSERT INTO container (id, name, owner) OVERRIDING SYSTEM VALUE VALUES (101, 'streams', 'ann');
        INSERT INTO container_member (container, dataset) VALUES (101, 111), (101, 112);
        INSERT INTO job (task, index, events_expected, state)
        VALUES (11, 0, 50, 'done'), (11, 1, 50, 'aborted'), (11, 2, 100, 'done'), (12, 0, 40, 'done'), (13, 0, 40, 'done');
        INSERT INTO file (id, lfn, bytes, adler32, crc32c, events, task, index, attempt) OVERRIDING SYSTEM VALUE
        VALUES (101, '/events/1', 5, '00000001', '00000001', 100, NULL, NULL, NULL), (102, '/events/2', 5, '00000001', '00000001', 100, NULL, NULL, NULL),
               (111, '/derived/1', 5, '00000001', '00000001', 40, 11, 0, 1), (121, '/merged/1', 5, '00000001', '00000001', 40, 12, 0, 1),
               (131, '/all/1', 5, '00000001', '00000001', 40, 13, 0, 1);
        INSERT INTO dataset_file (dataset, file) VALUES (101, 101), (101, 102), (111, 111), (121, 121), (131, 131);
        INSERT INTO file_parent (file, parent) VALUES (111, 101), (121, 111), (131, 121);
        INSERT INTO unit_input (task, index, file, slice)
        VALUES (11, 0, 101, '[0,50)'), (11, 1, 101, '[50,100)'), (11, 2, 102, '[0,100)'), (12, 0, 111, '[0,40)'), (13, 0, 121, '[0,40)');
        INSERT INTO output (task, index, attempt, stream, events, counted, file)
        VALUES (11, 0, 1, 'out', 40, true, 111), (11, 0, 1, 'rest', 0, true, NULL), (11, 2, 1, 'out', 0, true, NULL),
               (11, 2, 1, 'rest', 0, true, NULL), (12, 0, 1, 'out', 40, true, 121), (13, 0, 1, 'out', 40, true, 131);
        INSERT INTO winner (task, index, attempt) VALUES (11, 0, 1), (11, 2, 1), (12, 0, 1), (13, 0, 1);
        INSERT INTO accepted (task, index, stream, attempt, events) SELECT task, index, stream, attempt, events FROM output WHERE task > 10;
        INSERT INTO archived_task (task, state, jobs, done, aborted, events, sources, log, who) VALUES (11, 'archiving', 3, 2, 1, 40, '{}', 0, 'x');
        """
    private static let otherHalf = ["101: 50..<100"]
    private static let first = ["101: 0..<100"]

    /// What is missing, as text: file and events.
    private static func missing(in name: String, _ world: RecoveryWorld) async throws -> [String] {
        try await Self.missing(from: "events", in: name, world).flatMap { file in
            (file.left ?? [EventSlice(first: 0, count: file.events)]).map { slice in
                "\(file.file): \(slice.first)..<\(slice.first + slice.count)"
            }
        }
    }

    private static func lose(_ file: Int64, _ world: RecoveryWorld) async throws {
        try await world.script("UPDATE millrace.file SET lost = true WHERE id = \(file)")
    }

    /// However what was made of them is merged; and what was found to be empty is made.
    @Test(arguments: ["derived", "merged", "all", "rest", "streams"])
    func onlyTheEventsThatWereNotReadAreMissing(name: String) async throws {
        try await RecoveryWorld.with(Self.halves) { world in
            #expect(try await Self.missing(in: name, world) == Self.otherHalf)
            let (_, request) = try await Self.approve("again", missingIn: name, in: world)
            _ = try await world.operations().cancel(request, version: nil, reason: nil)
            let lines = try await DeriveTests.derive(world, request, dry: true).lines
            let left = "0 of 1 files are read, 0 of 50 events; 1 files with 50 events are left"
            #expect(lines.contains("task derive (derive): \(left)"), "\(lines)")
        }
    }

    @Test func whatIsLostIsMissingWhereItIsLost() async throws {
        try await RecoveryWorld.with(Self.halves) { world in
            try await Self.lose(131, world)
            #expect(try await Self.missing(in: "all", world) == Self.first, "the merged file is lost")
            #expect(try await Self.missing(in: "merged", world) == Self.otherHalf)
            try await Self.lose(111, world)
            #expect(try await Self.missing(in: "merged", world) == Self.otherHalf, "what was merged is not needed")
            #expect(try await Self.missing(in: "derived", world) == Self.first)
            #expect(try await Self.missing(in: "streams", world) == Self.first, "the empty stream stands for itself")
            #expect(try await Self.missing(in: "rest", world) == Self.otherHalf)
            try await Self.lose(121, world)
            #expect(try await Self.missing(in: "merged", world) == Self.first)
        }
    }

    /// Of a job that is archived only the parents of its files are known, until it is restored.
    @Test func whatIsArchivedIsToldByFiles() async throws {
        try await RecoveryWorld.with(Self.halves) { world in
            func run(_ call: String) async throws {
                try await DeriveTests.run(
                    "SET LOCAL session_replication_role = replica; SELECT \(call)(11, 9);",
                    in: world
                )
            }
            try await run("archive_jobs")
            for name in ["derived", "merged", "all"] {
                #expect(try await Self.missing(in: name, world) == ["102: 0..<100"], "\(name)")
            }
            try await Self.lose(131, world)
            #expect(try await Self.missing(in: "all", world) == Self.first + ["102: 0..<100"])
            try await run("restore_jobs")
            #expect(try await Self.missing(in: "derived", world) == Self.otherHalf)
        }
    }

    /// Nothing was made of what a merge has found and another task has read: merges alone are looked through.
    @Test func whatIsMadeOfTheMergedIsSomethingElse() async throws {
        let other = "UPDATE task SET kind = 'process' WHERE id = 13;"
        try await RecoveryWorld.with(Self.halves + other) { world in
            let inAll = try await Self.missing(in: "all", world)
            #expect(inAll == Self.first + ["102: 0..<100"])
            let inMerged = try await Self.missing(in: "merged", world)
            #expect(inMerged == Self.otherHalf)
        }
    }
}
