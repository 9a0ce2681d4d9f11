import Catalog
import Postgres
import Testing

/// The partitions of a range of tasks go when all of it is archived, and come back with the first task that is restored.
@Suite(.serialized) struct PartitionTests {
    /// ``ArchiveWorld`` in which task 1 has ended as well, and one task of the next range runs.
    private static func with(_ body: @escaping @Sendable (RecoveryWorld) async throws -> Void) async throws {
        try await RecoveryWorld.with(ArchiveWorld.script) { world in
            try await world.database.executeScript(
                """
                SET search_path = millrace, public; SET session_replication_role = replica;
                DELETE FROM lease WHERE task = 1; DELETE FROM waiting WHERE task = 1;
                UPDATE attempt SET state = 'cancelled', left_from = 'running', ended_at = now() WHERE task = 1 AND state IS NULL;
                UPDATE verdict SET carried_out_at = now() WHERE task = 1;
                UPDATE job SET state = 'cancelled' WHERE task = 1 AND state NOT IN ('done', 'aborted');
                UPDATE task_counter SET active = 0, recovering = 0 WHERE task = 1;
                UPDATE task SET state = 'aborted' WHERE id = 1; UPDATE request SET state = 'cancelled' WHERE id = 1;
                UPDATE dataset SET state = 'closed', closed = now() WHERE id = 1;
                """
            )
            try await body(world)
        }
    }

    private static func later(_ world: RecoveryWorld) async throws {
        try await world.database.executeScript(
            """
            SET search_path = millrace, public; SET session_replication_role = replica;
            INSERT INTO request (workflow, parameters, seed, owner, submission, state) VALUES (1, '{}', 1, 'ann', gen_random_uuid(), 'running');
            INSERT INTO task (id, request, name, position, kind, class, priority, spec, jobs_total, events_total, events_per_job, state)
            OVERRIDING SYSTEM VALUE VALUES (1000, 5, 'next', 0, 'generate', 1, 100, '{}', 1, 10, 10, 'running');
            SELECT make_partitions(1000);
            """
        )
    }

    private static func archive(_ world: RecoveryWorld) async throws {
        _ = try await world.operations().archive(olderThan: 0.000_001, reason: nil)
    }

    /// Steps until there is nothing to do. - Returns: the partitions that were dropped, in order.
    private static func finish(_ world: RecoveryWorld) async throws -> [String] {
        var dropped: [String] = []
        while try await Archive.step(world.database) != .nothing {}
        while let name = try await Archive.dropPartition(world.database) { dropped.append(name) }
        return dropped
    }

    private static let all = [
        "merge_input_p0", "unit_input_p0", "accepted_p0", "winner_p0", "output_p0", "lease_p0", "attempt_p0", "job_p0",
    ]

    /// How many partitions there are of the ranges from 0 and from 1000.
    private static func partitions(_ world: RecoveryWorld) async throws -> String? {
        try await world.text(
            """
            SELECT (count(*) FILTER (WHERE relname LIKE '%\\_p0')) || ' ' || count(*) FILTER (WHERE relname LIKE '%\\_p1000')
            FROM pg_class WHERE relkind = 'r'
            """
        )
    }

    private static func rows(_ world: RecoveryWorld) async throws -> [String?] {
        [
            try await world.text("SELECT md5(string_agg(x::text, E'\\n' ORDER BY x::text)) FROM job x"),
            try await world.text("SELECT md5(string_agg(x::text, E'\\n' ORDER BY x::text)) FROM attempt x"),
            try await world.text("SELECT md5(string_agg(x::text, E'\\n' ORDER BY x::text)) FROM output x"),
            try await world.text("SELECT md5(string_agg(x::text, E'\\n' ORDER BY x::text)) FROM winner x"),
            try await world.text("SELECT md5(string_agg(x::text, E'\\n' ORDER BY x::text)) FROM accepted x"),
            try await world.text("SELECT md5(string_agg(x::text, E'\\n' ORDER BY x::text)) FROM unit_input x"),
            try await world.text("SELECT md5(string_agg(x::text, E'\\n' ORDER BY x::text)) FROM merge_input x"),
            try await world.text("SELECT md5(string_agg(x::text, E'\\n' ORDER BY x::text)) FROM verdict x"),
        ]
    }

    @Test func aRangeThatIsArchivedLeavesNoPartitionsAndComesBack() async throws {
        try await Self.with { world in
            try await Self.later(world)
            let before = try await Self.rows(world)
            #expect(try await Self.partitions(world) == "8 8")
            try await Self.archive(world)
            #expect(try await Self.finish(world) == Self.all)
            #expect(try await Self.partitions(world) == "0 8")
            // What asks for rows of the range finds none, and that is no error.
            #expect(try await world.text("SELECT count(*) FROM job j LEFT JOIN attempt a USING (task, index)") == "0")
            _ = try await world.operations().restore(request: 4, reason: nil)
            #expect(try await Self.finish(world).isEmpty)
            #expect(try await Self.partitions(world) == "8 8")
            #expect(try await world.text("SELECT count(*) FROM job WHERE task = 4") == "600")
            _ = try await world.operations().archive(request: 4, reason: nil)
            #expect(try await Self.finish(world) == Self.all)
            for request in [1, 3, 2, 4] as [Int64] {
                _ = try await world.operations().restore(request: request, reason: nil)
            }
            #expect(try await Self.finish(world).isEmpty)
            #expect(try await Self.rows(world) == before)
        }
    }

    @Test func aRangeThatMayStillBeNeededKeepsThem() async throws {
        try await Self.with { world in
            // Tasks are still to come in it.
            try await Self.archive(world)
            #expect(try await Self.finish(world).isEmpty)
            #expect(try await Self.partitions(world) == "8 0")
            // One of its tasks is not archived, or on its way back.
            _ = try await world.operations().restore(request: 4, reason: nil)
            try await Self.later(world)
            #expect(try await world.text("SELECT drop_partition()") == nil)
            #expect(try await Self.finish(world).isEmpty)
            #expect(try await Self.partitions(world) == "8 8")
        }
    }

    @Test func nobodyWaitsForLongAndTheNextVisitTriesAgain() async throws {
        try await Self.with { world in
            try await Self.later(world)
            try await Self.archive(world)
            // Somebody reads a table for long, or makes partitions and has not committed.
            let uses: [SQL] = ["LOCK TABLE job IN ACCESS SHARE MODE", "SELECT pg_advisory_xact_lock(7142, 1)"]
            for use in uses {
                try await world.database.withTransaction { transaction in
                    try await transaction.execute(use)
                    #expect(try await Self.finish(world).isEmpty)
                }
                #expect(try await world.text("SELECT to_regclass('merge_input_p0') IS NOT NULL") == "true")
            }
            async let one = Self.finish(world)
            async let two = Self.finish(world)
            _ = try await (one, two)
            _ = try await Self.finish(world)
            #expect(try await Self.partitions(world) == "0 8")
        }
    }

    @Test func noRowIsDroppedWithThem() async throws {
        try await Self.with { world in
            try await Self.later(world)
            try await Self.archive(world)
            while try await Archive.step(world.database) != .nothing {}
            try await world.database.execute(
                "INSERT INTO job_p0 (task, index, events_expected, state) VALUES (4, 700, 10, 'waiting')"
            )
            let error = await #expect(throws: (any Error).self) { try await Self.finish(world) }
            #expect(
                "\(error.map { "\($0)" } ?? "")".contains(
                    "tasks 0 to 999 are archived, and have jobs outside the archive"
                )
            )
            #expect(try await Self.partitions(world) == "8 8")
            #expect(try await world.text("SELECT count(*) FROM job WHERE task = 4") == "1")
        }
    }
}
