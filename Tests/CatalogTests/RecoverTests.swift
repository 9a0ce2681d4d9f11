import Catalog
import Domain
import Postgres
import Testing

/// Recovery on a real catalogue: what it changes, what it refuses, and that it may be run at any time by anybody.
@Suite struct RecoverTests {
    typealias World = RecoveryWorld
    typealias Planned = RecoveryWorld.Planned

    @Test func abortedJobsWaitAgainAndWhatRunsIsLeftAlone() async throws {
        try await World.with("") { world in
            let plan = [
                Planned(.nothingAccepted, ["1.4"]), Planned(.verdictOpen, ["1.2"]), Planned(.attemptLives, ["1.1"]),
            ]
            #expect(try await world.check() == plan)
            let outcome = try await world.recover()
            #expect(outcome.changed)
            #expect(try World.plan(outcome.result) == plan)
            #expect(outcome.lines.first == "task 1 (make, running): 7 of 10 jobs are as they should be")
            #expect(
                outcome.lines.dropFirst().first
                    == "1 job with 10 events wait again: given up, and nothing of them is accepted: 1.4"
            )
            #expect(try await world.job(1, 4) == "waiting in a range")
            #expect(try await world.job(1, 1) == "active")
            #expect(try await world.job(1, 2) == "recovering")
            #expect(try await world.text("SELECT failures FROM millrace.job WHERE task = 1 AND index = 4") == "0")
            #expect(outcome.messages.map(\.routingKey) == ["control.scheduler", "verdict.resubmit"])
            #expect(outcome.messages.last?.body.contains("\"index\":2") == true)
            let log: SQL =
                "SELECT from_state || '>' || to_state || ' ' || who FROM millrace.transition WHERE entity = 'job:1.4' ORDER BY id DESC LIMIT 1"
            #expect(try await world.text(log) == "aborted>waiting olga")
            try await world.expectNoViolations()
        }
    }

    @Test func aWinnerWhoseFilesAreLostIsWithdrawnAndTheJobMadeAgain() async throws {
        try await World.with(World.quiet + World.filesGone) { world in
            let outcome = try await world.recover()
            #expect(try World.plan(outcome.result).contains(Planned(.filesAllLost, ["1.0"])))
            #expect(try await world.job(1, 0) == "waiting in a range")
            #expect(try await world.text("SELECT events_done FROM millrace.task_view WHERE task = 1") == "0")
            #expect(try await world.text("SELECT files FROM millrace.dataset_view WHERE dataset = 'made'") == "0")
            let garbage: SQL =
                "SELECT string_agg(lfn || '@' || storage, ' ' ORDER BY storage) FROM millrace.garbage WHERE not_before > now() + interval '30 minutes'"
            #expect(try await world.text(garbage) == "/made/0@DISK /made/0@HOME")
            let log: SQL =
                "SELECT to_state || ' ' || who || ' ' || cause FROM millrace.transition WHERE entity = 'file:/made/0' AND version = 2"
            #expect(try await world.text(log) == "lost olga recovery: made again: all accepted files are lost")
            try await world.expectNoViolations()
            try await world.expectNewWinner()
        }
    }

    @Test func filesThatAreWithdrawnAreDeletedAfterTheirGraceTime() async throws {
        let copying = """
            INSERT INTO transfer (file, source, destination) VALUES (2, 'DISK', 'HOME');
            UPDATE replica SET state = CASE storage WHEN 'HOME' THEN 'copying' ELSE 'bad' END WHERE file = 2;
            """
        try await World.with(World.quiet + copying) { world in
            _ = try await world.recover()
            #expect(try await world.text("SELECT state FROM millrace.transfer ORDER BY id DESC LIMIT 1") == "cancelled")
            #expect(try await world.claimGarbage().isEmpty)
            try await world.script("UPDATE garbage SET not_before = now()")
            let due = try await world.claimGarbage()
            #expect(due.map { "\($0.lfn)@\($0.storage)" }.sorted() == ["/made/0@DISK", "/made/0@HOME"])
            try await world.script(TransferStatements.deleted(due))
            #expect(try await world.text("SELECT count(*) FROM millrace.replica WHERE file = 2") == "0")
            #expect(try await world.text("SELECT count(*) FROM millrace.garbage") == "0")
            try await world.expectNoViolations()
        }
    }

    /// A file is not lost while a worker makes a copy of it, or while one good replica is left.
    @Test func filesThatAreStillThereAreKept() async throws {
        let copying = """
            INSERT INTO transfer (file, source, destination, state, token, lease_until) VALUES (2, 'DISK', 'HOME', 'queued', NULL, NULL);
            UPDATE transfer SET state = 'active', version = 2, token = gen_random_uuid(), lease_until = now() + interval '1 minute' WHERE state = 'queued';
            UPDATE replica SET state = CASE storage WHEN 'HOME' THEN 'copying' ELSE 'bad' END WHERE file = 2;
            """
        for script in [copying, "UPDATE replica SET state = 'bad' WHERE file = 2 AND storage = 'HOME';"] {
            try await World.with(World.quiet + script) { world in
                _ = try await world.recover()
                #expect(try await world.job(1, 0) == "done won by 1", "\(script)")
            }
        }
    }

    @Test func aStreamThatIsNotAcceptedMakesTheJobAgain() async throws {
        let stream = "INSERT INTO task_stream (task, stream, counted, main) VALUES (1, 'more', true, false);"
        try await World.with(World.quiet + stream) { world in
            #expect(try World.plan(await world.recover().result).contains(Planned(.streamsMissing, ["1.0"])))
            #expect(try await world.job(1, 0) == "waiting in a range")
            try await world.expectNoViolations()
        }
    }

    @Test func emptyStreamsAreComplete() async throws {
        let empty = """
            INSERT INTO task_stream (task, stream, counted, main) VALUES (1, 'rare', true, false);
            INSERT INTO output (task, index, attempt, stream, events, counted, file) VALUES (1, 0, 1, 'rare', 0, true, NULL);
            INSERT INTO accepted (task, index, stream, attempt, events) VALUES (1, 0, 'rare', 1, 0);
            """
        try await World.with(World.quiet + empty) { world in
            let planned = try await world.check()
            #expect(planned.map(\.reason) == [.nothingAccepted, .attemptLives])
        }
    }

    @Test(arguments: ["merge", "process"])
    func outputsThatWereReadAreNotWithdrawn(kind: String) async throws {
        let merged = "INSERT INTO merge_input (task, index, src_task, src_index, stream) VALUES (4, 0, 1, 0, 'out');"
        let script = World.quiet + World.filesGone + World.reader(kind: kind) + (kind == "merge" ? merged : "")
        try await World.with(script) { world in
            let outcome = try await world.recover()
            #expect(try World.plan(outcome.result).contains(Planned(.outputsRead, ["1.0 (read by 4.0)"])))
            #expect(try await world.job(1, 0) == "done won by 1")
            #expect(try await world.job(1, 4) == "waiting in a range", "what can be done is done")
            try await world.expectNoViolations()
        }
    }

    @Test func nothingIsMadeForAClosedDataset() async throws {
        let closed = "UPDATE dataset SET state = 'closed', version = 2, closed = now() WHERE id = 1;"
        try await World.with(World.quiet + World.filesGone + closed) { world in
            let before = try await world.everything()
            let outcome = try await world.recover()
            #expect(!outcome.changed && outcome.messages.isEmpty)
            let refused = Planned(.datasetClosed, ["1.0 (dataset made)", "1.4 (dataset made)"])
            #expect(try World.plan(outcome.result).first == refused)
            #expect(try await world.everything() == before)
        }
    }

    @Test func aJobWhoseInputIsLostForGoodIsGivenUpAndTheRestOfItsRangeWaits() async throws {
        let lost = "UPDATE file SET lost = true WHERE lfn = '/far/1';"
        try await World.with(World.moreInputs + lost) { world in
            let outcome = try await world.recover(2)
            #expect(try World.plan(outcome.result) == [Planned(.inputLost, ["2.1 (/far/1)"], events: 5)])
            #expect(try await world.job(2, 1) == "aborted")
            #expect(try await world.job(2, 0) == "waiting in a range")
            #expect(try await world.job(2, 2) == "waiting in a range")
            let kept: SQL =
                "SELECT count(*) FROM millrace.waiting WHERE task = 2 AND excluded = '{LOCAL}' AND not_before > '-infinity'"
            #expect(try await world.text(kept) == "2", "what is left waits as it did")
            #expect(try await world.text("SELECT events_lost FROM millrace.task_view WHERE task = 2") == "5")
            #expect(outcome.messages.map(\.routingKey) == ["control.scheduler", "books.settled"])
            #expect(try await world.check(2) == [Planned(.givenUp, ["2.1 (/far/1)"], events: 5)])
            let again = try await world.recover(2)
            #expect(!again.changed)
            try await world.expectNoViolations()
        }
    }

    @Test func anInputThatMayComeBackIsNotGivenUp() async throws {
        let away = "UPDATE replica SET state = 'bad' WHERE file = (SELECT id FROM file WHERE lfn = '/far/1');"
        try await World.with(World.moreInputs + away) { world in
            let before = try await world.everything()
            let outcome = try await world.recover(2)
            #expect(try World.plan(outcome.result) == [Planned(.inputUnavailable, ["2.1 (/far/1)"], events: 5)])
            #expect(try await world.everything() == before)
        }
    }

    @Test func aLostInputWhoseTaskStillRunsIsMadeFirst() async throws {
        // As if a job of task 1 had made the file; its dataset is open.
        let made = "UPDATE file SET lost = true, task = 1, index = 0 WHERE lfn = '/far/1';"
        try await World.with(World.moreInputs + made) { world in
            let planned = try await world.check(2)
            #expect(planned == [Planned(.inputProducible, ["2.1 (recover 1.0)"], events: 5)])
        }
    }

    @Test func aDoneJobWithNothingLeftIsGivenUp() async throws {
        // Job 0 of task 1 read a file that is lost, and its own file is lost too.
        let lost = """
            INSERT INTO file (lfn, bytes, adler32, crc32c, events, lost) VALUES ('/far/1', 5, '00000001', '00000001', 10, true);
            INSERT INTO task_input (task, position, dataset) VALUES (1, 0, 'elsewhere');
            INSERT INTO unit_input (task, index, file, slice) SELECT 1, 0, id, '[0,10)' FROM file WHERE lfn = '/far/1';
            """
        try await World.with(World.quiet + World.filesGone + lost) { world in
            let outcome = try await world.recover()
            #expect(try World.plan(outcome.result).contains(Planned(.inputLost, ["1.0 (/far/1)"])))
            #expect(try await world.job(1, 0) == "aborted")
            let log: SQL =
                "SELECT string_agg(to_state, ' ' ORDER BY version) FROM millrace.transition WHERE entity = 'job:1.0'"
            #expect(try await world.text(log) == "active done waiting aborted")
        }
    }
}

extension RecoveryWorld {
    /// A second attempt of job 1.0 is leased from its range and accepted, and is the only winner.
    func expectNewWinner() async throws {
        let job = JobKey(task: 1, index: 0)
        try await self.database.withTransaction { transaction in
            try await transaction.execute(LeasingStatements.cut([Cut(task: 1, key: 0, rest: nil)]))
            let lease = NewLease(job: job, holder: 1, site: "LOCAL", agent: "a", token: .random())
            let leased = try await transaction.query(LeasingStatements.lease([lease]))
            #expect(leased.map(\.2) == [2], "the second attempt")
            _ = try await transaction.query(AcceptStatements.accept([Self.acceptance(AttemptKey(job, attempt: 2))]))
        }
        #expect(try await self.job(1, 0) == "done won by 2")
        #expect(try await self.text("SELECT node FROM millrace.file_view WHERE lfn = '/made/again'") == "n")
        #expect(try await self.text("SELECT events_done FROM millrace.task_view WHERE task = 1") == "10")
        #expect(try await self.check().map(\.reason) == [.attemptLives])
        try await self.expectNoViolations()
    }

    private static func acceptance(_ key: AttemptKey) -> Acceptance {
        let file = Acceptance.StoredFile(
            lfn: "/made/again",
            bytes: 5,
            adler32: "00000001",
            crc32c: "00000001",
            storage: "DISK"
        )
        return Acceptance(
            key: key,
            site: "LOCAL",
            node: "n",
            eventsRead: 10,
            started: .now,
            finished: .now,
            software: nil,
            cpuSeconds: 0,
            wallSeconds: 0,
            memoryPeak: 0,
            steps: JSONText("[]"),
            outputs: [.init(stream: "out", events: 10, counted: true, file: file)]
        )
    }
}
