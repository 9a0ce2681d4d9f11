import Catalog
import Domain
import Messages
import NIOConcurrencyHelpers
import Postgres
import Testing

/// ``DoctorWorld`` with something wrong in it that happens to real farms, and operators who recover it.
struct RecoveryWorld: Sendable {
    let database: PostgresClient

    /// Runs `body` on a catalogue of its own.
    ///
    /// - Parameter script: what went wrong, made with all triggers at work.
    static func with(
        _ script: String,
        _ body: @escaping @Sendable (RecoveryWorld) async throws -> Void
    ) async throws {
        let url = try await CatalogDatabase.make()
        try await PostgresSession.with(url: url, logger: CatalogDatabase.logger) { session in
            try await session.executeScript(DoctorWorld.script)
            try await session.executeScript("SET LOCAL search_path = millrace, public;\n\(script)")
        }
        let client = PostgresClient(url: url, logger: CatalogDatabase.logger)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await client.run() }
            defer { group.cancelAll() }
            try await body(RecoveryWorld(database: client))
        }
    }

    func operations(_ who: String = "olga", dry: Bool = false, role: Role = .operator) -> Operations {
        Operations(self.database, caller: Caller(who: who, role: role), isDryRun: dry)
    }

    func recover(_ task: Int64 = 1, who: String = "olga", dry: Bool = false) async throws -> Outcome {
        try await self.operations(who, dry: dry).recover(task: task, version: nil, reason: nil)
    }

    /// One plan as the API shows it.
    struct Planned: Codable, Equatable {
        let action: RecoveryAction
        let reason: RecoveryPlan
        let jobs: Int64
        let events: Int64
        let examples: [String]

        init(_ reason: RecoveryPlan, _ examples: [String], events: Int64? = nil) {
            self.action = reason.action
            self.reason = reason
            self.jobs = Int64(examples.count)
            self.events = events ?? self.jobs * 10
            self.examples = examples
        }
    }

    private struct Result: Decodable {
        let plan: [Planned]
    }

    static func plan(_ result: String) throws -> [Planned] {
        try WireFormat.value(Result.self, from: result).plan
    }

    func check(_ task: Int64 = 1) async throws -> [Planned] {
        try Self.plan(await self.operations(role: .viewer).check(task: task))
    }

    /// The one text of a query.
    func text(_ sql: SQL) async throws -> String? {
        let qualified: SQL = "SELECT (\(fragment: sql))::text"
        return try await self.database.query(Statement("test.text", qualified, returning: String?.self)).first ?? nil
    }

    /// Runs `first` in a transaction, begins `second` beside it, and commits when `second` waits for a lock, or has ended.
    ///
    /// - Returns: what `second` gave. If it did not wait although it had to, it has overlooked what `first` did.
    func crossing<Value: Sendable>(
        _ first: @Sendable (PostgresTransaction) async throws -> Void,
        _ second: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        let hasEnded = NIOLockedValueBox(false)
        return try await self.database.withTransaction { transaction in
            try await first(transaction)
            async let value = {
                defer { hasEnded.withLockedValue { $0 = true } }
                return try await second()
            }()
            let waits: SQL =
                "SELECT count(*)::text FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
            while !hasEnded.withLockedValue({ $0 }) {
                if try await self.text(waits) != "0" { break }
            }
            try await transaction.executeAndCommit([])
            return try await value
        }
    }

    func script(_ sql: SQL) async throws { try await self.database.execute(sql) }

    /// State of a job, whether it waits in a range of one, and its winner.
    func job(_ task: Int64, _ index: Int64) async throws -> String? {
        try await self.text(
            """
            SELECT j.state || CASE WHEN EXISTS (SELECT 1 FROM millrace.waiting w WHERE w.task = j.task AND w.first = j.index AND w.last = j.index)
                THEN ' in a range' ELSE '' END || coalesce(' won by ' || w.attempt, '')
            FROM millrace.job j LEFT JOIN millrace.winner w ON w.task = j.task AND w.index = j.index
            WHERE j.task = \(task) AND j.index = \(index)
            """
        )
    }

    /// Everything that recovery may write, in one text.
    func everything() async throws -> String? {
        try await self.text(
            """
            SELECT concat_ws(' ', (SELECT count(*) FROM millrace.transition), (SELECT string_agg(j::text, ' ' ORDER BY j.task, j.index) FROM millrace.job j),
                (SELECT string_agg(w::text, ' ' ORDER BY w.task, w.first) FROM millrace.waiting w), (SELECT string_agg(t::text, ' ' ORDER BY t.id) FROM millrace.task t),
                (SELECT string_agg(f::text, ' ' ORDER BY f.id) FROM millrace.file f), (SELECT count(*) FROM millrace.garbage),
                (SELECT string_agg(r::text, ' ' ORDER BY r.file, r.storage) FROM millrace.replica r), (SELECT count(*) FROM millrace.dataset_file),
                (SELECT count(*) FROM millrace.winner), (SELECT count(*) FROM millrace.accepted), (SELECT count(*) FROM millrace.outbox),
                (SELECT string_agg(t::text, ' ' ORDER BY t.id) FROM millrace.transfer t))
            """
        )
    }

    func expectNoViolations() async throws {
        for diagnosis in try await Doctor.examine(self.database) {
            #expect(diagnosis.violations == 0, "\(diagnosis.invariant): \(diagnosis.examples)")
        }
    }

    // MARK: What goes wrong

    /// The open verdict of job 2 is carried out: nothing is under way but job 1.
    static let quiet = """
        UPDATE verdict SET carried_out_at = now() WHERE task = 1 AND index = 2;
        UPDATE job SET state = 'waiting', version = 3 WHERE task = 1 AND index = 2;
        INSERT INTO waiting (task, first, last, class, priority) VALUES (1, 2, 2, 1, 100);
        """
    /// The files of job 0 are gone from all disks.
    static let filesGone = "UPDATE replica SET state = 'bad' WHERE file = 2;"
    /// Task 4 has taken what job 0 of task 1 made.
    static func reader(kind: String) -> String {
        """
        INSERT INTO task (request, name, position, kind, class, priority, spec, jobs_total, events_total)
        VALUES (1, 'next', 1, '\(kind)', 1, 100, '{}', 1, 10);
        INSERT INTO task_stream (task, stream, counted, main) VALUES (4, 'out', true, true);
        INSERT INTO task_input (task, position, parent, stream) VALUES (4, 0, 1, 'out');
        UPDATE task SET state = 'running', version = 2 WHERE id = 4;
        INSERT INTO job (task, index, events_expected, state) VALUES (4, 0, 10, 'waiting');
        INSERT INTO unit_input (task, index, file, slice) VALUES (4, 0, 2, '[0,10)');
        INSERT INTO waiting (task, first, last, class, priority) VALUES (4, 0, 0, 1, 100);
        """
    }
    /// Task 2 gets two jobs more, which read files that nobody here made: 1 five events of `/far/1`, 2 five of `/far/2`.
    static let moreInputs = """
        INSERT INTO file (lfn, bytes, adler32, crc32c, events) VALUES ('/far/1', 5, '00000001', '00000001', 5), ('/far/2', 5, '00000001', '00000001', 5);
        INSERT INTO replica (file, storage, state) SELECT id, 'DISK', 'available' FROM file WHERE lfn LIKE '/far/%';
        INSERT INTO job (task, index, events_expected, state) VALUES (2, 1, 5, 'waiting'), (2, 2, 5, 'waiting');
        INSERT INTO unit_input (task, index, file, slice) SELECT 2, right(lfn, 1)::int, id, '[0,5)' FROM file WHERE lfn LIKE '/far/%';
        UPDATE task SET jobs_total = 3, events_total = 20 WHERE id = 2;
        UPDATE waiting SET last = 2, not_before = now() - interval '1 second', excluded = '{LOCAL}' WHERE task = 2;
        """
}
