import Domain
import GRDB
import Messages

/// How far a job is, as needed after a restart.
struct JobRecord: Codable, Sendable, Equatable {
    enum Phase: String, Codable, Sendable {
        /// No process of it was ever started.
        case accepted
        case running
        /// All steps have worked; outputs are being stored.
        case storing
    }

    var phase: Phase = .accepted
    var started: Timestamp?
    var steps: [StepRecord] = []
    var usage = Usage(cpuSeconds: 0, wallSeconds: 0, memoryPeak: 0)
    var result: JobResult?
}

/// A job in the journal.
struct HeldJob: Sendable, Equatable {
    var accepted: AcceptedJob
    var record: JobRecord
}

/// The agent's memory: every job before it is started, every report before it is sent. SQLite, each commit on disk.
struct Journal: Sendable {
    private let pool: DatabasePool

    /// Opens or makes the file.
    init(path: String) throws {
        var configuration = Configuration()
        configuration.busyMode = .timeout(10)
        configuration.prepareDatabase { database in
            if !database.configuration.readonly { try database.execute(sql: "PRAGMA synchronous = FULL") }
        }
        self.pool = try DatabasePool(path: path, configuration: configuration)
        try Self.migrator.migrate(self.pool)
    }

    private static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1") { database in
            try database.execute(
                sql: """
                    CREATE TABLE job (
                        task INTEGER NOT NULL, idx INTEGER NOT NULL, attempt INTEGER NOT NULL,
                        sequence INTEGER NOT NULL DEFAULT 0,
                        ended INTEGER NOT NULL DEFAULT 0,
                        accepted TEXT NOT NULL, record TEXT NOT NULL,
                        PRIMARY KEY (task, idx, attempt)) WITHOUT ROWID;
                    CREATE TABLE report (
                        id INTEGER PRIMARY KEY AUTOINCREMENT,
                        task INTEGER NOT NULL, idx INTEGER NOT NULL, attempt INTEGER NOT NULL,
                        terminal INTEGER NOT NULL, type TEXT NOT NULL, routing_key TEXT NOT NULL,
                        item TEXT NOT NULL, message TEXT);
                    CREATE INDEX report_message ON report (message);
                    CREATE TABLE input_check (
                        path TEXT PRIMARY KEY, bytes INTEGER NOT NULL, modified INTEGER NOT NULL,
                        adler32 TEXT NOT NULL) WITHOUT ROWID;
                    CREATE TABLE kept (
                        task INTEGER NOT NULL, idx INTEGER NOT NULL, attempt INTEGER NOT NULL, until INTEGER NOT NULL,
                        PRIMARY KEY (task, idx, attempt)) WITHOUT ROWID;
                    """
            )
        }
        return migrator
    }

    /// Writes new jobs.
    ///
    /// - Returns: those that were not there yet.
    func accept(_ jobs: [AcceptedJob]) async throws -> [AcceptedJob] {
        let record = try WireFormat.text(JobRecord())
        return try await self.pool.write { database in
            try jobs.filter { job in
                try database.execute(
                    sql: "INSERT OR IGNORE INTO job (task, idx, attempt, accepted, record) VALUES (?, ?, ?, ?, ?)",
                    arguments: [
                        job.key.task, job.key.index, job.key.attempt, try WireFormat.text(job), record,
                    ]
                )
                return database.changesCount > 0
            }
        }
    }

    /// Writes how far a job is.
    func update(_ key: AttemptKey, _ record: JobRecord) async throws {
        let text = try WireFormat.text(record)
        try await self.pool.write { database in
            try database.execute(
                sql: "UPDATE job SET record = ? WHERE task = ? AND idx = ? AND attempt = ?",
                arguments: [text, key.task, key.index, key.attempt]
            )
        }
    }

    /// Writes a report, numbered behind those before it. A terminal one ends the job, in the same transaction; nothing is
    /// written for a job that has ended.
    ///
    /// - Parameter make: makes the report from its number.
    func append<Item: MessageItem>(
        _ key: AttemptKey,
        routingKey: String,
        isTerminal: Bool,
        _ make: @escaping @Sendable (_ sequence: Int64) -> Item
    ) async throws {
        try await self.pool.write { database in
            let row = try Row.fetchOne(
                database,
                sql: """
                    UPDATE job SET sequence = sequence + 1, ended = ?
                    WHERE task = ? AND idx = ? AND attempt = ? AND NOT ended RETURNING sequence
                    """,
                arguments: [isTerminal, key.task, key.index, key.attempt]
            )
            guard let row else { return }
            try Self.insert(database, key, routingKey, isTerminal, make(row[0]))
        }
    }

    /// Writes reports on jobs that were never accepted.
    func refuse(_ items: [FailedItem]) async throws {
        try await self.pool.write { database in
            for item in items { try Self.insert(database, item.name.key, RoutingKey.failed, true, item) }
        }
    }

    private static func insert<Item: MessageItem>(
        _ database: Database,
        _ key: AttemptKey,
        _ routingKey: String,
        _ isTerminal: Bool,
        _ item: Item
    ) throws {
        try database.execute(
            sql: """
                INSERT INTO report (task, idx, attempt, terminal, type, routing_key, item) VALUES (?, ?, ?, ?, ?, ?, ?)
                """,
            arguments: [
                key.task, key.index, key.attempt, isTerminal, Item.type, routingKey, try WireFormat.text(item),
            ]
        )
    }

    /// Every attempt whose end the broker does not know yet.
    func held() async throws -> [AttemptKey] {
        try await self.pool.read { database in
            try Row.fetchAll(database, sql: "SELECT task, idx, attempt FROM job").map(Self.key)
        }
    }

    /// Whether an attempt is held or has a report waiting.
    func knows(_ key: AttemptKey) async throws -> Bool {
        try await self.pool.read { database in
            try Bool.fetchOne(
                database,
                sql: """
                    SELECT EXISTS (SELECT 1 FROM job WHERE task = :t AND idx = :i AND attempt = :a)
                        OR EXISTS (SELECT 1 FROM report WHERE task = :t AND idx = :i AND attempt = :a)
                    """,
                arguments: ["t": key.task, "i": key.index, "a": key.attempt]
            ) ?? false
        }
    }

    /// The jobs that have not ended, with how far they are: what a restarted agent begins with.
    func unfinished() async throws -> [HeldJob] {
        try await self.pool.read { database in
            try Row.fetchAll(
                database,
                sql: "SELECT accepted, record FROM job WHERE NOT ended ORDER BY task, idx, attempt"
            ).map { row in
                HeldJob(
                    accepted: try WireFormat.value(AcceptedJob.self, from: row[0]),
                    record: try WireFormat.value(JobRecord.self, from: row[1])
                )
            }
        }
    }

    private static func key(_ row: Row) -> AttemptKey { AttemptKey(task: row[0], index: row[1], attempt: row[2]) }
}

extension Journal {
    /// The reports that wait, the oldest first.
    func pending(limit: Int = 2000) async throws -> [PendingReport] {
        try await self.pool.read { database in
            try Row.fetchAll(
                database,
                sql: """
                    SELECT task, idx, attempt, id, type, routing_key, item, message FROM report ORDER BY id LIMIT ?
                    """,
                arguments: [limit]
            ).map { row in
                PendingReport(
                    id: row[3],
                    attempt: Self.key(row),
                    type: row[4],
                    routingKey: row[5],
                    item: row[6],
                    message: row[7]
                )
            }
        }
    }

    /// Notes the ids of new messages.
    func assign(_ messages: [ReportMessage]) async throws {
        guard messages.contains(where: \.isNew) else { return }
        try await self.pool.write { database in
            for message in messages where message.isNew {
                for report in message.reports {
                    try database.execute(
                        sql: "UPDATE report SET message = ? WHERE id = ?",
                        arguments: [message.id, report.id]
                    )
                }
            }
        }
    }

    /// Forgets the reports of messages the broker has, and the jobs that ended with them.
    func confirm(_ messages: [String]) async throws {
        guard !messages.isEmpty else { return }
        try await self.pool.write { database in
            for message in messages {
                try database.execute(
                    sql: """
                        DELETE FROM job WHERE (task, idx, attempt) IN
                            (SELECT task, idx, attempt FROM report WHERE message = ? AND terminal)
                        """,
                    arguments: [message]
                )
                try database.execute(sql: "DELETE FROM report WHERE message = ?", arguments: [message])
            }
        }
    }

    /// The checksum of an input, if it was computed of a file of this size and time.
    func checkedInput(_ path: String, bytes: Int64, modified: Int64) async throws -> String? {
        try await self.pool.read { database in
            try String.fetchOne(
                database,
                sql: "SELECT adler32 FROM input_check WHERE path = ? AND bytes = ? AND modified = ?",
                arguments: [path, bytes, modified]
            )
        }
    }

    func rememberInput(_ path: String, bytes: Int64, modified: Int64, adler32: String) async throws {
        try await self.pool.write { database in
            try database.execute(
                sql: "INSERT OR REPLACE INTO input_check (path, bytes, modified, adler32) VALUES (?, ?, ?, ?)",
                arguments: [path, bytes, modified, adler32]
            )
        }
    }

    /// Notes that an ended attempt's work folder stays until then.
    func keep(_ key: AttemptKey, until: Timestamp) async throws {
        try await self.pool.write { database in
            try database.execute(
                sql: "INSERT OR REPLACE INTO kept (task, idx, attempt, until) VALUES (?, ?, ?, ?)",
                arguments: [key.task, key.index, key.attempt, until.microseconds]
            )
        }
    }

    /// Takes the newest kept attempt of a job out of the list.
    func takeKept(_ job: JobKey, before attempt: Int) async throws -> AttemptKey? {
        try await self.pool.write { database in
            try Row.fetchOne(
                database,
                sql: """
                    DELETE FROM kept WHERE task = :t AND idx = :i AND attempt = (
                        SELECT max(attempt) FROM kept WHERE task = :t AND idx = :i AND attempt < :a)
                    RETURNING task, idx, attempt
                    """,
                arguments: ["t": job.task, "i": job.index, "a": attempt]
            ).map(Self.key)
        }
    }

    /// Takes the kept attempts whose time is up out of the list.
    func takeExpired(at now: Timestamp) async throws -> [AttemptKey] {
        try await self.pool.write { database in
            try Row.fetchAll(
                database,
                sql: "DELETE FROM kept WHERE until < ? RETURNING task, idx, attempt",
                arguments: [now.microseconds]
            ).map(Self.key)
        }
    }
}
