import Catalog
import Domain
import Postgres
import Testing

/// A job that gets what it was short of is no reason to pause its task (V0011); what it lost in time counts.
@Suite struct RemedyTests {
    /// Fails attempts of these jobs, each with 10 seconds of wall time.
    private static func fail(
        _ attempt: Int,
        _ jobs: String,
        code: Int,
        action: String,
        site: String = "LOCAL"
    ) -> String {
        """
        INSERT INTO site (name) VALUES ('OTHER') ON CONFLICT DO NOTHING;
        INSERT INTO attempt (task, index, attempt, token, site, agent, events_expected)
        SELECT 4, i, \(attempt), gen_random_uuid(), '\(site)', 'a', 10 FROM unnest(ARRAY[\(jobs)]) i;
        UPDATE attempt SET state = 'failed', left_from = 'leased', version = 3, ended_at = now(), code = \(code), blame = 'payload',
            wall_seconds = 10 WHERE task = 4 AND attempt = \(attempt) AND index = ANY (ARRAY[\(jobs)]);
        INSERT INTO verdict (task, index, attempt, site, action, class, blame, code, diagnostic, fingerprint, rule, reason, counted)
        SELECT 4, i, \(attempt), '\(site)', '\(action)', 'x', 'payload', \(code), 'x', '\(code)', 'r', 'r', true FROM unnest(ARRAY[\(jobs)]) i;
        """
    }

    /// Failures, jobs and seconds of the tally after these failures, and after those of LOCAL are forgiven.
    private static func expect(_ tally: String, _ code: Int, after failures: [String], then rest: String) async throws {
        try await RecoveryWorld.with(([ArchiveWorld.script] + failures).joined(separator: "\n")) { world in
            let sums: SQL = """
                SELECT failures || ' ' || jobs || ' ' || lost_seconds FROM failure_tally WHERE task = 4 AND fingerprint = \("\(code)")
                """
            #expect(try await world.text(sums) == tally)
            try await world.database.execute(
                BrakeStatements.forgive(site: "LOCAL", node: nil, since: Moment.now.adding(seconds: -3600))
            )
            #expect(try await world.text(sums) == rest)
        }
    }

    @Test(arguments: [2000, 2024, 2999])
    func whoGetsMoreCountsWithItsTimeAlone(limit: Int) async throws {
        let failures = [
            Self.fail(11, "1, 2, 3, 4", code: limit, action: "resubmit"),
            Self.fail(12, "1, 2, 3, 4", code: limit, action: "resubmit"),
            // That was all that could be done for two of them; one was let wait again, and failed again.
            Self.fail(13, "1, 2", code: limit, action: "abort"),
            Self.fail(14, "1", code: limit, action: "abort"),
        ]
        for (count, tally) in [(2, "0 0 80"), (3, "2 2 100"), (4, "3 2 110")] {
            try await Self.expect(tally, limit, after: Array(failures.prefix(count)), then: "0 0 0")
        }
    }

    @Test(arguments: [1001, 1999, 3000])
    func allOthersCountWhateverIsDoneAboutThem(code: Int) async throws {
        try await Self.expect(
            "5 3 50",
            code,
            after: [
                Self.fail(11, "1, 2, 3", code: code, action: "resubmit"),
                Self.fail(12, "1", code: code, action: "resubmit"),
                Self.fail(13, "2", code: code, action: "abort"),
            ],
            then: "0 0 0"
        )
    }

    /// What counts with its time alone loses its time alone.
    @Test func whatIsForgivenIsTakenAsItWasCounted() async throws {
        try await Self.expect(
            "2 2 60",
            2024,
            after: [
                Self.fail(11, "1, 2, 3, 4", code: 2024, action: "resubmit"),
                Self.fail(12, "1, 2", code: 2024, action: "abort", site: "OTHER"),
            ],
            then: "2 2 20"
        )
        try await Self.expect(
            "1 1 20",
            2024,
            after: [
                Self.fail(11, "1", code: 2024, action: "resubmit", site: "OTHER"),
                Self.fail(12, "1", code: 2024, action: "abort"),
            ],
            then: "0 0 10"
        )
    }
}
