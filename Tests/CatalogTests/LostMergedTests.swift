import Catalog
import Domain
import Postgres
import Testing

/// A lost file holds its task open until it is recovered, or what it held is in a merged file.
@Suite struct LostMergedTests {
    typealias World = RecoveryWorld
    typealias Planned = RecoveryWorld.Planned

    /// Task 3, which made file 1, runs again, and its dataset feeds task 2.
    private static let reopened = """
        SET LOCAL session_replication_role = replica;
        UPDATE request SET state = 'running', version = 5 WHERE id = 3;
        UPDATE task SET state = 'running', version = 5 WHERE id = 3;
        UPDATE dataset SET state = 'open', version = 3, closed = NULL WHERE id = 3;
        SET LOCAL session_replication_role = origin;
        UPDATE task SET inputs_open = true WHERE id = 2;
        INSERT INTO input_feed (dataset, task) VALUES (3, 2);
        """

    /// Job 2.0 merges file 1 into file 3.
    static let merged = """
        DELETE FROM waiting WHERE task = 2;
        UPDATE job SET state = 'active', version = 2, attempts = 1 WHERE task = 2;
        INSERT INTO attempt (task, index, attempt, token, site, agent, events_expected)
        VALUES (2, 0, 1, gen_random_uuid(), 'LOCAL', 'a', 10);
        INSERT INTO lease (task, index, attempt, holder, token, site, state) VALUES (2, 0, 1, 1, gen_random_uuid(), 'LOCAL', 'leased');
        UPDATE lease SET state = 'running', version = 2 WHERE task = 2;
        \(DoctorWorld.accept(task: 2, index: 0, lfn: "/read/0", dataset: 2, file: 3).replacing("'done', version = 2", with: "'done', version = 3"))
        INSERT INTO file_parent (file, parent) VALUES (3, 1);
        """

    static func lost(_ file: Int) -> String {
        "DELETE FROM replica WHERE file = \(file); UPDATE file SET lost = true WHERE id = \(file);"
    }

    /// Task 4 reads the dataset as well, and has not begun.
    static let waits = """
        INSERT INTO task (request, name, position, kind, class, priority, spec) VALUES (1, 'next', 1, 'process', 1, 100, '{}');
        INSERT INTO task_stream (task, stream, counted, main) VALUES (4, 'out', true, true);
        INSERT INTO task_input (task, position, dataset) VALUES (4, 0, 'raw');
        """
    /// It has begun, and the file has come to it.
    private static let isFed = """
        \(Self.waits)
        UPDATE task SET state = 'running', version = 2, inputs_open = true, jobs_total = 0, events_total = 0 WHERE id = 4;
        INSERT INTO input_feed (dataset, task) VALUES (3, 4);
        INSERT INTO pending_input (task, file, dataset) VALUES (4, 1, 3);
        """
    private static let isPaused = """
        \(Self.isFed)
        UPDATE task SET state = 'paused', paused_from = 'running', version = 3 WHERE id = 4;
        """

    /// Of the dataset, in which a second file of ten events is, it reads no more than so many.
    static func limited(_ events: Int) -> String {
        """
        \(Self.waits)
        UPDATE task_input SET events = \(events) WHERE task = 4;
        SET LOCAL session_replication_role = replica;
        UPDATE dataset_counter SET files = 2, events = 20 WHERE dataset = 3;
        SET LOCAL session_replication_role = origin;
        """
    }

    /// Task 5 goes on with task 4, which has taken the file into a job; it has come to this one, too.
    static func continued(_ state: String) -> String {
        """
        \(Self.taken(state))
        SET LOCAL session_replication_role = replica;
        UPDATE task SET state = 'done', inputs_open = false WHERE id = 4;
        DELETE FROM input_feed WHERE task = 4;
        INSERT INTO task (request, name, position, kind, class, priority, spec, continues, state, inputs_open, jobs_total, events_total)
        VALUES (2, 'next', 7, 'process', 1, 100, '{}', 4, 'running', true, 0, 0);
        INSERT INTO task_input (task, position, dataset) VALUES (5, 0, 'raw');
        INSERT INTO input_feed (dataset, task) VALUES (3, 5);
        INSERT INTO pending_input (task, file, dataset) VALUES (5, 1, 3);
        SET LOCAL session_replication_role = origin;
        """
    }

    /// It has taken the file into a job.
    static func taken(_ state: String) -> String {
        """
        \(Self.isFed)
        DELETE FROM pending_input WHERE task = 4;
        INSERT INTO job (task, index, events_expected, state) VALUES (4, 0, 10, 'waiting');
        INSERT INTO unit_input (task, index, file, slice) VALUES (4, 0, 1, '[0,10)');
        SET LOCAL session_replication_role = replica;
        UPDATE job SET state = '\(state)' WHERE task = 4;
        """
    }

    /// Another merge, 5.0, has merged file 3 into file 4.
    private static let mergedAgain = """
        SET LOCAL session_replication_role = replica;
        INSERT INTO task (id, request, name, position, kind, class, priority, spec, state) OVERRIDING SYSTEM VALUE
        VALUES (5, 2, 'all', 1, 'merge', 1, 100, '{}', 'done');
        INSERT INTO file (id, lfn, bytes, adler32, crc32c, events, task, index, attempt) OVERRIDING SYSTEM VALUE
        VALUES (4, '/all/0', 5, '00000001', '00000001', 10, 5, 0, 1);
        INSERT INTO file_parent (file, parent) VALUES (4, 3);
        """

    /// What became of file 1, whether it keeps task 3 from ending, and who lacks it although it is merged.
    struct Case: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let script: String
        let isHeld: Bool
        let reader: String?

        init(_ name: String, _ scripts: [String], isHeld: Bool = true, reader: String? = nil) {
            self.testDescription = name
            self.script = scripts.joined(separator: "\n")
            self.isHeld = isHeld
            self.reader = reader
        }
    }

    private static let cases: [Case] =
        Self.ofReaders + [
            Case("it is in no job that is done", [lost(1)]),
            Case("it is merged", [merged, lost(1)], isHeld: false),
            Case("it is merged, and that is lost", [merged, lost(1), lost(3)]),
            Case("what is lost was merged again", [merged, lost(1), lost(3), mergedAgain], isHeld: false),
            Case("that is lost, too", [merged, lost(1), lost(3), mergedAgain, lost(4)]),
            Case(
                "what was made of it is no merge",
                [merged, lost(1), "UPDATE task SET kind = 'process' WHERE id = 2;"]
            ),
            Case("another task has not begun", [merged, lost(1), waits], reader: "4 (next)"),
            Case("it waits at another task", [merged, lost(1), isFed], reader: "4 (next)"),
            Case("that is paused", [merged, lost(1), isPaused], reader: "4 (next)"),
            Case("a job of another task waits", [merged, lost(1), taken("waiting")], reader: "4 (next)"),
            Case("a job of another task runs", [merged, lost(1), taken("active")], reader: "4 (next)"),
            // It is counted as damaged there.
            Case("it was given up", [merged, lost(1), taken("aborted")], isHeld: false),
            Case("it reads less than is left", [merged, lost(1), limited(10)], isHeld: false),
            Case("it reads more than is left", [merged, lost(1), limited(11)], reader: "4 (next)"),
            Case("an earlier version has read it", [merged, lost(1), continued("done")], isHeld: false),
            Case("an earlier version has given it up", [merged, lost(1), continued("aborted")], reader: "5 (next)"),
            Case("it is done", [merged, lost(1), taken("done")], isHeld: false),
            Case(
                "its task has ended",
                [merged, lost(1), taken("aborted"), "UPDATE task SET state = 'done' WHERE id = 4;"],
                isHeld: false
            ),
        ]

    @Test(arguments: cases)
    func onlyWhatNobodyWillMissIsNotWaitedFor(_ one: Case) async throws {
        try await Self.with(one.script) { world in
            let away = try await world.database.query(LostFiles.away(3))
            let lfn: String? = one.isHeld ? "/raw/0" : nil
            #expect(away.map { [$0.0, $0.1] } == [[0, one.isHeld ? 1 : 0]])
            #expect(away.first?.2 == lfn)
            #expect(away.first?.3 == one.reader)
        }
    }

    private static func with(
        _ scripts: String...,
        body: @escaping @Sendable (World) async throws -> Void
    ) async throws {
        try await World.with(([Self.reopened] + scripts).joined(separator: "\n"), body)
    }

    /// State and reason of task 3, and the state of its dataset.
    private static func told(_ world: World) async throws -> String? {
        _ = try await Settlement.settle([3], in: world.database)
        return try await world.text(
            """
            SELECT concat_ws(' ', t.state, d.state) || ': ' || t.cause FROM millrace.task t JOIN millrace.dataset d ON d.task = t.id
            WHERE t.id = 3
            """
        )
    }

    private static let lackedByTheOther =
        "finishing open: 1 lost file keeps it from ending: /raw/0, which task 4 (next) lacks, although it is merged; millrace task check tells what can be done"

    /// Task 2 has merged it; task 4 would end with fewer events, and nobody would know.
    @Test(arguments: [waits, isPaused])
    func aTaskThatLacksWhatOthersHaveMergedIsNamedUntilItEnds(other: String) async throws {
        try await Self.with(Self.merged, Self.lost(1), other) { world in
            #expect(try await Self.told(world) == Self.lackedByTheOther)
            let refused = Planned(
                .outputsRead,
                [
                    "3.0 (read by 2.0, and task 4 (next) lacks what is lost: revoke job 2.0 and recover again, or end that task without it: millrace task abort 4)"
                ]
            )
            #expect(try await world.check(3) == [refused])
            #expect(try World.plan(await world.recover(3).result) == [refused])
            _ = try await world.operations().abort(task: 4, version: nil, reason: "not without it")
            #expect(try await Self.told(world) == "done closed: every job is done")
        }
    }

    /// Or what was merged is revoked, and the file is made again.
    @Test func whatOthersLackIsMadeAgainWhenWhatWasMergedIsRevoked() async throws {
        try await Self.with(Self.merged, Self.lost(1), Self.isPaused) { world in
            #expect(try await Self.told(world) == Self.lackedByTheOther)
            _ = try await world.operations().revoke(JobKey(task: 2, index: 0), reason: nil)
            #expect(try await world.recover(3).changed)
            #expect(try await world.job(3, 0) == "waiting in a range")
            let pending = try await world.text("SELECT count(*) FROM millrace.pending_input WHERE task = 4")
            #expect(pending == "0", "what is lost does not wait any more")
        }
    }

    /// Both are lost while there is a way back: the task does not end before somebody has gone it.
    @Test func whatIsLostWithWhatWasMergedFromItIsWaitedFor() async throws {
        try await Self.with(Self.merged, Self.lost(1), Self.lost(3)) { world in
            let told = try await Self.told(world)
            #expect(
                told
                    == "finishing open: 1 lost file keeps it from ending: /raw/0, which is in no merged file that is there; millrace task check tells what can be done"
            )
            _ = try await world.operations().revoke(JobKey(task: 2, index: 0), reason: nil)
            #expect(try await world.recover(3).changed)
            #expect(try await world.job(3, 0) == "waiting in a range")
            #expect(try await world.job(2, 0) == "cancelled")
        }
    }

    /// It is merged, and nobody else reads it.
    @Test func whatIsMergedKeepsNobodyFromEnding() async throws {
        try await Self.with(Self.merged, Self.lost(1)) { world in
            let told = try await Self.told(world)
            #expect(told == "done closed: every job is done")
        }
    }

    @Test func aFileTellsTheNodeItWasMadeOn() async throws {
        let node = """
            SET LOCAL session_replication_role = replica;
            UPDATE attempt SET node = 'n7' WHERE task = 1 AND index = 0;
            UPDATE file SET node = 'n8' WHERE lfn = '/raw/0';
            """
        try await RecoveryWorld.with(node) { world in
            let file = try await world.database.query(ObjectStatements.file("/made/0")).first
            #expect(file?.contains(#""node":"n7""#) == true, "\(file ?? "")")
            // The attempt that made the other may be archived.
            let raw = try await world.database.query(ObjectStatements.file("/raw/0")).first
            #expect(raw?.contains(#""node":"n8""#) == true, "\(raw ?? "")")
        }
    }

    /// A job that reads two slices of a file reads one file.
    @Test func theFilesOfASubmissionAreCountedOnce() async throws {
        let slices = """
            SET LOCAL session_replication_role = replica;
            INSERT INTO unit_input (task, index, file, slice) VALUES (1, 1, 1, '[0,5)'), (1, 1, 1, '[5,10)'), (1, 1, 2, '[0,5)');
            """
        try await RecoveryWorld.with(slices) { world in
            let token = try #require(
                try await world.database.query(
                    Statement(
                        "token",
                        "SELECT token FROM millrace.attempt WHERE task = 1 AND index = 1",
                        returning: UUIDText.self
                    )
                ).first
            )
            let words = [
                ReportStatements.Submitted(
                    key: AttemptKey(task: 1, index: 1, attempt: 1),
                    token: token,
                    submission: "grid job 1",
                    batchID: "1.7"
                )
            ]
            for _ in 1...2 { try await world.database.execute(ReportStatements.submitted(words)) }
            let told = try await world.text(
                "SELECT concat(name, ': ', attempts, ' ', input_files) FROM millrace.batch_submission"
            )
            #expect(told == "grid job 1: 1 2")
            let batch = try await world.text("SELECT batch_id FROM millrace.attempt WHERE task = 1 AND index = 1")
            #expect(batch == "1.7")
        }
    }
}
