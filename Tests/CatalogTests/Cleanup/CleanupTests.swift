import Catalog
import Domain
import Postgres
import Testing

/// What a cancelled request made is deleted: all of it, once, and nothing that others need.
@Suite(.serialized) struct CleanupTests {
    typealias World = RecoveryWorld

    @Test func whatARequestMadeIsDeletedAndKnown() async throws {
        try await World.with(CleanupWorld.script) { world in
            try await world.expectNoViolations()
            let before = try await world.everything()
            let dry = try await world.cancel(dry: true)
            #expect(dry.lines.contains { $0.contains("deletes 1201 files (6005 bytes) of 2 datasets") }, "\(dry.lines)")
            #expect(try await world.everything() == before)
            #expect(try await world.cleanup("state") == nil)
            let outcome = try await world.cancel()
            #expect(outcome.changed && outcome.messages.contains { $0.routingKey == "control.bookkeeper" })
            #expect(
                try await world.clean(batch: 500)
                    == .waiting(
                        request: 4,
                        dataset: "many",
                        reason: "waits for 1 attempt that has not answered yet",
                        isNew: true
                    )
            )
            try await world.expectNoViolations()
            #expect(try await world.cleanup("waits_for") == "many waits for 1 attempt that has not answered yet")
            // The dataset that waits is no longer the first.
            #expect(
                try await world.clean() == .removed(request: 4, dataset: "handed", files: 1, kept: 0, emptied: true)
            )
            try await world.expectNoViolations()
            try await world.script(CleanupWorld.killed)
            var steps: [Int64] = []
            while case .removed(_, "many", let files, 0, _) = try await world.clean() {
                steps.append(files)
                try await world.expectNoViolations()
            }
            #expect(steps == [500, 500, 200])
            #expect(try await world.cleanup("files_removed") == "1201")
            #expect(try await world.cleanup("replicas_left") == "1202")
            #expect(try await world.clean() == .nothing)
            try await world.deleteGarbage()
            #expect(try await world.clean() == .finished(1))
            #expect(try await world.cleanup("state") == "done")
            try await world.expectNoViolations()
            // Books and provenance are as they were, and the log says who and why.
            #expect(try await world.text("SELECT events_done FROM millrace.task_view WHERE task = 4") == "12000")
            #expect(
                try await world.text("SELECT state || ' ' || files FROM millrace.dataset_view WHERE dataset = 'many'")
                    == "closed 1200"
            )
            let gone: SQL = "SELECT count(*) FROM millrace.file_view WHERE task IN (4, 5) AND lost AND replicas = '{}'"
            #expect(try await world.text(gone) == "1201")
            #expect(try await world.text("SELECT count(*) FROM millrace.replica WHERE file IN (1, 2)") == "4")
            let log: SQL =
                "SELECT who || ': ' || cause FROM millrace.transition WHERE entity = 'file:/4/7' AND to_state = 'lost'"
            #expect(try await world.text(log) == "olga: cleaned up: wrong field map")
            let shown = try await world.database.query(ObjectStatements.file("/4/7")).first
            #expect(shown?.contains(#""deleted":{"request" : 4, "who" : "olga""#) == true, "\(shown ?? "")")
        }
    }

    @Test func twoWorkersAtOnceDoEachFileOnce() async throws {
        try await World.with(CleanupWorld.script) { world in
            _ = try await world.cancel()
            try await world.script(CleanupWorld.killed)
            let taken = try await withThrowingTaskGroup(of: Int64.self) { group in
                for _ in 0..<4 {
                    group.addTask {
                        var files: Int64 = 0
                        while true {
                            switch try await Cleanup.step(world.database, graceSeconds: 0, pauseSeconds: 0, batch: 100)
                            {
                            case .removed(_, _, let gone, _, _): files += gone
                            case .waiting(_, let dataset, let reason, _):
                                Issue.record("\(dataset) \(reason)")
                                return files
                            case .nothing, .finished: return files
                            }
                        }
                    }
                }
                return try await group.reduce(0, +)
            }
            #expect(taken <= 1201)
            try await world.cleanAll()
            #expect(try await world.text("SELECT count(*) FROM millrace.deleted_file") == "1201")
            #expect(try await world.cleanup("files_removed") == "1201")
            try await world.expectNoViolations()
        }
    }

    @Test func whatALiveRequestReadsIsNeverDeleted() async throws {
        try await World.with(CleanupWorld.script + CleanupWorld.reads("handed")) { world in
            let outcome = try await world.cancel(role: .administrator, force: true)
            #expect(
                outcome.lines.contains {
                    $0
                        == "dataset handed (1 files) is not deleted yet: it is read by task 6 of request 5, which has not ended"
                },
                "\(outcome.lines)"
            )
            try await world.script(CleanupWorld.killed)
            #expect(try await world.cleanAll() == 1200)
            #expect(try await world.cleanup("waits_for")?.contains("task 6 of request 5") == true)
            #expect(
                try await world.text(
                    "SELECT count(*) FROM millrace.replica_view WHERE lfn = '/5/0' AND state = 'available'"
                ) == "2"
            )
            try await world.expectNoViolations()
            // The reader ends, whatever its end.
            _ = try await world.operations("joe").cancel(5, version: nil, reason: nil)
            #expect(try await world.cleanAll() == 1)
            try await world.expectNoViolations()
        }
    }

    /// Files that a query found are kept one by one.
    @Test func whatAQueryFoundIsKept() async throws {
        try await World.with(CleanupWorld.script + CleanupWorld.readsFound) { world in
            _ = try await world.cancel()
            try await world.script(CleanupWorld.killed)
            #expect(try await world.cleanAll() == 1199)
            #expect(
                try await world.cleanup("waits_for")
                    == "many keeps 2 files that requests which have not ended read, such as task 6"
            )
            #expect(try await world.text("SELECT count(*) FROM millrace.file WHERE task = 4 AND NOT lost") == "2")
            #expect(try await world.areLost(of: 6) == false)
            // Gone through once: nobody looks again before the reader has ended.
            #expect(try await world.clean() == .nothing)
            try await world.expectNoViolations()
            _ = try await world.operations("joe").cancel(5, version: nil, reason: nil)
            #expect(try await world.cleanAll() == 2)
            #expect(try await world.cleanup("datasets_open") == "0")
            // A task that begins with such files looks again.
            #expect(try await world.areLost(of: 6) == true)
            try await world.expectNoViolations()
        }
    }

    @Test func whatOthersHoldIsAnAdministratorsToDelete() async throws {
        let held = """
            INSERT INTO container (name, owner) VALUES ('study', 'mary');
            INSERT INTO container_member (container, dataset) VALUES (1, 5);
            INSERT INTO subscription (dataset, storage, who) VALUES (4, 'DISK', 'mary');
            """
        try await World.with(CleanupWorld.script + held) { world in
            await expectRefusal("one must be administrator", .permission) { try await world.cancel(force: true) }
            let outcome = try await world.cancel()
            #expect(
                outcome.lines.contains { $0.contains("handed (1 files) is not deleted yet: it is in container study") }
            )
            #expect(
                outcome.lines.contains { $0.contains("many (1200 files) is not deleted yet: it is subscribed to DISK") }
            )
            try await world.script(CleanupWorld.killed)
            #expect(try await world.cleanAll() == 0)
            await expectRefusal("one must be administrator", .permission) {
                try await world.operations().forceCleanup(4)
            }
            // Out of the container: nothing holds it any more.
            _ = try await world.operations("mary").remove(["handed"], from: "study")
            #expect(try await world.cleanAll() == 1)
            let forced = try await world.operations("root", role: .administrator).forceCleanup(4)
            #expect(forced.changed)
            #expect(try await world.cleanAll() == 1200)
            #expect(try await world.cleanup("forced_by") == "root")
            try await world.expectNoViolations()
        }
    }

    @Test func whatWasHandedOverIsAnOperatorsToDelete() async throws {
        try await World.with(CleanupWorld.script) { world in
            let before = try await world.everything()
            await expectRefusal("dataset handed, which is closed", .permission) {
                try await world.cancel(by: "bob", role: .physicist)
            }
            #expect(try await world.everything() == before)
            // What is still being made is its owner's, and nobody else's.
            try await world.script("UPDATE dataset_counter SET files = files - 1 WHERE dataset = 5")
            await expectRefusal("belongs to bob", .permission) {
                try await world.cancel(by: "joe", role: .physicist)
            }
            #expect(try await world.cancel(by: "bob", role: .physicist).changed)
            // Handed over after all.
            try await world.script("UPDATE dataset_counter SET files = files + 1 WHERE dataset = 5")
            try await world.script(CleanupWorld.killed)
            #expect(try await world.cleanAll() == 1200)
            #expect(try await world.cleanup("waits_for") == "handed is closed: an operator must ask for its clean-up")
            await expectRefusal("dataset handed, which is closed", .permission) {
                try await world.cancel(by: "bob", role: .physicist)
            }
            #expect(try await world.cancel().changed)
            #expect(try await world.cleanAll() == 1)
        }
    }

    /// Nothing was handed over with it.
    @Test func anEmptyClosedDatasetKeepsNoCleanUp() async throws {
        let empty = """
            INSERT INTO task_stream (task, stream, counted, main) VALUES (5, 'side', false, false);
            INSERT INTO dataset (name, task, stream, home) VALUES ('none', 5, 'side', 'HOME');
            UPDATE dataset SET state = 'closed', version = 2, closed = now() WHERE name = 'none';
            UPDATE dataset_counter SET files = files - 1 WHERE dataset = 5;
            """
        try await World.with(CleanupWorld.script + empty) { world in
            #expect(try await world.cancel(by: "bob", role: .physicist).changed)
            try await world.script("UPDATE dataset_counter SET files = files + 1 WHERE dataset = 5")
            try await world.script(CleanupWorld.killed)
            #expect(try await world.cleanAll() == 1200)
            let parts: SQL =
                "SELECT string_agg(d.name || ' ' || p.state, ', ' ORDER BY d.id) FROM millrace.cleanup_part p JOIN millrace.dataset d ON d.id = p.dataset"
            #expect(try await world.text(parts) == "many emptied, handed open, none emptied")
        }
    }

    /// The same obstacle is looked at ever more rarely, and told once; a word of an administrator makes it due at once.
    @Test func whatSomebodyKeepsIsLookedAtEverMoreRarely() async throws {
        let held = "INSERT INTO subscription (dataset, storage, who) VALUES (5, 'DISK', 'mary');"
        try await World.with(CleanupWorld.script + held) { world in
            _ = try await world.cancel()
            try await world.script(CleanupWorld.killed)
            try await world.cleanAll()
            func look() async throws -> (Cleanup.Step, Double?) {
                try await world.script("UPDATE cleanup_part SET not_before = '-infinity' WHERE state = 'open'")
                let step = try await Cleanup.step(world.database, graceSeconds: 0, pauseSeconds: 10)
                let pause = try await world.text(
                    "SELECT round(extract(epoch FROM not_before - clock_timestamp()) / 10) * 10 FROM millrace.cleanup_part WHERE state = 'open'"
                )
                return (step, pause.flatMap { Double($0) })
            }
            let wait = Cleanup.Step.waiting(
                request: 4,
                dataset: "handed",
                reason: "is subscribed to DISK",
                isNew: false
            )
            for pause in [10, 20, 40, 80, 160, 320, 640, 1280, 2560, 3600, 3600] as [Double] {
                #expect(try await look() == (wait, pause))
            }
            _ = try await world.operations("root", role: .administrator).forceCleanup(4)
            #expect(
                try await world.clean() == .removed(request: 4, dataset: "handed", files: 1, kept: 0, emptied: true)
            )
        }
    }

    /// What goes away by itself is looked at as often as before.
    @Test func whatEndsByItselfIsLookedAtOften() async throws {
        try await World.with(CleanupWorld.script) { world in
            _ = try await world.cancel()
            for _ in 1...4 {
                try await world.script("UPDATE cleanup_part SET not_before = '-infinity' WHERE dataset = 4")
                _ = try await Cleanup.step(world.database, graceSeconds: 0, pauseSeconds: 10)
            }
            #expect(try await world.text("SELECT pause_s FROM millrace.cleanup_part WHERE dataset = 4") == "10")
        }
    }

    @Test func aDatasetThatIsCleanedUpGetsNoReaderAndNoPlace() async throws {
        try await World.with(CleanupWorld.script) { world in
            _ = try await world.cancel()
            await #expect(throws: PostgresError.self) {
                try await world.script("INSERT INTO task_input (task, position, dataset) VALUES (6, 0, 'many')")
            }
            _ = try await world.operations("mary").createContainer("late")
            await expectRefusal("the clean-up of request 4 deletes its files") {
                try await world.operations("mary").add(["handed"], to: "late")
            }
            await expectRefusal("dataset many cannot be subscribed") {
                try await world.operations().subscribe(dataset: "many", to: "DISK")
            }
            _ = try await world.operations("mary").add(["raw"], to: "late")
        }
    }

    @Test func theConstraintsHoldWithoutAnyCode() async throws {
        try await World.with(CleanupWorld.script) { world in
            for wrong: SQL in [
                "INSERT INTO cleanup (request, closed_too, who) VALUES (4, true, 'x')",
                "INSERT INTO cleanup (request, closed_too, who, state) VALUES (4, true, 'x', 'done')",
            ] {
                await #expect(throws: PostgresError.self) { try await world.script(wrong) }
            }
            _ = try await world.cancel()
            for wrong: SQL in [
                // In the books.
                "INSERT INTO deleted_file (file, request) SELECT id, 4 FROM file WHERE lfn = '/4/7'",
                // Not made by it.
                "WITH f AS (UPDATE file SET lost = true WHERE id = 2 RETURNING id) INSERT INTO deleted_file (file, request) SELECT id, 4 FROM f",
                "UPDATE cleanup SET state = 'done'", "UPDATE cleanup SET state = 'stopped', ended = now()",
            ] {
                await #expect(throws: PostgresError.self) { try await world.script(wrong) }
            }
            try await world.expectNoViolations()
        }
    }

    @Test func aCleanUpIsStoppedAndTakenUpAgain() async throws {
        try await World.with(CleanupWorld.script) { world in
            await expectRefusal("millrace request cancel 4 --delete-outputs", .missing) {
                try await world.operations().stopCleanup(4)
            }
            _ = try await world.operations().cancel(4, version: nil, reason: "first")
            // Also of a request that is cancelled already.
            let begun = try await world.cancel()
            #expect(begun.changed && !begun.lines.contains("request 4 is cancelled"))
            #expect(try await world.cancel().changed == false)
            try await world.script(CleanupWorld.killed)
            #expect(
                try await world.clean(batch: 300)
                    == .removed(request: 4, dataset: "many", files: 300, kept: 0, emptied: false)
            )
            _ = try await world.operations().stopCleanup(4)
            #expect(try await world.clean() == .nothing)
            try await world.expectNoViolations()
            await expectRefusal("is stopped") { try await world.operations().stopCleanup(4) }
            // What is kept may be read again.
            _ = try await world.operations("mary").createContainer("late")
            _ = try await world.operations("mary").add(["handed"], to: "late")
            _ = try await world.operations("mary").remove(["handed"], from: "late")
            #expect(try await world.cancel().changed)
            #expect(try await world.cleanAll() == 901)
            try await world.deleteGarbage()
            _ = try await world.clean()
            #expect(try await world.cleanup("state") == "done")
            try await world.expectNoViolations()
            // Nothing is left: who asked for it, and when it ended, stays as it was.
            let row: SQL = "SELECT c FROM millrace.cleanup c WHERE c.request = 4"
            let before = try await world.text(row)
            for force in [false, true] {
                let again = try await world.cancel(by: "ada", role: .administrator, force: force)
                #expect(!again.changed && again.messages.isEmpty)
                #expect(again.lines == ["nothing is left to delete of request 4: its clean-up is done"])
            }
            #expect(try await world.text(row) == before)
        }
    }

    /// A storage element that is away keeps nobody else's files, and is named.
    @Test func whatCannotBeDeletedIsToldAndTriedLater() async throws {
        try await World.with(CleanupWorld.script) { world in
            _ = try await world.cancel()
            try await world.script(CleanupWorld.killed)
            try await world.cleanAll()
            let claims = try await world.claimGarbage()
            let away = claims.filter { $0.lfn == "/5/0" && $0.storage == "DISK" }
            try await world.database.execute([
                TransferStatements.notDeleted(away.map { ($0, "DISK: not mounted") }, pauseSeconds: 600),
                TransferStatements.deleted(claims.filter { $0.lfn != "/5/0" || $0.storage != "DISK" }),
            ])
            try await world.deleteGarbage()
            #expect(try await world.clean() == .nothing)
            #expect(try await world.cleanup("problem") == "DISK: not mounted")
            #expect(try await world.cleanup("replicas_left") == "1")
            try await world.script("UPDATE garbage SET not_before = now()")
            try await world.deleteGarbage()
            #expect(try await world.clean() == .finished(1))
        }
    }

    /// Files on their way are no longer moved, and deleted where they went to as well.
    @Test func whatIsOnItsWayIsDeletedAtItsDestination() async throws {
        let moving = """
            INSERT INTO transfer (file, source, destination) SELECT id, 'HOME', 'DISK' FROM file WHERE lfn IN ('/4/1', '/4/2');
            INSERT INTO replica (file, storage, state) SELECT id, 'DISK', 'copying' FROM file WHERE lfn IN ('/4/1', '/4/2');
            UPDATE transfer SET state = 'active', version = 2, token = gen_random_uuid(), lease_until = now() + interval '1 minute'
            WHERE file = (SELECT id FROM file WHERE lfn = '/4/1');
            """
        try await World.with(CleanupWorld.script + moving) { world in
            _ = try await world.cancel()
            try await world.script(CleanupWorld.killed)
            try await world.cleanAll()
            let ends: SQL = "SELECT string_agg(state || ' ' || who, ',') FROM millrace.transfer WHERE state <> 'done'"
            #expect(try await world.text(ends) == "cancelled olga,cancelled olga")
            #expect(try await world.text("SELECT count(*) FROM millrace.garbage WHERE lfn = '/4/1'") == "2")
            try await world.expectNoViolations()
        }
    }
}
