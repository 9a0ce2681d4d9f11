import Catalog
import Postgres
import Testing

/// Sums by time, added to failure by failure, against the doctor's count of the rows.
@Suite(.serialized) struct TallyTests {
    /// Fails the live attempts of these jobs in one statement each for attempts and verdicts, as the Monitor does.
    private static func fail(
        _ number: Int,
        _ jobs: String,
        site: String,
        ago: String,
        code: Int,
        rule: String
    ) -> String {
        """
        INSERT INTO attempt (task, index, attempt, token, site, agent, events_expected, started_at)
        SELECT 4, i, \(number), gen_random_uuid(), '\(site)', 'a', 10, now() - interval '\(ago)' - interval '70 seconds' FROM unnest(ARRAY[\(jobs)]) i;
        UPDATE attempt SET state = 'failed', left_from = 'leased', version = 3, ended_at = now() - interval '\(ago)', code = \(code),
            blame = 'payload', wall_seconds = CASE WHEN index % 2 = 0 THEN 12.345678 END
            WHERE task = 4 AND attempt = \(number) AND index = ANY (ARRAY[\(jobs)]);
        INSERT INTO verdict (task, index, attempt, site, node, action, class, blame, code, diagnostic, fingerprint, rule, reason, counted, observed)
        SELECT 4, i, \(number), '\(site)', 'n' || i % 2, 'resubmit', 'payload', 'payload', \(code), 'x', '\(code):x',
               '\(rule)', 'r', true, ARRAY['seen'] FROM unnest(ARRAY[\(jobs)]) i;
        """
    }

    /// Jobs that fail once, twice alike, twice unlike, and again as the first time; at other sites, out of order, at one time.
    private static let failures = [
        Self.fail(11, "1, 2, 3, 4, 5, 6", site: "LOCAL", ago: "100 minutes", code: 1001, rule: "a"),
        Self.fail(12, "1, 2, 3", site: "LOCAL", ago: "99 minutes", code: 1001, rule: "a"),
        Self.fail(13, "2, 3, 5", site: "OTHER", ago: "3 minutes", code: 2001, rule: "a"),
        Self.fail(14, "3, 6", site: "LOCAL", ago: "1 minute", code: 1001, rule: "b"),
        Self.fail(15, "1, 4", site: "OTHER", ago: "200 minutes", code: 1001, rule: "a"),
        Self.fail(16, "1, 2, 3, 4, 5, 6", site: "LOCAL", ago: "1 minute", code: 1001, rule: "a"),
    ]

    private static func script(_ batches: Int, between: String = "") -> String {
        ArchiveWorld.script + "INSERT INTO site (name) VALUES ('OTHER') ON CONFLICT DO NOTHING;"
            + Self.failures.prefix(batches).joined(separator: "\n\(between)\n")
    }

    private static func check(_ world: RecoveryWorld, _ what: String) async throws {
        for diagnosis in try await Doctor.examine(world.database) {
            guard ["sums-by-time-are-counted", "uncounted-failures-are-listed"].contains(diagnosis.invariant) else {
                continue
            }
            #expect(diagnosis.violations == 0, "\(what): \(diagnosis.examples)")
        }
    }

    /// As above, and that all failures with a verdict are in the sums.
    private static func checkAll(_ world: RecoveryWorld, _ what: String) async throws {
        #expect(try await world.text(Self.waiting) == "0 0", "\(what)")
        try await Self.check(world, what)
    }

    /// Failures with a verdict that are not in the sums, and changes that are not.
    private static let waiting: SQL = """
        SELECT (SELECT count(*) FROM uncounted JOIN verdict USING (task, index, attempt)) || ' ' || (SELECT count(*) FROM recount)
        """
    private static let failuresInSums: SQL =
        "SELECT coalesce(sum(failures), 0) FROM failure_total WHERE task = 4 AND grain = 'h'"

    @Test func everyFailureMovesTheSumsAsACountWould() async throws {
        for batches in 1..<Self.failures.count {
            try await RecoveryWorld.with(Self.script(batches, between: "SELECT count_failures(5);")) { world in
                try await Self.check(world, "\(batches) batches, as they come")
                try await FailureSums.complete(world.database)
                try await Self.checkAll(world, "\(batches) batches")
            }
        }
        try await RecoveryWorld.with(Self.script(Self.failures.count)) { world in
            try await Self.check(world, "nothing counted")
            try await FailureSums.complete(world.database)
            try await Self.checkAll(world, "all batches")
            // What is said of a failure later: carried out or forgiven it is no other.
            try await world.script("UPDATE verdict SET forgiven = true, carried_out_at = now() WHERE task = 4")
            #expect(try await world.text(Self.waiting) == "0 0")
            try await Self.change(world, ["DELETE FROM verdict WHERE task = 4 AND index = 3 AND attempt > 11"])
            #expect(try await world.text("SELECT count(*)::text FROM uncounted") == "4")
            // Two verdicts of one job in one statement.
            try await world.script(
                """
                INSERT INTO verdict (task, index, attempt, site, action, class, blame, code, diagnostic, fingerprint, rule, reason, counted)
                SELECT 4, 3, n, 'LOCAL', 'abort', 'payload', 'payload', 1001, 'x', '1001:x', 'a', 'r', true FROM generate_series(12, 16) n
                WHERE n <> 15
                """
            )
            #expect(try await world.text(Self.waiting) == "4 0")
            try await FailureSums.complete(world.database)
            try await Self.checkAll(world, "given again")
            for correction: SQL in [
                "UPDATE attempt SET wall_seconds = 5, site = 'OTHER' WHERE task = 4 AND index = 2 AND attempt = 12",
                "UPDATE verdict SET fingerprint = 'another', rule = 'c' WHERE task = 4 AND index < 4",
            ] { try await Self.change(world, [correction]) }
            // Against the table of moves.
            for state in ["done", "failed"] {
                try await Self.change(
                    world,
                    [
                        "ALTER TABLE attempt DISABLE TRIGGER log_end",
                        "UPDATE attempt SET state = \(state), events_read = events_expected WHERE task = 4 AND index = 2 AND attempt = 16",
                        "ALTER TABLE attempt ENABLE TRIGGER log_end",
                    ]
                )
            }
        }
    }

    /// Something is changed by hand: the doctor finds nothing, before it is counted and after.
    private static func change(_ world: RecoveryWorld, _ statements: [SQL]) async throws {
        try await world.database.execute(statements)
        #expect(try await world.text(Self.waiting) != "0 0", "\(statements)")
        try await Self.check(world, "\(statements), as it comes")
        try await FailureSums.complete(world.database)
        try await Self.checkAll(world, "\(statements)")
    }

    /// Verdicts come late and in any order, and are counted in lots: several of a job in one and in different ones.
    @Test(arguments: 1...4) func theOrderOfLotsDoesNotMatter(_ seed: Int) async throws {
        try await RecoveryWorld.with(Self.script(Self.failures.count)) { world in
            try await FailureSums.complete(world.database)
            let before = try await Self.sums(world)
            try await world.script("CREATE TABLE later AS SELECT * FROM verdict WHERE task = 4 AND index < 15")
            try await world.script("DELETE FROM verdict WHERE task = 4 AND index < 15")
            let all = Int(try await world.text("SELECT count(*) FROM later") ?? "") ?? 0
            #expect(all > 20)
            var (next, step) = (1, seed)
            while next <= all {
                try await world.script(Self.giveLate(seed, next..<next + step))
                _ = try await world.database.query(TallyStatements.countFailures(most: 1 + step / 2))
                try await Self.check(world, "seed \(seed), up to \(next)")
                (next, step) = (next + step, (step * 3 + seed) % 7 + 1)
            }
            while try await world.database.query(TallyStatements.countFailures(most: 2)).first == 2 {
                try await Self.check(world, "seed \(seed), at the end")
            }
            try await Self.checkAll(world, "seed \(seed)")
            #expect(try await Self.sums(world) == before)
        }
    }

    /// Some of the verdicts of the table `later`, in an order that the seed makes.
    private static func giveLate(_ seed: Int, _ places: Range<Int>) -> SQL {
        """
        INSERT INTO verdict (task, index, attempt, site, node, action, class, blame, code, diagnostic, fingerprint, rule, reason, counted,
            observed, at)
        SELECT task, index, attempt, site, node, action, class, blame, code, diagnostic, fingerprint, rule, reason, counted, observed, at
        FROM (SELECT l.*, row_number() OVER (ORDER BY md5(\("seed \(seed)") || l::text)) AS place FROM later l) x
        WHERE place >= \(Int64(places.lowerBound)) AND place < \(Int64(places.upperBound))
        """
    }

    /// What is counted anew has no older minutes.
    private static let isKept: SQL = "(grain = 'h' OR at > now() - interval '7 days')"

    private static func sums(_ world: RecoveryWorld) async throws -> [String?] {
        [
            try await world.text(
                "SELECT string_agg(t::text, E'\\n' ORDER BY t::text) FROM failure_total t WHERE failures > 0 AND \(fragment: Self.isKept)"
            ),
            try await world.text(
                "SELECT string_agg(t::text, E'\\n' ORDER BY t::text) FROM failure_place t WHERE failures > 0"
            ),
            try await world.text(
                "SELECT string_agg(t::text, E'\\n' ORDER BY t::text) FROM rule_total t WHERE count > 0 AND \(fragment: Self.isKept)"
            ),
        ]
    }

    private struct RolledBack: Error {}

    /// Whoever is told that nothing is left has waited for what somebody else was counting, even when that came to nothing.
    @Test(arguments: [true, false]) func aSecondCallerWaitsForTheFirst(_ isLost: Bool) async throws {
        try await RecoveryWorld.with(Self.script(Self.failures.count)) { world in
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    do {
                        try await world.database.withTransaction { transaction in
                            _ = try await transaction.query(TallyStatements.countFailures(most: 1_000_000))
                            try await Self.untilLocks(world, "NOT granted")
                            #expect(try await world.text(Self.failuresInSums) == "0")
                            if isLost { throw RolledBack() }
                        }
                    } catch is RolledBack {}
                }
                group.addTask {
                    try await Self.untilLocks(world, "granted")
                    try await FailureSums.complete(world.database)
                    #expect(
                        try await world.text(Self.failuresInSums)
                            == world.text("SELECT count(*) FROM verdict WHERE task = 4")
                    )
                }
                try await group.waitForAll()
            }
            try await Self.checkAll(world, "two callers")
        }
    }

    private static func untilLocks(_ world: RecoveryWorld, _ condition: SQL) async throws {
        let locks: SQL = """
            SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND \(fragment: condition)
            AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
            """
        while try await world.text(locks) == "0" { await Task.yield() }
    }

    @Test func manyCallersCountEachFailureOnce() async throws {
        try await RecoveryWorld.with(Self.script(Self.failures.count)) { world in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for most in 1...6 {
                    group.addTask {
                        var counted: Int32?
                        repeat {
                            counted = try await world.database.withTransaction {
                                try await $0.query(TallyStatements.countFailures(most: most)).first
                            }
                        } while counted == Int32(most)
                        #expect(try await world.text(Self.waiting) == "0 0")
                    }
                }
                try await group.waitForAll()
            }
            try await Self.checkAll(world, "many callers")
        }
    }

    /// What of an archived task was never counted goes with it, and is counted when it is back.
    @Test func whatIsNotCountedGoesIntoTheArchiveAndComesBack() async throws {
        try await RecoveryWorld.with(ArchiveWorld.script) { world in
            try await world.script("DELETE FROM verdict WHERE task = 4 AND index = 7")
            _ = try await world.operations().archive(task: 4, reason: nil)
            while try await Archive.step(world.database, chunks: 1) != .nothing {
                try await Self.check(world, "leaving")
            }
            #expect(try await world.text("SELECT count(*) FROM uncounted WHERE task = 4") == "0")
            _ = try await world.operations().restore(request: 4, reason: nil)
            while try await Archive.step(world.database, chunks: 1) != .nothing {
                try await Self.check(world, "coming")
            }
            try await Self.checkAll(world, "back")
            #expect(try await world.text("SELECT string_agg(index::text, ' ') FROM uncounted WHERE task = 4") == "7")
            #expect(
                try await world.text(Self.failuresInSums) == world.text("SELECT count(*) FROM verdict WHERE task = 4")
            )
        }
    }

    @Test func foldingAndForgettingLeaveTheSums() async throws {
        try await RecoveryWorld.with(Self.script(Self.failures.count)) { world in
            // Another service's slot.
            try await world.script(
                "UPDATE ended_total SET slot = 3 WHERE at < now() - interval '4 hours' AND site = 'LOCAL'"
            )
            let before = try await world.text(
                "SELECT sum(failed) || ' ' || sum(wall_us) FROM ended_total WHERE grain = 'h'"
            )
            while try await world.database.query(TallyStatements.fold).first ?? 0 > 0 {}
            try await Self.check(world, "folded")
            #expect(
                try await world.text(
                    "SELECT count(*)::text FROM ended_total WHERE slot <> -1 AND at < now() - interval '3 hours'"
                ) == "0"
            )
            while try await world.database.query(TallyStatements.prune).first ?? 0 > 0 {}
            try await Self.check(world, "pruned")
            // Minutes of a hundred days ago are gone, those of today are there, and the hours are what they were.
            let ages: SQL =
                "SELECT (count(*) FILTER (WHERE at < now() - interval '9 days')) || ' ' || (count(*) > 0) FROM ended_total WHERE grain = 'm'"
            #expect(try await world.text(ages) == "0 true")
            #expect(
                try await world.text("SELECT sum(failed) || ' ' || sum(wall_us) FROM ended_total WHERE grain = 'h'")
                    == before
            )
        }
    }
}
