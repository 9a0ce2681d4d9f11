import Catalog
import Domain
import Messages
import NIOConcurrencyHelpers
import Postgres
import SimulatedSite
import Testing

/// A task is recovered by two operators at once while it runs, through all processes.
@Suite(.serialized) struct RecoveryTests {
    /// Of twenty jobs, job 0 is given up, the file of job 2 is lost, and job 1 still runs: the first two are made again, the
    /// third is left alone.
    @Test func aRunningTaskIsMadeWholeByTwoOperatorsAtOnce() async throws {
        try await LifecycleTests.withCentre { centre, _ in
            let isBroken = NIOLockedValueBox(true)
            let agent = try await centre.agent("ALPHA") { job, _ in
                switch job.name.index {
                case 0 where isBroken.withLockedValue({ $0 }):
                    .fail([Failure(.payloadExit, "exit code 1 in step make")])
                case 1: .hang
                default: .finish
                }
            }
            let running = Task { try await agent.run() }
            _ = try await centre.approve(jobs: 20)
            try await centre.until(
                "SELECT coalesce(bool_and(jobs_done = 18 AND jobs_aborted = 1 AND jobs_active = 1), false) FROM task_view"
            )
            let task = try #require(try await centre.one("SELECT task FROM task_view", as: Int64.self))
            let lfn = try #require(try await centre.one("SELECT lfn FROM output_view WHERE index = 2", as: String.self))
            let operations = Operations(centre.database, caller: centre.caller)
            _ = try await operations.declareBad(file: lfn, at: nil, isLost: true, reason: "a disk died")
            isBroken.withLockedValue { $0 = false }
            async let first = operations.recover(task: task, version: nil, reason: nil)
            async let second = operations.recover(task: task, version: nil, reason: nil)
            let outcomes = try await [first, second]
            // The one that came second may find the jobs waiting, leased or done again, and in each case nothing to do.
            #expect(outcomes.filter(\.changed).count == 1, "\(outcomes.map(\.lines))")
            for outcome in outcomes { try await centre.carryOut(outcome) }
            try await centre.until("SELECT jobs_done = 19 AND jobs_aborted = 0 FROM task_view")
            let attempts = try await centre.one(
                "SELECT array_agg(attempts::bigint ORDER BY index) FROM job_view WHERE index < 4",
                as: [Int64].self
            )
            #expect(attempts == [4, 1, 2, 1])
            running.cancel()
            let events = try await centre.one("SELECT sum(events)::bigint FROM accepted", as: Int64.self)
            #expect(events == 190)
            let files = try await centre.one("SELECT files FROM dataset_view", as: Int64.self)
            #expect(files == 19)
            try await LifecycleTests.expectNoViolations(centre)
        }
    }
}
