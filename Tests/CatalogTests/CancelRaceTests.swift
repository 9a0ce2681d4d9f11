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
