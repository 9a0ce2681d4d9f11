import Catalog
import Domain
import Postgres
import Testing

/// A job that gets more of what it was short of is no reason to pause its task (V0011); what it lost in time counts.
@Suite struct RemedyTests {
    /// Fails attempts of these jobs, each with 10 seconds of wall time.
    private static func fail(
        _ attempt: Int,
        _ jobs: String,
        _ action: String,
        _ changes: String = "{}",
        site: String = "LOCAL"
    ) -> String {
        """
        INSERT INTO site (name) VALUES ('OTHER') ON CONFLICT DO NOTHING;
        INSERT INTO attempt (task, index, attempt, token, site, agent, events_expected)
        SELECT 4, i, \(attempt), gen_random_uuid(), '\(site)', 'a', 10 FROM unnest(ARRAY[\(jobs)]) i;
        UPDATE attempt SET state = 'failed', left_from = 'leased', version = 3, ended_at = now(), code = 2024, blame = 'payload',
            wall_seconds = 10 WHERE task = 4 AND attempt = \(attempt) AND index = ANY (ARRAY[\(jobs)]);
        INSERT INTO verdict (task, index, attempt, site, action, class, blame, code, diagnostic, fingerprint, rule, reason, counted, changes)
        SELECT 4, i, \(attempt), '\(site)', '\(action)', 'x', 'payload', 2024, 'x', 'disk', 'r', 'r', true, '\(changes)' FROM unnest(ARRAY[\(jobs)]) i;
        """
    }

    /// Failures, jobs, remedied failures and seconds of the tally after these failures, and after those of LOCAL are forgiven.
    private static func expect(_ tally: String, after failures: [String], then rest: String) async throws {
        try await RecoveryWorld.with(([ArchiveWorld.script] + failures).joined(separator: "\n")) { world in
            let sums: SQL = """
                SELECT failures || ' ' || jobs || ' ' || remedied || ' ' || lost_seconds FROM failure_tally
                WHERE task = 4 AND fingerprint = 'disk'
                """
            #expect(try await world.text(sums) == tally)
            try await world.database.execute(
                BrakeStatements.forgive(site: "LOCAL", node: nil, since: Moment.now.adding(seconds: -3600))
            )
            #expect(try await world.text(sums) == rest)
        }
    }

    @Test(arguments: ["{\"memoryMB\": 4000}", "{\"walltimeSeconds\": 9}", "{\"events\": 5}"])
    func whoGetsMoreCountsApart(more: String) async throws {
        let failures = [
            Self.fail(11, "1, 2, 3, 4", "resubmit", more),
            Self.fail(12, "1, 2, 3, 4", "resubmit", more),
            // That was all that could be done for two of them; one was let wait again, and failed again.
            Self.fail(13, "1, 2", "abort"),
            Self.fail(14, "1", "abort"),
        ]
        for (count, tally) in [(2, "0 0 8 80"), (3, "2 2 8 100"), (4, "3 2 8 110")] {
            try await Self.expect(tally, after: Array(failures.prefix(count)), then: "0 0 0 0")
        }
    }

    /// A limit alone is no remedy, nor is another place, nor what an abort would have changed.
    @Test func allOthersCount() async throws {
        try await Self.expect(
            "6 4 0 60",
            after: [
                Self.fail(11, "1, 2, 3", "resubmit"),
                Self.fail(12, "1", "resubmit", #"{"excludedSites": ["KEK"]}"#),
                Self.fail(13, "2", "abort"),
                Self.fail(14, "4", "abort", #"{"memoryMB": 4000}"#),
            ],
            then: "0 0 0 0"
        )
    }

    @Test func whatIsForgivenIsTakenAsItWasCounted() async throws {
        let more = #"{"events": 5}"#
        try await Self.expect(
            "2 2 4 60",
            after: [
                Self.fail(11, "1, 2, 3, 4", "resubmit", more), Self.fail(12, "1, 2", "abort", site: "OTHER"),
            ],
            then: "2 2 0 20"
        )
        try await Self.expect(
            "1 1 1 20",
            after: [Self.fail(11, "1", "resubmit", more, site: "OTHER"), Self.fail(12, "1", "abort")],
            then: "0 0 1 10"
        )
    }

    /// A job that failed at two places counts until both are forgiven, and again when it fails after that.
    @Test func aJobCountsAsLongAsOneOfItsFailuresDoes() async throws {
        let forgiven = """
            UPDATE verdict SET forgiven = true WHERE task = 4 AND attempt = 11;
            UPDATE failure_tally SET failures = 1 WHERE fingerprint = 'disk';
            """
        let both = [Self.fail(11, "1", "resubmit", site: "OTHER"), Self.fail(12, "1", "resubmit")]
        try await Self.expect("2 1 0 20", after: both, then: "1 1 0 10")
        try await Self.expect("1 1 0 20", after: both + [forgiven], then: "0 0 0 10")
        let once = """
            UPDATE verdict SET forgiven = true WHERE task = 4;
            UPDATE failure_tally SET failures = 0, jobs = 0 WHERE fingerprint = 'disk';
            """
        let again = [both[0], once, both[1]]
        try await Self.expect("1 1 0 20", after: again, then: "0 0 0 10")
    }
}
