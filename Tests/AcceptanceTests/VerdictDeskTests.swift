import Catalog
import CentralKit
import Domain
import Postgres
import Testing

@testable import Scheduler

/// Verdicts that are carried out in one batch.
@Suite struct VerdictDeskTests {
    /// The jobs of one task failed: 0 needed more memory, as too many have, so that the whole task gets it; 1 waits again as it was, 2 is divided, 3
    /// needed less than 0, but more than there was. Each waits in the class in which it is leased, and counted.
    @Test func whatWaitsAgainBesideARaisedTaskHasTheNewClass() async throws {
        try await ScratchCatalogue.with(Self.script) { catalogue in
            let desk = Self.desk(catalogue)
            func carryOut(_ jobs: ClosedRange<Int64>) async throws -> String? {
                try await desk.carryOut(jobs.map { AttemptKey(task: 1, index: $0, attempt: 1) })
                return try await catalogue.text(
                    """
                    SELECT string_agg(w.first || '-' || w.last || ' ' || c.memory_mb || CASE WHEN w.class = coalesce(j.class, t.class) THEN '' ELSE '!' END,
                                      ', ' ORDER BY w.first)
                    FROM waiting w JOIN class c ON c.id = w.class JOIN task t ON t.id = w.task
                    LEFT JOIN job j ON j.task = w.task AND j.index = w.first
                    """
                )
            }
            func ofTask() async throws -> String? {
                try await catalogue.text("SELECT c.memory_mb FROM task t JOIN class c ON c.id = t.class")
            }
            let first = try await carryOut(0...3)
            #expect(first == "0-0 2000, 1-1 2000, 3-3 1500, 6-7 2000")
            #expect(try await ofTask() == "2000")
            // What the first was given is its own, although it is what its task had.
            #expect(try await carryOut(4...4) == "0-0 2000, 1-1 4000, 3-3 1500, 4-4 4000, 6-7 4000")
            #expect(try await ofTask() == "4000")
            // Nobody gets less because another needs less.
            #expect(
                try await carryOut(5...5) == "0-0 2000, 1-1 4000, 3-3 1500, 4-4 4000, 5-5 4000, 6-7 4000"
            )
            #expect(try await ofTask() == "4000")
        }
    }

    private static func desk(_ catalogue: ScratchCatalogue) -> VerdictDesk {
        VerdictDesk(
            database: catalogue.database,
            outbox: catalogue.outbox,
            bell: catalogue.bell,
            pulse: Pulse(),
            classes: ClassTable(database: catalogue.database),
            logger: ScratchCatalogue.logger,
            wake: {}
        )
    }

    private static func failed(_ index: Int, _ changes: String) -> String {
        """
        INSERT INTO job (task, index, events_expected, state, attempts) VALUES (1, \(index), 10, 'active', 1);
        INSERT INTO attempt (task, index, attempt, token, site, agent, events_expected, leased_class)
        VALUES (1, \(index), 1, gen_random_uuid(), 'LOCAL', 'a', 10, 1);
        INSERT INTO lease (task, index, attempt, holder, token, site, state) VALUES (1, \(index), 1, 1, gen_random_uuid(), 'LOCAL', 'leased');
        UPDATE lease SET state = 'running', version = 2 WHERE task = 1 AND index = \(index);
        DELETE FROM lease WHERE task = 1 AND index = \(index);
        UPDATE attempt SET state = 'failed', left_from = 'running', version = 3, ended_at = now(), code = 2002 WHERE task = 1 AND index = \(index);
        INSERT INTO verdict (task, index, attempt, site, action, class, blame, code, diagnostic, fingerprint, rule, reason, counted, changes)
        VALUES (1, \(index), 1, 'LOCAL', 'resubmit', 'limits', 'payload', 2002, 'd', 'f', 'r', 'why', true, '\(changes)');
        UPDATE job SET state = 'recovering', version = 2, failures = 1 WHERE task = 1 AND index = \(index);
        """
    }

    private static let script = """
        SET LOCAL search_path = millrace, public;
        INSERT INTO site (name) VALUES ('LOCAL');
        INSERT INTO storage_element (name, kind, base) VALUES ('DISK', 'posix', '/disk');
        INSERT INTO workflow (name, version, document, sha256, owner) VALUES ('study', 1, '{}', repeat('0', 64), 'ann');
        INSERT INTO class (cores, memory_mb, walltime_s, disk_mb, platform, tags, sites, storage)
        VALUES (1, 1000, 3600, 1000, 'any', '{}', '{}', '{}');
        INSERT INTO agent_session (site, agent, session, sequence, reply_to, room, cores, memory_mb, walltime_s, disk_mb, platform, tags, storage, last_seen)
        VALUES ('LOCAL', 'a', gen_random_uuid(), 1, 'site.LOCAL.a', 1, 1, 1000, 3600, 1000, 'any', '{}', '{DISK}', now());
        INSERT INTO request (workflow, parameters, seed, owner, submission) VALUES (1, '{}', 1, 'ann', gen_random_uuid());
        UPDATE request SET state = 'approved', version = 2;
        INSERT INTO task (request, name, position, kind, class, priority, spec, jobs_total, events_total, events_per_job)
        VALUES (1, 'make', 0, 'generate', 1, 100, '{}', 6, 60, 10);
        INSERT INTO task_stream (task, stream, counted, main) VALUES (1, 'out', true, true);
        UPDATE task SET state = 'running', version = 2;
        UPDATE request SET state = 'running', version = 3;
        \(Self.failed(0, #"{"memoryMB": 2000, "raisesTask": true}"#))
        \(Self.failed(1, "{}"))
        \(Self.failed(2, #"{"events": 5}"#))
        \(Self.failed(3, #"{"memoryMB": 1500, "raisesTask": true}"#))
        \(Self.failed(4, #"{"memoryMB": 4000, "raisesTask": true}"#))
        \(Self.failed(5, #"{"memoryMB": 3000, "raisesTask": true}"#))
        """
}
