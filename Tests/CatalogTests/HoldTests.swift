import Catalog
import Domain
import Postgres
import Testing

/// Holding and releasing a request while its tasks change: no range stays held when the request goes on, and none is leased when it does not.
@Suite struct HoldTests {
    /// A job is let wait again, as the Scheduler does it, in the moment in which its request is released or held.
    @Test(arguments: [true, false])
    func aRangeThatComesMeanwhileIsAsTheRequestIs(isReleased: Bool) async throws {
        try await RecoveryWorld.with(RecoveryWorld.quiet) { world in
            let operations = world.operations()
            if isReleased { _ = try await operations.hold(1, version: nil, reason: nil) }
            _ = try await world.crossing(
                { transaction in
                    try await transaction.execute([
                        "SELECT FROM task WHERE id = 1 FOR NO KEY UPDATE",
                        "DELETE FROM waiting WHERE task = 1 AND first = 2",
                        """
                        INSERT INTO waiting (task, first, last, class, priority, held)
                        SELECT 1, 2, 2, 1, 100, range_is_held(t.state, r.state, t.scouts, 2)
                        FROM task t JOIN request r ON r.id = t.request WHERE t.id = 1
                        """,
                    ])
                },
                {
                    isReleased
                        ? try await operations.release(1, version: nil, reason: nil)
                        : try await operations.hold(1, version: nil, reason: nil)
                }
            )
            let held = try await world.text("SELECT string_agg(DISTINCT held::text, ' ') FROM waiting WHERE task = 1")
            #expect(held == (isReleased ? "false" : "true"))
            try await world.expectNoViolations()
        }
    }

    /// A task is paused, as a brake does it, in the moment in which its request is released: none of its jobs is leased.
    @Test func aTaskThatIsPausedMeanwhileIsHeld() async throws {
        try await RecoveryWorld.with(RecoveryWorld.quiet) { world in
            let operations = world.operations()
            _ = try await operations.hold(1, version: nil, reason: nil)
            _ = try await world.crossing(
                { try await $0.execute(TaskControlStatements.pause(1, cause: "it burns", who: nil)) },
                { try await operations.release(1, version: nil, reason: nil) }
            )
            let held = try await world.text("SELECT string_agg(DISTINCT held::text, ' ') FROM waiting WHERE task = 1")
            #expect(held == "true")
            try await world.expectNoViolations()
        }
    }
}
