import Catalog
import Domain
import Postgres
import Testing

/// What an operator is told who declares a file lost: what depends on it, and how it comes back.
@Suite struct LossTests {
    typealias World = RecoveryWorld

    private static func lose(_ world: World, _ lfn: String) async throws -> Outcome {
        try await world.operations().declareBad(file: lfn, at: nil, isLost: true, reason: "tape broke")
    }

    @Test func aJobWhoseTaskRunsIsRecovered() async throws {
        try await World.with(World.quiet) { world in
            let lost = try await Self.lose(world, "/made/0")
            #expect(
                lost.lines == [
                    "file /made/0 is lost",
                    "0 files were made from it, 0 jobs have yet to read it, 0 a file made from it",
                    "in datasets: made",
                    "job 1.0 made it: made again: all accepted files are lost", "to do it: millrace recover 1",
                ]
            )
            #expect(
                lost.result.contains(
                    #""loss":{"datasets":["made"],"files_made":0,"jobs_after":0,"jobs_waiting":0,"remedy":{"command":"millrace recover 1","job":"1.0","plan":"filesAllLost","#
                ),
                "\(lost.result)"
            )
            let recovered = try await world.recover()
            #expect(recovered.changed)
            #expect(try await world.job(1, 0) == "waiting in a range")
        }
    }

    @Test func whoHasReadItIsNamed() async throws {
        try await World.with(World.quiet + World.reader(kind: "process")) { world in
            let lines = try await Self.lose(world, "/made/0").lines
            #expect(
                lines.suffix(4) == [
                    "0 files were made from it, 1 jobs have yet to read it, 0 a file made from it",
                    "task 4 (next) of request 1: 0 of these files, 1 of these jobs", "in datasets: made",
                    "job 1.0 made it: \(RecoveryPlan.outputsRead.words) (read by 4.0)",
                ],
                "\(lines)"
            )
        }
    }

    /// File 1 was made by task 3, which is done; job 2.0 has yet to merge it.
    @Test(arguments: [false, true])
    func aTaskThatHasEndedIsGoneOnWith(isOneLeft: Bool) async throws {
        let child = """
            INSERT INTO file (lfn, bytes, adler32, crc32c, events) VALUES ('/child', 5, '00000001', '00000001', 10);
            INSERT INTO file_parent (file, parent) SELECT id, 1 FROM file WHERE lfn = '/child';
            """
        try await World.with(isOneLeft ? child : "") { world in
            let lines = try await Self.lose(world, "/raw/0").lines
            let ended = "job 3.0 made it: its task is done, and a task that has ended is never changed; "
            let rest =
                isOneLeft
                ? ["\(ended)other files of the job, or files made from them, are there, so the job is not made again"]
                : [
                    "\(ended)nothing of the job is left, so another version of request 3 makes its events again",
                    "to do it: millrace request derive 3",
                ]
            #expect(
                lines[1]
                    == "\(isOneLeft ? 1 : 0) files were made from it, 1 jobs have yet to read it, 0 a file made from it"
            )
            #expect(lines[3] == "in datasets: raw")
            #expect(Array(lines.dropFirst(4)) == rest, "\(lines)")
        }
    }

    /// Two generations: job 4.0 is to read what was made from what was made from it.
    @Test func everythingThatDependsIsFound() async throws {
        let generations = """
            INSERT INTO file (lfn, bytes, adler32, crc32c, events) SELECT '/child/' || i, 5, '00000001', '00000001', 10 FROM generate_series(1, 2) i;
            INSERT INTO file_parent (file, parent) SELECT c.id, CASE c.lfn WHEN '/child/1' THEN 1 ELSE p.id END
                FROM file c, file p WHERE c.lfn LIKE '/child/%' AND p.lfn = '/child/1';
            INSERT INTO dataset (name, home) VALUES ('selection', 'HOME');
            INSERT INTO replica (file, storage, state) SELECT id, 'HOME', 'available' FROM file WHERE lfn = '/child/2';
            INSERT INTO dataset_file (dataset, file) SELECT d.id, f.id FROM dataset d, file f WHERE d.name = 'selection' AND f.lfn = '/child/2';
            \(World.reader(kind: "process"))
            UPDATE unit_input SET file = (SELECT id FROM file WHERE lfn = '/child/2') WHERE task = 4;
            """
        try await World.with(generations) { world in
            let lines = try await Self.lose(world, "/raw/0").lines
            #expect(
                Array(lines[1...4]) == [
                    "2 files were made from it, 1 jobs have yet to read it, 1 a file made from it",
                    "task 2 (read) of request 2: 0 of these files, 1 of these jobs",
                    "task 4 (next) of request 1: 0 of these files, 1 of these jobs", "in datasets: raw, selection",
                ],
                "\(lines)"
            )
            let made = try await world.database.query(ObjectStatements.descendants("/raw/0", depth: 9))
            #expect(made.count == 2 && made[1].contains(#""depth":2"#) && made[1].contains(#""node":"#), "\(made)")
            let from = try await world.database.query(ObjectStatements.ancestors("/child/2", depth: 9))
            #expect(from.map { $0.contains("/raw/0") } == [false, true], "\(from)")
        }
    }

    /// What cannot be looked at is not guessed.
    @Test func ofWhatIsArchivedOrGoneOnWithTheOperatorIsTold() async throws {
        let archived =
            "INSERT INTO archived_task (task, state, jobs, done, aborted, events, sources, log, who) VALUES (3, 'archived', 1, 1, 0, 10, '{}', 0, 'olga');"
        try await World.with(archived) { world in
            let lines = try await Self.lose(world, "/raw/0").lines
            #expect(lines.last == "to do it: millrace task restore 3")
        }
        let next = """
            INSERT INTO request (workflow, parameters, seed, owner, continues, submission) VALUES (1, '{}', 1, 'ann', 3, gen_random_uuid());
            """
        try await World.with(next) { world in
            let lines = try await Self.lose(world, "/raw/0").lines
            #expect(lines.last?.contains("request 4 goes on with request 3 already") == true, "\(lines)")
        }
    }

    @Test func whatNoJobMadeIsGivenUp() async throws {
        try await World.with(World.moreInputs) { world in
            let lines = try await Self.lose(world, "/far/1").lines
            #expect(
                lines.suffix(2) == [
                    "no job made it, so none can make it again; recovery gives up the jobs that have yet to read it",
                    "to do it: millrace recover 2",
                ]
            )
            _ = try await world.recover(2)
            #expect(try await world.job(2, 1) == "aborted")
        }
    }
}
