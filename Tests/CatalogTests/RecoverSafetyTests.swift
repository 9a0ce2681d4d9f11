import Catalog
import Domain
import Postgres
import Testing

/// Recovery run dry, twice, at once, and on tasks in every state.
@Suite struct RecoverSafetyTests {
    typealias World = RecoveryWorld

    @Test func aDryRunAndACheckChangeNothingAndPlanTheSame() async throws {
        try await World.with(World.filesGone) { world in
            let before = try await world.everything()
            let planned = try await world.check()
            let dry = try await world.recover(dry: true)
            #expect(try World.plan(dry.result) == planned && dry.messages.isEmpty)
            #expect(try await world.everything() == before)
            let real = try await world.recover()
            #expect(try World.plan(real.result) == planned && real.lines == dry.lines)
            #expect(try await world.everything() != before)
        }
    }

    @Test func aSecondRunChangesNothing() async throws {
        try await World.with(World.quiet + World.filesGone) { world in
            #expect(try await world.recover().changed)
            let after = try await world.everything()
            let again = try await world.recover(who: "igor")
            #expect(!again.changed && again.messages.isEmpty)
            #expect(try World.plan(again.result).map(\.reason) == [.attemptLives])
            #expect(try await world.everything() == after)
        }
    }

    @Test func ofManyOperatorsAtOnceOneHasAnEffect() async throws {
        try await World.with(World.quiet + World.filesGone) { world in
            let changed = try await withThrowingTaskGroup(of: Bool.self) { group in
                for number in 1...6 {
                    group.addTask { try await world.recover(who: "operator\(number)").changed }
                }
                return try await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
            }
            #expect(changed == 1)
            let moves: SQL =
                "SELECT string_agg(entity, ' ' ORDER BY entity) FROM millrace.transition WHERE who LIKE 'operator%' AND kind IN ('job', 'file')"
            #expect(try await world.text(moves) == "file:/made/0 job:1.0 job:1.4")
            try await world.expectNoViolations()
        }
    }

    /// The survey is taken without locks: what has changed since counts.
    @Test func aJobThatWasRetriedMeanwhileIsLeftAlone() async throws {
        try await World.with(World.quiet) { world in
            async let recovered = world.recover()
            async let retried = world.operations("igor").retry(task: 1, version: nil, reason: nil)
            let changes = try await [recovered.changed, retried.changed]
            #expect(changes.filter { $0 }.count == 1)
            #expect(try await world.job(1, 4) == "waiting in a range")
            try await world.expectNoViolations()
        }
    }

    @Test func aTaskThatWasAboutToEndRunsAgain() async throws {
        let finishing = """
            DELETE FROM waiting WHERE task = 2;
            UPDATE job SET state = 'aborted', version = 2 WHERE task = 2;
            UPDATE task SET state = 'finishing', version = 3 WHERE id = 2;
            """
        try await World.with(finishing) { world in
            #expect(try await world.recover(2).changed)
            #expect(try await world.text("SELECT state FROM millrace.task WHERE id = 2") == "running")
            #expect(try await world.job(2, 0) == "waiting in a range")
            try await world.expectNoViolations()
        }
    }

    @Test func theJobsOfAPausedTaskAreHeld() async throws {
        try await World.with(World.quiet) { world in
            _ = try await world.operations().pause(task: 1, version: nil, reason: nil)
            #expect(try await world.recover().changed)
            #expect(try await world.text("SELECT held FROM millrace.waiting WHERE task = 1 AND first = 4") == "true")
            #expect(try await world.text("SELECT state FROM millrace.task WHERE id = 1") == "paused")
            try await world.expectNoViolations()
        }
    }

    @Test func aTaskThatHasEndedIsShownAndNotChanged() async throws {
        try await World.with(
            "UPDATE replica SET state = 'bad' WHERE file = 1; UPDATE file SET lost = true WHERE id = 1;"
        ) { world in
            let plan = try await world.check(3)
            #expect(plan.map(\.reason) == [.datasetClosed] && plan.first?.examples == ["3.0 (dataset raw)"])
            #expect(try await world.operations().check(task: 3).contains("a task that has ended is never changed"))
            let before = try await world.everything()
            let refusal = await #expect(throws: CatalogRefusal.self) { try await world.recover(3) }
            #expect(refusal?.description.hasPrefix("task 3 is done: a task that has ended") == true)
            #expect(try await world.everything() == before)
        }
    }

    @Test func onlyAnOperatorRecoversAndOnlyWhatHeSaw() async throws {
        try await World.with("") { world in
            let physicist = world.operations(role: .physicist)
            let refusal = await #expect(throws: CatalogRefusal.self) {
                try await physicist.recover(task: 1, version: nil, reason: nil)
            }
            #expect(refusal?.kind == .permission)
            let stale = await #expect(throws: CatalogRefusal.self) {
                try await world.operations().recover(task: 1, version: 1, reason: nil)
            }
            #expect(stale?.description.contains("it is at version 2, not 1") == true)
            for task in [Int64(77), 78] {
                let missing = await #expect(throws: CatalogRefusal.self) {
                    task == 77 ? try await world.recover(task).result : try await world.operations().check(task: task)
                }
                #expect(missing?.kind == .missing)
            }
        }
    }

    /// More jobs than one page and one statement hold.
    @Test func twelveThousandJobsAreRecoveredInOneTransaction() async throws {
        let many = """
            UPDATE task SET jobs_total = 12010, events_total = 120100 WHERE id = 1;
            INSERT INTO job (task, index, events_expected, state) SELECT 1, n, 10, 'waiting' FROM generate_series(10, 12009) n;
            UPDATE job SET state = 'aborted', version = 2 WHERE task = 1 AND index >= 10;
            """
        try await World.with(World.quiet + many) { world in
            let clock = ContinuousClock()
            let began = clock.now
            let outcome = try await world.recover()
            print("recovered 12,001 jobs in \(began.duration(to: clock.now))")
            let group = try World.plan(outcome.result).first
            #expect(group?.reason == .nothingAccepted && group?.jobs == 12_001 && group?.events == 120_010)
            #expect(group?.examples == ["1.4", "1.10", "1.11", "1.12", "1.13"])
            #expect(try await world.text("SELECT count(*) FROM millrace.waiting WHERE task = 1") == "12004")
            let times: SQL = "SELECT count(DISTINCT xmin::text) FROM millrace.waiting WHERE task = 1 AND first >= 10"
            #expect(try await world.text(times) == "1", "one transaction")
            try await world.expectNoViolations()
        }
    }
}
