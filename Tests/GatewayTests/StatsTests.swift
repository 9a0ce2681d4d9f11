import Catalog
import Domain
import Postgres
import Testing

@testable import Gateway

/// Sums over all tasks, of which those that have ended are not read again.
@Suite(.serialized) struct StatsTests {
    private static let start = ContinuousClock.now

    @Test func whatHadEndedIsNotReadAgain() {
        var ended = TaskSums()
        ended.done = 70
        var sums = FarmSums(ended: ended, newest: 9, open: [3, 9], now: Self.start)
        #expect(sums.followed == [3, 9])
        // One ends, and one comes: both are followed.
        let goesOn = sums.follow(open: [9, 10], now: Self.start + .seconds(2))
        #expect(goesOn && sums.followed == [3, 9, 10])
        // 3 is followed still, so that it may go on; 4 is among those that had ended.
        let reopened = sums.follow(open: [3, 10], now: Self.start + .seconds(4))
        #expect(reopened)
        let unknown = sums.follow(open: [4, 10], now: Self.start + .seconds(6))
        #expect(!unknown && sums.followed == [3, 9, 10])
        let old = sums.follow(open: [10], now: Self.start + FarmSums.validity)
        #expect(!old)
    }

    /// Whatever happens between two readings, the sums are those of all counters.
    @Test func theSumsAreThoseOfAllTasks() async throws {
        try await withGateway(production: Production.running()) { gateway in
            let board = StatsBoard(database: gateway.database)
            func expect(_ what: Comment, _ change: SQL...) async throws {
                for sql in change {
                    try await gateway.database.withTransaction { transaction in
                        try await transaction.execute("SET LOCAL session_replication_role = replica")
                        try await transaction.execute(sql)
                    }
                }
                let all = try await gateway.database.query(
                    Statement(
                        "test.sums",
                        """
                        SELECT (SELECT sum(jobs_total)::bigint FROM task), (SELECT sum(events_total)::bigint FROM task),
                               sum(done)::bigint, sum(active)::bigint, sum(events)::bigint, sum(lost)::bigint FROM task_counter
                        """,
                        returning: Int64.self,
                        Int64.self,
                        Int64.self,
                        Int64.self,
                        Int64.self,
                        Int64.self
                    )
                ).first
                let stats = try await board.read()
                let told = (
                    stats.jobs.total, stats.events.expected, stats.jobs.done, stats.jobs.active, stats.events.done,
                    stats.events.lost
                )
                #expect(try #require(all) == told, what)
            }
            let counted: SQL = "UPDATE task_counter SET done = done + 3, events = events + 30"
            try await expect("at first")
            try await expect("counted", counted)
            try await expect("some end", "UPDATE task SET paused_from = NULL, state = 'done' WHERE id % 2 = 0", counted)
            try await expect(
                "one is aborted while jobs run",
                "UPDATE task_counter SET active = active + 5 WHERE task = 1",
                counted
            )
            try await expect("all end", "UPDATE task SET paused_from = NULL, state = 'failed'", counted)
            try await expect(
                "one goes on",
                "UPDATE task SET paused_from = NULL, state = 'running' WHERE id = 1",
                counted
            )
            // Another process began to look when all had ended.
            let late = StatsBoard(database: gateway.database)
            try await gateway.database.withTransaction { transaction in
                try await transaction.execute("SET LOCAL session_replication_role = replica")
                try await transaction.execute("UPDATE task SET paused_from = NULL, state = 'done'")
            }
            let before = try await late.read()
            try await expect(
                "what ran ends",
                "UPDATE task_counter SET active = 0, cancelled = cancelled + 5 WHERE task = 1"
            )
            #expect(try await late.read().jobs.active < before.jobs.active)
            try await expect(
                "and one goes on that it took for ended",
                "UPDATE task SET paused_from = NULL, state = 'running' WHERE id = 2",
                counted
            )
            let after = try await late.read()
            #expect(after.jobs.done > before.jobs.done)
        }
    }
}
