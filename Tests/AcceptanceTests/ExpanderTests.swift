import Catalog
import CentralKit
import Domain
import Postgres
import Testing

@testable import Scheduler

/// Tasks begin with the files that are there when they begin, each on its own account.
@Suite struct ExpanderTests {
    /// A closed dataset of four files, and two tasks of as many requests that read it.
    private struct World: Sendable {
        let catalogue: ScratchCatalogue

        var database: PostgresClient { self.catalogue.database }

        /// - Parameter script: what there is besides.
        static func with(
            _ script: String = "",
            _ body: @escaping @Sendable (World) async throws -> Void
        ) async throws {
            try await ScratchCatalogue.with(Self.script + script) { try await body(World(catalogue: $0)) }
        }

        func expander() -> Expander {
            Expander(
                database: self.database,
                outbox: self.catalogue.outbox,
                classes: ClassTable(database: self.database),
                bell: self.catalogue.bell,
                logger: ScratchCatalogue.logger,
                wake: {}
            )
        }

        func text(_ sql: SQL) async throws -> String? { try await self.catalogue.text(sql) }

        /// The files that the jobs of a task read.
        func read(_ task: Int64) async throws -> String? {
            try await self.text(
                "SELECT string_agg(f.lfn, ' ' ORDER BY u.index) FROM unit_input u JOIN file f ON f.id = u.file WHERE u.task = \(task)"
            )
        }

        private static let script = """
            SET LOCAL search_path = millrace, public;
            INSERT INTO storage_element (name, kind, base) VALUES ('DISK', 'posix', '/disk');
            INSERT INTO workflow (name, version, document, sha256, owner) VALUES ('study', 1, '{}', repeat('0', 64), 'ann');
            INSERT INTO class (cores, memory_mb, walltime_s, disk_mb, platform, tags, sites, storage)
            VALUES (1, 1000, 3600, 1000, 'any', '{}', '{}', '{}');
            INSERT INTO request (workflow, parameters, seed, owner, submission) SELECT 1, '{}', 1, 'ann', gen_random_uuid() FROM generate_series(1, 2);
            UPDATE request SET state = 'approved', version = 2;
            INSERT INTO dataset (name, home) VALUES ('source', 'DISK');
            INSERT INTO file (lfn, bytes, adler32, crc32c, events)
            SELECT '/' || i, 1, '00000001', '00000001', 10 FROM generate_series(1, 4) i ORDER BY i;
            INSERT INTO replica (file, storage, state) SELECT id, 'DISK', 'available' FROM file;
            INSERT INTO dataset_file (dataset, file) SELECT 1, id FROM file;
            UPDATE dataset SET state = 'closed', version = 2, closed = now();
            INSERT INTO task (request, name, position, kind, class, priority, spec)
            VALUES (1, 'first', 0, 'process', 1, 100, '{}'), (2, 'second', 0, 'process', 1, 100, '{}');
            INSERT INTO task_stream (task, stream, counted, main) VALUES (1, 'out', true, true), (2, 'out', true, true);
            INSERT INTO task_input (task, position, dataset) VALUES (1, 0, 'source'), (2, 0, 'source');
            """
    }

    /// Between the look at the inputs and the beginning the last replica of one is declared bad: the task begins with the others.
    @Test func whatIsLostMeanwhileIsNotTaken() async throws {
        try await World.with { world in
            let expander = world.expander()
            try await world.database.execute(
                "UPDATE request SET state = 'held', held_from = 'approved', version = 3 WHERE id = 2"
            )
            let began = try await world.database.withTransaction { transaction in
                // It has looked, and waits for its request.
                _ = try await transaction.query(SettlingStatements.lockRequest(1))
                async let began = expander.expand()
                let waits: SQL =
                    "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
                while try await world.text(waits) == "0" { await Task.yield() }
                let operations = Operations(world.database, caller: Caller(who: "olga", role: .operator))
                _ = try await operations.declareBad(file: "/3", at: nil, isLost: true, reason: "disk died")
                try await transaction.executeAndCommit([])
                return try await began
            }
            #expect(began == false)
            #expect(try await world.text("SELECT state FROM task WHERE id = 1") == "waiting")
            #expect(try await world.read(1) == nil)
            #expect(try await expander.expand() == true)
            #expect(try await world.read(1) == "/1 /2 /4")
            #expect(try await world.text("SELECT count(*) FROM job WHERE task = 1") == "3")
        }
    }

    /// Between the look at the tasks and the beginning an operator extends one, and changes the priority and the share of both.
    @Test func whatIsChangedMeanwhileHolds() async throws {
        try await World.with { world in
            let expander = world.expander()
            try await world.database.execute(
                "UPDATE request SET state = 'held', held_from = 'approved', version = 3 WHERE id = 2"
            )
            try await world.database.execute(
                """
                INSERT INTO task (request, name, position, kind, class, priority, spec, jobs_total, events_total, events_per_job)
                VALUES (1, 'make', 1, 'generate', 1, 100, '{}', 10, 100, 10)
                """
            )
            try await world.database.execute(
                """
                INSERT INTO class (cores, memory_mb, walltime_s, disk_mb, platform, tags, sites, storage)
                VALUES (1, 2000, 3600, 1000, 'any', '{}', '{}', '{}')
                """
            )
            let began = try await world.database.withTransaction { transaction in
                _ = try await transaction.query(SettlingStatements.lockRequest(1))
                async let began = expander.expand()
                let waits: SQL =
                    "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
                while try await world.text(waits) == "0" { await Task.yield() }
                try await transaction.executeAndCommit([
                    "UPDATE task SET jobs_total = 20, events_total = 200 WHERE name = 'make'",
                    "UPDATE task SET priority = 7, class = 2 WHERE request = 1",
                ])
                return try await began
            }
            #expect(began == true)
            let ranges: SQL = """
                SELECT string_agg(concat_ws(' ', name, jobs, class, priority), ', ' ORDER BY name) FROM (
                    SELECT t.name, sum(w.last - w.first + 1) AS jobs, w.class, w.priority FROM waiting w JOIN task t ON t.id = w.task
                    GROUP BY t.name, w.class, w.priority) x
                """
            let storage = try await world.text("SELECT id FROM class WHERE memory_mb = 2000 AND storage = '{DISK}'")
            #expect(try await world.text(ranges) == "first 4 \(storage ?? "?") 7, make 20 2 7")
        }
    }

    /// What task 1 reads is still being filled.
    private static let readsWhatIsOpen = """
        SET search_path = millrace, public;
        INSERT INTO dataset (name, home) VALUES ('filling', 'DISK');
        UPDATE task_input SET dataset = 'filling' WHERE task = 1;
        """

    /// Whoever waits for what may never come stands in nobody's way.
    @Test func theFirstThatCannotBeginHideNoneThatCan() async throws {
        try await World.with { world in
            try await world.database.executeScript(
                "\(Self.readsWhatIsOpen) UPDATE task SET kind = 'analyse' WHERE id = 1;"
            )
            var expander = world.expander()
            expander.page = 1
            #expect(try await expander.expand() == true)
            #expect(try await world.text("SELECT string_agg(state, ' ' ORDER BY id) FROM task") == "waiting running")
            #expect(try await expander.expand() == false)
        }
    }

    /// Of several inputs one will never come: the task fails at once, whatever the others wait for.
    @Test func aTaskDoesNotWaitBesideWhatWillNeverCome() async throws {
        try await World.with { world in
            try await world.database.executeScript(
                """
                \(Self.readsWhatIsOpen)
                SET session_replication_role = replica;
                INSERT INTO task (request, name, position, kind, class, priority, spec, state)
                VALUES (1, 'gone', 1, 'generate', 1, 100, '{}', 'failed');
                INSERT INTO task_input (task, position, parent, stream) VALUES (1, 1, 3, 'out');
                """
            )
            _ = try await world.expander().expand()
            let state = try await world.text("SELECT state || ': ' || cause FROM task WHERE id = 1")
            #expect(state == "failed: task 3, which it reads, is failed")
        }
    }

    /// Whoever declares one bad after that waits, and finds the job that reads it.
    @Test func whatIsTakenIsHeldUntilTheJobsAreThere() async throws {
        try await World.with { world in
            let files = try await world.database.query(
                Statement("test.files", "SELECT id FROM file ORDER BY id", returning: Int64.self)
            )
            try await world.database.withTransaction { transaction in
                let areLost = try await transaction.query(ExpansionStatements.lockFiles(files))
                #expect(areLost == [false])
                await #expect(throws: PostgresError.self) {
                    try await world.database.execute(
                        "DO $$ BEGIN PERFORM 1 FROM millrace.file WHERE lfn = '/3' FOR NO KEY UPDATE NOWAIT; END $$"
                    )
                }
            }
            try await world.database.execute("UPDATE file SET lost = true WHERE lfn = '/3'")
            #expect(try await world.database.query(ExpansionStatements.lockFiles(files)) == [true])
            #expect(try await world.database.query(ExpansionStatements.lockFiles([])) == [false])
        }
    }

    /// The first task cannot begin: there is a range of it already. The second one does.
    @Test func aTaskThatCannotBeExpandedHindersNoOther() async throws {
        try await World.with { world in
            try await world.database.execute(
                "INSERT INTO waiting (task, first, last, class, priority) VALUES (1, 0, 0, 1, 100)"
            )
            #expect(try await world.expander().expand() == true)
            #expect(try await world.text("SELECT string_agg(state, ' ' ORDER BY id) FROM task") == "waiting running")
            #expect(try await world.read(1) == nil)
            #expect(try await world.read(2) == "/1 /2 /3 /4")
            try await world.database.execute("DELETE FROM waiting WHERE task = 1")
            #expect(try await world.expander().expand() == true)
            #expect(try await world.read(1) == "/1 /2 /3 /4")
        }
    }

    // MARK: Containers

    /// The first task reads `source`, and a container that holds it; `filling` is open, and in none. Request 2 is held.
    private static let readsAContainer = """

        UPDATE request SET state = 'held', held_from = 'approved', version = 3 WHERE id = 2;
        INSERT INTO dataset (name, home) VALUES ('filling', 'DISK');
        INSERT INTO container (name, owner) VALUES ('all', 'ann');
        INSERT INTO container_member (container, dataset) VALUES (1, 1);
        INSERT INTO task_input (task, position, container) VALUES (1, 1, 'all');
        """

    /// A dataset that is half filled joins between the look at the inputs and the look at the container's files: the task waits until it is full.
    @Test func whatJoinsAContainerMeanwhileIsWaitedFor() async throws {
        try await World.with(Self.readsAContainer) { world in
            let expander = world.expander()
            let began = try await world.database.withTransaction { transaction in
                // It has looked, and waits for the files of the first input.
                try await transaction.execute("LOCK TABLE dataset_file IN ACCESS EXCLUSIVE MODE")
                async let began = expander.expand()
                // Asked here: what waits holds up the connection of single statements.
                let waits = Statement(
                    "test.waits",
                    """
                    SELECT count(*) FROM pg_locks
                    WHERE NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
                    """,
                    returning: Int64.self
                )
                while try await transaction.query(waits).first == 0 { await Task.yield() }
                try await transaction.executeAndCommit([
                    "INSERT INTO file (lfn, bytes, adler32, crc32c, events) VALUES ('/5', 1, '00000001', '00000001', 10)",
                    "INSERT INTO replica (file, storage, state) SELECT id, 'DISK', 'available' FROM file WHERE lfn = '/5'",
                    "INSERT INTO dataset_file (dataset, file) SELECT 2, id FROM file WHERE lfn = '/5'",
                    "INSERT INTO container_member (container, dataset) VALUES (1, 2)",
                ])
                return try await began
            }
            #expect(began == false)
            #expect(try await world.text("SELECT state FROM task WHERE id = 1") == "waiting")
            #expect(try await world.read(1) == nil)
            try await world.database.execute(
                "UPDATE dataset SET state = 'closed', version = 2, closed = now() WHERE name = 'filling'"
            )
            #expect(try await expander.expand() == true)
            #expect(try await world.read(1) == "/1 /2 /3 /4 /5")
        }
    }

    @Test func aContainerIsClosedWhenAllItsDatasetsAre() async throws {
        try await World.with(Self.readsAContainer) { world in
            func isClosed(_ name: String) async throws -> [Bool] {
                try await world.database.query(ExpansionStatements.containerIsClosed(name))
            }
            #expect(try await isClosed("all") == [true])
            #expect(try await isClosed("none") == [false])
            try await world.database.execute("INSERT INTO container (name, owner) VALUES ('empty', 'ann')")
            #expect(try await isClosed("empty") == [false])
            try await world.database.execute("INSERT INTO container_member (container, dataset) VALUES (1, 2)")
            #expect(try await isClosed("all") == [false])
        }
    }

    // MARK: What is left out as made

    /// Request 3 made `made` out of the first two files, and was cancelled; the container `all` holds that. The first task derives what is
    /// missing in `all`; request 2 is held.
    private static let derives = """

        INSERT INTO request (workflow, parameters, seed, owner, submission) VALUES (1, '{}', 1, 'ann', gen_random_uuid());
        UPDATE request SET state = 'approved', version = 2 WHERE id = 3;
        UPDATE request SET state = 'held', held_from = 'approved', version = 3 WHERE id = 2;
        INSERT INTO task (request, name, position, kind, class, priority, spec) VALUES (3, 'made', 0, 'process', 1, 100, '{}');
        INSERT INTO task_stream (task, stream, counted, main) VALUES (3, 'out', true, true);
        INSERT INTO dataset (name, task, stream, home) VALUES ('made', 3, 'out', 'DISK');
        UPDATE task SET state = 'aborted', version = 2 WHERE id = 3;
        UPDATE request SET state = 'cancelled', version = 3 WHERE id = 3;
        INSERT INTO container (name, owner) VALUES ('all', 'ann');
        INSERT INTO container_member (container, dataset) VALUES (1, 2);
        DELETE FROM task_input WHERE task = 1;
        INSERT INTO task_input (task, position, dataset, missing_in) VALUES (1, 0, 'source', 'all');
        SET LOCAL session_replication_role = replica;
        UPDATE task SET kind = 'derive' WHERE id = 1;
        INSERT INTO file (lfn, bytes, adler32, crc32c, events, task, index, attempt)
        VALUES ('/made/1', 1, '00000001', '00000001', 10, 3, 0, 1), ('/made/2', 1, '00000001', '00000001', 10, 3, 1, 1);
        INSERT INTO replica (file, storage, state) SELECT id, 'DISK', 'available' FROM file WHERE task = 3;
        INSERT INTO dataset_file (dataset, file) SELECT 2, id FROM file WHERE task = 3;
        INSERT INTO file_parent (file, parent) SELECT m.id, s.id FROM file m JOIN file s ON '/made' || s.lfn = m.lfn;
        """

    private static func clean(_ world: World) async throws -> Cleanup.Step {
        let operations = Operations(world.database, caller: Caller(who: "root", role: .administrator))
        _ = try await operations.cancel(3, version: nil, reason: nil, cleaning: Cleaning(force: true))
        return try await Cleanup.step(world.database, graceSeconds: 0, pauseSeconds: 0)
    }

    /// Between the look at what is made and the beginning it leaves the container, and is deleted: the task looks again, and makes that as well.
    @Test func whatIsDeletedMeanwhileIsNotLeftOut() async throws {
        try await World.with(Self.derives) { world in
            let expander = world.expander()
            let began = try await world.database.withTransaction { transaction in
                _ = try await transaction.query(SettlingStatements.lockRequest(1))
                async let began = expander.expand()
                let waits: SQL =
                    "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
                while try await world.text(waits) == "0" { await Task.yield() }
                let operations = Operations(world.database, caller: Caller(who: "ann", role: .operator))
                _ = try await operations.remove(["made"], from: "all")
                #expect(
                    try await Self.clean(world)
                        == .removed(request: 3, dataset: "made", files: 2, kept: 0, emptied: true)
                )
                try await transaction.executeAndCommit([])
                return try await began
            }
            #expect(began == false)
            #expect(try await world.read(1) == nil)
            #expect(try await world.text("SELECT state FROM task WHERE id = 1") == "waiting")
            #expect(try await expander.expand() == true)
            #expect(try await world.read(1) == "/1 /2 /3 /4")
        }
    }

    /// A clean-up that was asked for after the task was made waits for its request: the task does not wait for the clean-up.
    @Test func whatACleanUpKeepsIsLeftOut() async throws {
        try await World.with(Self.derives) { world in
            let reason = "holds what task 1 of request 1, which has not ended, leaves out as made"
            let kept = Cleanup.Step.waiting(request: 3, dataset: "made", reason: reason, isNew: true)
            #expect(try await Self.clean(world) == kept)
            #expect(try await world.expander().expand() == true)
            #expect(try await world.read(1) == "/3 /4")
            let step = try await Cleanup.step(world.database, graceSeconds: 0, pauseSeconds: 0)
            #expect(step == .waiting(request: 3, dataset: "made", reason: reason, isNew: false))
        }
    }

    /// Until the task has begun the datasets that it counts on are held against clean-ups.
    @Test func whatIsLeftOutIsHeldUntilTheJobsAreThere() async throws {
        try await World.with(Self.derives) { world in
            let counted = try await world.database.query(DerivedStatements.counted(for: 1))
            #expect(counted.map { "\($0.0) \($0.1)" } == ["2 0"])
            #expect(try await world.database.query(DerivedStatements.counted(for: 2)).isEmpty)
            try await world.database.withTransaction { transaction in
                let kept = try await transaction.query(DerivedStatements.keep(counted.map(\.0)))
                #expect(kept == [2])
                await #expect(throws: PostgresError.self) {
                    try await world.database.execute(
                        "DO $$ BEGIN PERFORM 1 FROM millrace.dataset WHERE id = 2 FOR UPDATE NOWAIT; END $$"
                    )
                }
            }
        }
    }
}
