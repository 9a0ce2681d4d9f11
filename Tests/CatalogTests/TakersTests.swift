import Catalog
import Domain
import Postgres
import Testing

/// What was taken and not yet read is made again: whoever was to read it lets go of it, and gets what is made anew.
@Suite struct TakersTests {
    typealias World = RecoveryWorld
    typealias Planned = RecoveryWorld.Planned

    /// Task 4 is fed from the dataset of task 1. Its job 0 is to read the file of job 1.0, and five events of `/far/1` if it is to have a rest.
    private static func taker(kind: String, hasRest: Bool = true) -> String {
        let merged = "INSERT INTO merge_input (task, index, src_task, src_index, stream) VALUES (4, 0, 1, 0, 'out');"
        let rest = """
            INSERT INTO file (lfn, bytes, adler32, crc32c, events) VALUES ('/far/1', 5, '00000001', '00000001', 5);
            INSERT INTO replica (file, storage, state) SELECT id, 'DISK', 'available' FROM file WHERE lfn = '/far/1';
            INSERT INTO unit_input (task, index, file, slice) SELECT 4, 0, id, '[0,5)' FROM file WHERE lfn = '/far/1';
            """
        let events = hasRest ? 15 : 10
        return """
            INSERT INTO task (request, name, position, kind, class, priority, spec, jobs_total, events_total)
            VALUES (1, 'next', 1, '\(kind)', 1, 100, '{}', 1, \(events));
            INSERT INTO task_stream (task, stream, counted, main) VALUES (4, 'out', true, true);
            INSERT INTO task_input (task, position, parent, stream) VALUES (4, 0, 1, 'out');
            UPDATE task SET state = 'running', version = 2, inputs_open = true WHERE id = 4;
            INSERT INTO input_feed (dataset, task) SELECT id, 4 FROM dataset WHERE name = 'made';
            INSERT INTO job (task, index, events_expected, state) VALUES (4, 0, \(events), 'waiting');
            INSERT INTO unit_input (task, index, file, slice) VALUES (4, 0, 2, '[0,10)');
            INSERT INTO waiting (task, first, last, class, priority) VALUES (4, 0, 0, 1, 100);
            \(hasRest ? rest : "") \(kind == "merge" ? merged : "")
            """
    }

    private static func wrong(_ kind: String, hasRest: Bool = true, then: String = "") -> String {
        World.quiet + World.filesGone + Self.taker(kind: kind, hasRest: hasRest) + then
    }

    private static let aborted = """
        DELETE FROM waiting WHERE task = 4;
        UPDATE job SET state = 'aborted', version = 2 WHERE task = 4;
        """

    /// Job 4.0 runs.
    private static func leased(_ events: Int) -> String {
        """
        DELETE FROM waiting WHERE task = 4;
        UPDATE job SET state = 'active', version = 2, attempts = 1 WHERE task = 4;
        INSERT INTO attempt (task, index, attempt, token, site, agent, events_expected)
        VALUES (4, 0, 1, gen_random_uuid(), 'LOCAL', 'a', \(events));
        INSERT INTO lease (task, index, attempt, holder, token, site, state) VALUES (4, 0, 1, 1, gen_random_uuid(), 'LOCAL', 'leased');
        UPDATE lease SET state = 'running', version = 2 WHERE task = 4;
        """
    }

    /// Task 4 is fed from a selection of people, not from the dataset of task 1.
    private static let selected = """
        INSERT INTO dataset (name, home) VALUES ('chosen', 'HOME');
        INSERT INTO dataset_file (dataset, file) SELECT id, 2 FROM dataset WHERE name = 'chosen';
        DELETE FROM pending_input WHERE task = 4;
        UPDATE input_feed SET dataset = (SELECT id FROM dataset WHERE name = 'chosen') WHERE task = 4;
        """

    /// Jobs of task 4 with what they read: index, state, whether it waits, slices, outputs to merge; and what the task has to read.
    private static let task: SQL = """
        SELECT string_agg(concat_ws(' ', j.index, j.state,
                   (SELECT 'in a range' FROM millrace.waiting w WHERE w.task = j.task AND w.first = j.index AND w.last = j.index),
                   (SELECT string_agg(f.lfn || u.slice, ' ') FROM millrace.unit_input u JOIN millrace.file f ON f.id = u.file
                    WHERE u.task = j.task AND u.index = j.index),
                   (SELECT count(*) || ' merged' FROM millrace.merge_input m WHERE m.task = j.task AND m.index = j.index HAVING count(*) > 0)),
                   ', ' ORDER BY j.index)
               || concat('; ', t.jobs_total, ' jobs, ', t.events_total, ' events')
        FROM millrace.task t JOIN millrace.job j ON j.task = t.id WHERE t.id = 4 GROUP BY t.id
        """

    @Test(arguments: ["merge", "process"], [false, true])
    func theTakerLetsGoAndANewJobReadsTheRest(kind: String, isAborted: Bool) async throws {
        try await World.with(Self.wrong(kind, then: isAborted ? Self.aborted : "")) { world in
            let before = try await world.everything()
            let made = Planned(.filesAllLost, ["1.0 (job 4.0 lets go of it)"])
            #expect(try await world.check().contains(made))
            #expect(try World.plan(await world.recover(dry: true).result).contains(made))
            #expect(try await world.everything() == before)
            #expect(try World.plan(await world.recover().result).contains(made))
            #expect(try await world.job(1, 0) == "waiting in a range")
            #expect(
                try await world.text(Self.task)
                    == "0 cancelled, 1 waiting in a range /far/1[0,5); 2 jobs, 5 events"
            )
            try await world.expectNoViolations()
            let again = try await world.recover()
            #expect(!again.changed)
            // What is made again comes to the task as a new input, once.
            try await world.expectNewWinner()
            let pending: SQL =
                "SELECT string_agg(f.lfn, ' ') FROM millrace.pending_input p JOIN millrace.file f ON f.id = p.file WHERE p.task = 4"
            let waits = try await world.text(pending)
            #expect(waits != nil && waits != "/made/0" && waits?.contains(" ") == false, "\(waits ?? "nothing")")
        }
    }

    @Test(arguments: ["merge", "process"])
    func aTakerWithoutARestIsCancelled(kind: String) async throws {
        try await World.with(Self.wrong(kind, hasRest: false)) { world in
            _ = try await world.recover()
            #expect(try await world.text(Self.task) == "0 cancelled; 1 jobs, 0 events")
            try await world.expectNoViolations()
        }
    }

    /// Of a merge two inputs are lost, of jobs with different plans: it lets go of both at once.
    @Test func whoTookOfSeveralLetsGoOfAll() async throws {
        let other = """
            \(DoctorWorld.accept(task: 1, index: 1, lfn: "/made/1", dataset: 1, file: 4))
            INSERT INTO task_stream (task, stream, counted, main) VALUES (1, 'more', true, false);
            INSERT INTO output (task, index, attempt, stream, events, counted, file) VALUES (1, 0, 1, 'more', 0, true, NULL);
            INSERT INTO accepted (task, index, stream, attempt, events) VALUES (1, 0, 'more', 1, 0);
            INSERT INTO merge_input (task, index, src_task, src_index, stream) VALUES (4, 0, 1, 1, 'out');
            INSERT INTO unit_input (task, index, file, slice) VALUES (4, 0, 4, '[0,10)');
            INSERT INTO job (task, index, events_expected, state) VALUES (4, 1, 25, 'waiting');
            UPDATE unit_input SET index = 1 WHERE task = 4;
            UPDATE merge_input SET index = 1 WHERE task = 4;
            UPDATE waiting SET first = 1, last = 1 WHERE task = 4;
            UPDATE job SET state = 'cancelled', version = 2 WHERE task = 4 AND index = 0;
            UPDATE task SET jobs_total = 2, events_total = 25 WHERE id = 4;
            """
        try await World.with(Self.wrong("merge") + other) { world in
            let plans = try World.plan(await world.recover().result)
            #expect(
                plans.contains { $0.reason == .filesAllLost } && plans.contains { $0.reason == .streamsMissing },
                "\(plans)"
            )
            #expect(
                try await world.text(Self.task)
                    == "0 cancelled, 1 cancelled, 2 waiting in a range /far/1[0,5); 3 jobs, 5 events"
            )
            try await world.expectNoViolations()
        }
    }

    /// A job that was given up in a task that has ended keeps nobody from making anything again.
    @Test func whatHasEndedStandsInNobodysWay() async throws {
        let ended = """
            \(Self.aborted)
            UPDATE task SET state = 'aborted', version = 3, inputs_open = false WHERE id = 4;
            DELETE FROM input_feed WHERE task = 4;
            """
        try await World.with(Self.wrong("merge", then: ended)) { world in
            _ = try await world.recover()
            #expect(try await world.job(1, 0) == "waiting in a range")
            #expect(try await world.text(Self.task) == "0 aborted /far/1[0,5); 1 jobs, 15 events")
            try await world.expectNoViolations()
        }
    }

    /// What is read at this moment, was read, or would not come again is not taken away.
    @Test(arguments: [
        "UPDATE task SET inputs_open = false WHERE id = 4;",
        leased(15),
        // It is fed, but by a dataset of people that holds the file, too: what is made instead would not come there.
        selected,
    ])
    func whoCannotLetGoKeepsIt(script: String) async throws {
        try await World.with(Self.wrong("process", then: script)) { world in
            let outcome = try await world.recover()
            #expect(try World.plan(outcome.result).contains(Planned(.outputsRead, ["1.0 (read by 4.0)"])))
            #expect(try await world.job(1, 0) == "done won by 1")
        }
    }

    /// The Scheduler puts the file into a job between the look and the locks.
    @Test func whatIsTakenMeanwhileIsLeftForTheNextTime() async throws {
        let notYet = "DELETE FROM unit_input WHERE task = 4;"
        try await World.with(Self.wrong("process", hasRest: false, then: notYet)) { world in
            let outcome = try await world.crossing(
                { transaction in
                    _ = try await transaction.execute([
                        "SELECT FROM millrace.file WHERE id = 2 FOR SHARE",
                        "INSERT INTO millrace.unit_input (task, index, file, slice) VALUES (4, 0, 2, '[0,10)')",
                    ])
                },
                { try await world.recover() }
            )
            #expect(try World.plan(outcome.result).contains(Planned(.outputsRead, ["1.0 (read by 4.0)"])))
            #expect(try await world.job(1, 0) == "done won by 1")
            _ = try await world.recover()
            #expect(try await world.job(1, 0) == "waiting in a range")
            try await world.expectNoViolations()
        }
    }

    @Test func aWinnerThatIsRevokedIsTakenBackToo() async throws {
        try await World.with(World.quiet + Self.taker(kind: "merge")) { world in
            let told = try await world.operations().revoke(JobKey(task: 1, index: 0), reason: nil).lines
            #expect(told.last == "job 4.0, which was to read them, lets go of them")
            #expect(
                try await world.text(Self.task)
                    == "0 cancelled, 1 waiting in a range /far/1[0,5); 2 jobs, 5 events"
            )
            try await world.expectNoViolations()
        }
    }

    /// What is made instead is not in the datasets of people: they are told.
    @Test func aDatasetOfPeopleThatLosesAFileIsNamed() async throws {
        let chosen = """
            INSERT INTO dataset (name, home) VALUES ('chosen', 'HOME');
            INSERT INTO dataset_file (dataset, file) SELECT id, 2 FROM dataset WHERE name = 'chosen';
            """
        let words =
            "dataset chosen loses 1 file: what is made instead is not in it until somebody adds it (millrace dataset add chosen)"
        try await World.with(World.quiet + chosen) { world in
            let told = try await world.operations().revoke(JobKey(task: 1, index: 0), reason: nil).lines
            #expect(told.last == words)
            try await world.expectNoViolations()
        }
        try await World.with(World.quiet + World.filesGone + chosen) { world in
            #expect(try await world.recover(dry: true).lines.last == words)
            #expect(try await world.recover().lines.last == words)
            try await world.expectNoViolations()
        }
    }

    /// What was made of a lost file is kept when that would not come again to its task.
    @Test(arguments: ["UPDATE task SET inputs_open = false WHERE id = 4;", selected])
    func whatCouldNotBeMadeAgainIsNotRevoked(script: String) async throws {
        let read = """
            \(Self.leased(10))
            INSERT INTO dataset (name, task, stream, home) VALUES ('next', 4, 'out', 'HOME');
            \(DoctorWorld.accept(task: 4, index: 0, lfn: "/next/0", dataset: 4, file: 3).replacing("'done', version = 2", with: "'done', version = 3"))
            INSERT INTO file_parent (file, parent) VALUES (3, 2);
            \(World.filesGone)
            \(script)
            """
        try await World.with(World.quiet + Self.taker(kind: "process", hasRest: false) + read) { world in
            await expectRefusal(
                "input /made/0 of job 4.0 is not there, and what is made instead would not come to task 4"
            ) {
                try await world.operations().revoke(JobKey(task: 4, index: 0), reason: nil)
            }
            let job = try await world.job(4, 0)
            #expect(job == "done won by 1")
        }
    }

    /// The way back when something was made of a lost file: first that is revoked, then the file is made again.
    @Test func whatWasMadeOfALostFileIsRevokedFirst() async throws {
        let read = """
            \(Self.leased(10))
            INSERT INTO dataset (name, task, stream, home) VALUES ('next', 4, 'out', 'HOME');
            \(DoctorWorld.accept(task: 4, index: 0, lfn: "/next/0", dataset: 4, file: 3).replacing("'done', version = 2", with: "'done', version = 3"))
            INSERT INTO file_parent (file, parent) VALUES (3, 2);
            \(World.filesGone)
            """
        try await World.with(World.quiet + Self.taker(kind: "process", hasRest: false) + read) { world in
            #expect(try World.plan(await world.recover().result).contains(Planned(.outputsRead, ["1.0 (read by 4.0)"])))
            let told = try await world.operations().revoke(JobKey(task: 4, index: 0), reason: nil).lines
            #expect(told.last == "its input /made/0 is gone: job 1.0 has to make it again, too (see millrace recover)")
            _ = try await world.recover()
            #expect(try await world.job(1, 0) == "waiting in a range")
            #expect(try await world.text(Self.task) == "0 cancelled; 1 jobs, 0 events")
            try await world.expectNoViolations()
        }
    }
}
