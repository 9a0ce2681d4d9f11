import Catalog
import Domain
import Postgres
import Testing

/// Tasks that have ended go into the archive and come back, and nothing but their rows is ever missing.
@Suite(.serialized) struct ArchiveTests {
    /// The rows of all tables that are archived, as one text for each.
    private static func rows(_ world: RecoveryWorld) async throws -> [String?] {
        [
            try await world.text("SELECT string_agg(x::text, E'\\n' ORDER BY x::text) FROM millrace.job x"),
            try await world.text("SELECT string_agg(x::text, E'\\n' ORDER BY x::text) FROM millrace.attempt x"),
            try await world.text("SELECT string_agg(x::text, E'\\n' ORDER BY x::text) FROM millrace.output x"),
            try await world.text("SELECT string_agg(x::text, E'\\n' ORDER BY x::text) FROM millrace.winner x"),
            try await world.text("SELECT string_agg(x::text, E'\\n' ORDER BY x::text) FROM millrace.accepted x"),
            try await world.text("SELECT string_agg(x::text, E'\\n' ORDER BY x::text) FROM millrace.unit_input x"),
            try await world.text("SELECT string_agg(x::text, E'\\n' ORDER BY x::text) FROM millrace.merge_input x"),
            try await world.text("SELECT string_agg(x::text, E'\\n' ORDER BY x::text) FROM millrace.verdict x"),
        ]
    }

    /// What must be the same whatever is archived.
    private static func steady(_ world: RecoveryWorld) async throws -> [String?] {
        var found = [
            try await world.text("SELECT string_agg(x::text, E'\\n' ORDER BY x::text) FROM millrace.tracker_view x"),
            try await world.text("SELECT string_agg(x::text, E'\\n' ORDER BY x::text) FROM millrace.task_view x"),
            try await world.text("SELECT string_agg(x::text, E'\\n' ORDER BY x::text) FROM millrace.file_view x"),
            try await world.text("SELECT string_agg(x::text, E'\\n' ORDER BY x::text) FROM millrace.dataset_view x"),
            try await world.text("SELECT string_agg(x::text, E'\\n' ORDER BY x::text) FROM millrace.damaged_view x"),
            try await world.text("SELECT count(*) FROM millrace.transition"),
            try await world.text("SELECT string_agg(x::text, E'\\n' ORDER BY x::text) FROM millrace.failure_tally x"),
        ]
        for by in ProductionStatements.By.allCases {
            found.append(
                try await world.database.query(ProductionStatements.report(by, since: .secondsAgo(200 * 86_400))).first
            )
        }
        return found
    }

    /// Carries out all that is asked for. - Returns: the steps.
    @discardableResult
    private static func finish(_ world: RecoveryWorld, chunks: Int = 40) async throws -> Int {
        var steps = 0
        while try await Archive.step(world.database, chunks: chunks) != .nothing { steps += 1 }
        return steps
    }

    @Test func whatIsArchivedComesBackAsItWas() async throws {
        try await RecoveryWorld.with(ArchiveWorld.script) { world in
            try await world.expectNoViolations()
            let (before, steady) = (try await Self.rows(world), try await Self.steady(world))
            let dry = try await world.operations(dry: true).archive(olderThan: 0.000_001, reason: nil)
            #expect(dry.changed && dry.lines.count == 3, "\(dry.lines)")
            #expect(try await Self.finish(world) == 0)
            let outcome = try await world.operations().archive(olderThan: 0.000_001, reason: "old")
            #expect(outcome.lines.contains { $0.contains("task 4 (old) of request 4 goes into the archive: 600 jobs") })
            #expect(outcome.messages.map(\.routingKey) == ["control.bookkeeper"])
            // One chunk a step: after each the books are as they should be.
            var steps = 0
            while try await Archive.step(world.database, chunks: 1) != .nothing {
                steps += 1
                try await world.expectNoViolations()
                #expect(try await Self.steady(world) == steady)
            }
            #expect(steps == 1 + 1 + 3 + 3)
            #expect(
                try await world.text("SELECT string_agg(state, ',' ORDER BY task) FROM archived_task")
                    == "archived,archived,archived"
            )
            #expect(try await world.text("SELECT string_agg(DISTINCT task::text, ',') FROM job") == "1")
            #expect(try await world.text("SELECT string_agg(DISTINCT task::text, ',') FROM verdict") == "1")
            try await world.script("UPDATE request SET updated = now() - interval '2 days' WHERE id = 4")
            let back = try await world.operations().restore(request: 4, reason: nil)
            #expect(back.changed && back.lines == ["task 4 (old) of request 4 comes back: 600 jobs"])
            // Somebody wants to see it: it is as if it had ended now.
            while try await Archive.step(world.database) != .nothing {}
            let none = try await world.operations().archive(olderThan: 86_400, reason: nil)
            #expect(!none.changed, "\(none.lines)")
            _ = try await world.operations().restore(request: 3, reason: nil)
            _ = try await world.operations().restore(request: 2, reason: nil)
            while try await Archive.step(world.database, chunks: 1) != .nothing { try await world.expectNoViolations() }
            #expect(try await Self.rows(world) == before)
            #expect(try await Self.steady(world) == steady)
            #expect(
                try await world.text(
                    "SELECT (SELECT count(*) FROM archived_task) + (SELECT count(*) FROM archived_rows)"
                ) == "0"
            )
        }
    }

    /// What is not at hand is not told as none.
    @Test func whatBecameOfASubmissionIsNotKnownWhileItIsArchived() async throws {
        let sent = """
            INSERT INTO batch_submission (task, site, agent, name, attempts, input_files) VALUES (4, 'LOCAL', 'a', 'slurm:7', 600, 0);
            UPDATE attempt SET submission = (SELECT id FROM batch_submission) WHERE task = 4 AND attempt = 1;
            """
        try await RecoveryWorld.with(ArchiveWorld.script + sent) { world in
            let shown: SQL = "SELECT concat_ws(' ', batch, attempts, live, done, failed) FROM submission_view"
            let before = try await world.text(shown)
            #expect(before == "slurm:7 600 0 509 91")
            _ = try await world.operations().archive(task: 4, reason: nil)
            try await Self.finish(world)
            #expect(try await world.text(shown) == "slurm:7 600")
            _ = try await world.operations().restore(task: 4, reason: nil)
            try await Self.finish(world)
            #expect(try await world.text(shown) == before)
        }
    }

    @Test func aStepThatIsKilledLeavesNothingBehind() async throws {
        struct Killed: Error {}
        try await RecoveryWorld.with(ArchiveWorld.script) { world in
            let before = try await Self.rows(world)
            _ = try await world.operations().archive(task: 4, reason: nil)
            _ = try await Archive.step(world.database, chunks: 1)
            let half = try await Self.rows(world)
            #expect(half != before)
            let step = Statement("test.step", "SELECT archive_jobs(4, 1)", returning: Int64.self)
            await #expect(throws: Killed.self) {
                try await world.database.withTransaction { transaction in
                    #expect(try await transaction.query(step) == [250])
                    throw Killed()
                }
            }
            #expect(try await Self.rows(world) == half)
            try await world.expectNoViolations()
            // Back from half way.
            _ = try await world.operations().restore(task: 4, reason: nil)
            try await Self.finish(world)
            #expect(try await Self.rows(world) == before)
            // And there and back once more.
            _ = try await world.operations().archive(task: 4, reason: nil)
            try await Self.finish(world)
            _ = try await world.operations().restore(task: 4, reason: nil)
            try await Self.finish(world, chunks: 2)
            #expect(try await Self.rows(world) == before)
            try await world.expectNoViolations()
        }
    }

    @Test func ofTwoOperatorsOneArchives() async throws {
        try await RecoveryWorld.with(ArchiveWorld.script) { world in
            async let first = world.operations("olga").archive(request: 4, reason: nil)
            async let second = world.operations("steve").archive(request: 4, reason: nil)
            let outcomes = try await [first, second]
            #expect(outcomes.filter(\.changed).count == 1, "\(outcomes.map(\.lines))")
            #expect(outcomes.contains { $0.lines == ["task 4 (old) is on its way into the archive already"] })
            // Two Bookkeepers at once.
            async let one = Self.finish(world, chunks: 1)
            async let two = Self.finish(world, chunks: 1)
            _ = try await (one, two)
            try await Self.finish(world)
            try await world.expectNoViolations()
            #expect(try await world.text("SELECT state FROM archived_task WHERE task = 4") == "archived")
            let again = try await world.operations().archive(task: 4, reason: nil)
            #expect(!again.changed && again.lines == ["task 4 (old) is archived already"] && again.messages.isEmpty)
        }
    }

    @Test func whatSomethingStillNeedsIsRefused() async throws {
        try await RecoveryWorld.with("") { world in
            let olga = world.operations()
            await expectRefusal("task 1 (make) is running: only a task that has ended") {
                try await olga.archive(task: 1, reason: nil)
            }
            await expectRefusal("task 3 (raw) is still read by task 2, which has not ended") {
                try await olga.archive(task: 3, reason: nil)
            }
            let old = try await olga.archive(olderThan: 0.000_001, reason: nil)
            #expect(
                !old.changed
                    && old.lines == ["request 3 is left: task 3 (raw) is still read by task 2, which has not ended"]
            )
            // One that read of a task that has not ended is needed when that is recovered.
            try await world.database.executeScript(
                """
                SET search_path = millrace, public; SET session_replication_role = replica;
                UPDATE task SET state = 'done' WHERE id = 2; UPDATE request SET state = 'finished' WHERE id = 2;
                UPDATE dataset SET state = 'closed', closed = now() WHERE id = 2; UPDATE task SET state = 'running' WHERE id = 3;
                UPDATE job SET state = 'done' WHERE task = 2; UPDATE task_counter SET active = 0, recovering = 0 WHERE task = 2;
                """
            )
            await expectRefusal("task 2 (read) read what task 3 made, which has not ended") {
                try await olga.archive(task: 2, reason: nil)
            }
            await expectRefusal("task 3 is not archived") { try await olga.restore(task: 3, reason: nil) }
            await expectRefusal("task 3 is not archived") { try await olga.restore(request: 3, reason: nil) }
            await #expect(throws: CatalogRefusal.self) { try await olga.archive(task: 99, reason: nil) }
            await #expect(throws: CatalogRefusal.self) { try await olga.archive(request: 99, reason: nil) }
            await #expect(throws: CatalogRefusal.self) {
                try await world.operations(role: .physicist).archive(task: 3, reason: nil)
            }
        }
        try await RecoveryWorld.with(ArchiveWorld.script) { world in
            let olga = world.operations()
            await expectRefusal("task 3 (raw) was merged by task 2: archive that as well") {
                try await olga.archive(task: 3, reason: nil)
            }
            let quietly: SQL = "SELECT set_config('session_replication_role', 'replica', true)"
            func with(_ fault: SQL, _ words: String) async throws {
                try await world.database.withTransaction { try await $0.execute([quietly, fault]) }
                await expectRefusal(words) { try await olga.archive(request: 4, reason: nil) }
            }
            try await with("UPDATE dataset SET state = 'open' WHERE id = 4", "dataset old is open: close it first")
            // By itself nobody asks for it again and again.
            for closed in [false, true] {
                let told = try await world.operations(dry: true).archive(
                    olderThan: 0.000_001,
                    closed: closed,
                    reason: nil
                )
                #expect(told.lines.contains { $0.contains("dataset old is open") } == !closed, "\(told.lines)")
            }
            try await world.database.withTransaction {
                try await $0.execute([quietly, "UPDATE dataset SET state = 'closed' WHERE id = 4"])
            }
            try await with(
                "INSERT INTO kill_wish (task, index, attempt, holder, reason) VALUES (4, 1, 1, 1, 'x')",
                "1 attempts that have not answered"
            )
            try await world.database.execute("DELETE FROM kill_wish")
            try await with(
                "UPDATE verdict SET carried_out_at = NULL WHERE task = 4 AND index = 100",
                "1 jobs whose recovery is not finished"
            )
            try await world.database.execute("UPDATE verdict SET carried_out_at = now() WHERE task = 4")
            try await world.database.execute("UPDATE file SET lost = true WHERE id = 4")
            try await world.database.execute(
                "INSERT INTO garbage SELECT lfn, 'HOME', now(), 'x' FROM file WHERE id = 4"
            )
            await expectRefusal("1 files withdrawn from it are still to be deleted") {
                try await olga.archive(request: 4, reason: nil)
            }
        }
    }

    /// What was merged comes back before what merged it, and goes into the archive after it.
    @Test func mergesAndTheirSourcesGoInTheRightOrder() async throws {
        try await RecoveryWorld.with(ArchiveWorld.script) { world in
            let olga = world.operations()
            _ = try await olga.archive(request: 2, reason: nil)
            _ = try await olga.archive(request: 3, reason: nil)
            #expect(try await Archive.step(world.database) == .moved(task: 2, jobs: 1))
            try await Self.finish(world)
            await expectRefusal("task 2 (read) merged what task 3 made, which is archived: restore that as well") {
                try await olga.restore(task: 2, reason: nil)
            }
            _ = try await olga.restore(task: 3, reason: nil)
            _ = try await olga.restore(task: 2, reason: nil)
            await expectRefusal("task 3 (raw) is being restored") { try await olga.archive(task: 3, reason: nil) }
            #expect(try await Archive.step(world.database) == .moved(task: 3, jobs: 1))
            try await Self.finish(world)
            try await world.expectNoViolations()
            #expect(try await world.text("SELECT count(*) FROM merge_input") == "1")
        }
    }

    /// An export that is at work reads first.
    @Test func lineageIsExportedFirst() async throws {
        try await RecoveryWorld.with(ArchiveWorld.script) { world in
            _ = try await world.database.query(LineageStatements.lease(holder: "b", seconds: 60))
            _ = try await world.operations().archive(task: 4, reason: nil)
            #expect(try await Archive.step(world.database) == .nothing)
            try await world.database.execute("UPDATE lineage_export SET exported = (SELECT max(id) FROM transition)")
            #expect(try await Archive.step(world.database) == .moved(task: 4, jobs: 600))
        }
    }
}
