import Catalog
import Logging
import Postgres
import Testing

@Suite struct DoctorTests {
    /// One thing made wrong, past all triggers and, where a key forbids it, past the key.
    struct Fault: Sendable, CustomTestStringConvertible {
        let invariant: String
        let script: String

        init(_ invariant: String, _ script: String) {
            self.invariant = invariant
            self.script = script
        }

        var testDescription: String { "\(self.invariant): \(self.script.prefix(60))" }
    }

    /// Request 3 is cancelled, and all of its clean-up is done but the deletion.
    private static let cleaned = """
        UPDATE request SET state = 'cancelled' WHERE id = 3; UPDATE file SET lost = true WHERE id = 1;
        INSERT INTO cleanup (request, closed_too, who) VALUES (3, true, 'olga');
        INSERT INTO cleanup_part (dataset, request, state, files) VALUES (3, 3, 'emptied', 1);
        INSERT INTO deleted_file (file, request) VALUES (1, 3);
        INSERT INTO garbage (lfn, storage, not_before, reason, cleanup)
        SELECT '/raw/0', storage, now(), 'x', 3 FROM replica WHERE file = 1;
        """

    static let faults = [
        Fault("jobs-have-a-place", "DELETE FROM waiting WHERE task = 1 AND first = 5"),
        Fault("jobs-have-a-place", "DELETE FROM job WHERE task = 3"),
        Fault(
            "held-attempts-are-tallied",
            "INSERT INTO held_tally (holder, slot, count, hash) SELECT holder, 17, 1, 1 FROM lease LIMIT 1"
        ),
        Fault("jobs-are-in-one-place", "UPDATE waiting SET first = 4 WHERE task = 1 AND first = 5"),
        Fault("waiting-jobs-are-in-a-range", "DELETE FROM waiting WHERE task = 1 AND first = 3"),
        Fault("active-jobs-are-leased", "DELETE FROM lease WHERE task = 1"),
        Fault("leases-are-of-live-attempts", "UPDATE job SET state = 'done' WHERE task = 1 AND index = 1"),
        Fault("leases-are-of-live-attempts", "DELETE FROM attempt WHERE task = 1 AND index = 1"),
        Fault("leases-are-of-live-attempts", "UPDATE job SET attempts = 2 WHERE task = 1 AND index = 1"),
        Fault("leases-are-of-live-attempts", "DELETE FROM lease WHERE task = 1"),
        Fault("recovering-jobs-have-a-verdict", "UPDATE verdict SET carried_out_at = now() WHERE index = 2"),
        Fault("failed-attempts-have-a-verdict", "DELETE FROM verdict WHERE index = 4"),
        Fault("failed-attempts-have-a-verdict", "UPDATE verdict SET index = 0 WHERE index = 4"),
        Fault("open-verdicts-can-be-carried-out", "UPDATE verdict SET carried_out_at = NULL WHERE index = 4"),
        Fault("nothing-is-counted-twice", "UPDATE job SET failures = 2 WHERE task = 1 AND index = 3"),
        Fault("nothing-is-counted-twice", "UPDATE job SET attempts = 2 WHERE task = 1 AND index = 0"),
        Fault("ranges-belong-to-running-tasks", "UPDATE task SET state = 'done' WHERE id = 1"),
        Fault("ranges-belong-to-running-tasks", "UPDATE waiting SET last = 10 WHERE first = 5"),
        Fault("ranges-belong-to-running-tasks", "UPDATE waiting SET held = true WHERE first = 5"),
        // Scouts and others in one range: all of them would run.
        Fault("ranges-belong-to-running-tasks", "UPDATE task SET state = 'scouting', scouts = 7 WHERE id = 1"),
        Fault("ranges-belong-to-running-tasks", "UPDATE task SET state = 'scouting', scouts = 4 WHERE id = 1"),
        Fault(
            "ranges-belong-to-running-tasks",
            "UPDATE request SET state = 'held', held_from = 'running' WHERE id = 1"
        ),
        Fault("tasks-end-with-their-jobs", "UPDATE job SET state = 'active' WHERE task = 3"),
        Fault("requests-end-with-their-tasks", "UPDATE request SET state = 'running' WHERE id = 3"),
        Fault("requests-end-with-their-tasks", "UPDATE request SET state = 'cancelled' WHERE id = 1"),
        Fault(
            "nothing-is-overdue",
            "UPDATE waiting SET due = false, not_before = now() - interval '1 hour' WHERE first = 3"
        ),
        Fault("nothing-is-overdue", "UPDATE agent_session SET state = 'silent', last_seen = now() - interval '1 hour'"),
        Fault("nothing-is-overdue", "UPDATE verdict SET at = now() - interval '1 hour' WHERE index = 2"),
        Fault(
            "nothing-is-overdue",
            "UPDATE transfer SET state = 'active', token = gen_random_uuid(), lease_until = now() - interval '1 hour'"
        ),
        Fault(
            "nothing-is-overdue",
            """
            INSERT INTO registration (dataset, storage, lfn, bytes, adler32, events, who, state, token, lease_until)
            VALUES (1, 'DISK', '/x', 1, '00000001', 1, 'x', 'active', gen_random_uuid(), now() - interval '1 hour')
            """
        ),
        Fault(
            "nothing-is-overdue",
            "INSERT INTO outbox VALUES (gen_random_uuid(), 'e', 'k', 't', '{}', 'x', now() - interval '1 hour')"
        ),
        Fault("done-jobs-have-one-winner", "DELETE FROM winner WHERE task = 1"),
        Fault("done-jobs-have-one-winner", "UPDATE job SET state = 'waiting' WHERE task = 3"),
        Fault("done-jobs-have-one-winner", "UPDATE attempt SET state = 'lost' WHERE task = 3"),
        Fault(
            "done-jobs-have-one-winner",
            """
            ALTER TABLE accepted DROP CONSTRAINT accepted_task_index_attempt_fkey; ALTER TABLE winner DROP CONSTRAINT winner_pkey;
            ALTER TABLE winner DROP CONSTRAINT winner_task_index_attempt_key; INSERT INTO winner (task, index, attempt) VALUES (3, 0, 1)
            """
        ),
        Fault("accepted-outputs-are-the-winners", "UPDATE accepted SET attempt = 2 WHERE task = 1"),
        Fault("accepted-outputs-are-the-winners", "UPDATE accepted SET events = 9 WHERE task = 1"),
        Fault("accepted-outputs-are-the-winners", "DELETE FROM accepted WHERE task = 1"),
        Fault("winners-read-what-they-should", "UPDATE job SET events_expected = 9 WHERE task = 1 AND index = 0"),
        Fault("winners-read-what-they-should", "UPDATE unit_input SET slice = '[0,9)'"),
        Fault("counters-tell-the-truth", "UPDATE task_counter SET events = events + 1 WHERE task = 3"),
        Fault("counters-tell-the-truth", "UPDATE task_counter SET active = active + 1 WHERE task = 1"),
        Fault("counters-tell-the-truth", "UPDATE task_counter SET lost = 0 WHERE task = 1"),
        Fault("the-tracker-shows-the-books", "UPDATE task_counter SET events = events + 1 WHERE task = 1"),
        Fault("the-tracker-shows-the-books", "UPDATE task_counter SET lost = 1000 WHERE task = 1"),
        Fault(
            "nothing-is-merged-twice",
            "ALTER TABLE merge_input DROP CONSTRAINT merge_input_pkey; INSERT INTO merge_input VALUES (2, 1, 3, 0, 'out')"
        ),
        Fault("what-comes-is-taken", "INSERT INTO pending_input (task, file, dataset) VALUES (2, 2, 1)"),
        Fault("what-comes-is-taken", "INSERT INTO input_feed (dataset, task) VALUES (1, 2)"),
        Fault("versions-do-nothing-twice", Self.version(firstEvent: 9)),
        Fault(
            "versions-do-nothing-twice",
            Self.version(firstEvent: 10)
                + "; INSERT INTO task_input (task, position, dataset) VALUES (4, 0, 'made'), (3, 0, 'made')"
                + "; INSERT INTO unit_input (task, index, file, slice) VALUES (3, 0, 2, '[0,6)'), (4, 0, 2, '[5,10)')"
        ),
        Fault(
            "versions-do-nothing-twice",
            Self.version(firstEvent: 10) + "; UPDATE task SET state = 'running' WHERE id = 3"
        ),
        Fault(
            "versions-do-nothing-twice",
            Self.version(firstEvent: 10) + "; UPDATE job SET state = 'active' WHERE task = 3"
        ),
        Fault("split-jobs-cover-their-events", "UPDATE job SET state = 'replaced' WHERE task = 1 AND index = 0"),
        Fault("nothing-is-merged-twice", "DELETE FROM accepted WHERE task = 3"),
        Fault(
            "nothing-is-merged-twice",
            """
            ALTER TABLE unit_input_p0 DROP CONSTRAINT unit_input_p0_task_file_slice_excl;
            INSERT INTO unit_input (task, index, file, slice) VALUES (2, 1, 1, '[9,10)')
            """
        ),
        Fault("production-is-counted", "UPDATE production SET jobs_done = jobs_done + 1 WHERE task = 3"),
        Fault("production-is-counted", "DELETE FROM production WHERE task = 1 AND failed > 0"),
        Fault("production-is-counted", "DELETE FROM winner WHERE task = 3"),
        Fault("production-is-counted", "UPDATE attempt SET wall_seconds = 7 WHERE task = 3"),
        Fault(
            "production-is-counted",
            "UPDATE attempt SET leased_class = 1 WHERE task = 3; UPDATE production SET class = 2 WHERE task = 3"
        ),
        Fault("sums-by-time-are-counted", "UPDATE ended_total SET done = done + 1 WHERE task = 3"),
        Fault("sums-by-time-are-counted", "DELETE FROM ended_total WHERE task = 1 AND grain = 'h'"),
        Fault("sums-by-time-are-counted", "UPDATE attempt SET wall_seconds = 7 WHERE task = 3"),
        Fault("sums-by-time-are-counted", "UPDATE failure_total SET jobs_site = jobs_site - 1 WHERE grain = 'm'"),
        Fault("sums-by-time-are-counted", "UPDATE failure_total SET last = last - interval '1 second'"),
        Fault("sums-by-time-are-counted", "DELETE FROM failure_place"),
        Fault("sums-by-time-are-counted", "UPDATE failure_place SET newest = '{NULL,NULL,NULL}'"),
        Fault("sums-by-time-are-counted", "UPDATE verdict SET fingerprint = 'another'"),
        Fault("sums-by-time-are-counted", "UPDATE rule_total SET count = 0"),
        Fault(
            "sums-by-time-are-counted",
            "INSERT INTO uncounted SELECT task, index, attempt FROM verdict WHERE index = 4"
        ),
        Fault("sums-by-time-are-counted", "DELETE FROM verdict WHERE index = 4"),
        Fault("uncounted-failures-are-listed", "INSERT INTO uncounted VALUES (3, 0, 1)"),
        Fault("uncounted-failures-are-listed", "DELETE FROM verdict WHERE index = 4"),
        Fault("what-is-given-up-is-listed", "DELETE FROM given_up"),
        Fault("what-is-given-up-is-listed", "UPDATE given_up SET events = events - 1"),
        Fault("what-is-given-up-is-listed", "UPDATE job SET state = 'waiting' WHERE state = 'aborted'"),
        Fault("the-tracker-lists-what-is-damaged", "DELETE FROM given_up"),
        Fault("the-tracker-lists-what-is-damaged", "UPDATE task_counter SET lost = lost + 1 WHERE task = 1"),
        Fault(
            "the-archive-is-whole",
            "INSERT INTO archived_task VALUES (3, 'archived', 1, 1, 0, 10, '{}', 0, NULL, 'olga')"
        ),
        Fault(
            "the-archive-is-whole",
            "INSERT INTO archived_task VALUES (3, 'archived', 2, 1, 0, 10, '{}', 0, NULL, 'olga'); SELECT archive_jobs(3, 1)"
        ),
        Fault(
            "the-archive-is-whole",
            "INSERT INTO archived_task VALUES (3, 'archived', 1, 1, 0, 9, '{}', 0, NULL, 'olga'); SELECT archive_jobs(3, 1)"
        ),
        Fault("what-is-cleaned-up-is-gone", "INSERT INTO cleanup (request, closed_too, who) VALUES (3, true, 'olga')"),
        Fault(
            "what-is-cleaned-up-is-gone",
            "\(Self.cleaned) UPDATE file SET lost = false; UPDATE cleanup_part SET state = 'open'; DELETE FROM replica"
        ),
        Fault("what-is-cleaned-up-is-gone", "\(Self.cleaned) DELETE FROM garbage"),
        Fault(
            "what-is-cleaned-up-is-gone",
            "\(Self.cleaned) UPDATE cleanup SET state = 'done', ended = now()"
        ),
        Fault("what-is-cleaned-up-is-gone", "\(Self.cleaned) UPDATE cleanup_part SET files = 2"),
        Fault("what-is-cleaned-up-is-gone", "\(Self.cleaned) UPDATE dataset SET state = 'open' WHERE id = 3"),
        Fault("datasets-hold-what-was-accepted", "DELETE FROM dataset_file WHERE file = 2"),
        Fault("datasets-hold-what-was-accepted", "UPDATE dataset_file SET dataset = 2 WHERE file = 2"),
        Fault("datasets-hold-what-was-accepted", "UPDATE dataset_counter SET bytes = bytes - 1"),
        Fault("closed-datasets-are-there", "UPDATE replica SET state = 'bad' WHERE file = 1"),
        Fault("files-go-home", "DELETE FROM replica WHERE file = 2 AND storage = 'HOME'; DELETE FROM transfer"),
        Fault(
            "files-go-home",
            "DELETE FROM replica WHERE file = 2 AND storage = 'HOME'; UPDATE transfer SET state = 'cancelled'"
        ),
        Fault("registered-files-are-not-garbage", "INSERT INTO garbage VALUES ('/made/0', 'DISK', now(), 'test')"),
        Fault(
            "registered-files-are-not-garbage",
            "\(Self.registered(events: 10)); INSERT INTO garbage VALUES ('/made/0', 'HOME', now(), 'x')"
        ),
        Fault("registrations-are-what-was-said", Self.registered(events: 11)),
        Fault(
            "registrations-are-what-was-said",
            "\(Self.registered(events: 10)); DELETE FROM replica WHERE file = 2 AND storage = 'HOME'"
        ),
        Fault(
            "the-log-is-legal",
            "UPDATE transition SET to_state = 'finished' WHERE entity = 'request:2' AND to_state = 'approved'"
        ),
        Fault("the-log-is-whole", "DELETE FROM transition WHERE entity = 'task:3' AND to_state = 'finishing'"),
        Fault(
            "the-log-is-whole",
            """
            INSERT INTO transition (kind, entity, version, from_state, to_state, who)
            SELECT kind, entity, version, from_state, to_state, who FROM transition WHERE entity = 'job:1.0' AND to_state = 'done'
            """
        ),
        Fault("the-log-knows-every-state", "UPDATE site SET access = 'banned'"),
        Fault(
            "the-log-knows-every-state",
            "DELETE FROM transition WHERE entity = 'attempt:1.1.1' AND to_state = 'running'"
        ),
    ]

    /// Task 4 goes on with task 3.
    private static func version(firstEvent: Int) -> String {
        """
        INSERT INTO task (request, name, position, kind, class, priority, spec, jobs_total, events_total, events_per_job, continues, first_event)
        VALUES (2, 'again', 1, 'generate', 1, 100, '{}', 1, 10, 10, 3, \(firstEvent))
        """
    }

    @Test func aVersionThatGoesOnBehindTheLastIsWell() async throws {
        let script = "SET LOCAL search_path = millrace, public; SET LOCAL session_replication_role = replica;\n"
        let found = try await Self.diagnose([DoctorWorld.script, script + Self.version(firstEvent: 10) + ";"])
        let diagnosis = try #require(found.first { $0.invariant == "versions-do-nothing-twice" })
        #expect(diagnosis.violations == 0, "\(diagnosis.examples)")
    }

    private static func diagnose(_ scripts: [String]) async throws -> [Diagnosis] {
        let url = try await CatalogDatabase.make()
        try await PostgresSession.with(url: url, logger: CatalogDatabase.logger) { session in
            for script in scripts { try await session.executeScript(script) }
        }
        let client = PostgresClient(url: url, logger: CatalogDatabase.logger)
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await client.run() }
            let found = try await Doctor.examine(client)
            group.cancelAll()
            try await group.waitForAll()
            return found
        }
    }

    /// File 2, as if it had been brought in.
    private static func registered(events: Int) -> String {
        """
        UPDATE file SET lost = true WHERE id = 2;
        INSERT INTO registration (dataset, storage, lfn, bytes, adler32, events, who, state, file)
        VALUES (1, 'HOME', '/made/0', 5, '00000001', \(events), 'x', 'done', 2)
        """
    }

    @Test func whatTheFaultsOfRegistrationsAreMadeInIsWell() async throws {
        let script =
            "SET LOCAL search_path = millrace, public; SET LOCAL session_replication_role = replica;\n\(Self.registered(events: 10));"
        let found = try await Self.diagnose([DoctorWorld.script, script])
        for name in ["registrations-are-what-was-said", "registered-files-are-not-garbage"] {
            #expect(found.first { $0.invariant == name }?.violations == 0)
        }
    }

    @Test func anEmptyCatalogueIsWell() async throws {
        let found = try await Self.diagnose([])
        #expect(found.count == Doctor.invariants.count)
        for diagnosis in found { #expect(diagnosis.violations == 0, "\(diagnosis)") }
    }

    @Test func aCatalogueAtWorkIsWell() async throws {
        for diagnosis in try await Self.diagnose([DoctorWorld.script]) {
            #expect(diagnosis.violations == 0, "\(diagnosis)")
            #expect(diagnosis.examples.isEmpty)
        }
    }

    @Test func whatTheFaultsOfCleanUpsAreMadeInIsWell() async throws {
        let script =
            "SET LOCAL search_path = millrace, public; SET LOCAL session_replication_role = replica;\n\(Self.cleaned)"
        let found = try await Self.diagnose([DoctorWorld.script, script])
        #expect(found.first { $0.invariant == "what-is-cleaned-up-is-gone" }?.violations == 0)
    }

    // One after the other: all at once would ask the server for a hundred databases in the same second.
    @Test(.serialized, arguments: Self.faults)
    func everyFaultIsFound(_ fault: Fault) async throws {
        let script =
            "SET LOCAL search_path = millrace, public; SET LOCAL session_replication_role = replica;\n\(fault.script);"
        let found = try await Self.diagnose([DoctorWorld.script, script])
        let diagnosis = try #require(found.first { $0.invariant == fault.invariant })
        #expect(diagnosis.violations > 0)
        #expect((1...5).contains(diagnosis.examples.count), "\(diagnosis.examples)")
        #expect(diagnosis.examples.allSatisfy { !$0.isEmpty })
    }

    @Test func everyInvariantHasAFaultThatItFinds() {
        #expect(Set(Doctor.invariants.map(\.name)) == Set(Self.faults.map(\.invariant)))
        #expect(Set(Doctor.invariants.map(\.name)).count == Doctor.invariants.count)
    }

    @Test func noMoreThanFiveExamplesAreGiven() async throws {
        let many = "INSERT INTO garbage SELECT '/x/' || n, 'DISK', now(), 'test' FROM generate_series(1, 9) n"
        let files = """
            INSERT INTO file (lfn, bytes, adler32, crc32c, events)
            SELECT '/x/' || n, 1, '00000001', '00000001', 1 FROM generate_series(1, 9) n
            """
        let script = "SET LOCAL search_path = millrace, public;\n\(files);\n\(many);"
        let found = try await Self.diagnose([DoctorWorld.script, script])
        let diagnosis = try #require(found.first { $0.invariant == "registered-files-are-not-garbage" })
        #expect(diagnosis.violations == 9)
        #expect(diagnosis.examples.count == 5)
    }
}
