import Catalog
import Domain
import Messages
import Postgres
import Testing

/// Production over time and the list of what was given up, against counts of the tests' own.
@Suite(.serialized) struct ProductionTests {
    private struct Report: Decodable {
        struct Row: Decodable, Equatable {
            let jobs_done: Int64
            let jobs_aborted: Int64
            let events: Int64
            let attempts: Int64
            let failed: Int64
            let cancelled: Int64
            let core_hours: Double
            let lost_core_hours: Double
        }

        struct Record: Decodable, Equatable {
            let span: String
            let of: String
            let value: Int64
            let start: String
        }

        let items: [Row]
        let total: Row
        let records: [Record]
        let since: String
    }

    private static func report(
        _ world: RecoveryWorld,
        _ by: ProductionStatements.By = .day,
        then: ProductionStatements.By? = nil,
        days: Double = 365
    ) async throws -> Report {
        let start = WindowStart.secondsAgo(days * 86_400)
        let text = try await world.database.query(ProductionStatements.report(by, then: then, since: start)).first
        return try WireFormat.value(Report.self, from: try #require(text))
    }

    @Test func everyReportAddsUpToTheRows() async throws {
        try await RecoveryWorld.with(ArchiveWorld.script) { world in
            let counted = try #require(
                try await world.text(
                    """
                    SELECT concat_ws(' ', (SELECT count(*) FROM winner), (SELECT count(*) FROM job WHERE state = 'aborted'),
                        (SELECT sum(events) FROM accepted), (SELECT count(*) FROM attempt WHERE state <> 'cancelled'),
                        (SELECT count(*) FROM attempt WHERE state IN ('failed', 'lost')))
                    """
                )
            )
            for by in ProductionStatements.By.allCases {
                let report = try await Self.report(world, by)
                let total = report.total
                #expect(
                    "\(total.jobs_done) \(total.jobs_aborted) \(total.events) \(total.attempts) \(total.failed)"
                        == counted,
                    "\(by)"
                )
                #expect(report.items.reduce(0) { $0 + $1.jobs_done } == total.jobs_done, "\(by)")
                #expect(report.items.reduce(0) { $0 + $1.failed } == total.failed, "\(by)")
                let hours = report.items.reduce(0) { $0 + $1.lost_core_hours }
                #expect(abs(hours - total.lost_core_hours) < 1e-9, "\(by)")
            }
            let kinds = try await Self.report(world, .month, then: .kind)
            #expect(kinds.items.reduce(0) { $0 + $1.jobs_done } == kinds.total.jobs_done)
            #expect(kinds.items.reduce(0) { $0 + $1.failed } == kinds.total.failed)
            let divided: SQL = """
                SELECT count(*) FROM (SELECT DISTINCT date_trunc('month', p.day), t.kind FROM production p JOIN task t ON t.id = p.task) x
                """
            #expect(try await world.text(divided) == "\(kinds.items.count)")
            let days = try await Self.report(world)
            // Two of long ago, and today with or without yesterday: some ended an hour ago.
            let different: SQL =
                "SELECT count(DISTINCT utc_day(ended_at)) FROM attempt WHERE state IN ('done', 'failed', 'lost')"
            #expect(try await world.text(different) == "\(days.items.count)")
            #expect(days.items[0].jobs_done == 0 && days.items[0].failed == 92)
            #expect(days.items[1].jobs_done == 594 && days.items[1].events == 5940 && days.items[1].failed == 0)
            #expect(days.records.filter { $0.of == "events" }.map(\.value) == [5940, 5940])
            #expect(days.records.first { $0.span == "day" && $0.of == "jobs" }?.value == 594)
            // What ended before the window does not count; records are of all time.
            let recent = try await Self.report(world, .site, days: 30)
            #expect(recent.total.jobs_done == 3 && recent.records.count == 4)
            let lost = try await world.text(
                """
                SELECT round(sum(coalesce(wall_seconds, extract(epoch FROM ended_at - started_at), 0))::numeric * 1000) FROM attempt a
                WHERE state IS NOT NULL AND NOT EXISTS (SELECT 1 FROM winner w WHERE w.task = a.task AND w.index = a.index AND w.attempt = a.attempt)
                """
            )
            #expect("\(Int64((days.total.lost_core_hours * 3_600_000).rounded()))" == lost)
        }
    }

    @Test func aWithdrawnWinnerIsTakenOffItsDay() async throws {
        try await RecoveryWorld.with(RecoveryWorld.quiet + RecoveryWorld.filesGone) { world in
            try await world.script("UPDATE attempt SET wall_seconds = 36 WHERE task = 1 AND index = 0")
            let before = try await Self.report(world, .request).items
            _ = try await world.recover()
            #expect(try await world.job(1, 0) == "waiting in a range")
            let after = try await Self.report(world).total
            #expect(before.reduce(0) { $0 + $1.jobs_done } == after.jobs_done + 1)
            #expect(before.reduce(0) { $0 + $1.events } == after.events + 10)
            #expect(before.reduce(0) { $0 + $1.attempts } == after.attempts)
            #expect(abs(after.lost_core_hours - before.reduce(0) { $0 + $1.lost_core_hours } - 0.01) < 1e-9)
            try await world.expectNoViolations()
        }
    }

    /// What winners count for, and lost core milliseconds, of task 1: class, jobs, events, lost.
    private static func classes(_ world: RecoveryWorld) async throws -> String? {
        try await world.text(
            """
            SELECT string_agg(concat_ws(' ', class, jobs_done, events, lost_core_ms), ', ' ORDER BY class) FROM (
                SELECT class, sum(jobs_done) AS jobs_done, sum(events) AS events, sum(lost_core_ms) AS lost_core_ms
                FROM millrace.production WHERE task = 1 GROUP BY class) p
            """
        )
    }

    private static let anotherClass = """
        INSERT INTO class (cores, memory_mb, walltime_s, disk_mb, platform, tags, sites, storage)
        VALUES (1, 2000, 3600, 1000, 'any', '{}', '{}', '{}');
        """

    /// It counted for the one in which it was leased, whatever its task is in by then.
    @Test func aWithdrawnWinnerIsTakenOffItsClass() async throws {
        let leased = """
            UPDATE attempt SET leased_class = 1;
            UPDATE attempt SET wall_seconds = 36 WHERE task = 1 AND index = 0;
            """
        try await RecoveryWorld.with(RecoveryWorld.quiet + Self.anotherClass + leased) { world in
            let job = JobKey(task: 1, index: 0)
            // What else there is to recover is not what this is about.
            _ = try await world.recover()
            #expect(try await Self.classes(world) == "1 1 10 0")
            for statement in VerdictStatements.raise(task: 1, to: 2) { try await world.script(statement) }
            _ = try await world.operations().revoke(job, reason: nil)
            #expect(try await Self.classes(world) == "1 0 0 36000")
            try await world.expectNoViolations()
            // Made again, it counts for the class that its task has now.
            try await world.expectNewWinner()
            #expect(try await Self.classes(world) == "1 0 0 36000, 2 1 10 0")
            _ = try await world.operations(role: .administrator).addShare("mine", parent: nil, weight: 1)
            let moved = try await world.operations().change(1, priority: nil, share: "mine", version: nil, reason: nil)
            #expect(moved.changed)
            #expect(
                try await world.text(
                    "SELECT c.share FROM millrace.task t JOIN millrace.class c ON c.id = t.class WHERE t.id = 1"
                ) == "mine"
            )
            _ = try await world.operations().revoke(job, reason: nil)
            #expect(try await Self.classes(world) == "1 0 0 36000, 2 0 0 0")
            try await world.expectNoViolations()
        }
    }

    /// Of attempts that do not say in which class they were leased, one of a job that was raised with its task, and one of another job.
    @Test func attemptsOfOneClassEndTogether() async throws {
        let raised = """
            UPDATE job SET class = 2 WHERE task = 1 AND index = 0;
            UPDATE waiting SET class = 2 WHERE task = 1;
            UPDATE task SET class = 2 WHERE id = 1;
            UPDATE attempt SET wall_seconds = 36 WHERE task = 1 AND index IN (0, 3);
            """
        try await RecoveryWorld.with(RecoveryWorld.quiet + Self.anotherClass + raised) { world in
            #expect(try await Self.classes(world) == "1 1 10 0, 2 0 0 36000")
            try await world.expectNoViolations()
        }
    }

    /// What is folded counts as before, and what changes afterwards as well.
    @Test func oldDaysAreFolded() async throws {
        try await RecoveryWorld.with(ArchiveWorld.script) { world in
            try await world.script(
                """
                INSERT INTO production SELECT day, task, site, class, blame, slot + 1, cloud, 1, 0, 0, 0, 0, 0, 0, 0 FROM production
                WHERE day < utc_day(now()) - 50 AND jobs_done > 0
                """
            )
            let before = try await Self.report(world)
            #expect(try await world.database.query(ProductionStatements.fold) == [1])
            #expect(try await world.database.query(ProductionStatements.fold) == [2])
            #expect(try await world.database.query(ProductionStatements.fold) == [0])
            let after = try await Self.report(world)
            #expect(before.items == after.items && before.items[1].jobs_done == 595)
            #expect(try await world.text("SELECT count(*) FROM production WHERE slot = -1") == "2")
            try await world.script("UPDATE production SET jobs_done = jobs_done - 1 WHERE slot = -1 AND jobs_done > 0")
            try await world.script("UPDATE attempt SET wall_seconds = wall_seconds + 1 WHERE task = 4 AND index = 1")
            try await world.expectNoViolations()
            #expect(try await world.database.query(ProductionStatements.fold) == [1])
            try await world.expectNoViolations()
        }
    }

    private struct Damaged: Decodable, Equatable {
        struct Input: Decodable, Equatable {
            let lfn: String
            let first_event: Int64
            let last_event: Int64
        }

        let request: Int64
        let task: Int64
        let index: Int64
        let events: Int64
        let first_event: Int64?
        let last_event: Int64?
        let inputs: [Input]?
        let code: Int?
        let rule: String?
        let site: String?
        let diagnostic: String?
        let reason: String?
    }

    private static func damaged(_ world: RecoveryWorld) async throws -> [Damaged] {
        try await world.database.query(try Listings.damaged.statement(.init())).map {
            try WireFormat.value(Damaged.self, from: $0.1)
        }
    }

    private static func column(_ world: RecoveryWorld) async throws -> Int64 {
        Int64(try await world.text("SELECT sum(damaged) FROM tracker_view") ?? "") ?? -1
    }

    @Test func theDamagedListIsTheDamagedColumn() async throws {
        try await RecoveryWorld.with(RecoveryWorld.quiet) { world in
            let listed = try await Self.damaged(world)
            #expect(
                listed == [
                    Damaged(
                        request: 1,
                        task: 1,
                        index: 4,
                        events: 10,
                        first_event: 40,
                        last_event: 49,
                        inputs: nil,
                        code: 1001,
                        rule: "payload",
                        site: "LOCAL",
                        diagnostic: "d",
                        reason: nil
                    )
                ]
            )
            #expect(try await Self.column(world) == 10)
            // Given back, and given up again with another.
            let retried = try await world.operations().retry(task: 1, version: nil, reason: nil)
            #expect(retried.changed)
            #expect(try await Self.damaged(world).isEmpty)
            #expect(try await Self.column(world) == 0)
            #expect(try await Self.report(world).total.jobs_aborted == 0)
            try await world.expectNoViolations()
            try await world.script("DELETE FROM waiting WHERE task = 1 AND first IN (3, 4)")
            try await world.script(
                "UPDATE job SET state = 'aborted', version = version + 1, cause = 'no input', who = 'olga' WHERE task = 1 AND index IN (3, 4)"
            )
            #expect(try await Self.damaged(world).map(\.index) == [3, 4])
            #expect(try await Self.damaged(world).map(\.reason) == ["no input", "no input"])
            #expect(try await Self.column(world) == 20)
            #expect(try await Self.report(world).total.jobs_aborted == 2)
            try await world.expectNoViolations()
            let extended = try await world.operations().extend(1, by: 50, version: nil, reason: nil)
            #expect(extended.changed)
            let sum = try await Self.damaged(world).reduce(0) { $0 + $1.events }
            #expect(try await Self.column(world) == sum)
            try await world.expectNoViolations()
        }
    }

    /// A job with inputs is told by the slices it reads.
    @Test func whatReadsFilesIsListedWithThem() async throws {
        try await RecoveryWorld.with(RecoveryWorld.moreInputs) { world in
            try await world.script("UPDATE request SET sample = 1, simulation = 1 WHERE id = 2")
            try await world.script("DELETE FROM waiting WHERE task = 2")
            try await world.script(
                "INSERT INTO waiting (task, first, last, class, priority) VALUES (2, 0, 0, 1, 100), (2, 2, 2, 1, 100)"
            )
            try await world.script(
                "UPDATE job SET state = 'aborted', version = 2, cause = 'gone' WHERE task = 2 AND index = 1"
            )
            let listed = try await Self.damaged(world).filter { $0.task == 2 }
            #expect(
                listed == [
                    Damaged(
                        request: 2,
                        task: 2,
                        index: 1,
                        events: 5,
                        first_event: nil,
                        last_event: nil,
                        inputs: [.init(lfn: "/far/1", first_event: 0, last_event: 4)],
                        code: nil,
                        rule: nil,
                        site: nil,
                        diagnostic: nil,
                        reason: "gone"
                    )
                ]
            )
            try await world.expectNoViolations()
        }
    }
}
