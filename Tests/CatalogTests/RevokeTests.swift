import Catalog
import Domain
import Postgres
import Testing

/// A winner that an operator withdraws: counted and merged no more, made again.
@Suite struct RevokeTests {
    typealias World = RecoveryWorld

    private func refusal(_ world: World, _ job: JobKey, role: Role = .operator) async throws -> CatalogRefusal? {
        do {
            _ = try await world.operations(role: role).revoke(job, reason: nil)
            return nil
        } catch let refusal as CatalogRefusal {
            return refusal
        }
    }

    @Test func aWinnerIsWithdrawnAndItsJobMadeAgain() async throws {
        try await World.with(World.quiet) { world in
            // What else there is to recover is not what this is about.
            _ = try await world.recover()
            let before = try await world.everything()
            let dry = try await world.operations(dry: true).revoke(JobKey(task: 1, index: 0), reason: "bad calibration")
            #expect(dry.lines.first?.hasPrefix("job 1.0 waits again: its 10 events are out of the books") == true)
            #expect(try await world.everything() == before)
            let outcome = try await world.operations().revoke(JobKey(task: 1, index: 0), reason: "bad calibration")
            #expect(outcome.changed && outcome.messages.map(\.routingKey) == ["control.scheduler"])
            #expect(try await world.job(1, 0) == "waiting in a range")
            #expect(try await world.text("SELECT events_done FROM millrace.task_view WHERE task = 1") == "0")
            #expect(try await world.text("SELECT files FROM millrace.dataset_view WHERE dataset = 'made'") == "0")
            let log: SQL =
                "SELECT to_state || ' ' || who || ' ' || cause FROM millrace.transition WHERE entity = 'job:1.0' ORDER BY id DESC LIMIT 1"
            #expect(try await world.text(log) == "waiting olga revoked: bad calibration")
            try await world.expectNoViolations()
            // A second operator who pressed at the same moment hears of it.
            let again = try await self.refusal(world, JobKey(task: 1, index: 0))
            #expect(again?.kind == .state && again?.description.contains("only a winner") == true)
            try await world.expectNewWinner()
        }
    }

    @Test func twoOperatorsAtOnceRevokeItOnce() async throws {
        try await World.with(World.quiet) { world in
            async let first = self.refusal(world, JobKey(task: 1, index: 0))
            async let second = self.refusal(world, JobKey(task: 1, index: 0))
            let refusals = try await [first, second]
            #expect(refusals.filter { $0 == nil }.count == 1)
            try await world.expectNoViolations()
        }
    }

    @Test func whatOthersHaveTakenStays() async throws {
        try await World.with(World.quiet + World.reader(kind: "process")) { world in
            let before = try await world.everything()
            let taken = try await self.refusal(world, JobKey(task: 1, index: 0))
            #expect(taken?.description.contains("were taken by job 4.0") == true, "\(String(describing: taken))")
            #expect(try await self.refusal(world, JobKey(task: 1, index: 0), role: .physicist)?.kind == .permission)
            #expect(try await self.refusal(world, JobKey(task: 1, index: 1))?.description.contains("is active") == true)
            #expect(try await self.refusal(world, JobKey(task: 1, index: 999))?.kind == .missing)
            #expect(try await self.refusal(world, JobKey(task: 99, index: 0))?.kind == .missing)
            #expect(try await world.everything() == before)
        }
    }

    @Test func aClosedDatasetKeepsWhatItHolds() async throws {
        try await World.with(
            World.quiet + "UPDATE dataset SET state = 'closed', version = 2, closed = now() WHERE name = 'made';"
        ) {
            world in
            let closed = try await self.refusal(world, JobKey(task: 1, index: 0))
            #expect(closed?.description.contains("dataset made is closed") == true, "\(String(describing: closed))")
        }
    }
}
