import Catalog
import Domain
import Postgres
import Testing

/// A request is cancelled while verdicts on its jobs are carried out: whoever comes first, nothing of it waits afterwards.
@Suite struct CancelRaceTests {
    /// A failed attempt whose verdict says that its job is tried again.
    private static let failed = AttemptKey(task: 1, index: 2, attempt: 1)

    /// As the Scheduler carries it out.
    private static func resubmit(in transaction: PostgresTransaction) async throws {
        _ = try await transaction.query(VerdictStatements.lockTasks([self.failed]))
        let open = try await transaction.query(VerdictStatements.open([self.failed]))
        #expect(open.count == 1)
        try await transaction.execute([
            VerdictStatements.wait([.init(job: self.failed.job, notBefore: nil, classID: 1)]),
            ReportStatements.moveJobs([(self.failed.job, .waiting, false, "tried again")]),
            VerdictStatements.carriedOut([self.failed]),
        ])
    }

    @Test func aCancellationFindsTheJobsOfVerdictsThatAreBeingCarriedOut() async throws {
        try await RecoveryWorld.with("SELECT 1") { world in
            let outcome = try await world.crossing {
                try await Self.resubmit(in: $0)
            } _: {
                try await world.operations().cancel(1, version: nil, reason: nil)
            }
            #expect(!outcome.lines.isEmpty)
            #expect(try await world.text("SELECT count(*) FROM millrace.waiting WHERE task = 1") == "0")
            #expect(try await world.text("SELECT state FROM millrace.job WHERE task = 1 AND index = 2") == "cancelled")
            try await world.expectNoViolations()
        }
    }

    /// The Monitor writes a verdict on a job that runs while the cancellation waits for another job: the job is not cancelled with the others,
    /// so its verdict has to stay, for the Scheduler to cancel it.
    @Test func aVerdictThatComesBetweenStaysForTheScheduler() async throws {
        try await RecoveryWorld.with("SELECT 1") { world in
            _ = try await world.crossing {
                try await $0.execute([
                    "SELECT FROM job WHERE task = 1 AND index = 2 FOR NO KEY UPDATE",
                    "DELETE FROM lease WHERE task = 1 AND index = 1",
                    """
                    UPDATE attempt SET state = 'failed', left_from = 'running', version = 3, ended_at = now(), code = 1001
                    WHERE task = 1 AND index = 1
                    """,
                    """
                    INSERT INTO verdict (task, index, attempt, site, action, class, blame, code, diagnostic, fingerprint, rule, reason, counted)
                    VALUES (1, 1, 1, 'LOCAL', 'resubmit', 'payload', 'payload', 1001, 'd', 'f', 'payload', 'r', true)
                    """,
                    "UPDATE job SET state = 'recovering', version = 2, failures = 1 WHERE task = 1 AND index = 1",
                ])
            } _: {
                try await world.operations().cancel(1, version: nil, reason: nil)
            }
            let jobs: SQL =
                "SELECT string_agg(state, ' ' ORDER BY index) FROM millrace.job WHERE task = 1 AND index IN (1, 2, 3)"
            #expect(try await world.text(jobs) == "recovering cancelled cancelled")
            let open: SQL =
                "SELECT string_agg(index::text, ' ') FROM millrace.verdict WHERE task = 1 AND carried_out_at IS NULL"
            #expect(try await world.text(open) == "1")
            try await world.expectNoViolations()
        }
    }

    @Test func aVerdictOnAJobOfACancelledRequestFindsItsTaskEnded() async throws {
        try await RecoveryWorld.with("SELECT 1") { world in
            let before = try await world.database.query(VerdictStatements.lockTasks([Self.failed]))
            #expect(before.map(\.1) == ["running"])
            _ = try await world.operations().cancel(1, version: nil, reason: nil)
            let after = try await world.database.query(VerdictStatements.lockTasks([Self.failed]))
            #expect(after.map(\.1) == ["aborted"])
            try await world.expectNoViolations()
        }
    }
}
