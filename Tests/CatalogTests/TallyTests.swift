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

    private static func script(_ batches: Int) -> String {
        ArchiveWorld.script + "INSERT INTO site (name) VALUES ('OTHER') ON CONFLICT DO NOTHING;"
            + Self.failures.prefix(batches).joined(separator: "\n")
    }

    private static func check(_ world: RecoveryWorld, _ what: String) async throws {
        for diagnosis in try await Doctor.examine(world.database) {
            guard ["sums-by-time-are-counted", "unjudged-failures-are-listed"].contains(diagnosis.invariant) else {
                continue
            }
            #expect(diagnosis.violations == 0, "\(what): \(diagnosis.examples)")
        }
    }

    @Test func everyFailureMovesTheSumsAsACountWould() async throws {
        for batches in 1..<Self.failures.count {
            try await RecoveryWorld.with(Self.script(batches)) { try await Self.check($0, "\(batches) batches") }
        }
        try await RecoveryWorld.with(Self.script(Self.failures.count)) { world in
            try await Self.check(world, "all batches")
            // Two verdicts of one job in one statement, and what is said of a failure later.
            try await world.script("DELETE FROM verdict WHERE task = 4 AND index = 3 AND attempt > 11")
            try await Self.check(world, "taken back")
            #expect(try await world.text("SELECT count(*)::text FROM unjudged") == "4")
            try await world.script(
                """
                INSERT INTO verdict (task, index, attempt, site, action, class, blame, code, diagnostic, fingerprint, rule, reason, counted)
                SELECT 4, 3, n, 'LOCAL', 'abort', 'payload', 'payload', 1001, 'x', '1001:x', 'a', 'r', true FROM generate_series(12, 16) n
                WHERE n <> 15
                """
            )
            try await world.script("UPDATE verdict SET forgiven = true, carried_out_at = now() WHERE task = 4")
            try await Self.check(world, "given again")
            try await world.script(
                "UPDATE attempt SET wall_seconds = 5, site = 'OTHER' WHERE task = 4 AND index = 2 AND attempt = 12"
            )
            try await Self.check(world, "corrected")
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
