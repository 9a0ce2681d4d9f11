import Catalog
import Domain
import Postgres

/// The books against what the clients were told: each difference in one line.
struct FuzzAudit {
    private let database: PostgresClient
    private let ledger: FuzzLedger
    private(set) var differences: [String] = []

    init(_ database: PostgresClient, _ ledger: FuzzLedger) {
        self.database = database
        self.ledger = ledger
    }

    mutating func run() async throws {
        try await self.attempts()
        try await self.winners()
        try await self.files()
        try await self.datasets()
        try await self.merges()
        try await self.transfers()
        try await self.log()
    }

    private mutating func compare<Value: Equatable>(_ what: String, _ books: Value, _ told: Value) {
        guard books != told else { return }
        self.differences.append(
            "\(what): the books say \("\(books)".prefix(300)), the clients \("\(told)".prefix(300))"
        )
    }

    private func counts(_ sql: SQL) async throws -> [String: Int64] {
        let rows = try await self.database.query(
            Statement("fuzz.counts", sql, returning: String.self, Int64.self)
        )
        return Dictionary(uniqueKeysWithValues: rows)
    }

    private mutating func attempts() async throws {
        var told: [String: Int64] = Dictionary(grouping: self.ledger.ended.values, by: \.self)
            .mapValues { Int64($0.count) }
        told["live"] = Int64(self.ledger.live.elements.count)
        let books = try await self.counts(
            "SELECT coalesce(state, 'live'), count(*) FROM attempt GROUP BY state UNION ALL SELECT 'verdicts', count(*) FROM verdict"
        )
        told["verdicts"] = Int64(self.ledger.verdicts)
        self.compare("attempts", books, told.filter { $0.value > 0 || $0.key == "verdicts" })
        let leases = try await self.counts("SELECT 'leases', count(*) FROM lease")
        self.compare("leases", leases["leases"], Int64(self.ledger.live.elements.count))
    }

    private mutating func winners() async throws {
        let rows = try await self.database.query(
            Statement(
                "fuzz.winners",
                """
                SELECT w.task, w.index, w.attempt, count(a.*), coalesce(sum(a.events), 0)::bigint
                FROM winner w LEFT JOIN accepted a ON a.task = w.task AND a.index = w.index AND a.attempt = w.attempt
                GROUP BY w.task, w.index, w.attempt ORDER BY 1, 2
                """,
                returning: Int64.self,
                Int64.self,
                Int32.self,
                Int64.self,
                Int64.self
            )
        )
        let books = rows.map { "\($0.0).\($0.1).\($0.2): \($0.3) outputs, \($0.4) events" }
        let told = self.ledger.standing.sorted { $0.key < $1.key }.map { one in
            "\(one.key): \(one.outputs.count) outputs, \(one.outputs.reduce(0) { $0 + $1.events }) events"
        }
        self.compare("number of winners", books.count, told.count)
        self.compare("winners", Set(books).subtracting(told).sorted(), [])
        self.compare("winners told of", Set(told).subtracting(books).sorted(), [])
        let accepted = try await self.counts("SELECT 'accepted', count(*) FROM accepted")
        self.compare("accepted outputs", accepted["accepted"], told.isEmpty ? 0 : self.outputs(self.ledger.standing))
        let all = try await self.counts("SELECT 'output', count(*) FROM output")
        self.compare("outputs", all["output"], self.outputs(Array(self.ledger.accepted.values)))
    }

    private func outputs(_ acceptances: [Acceptance]) -> Int64 {
        Int64(acceptances.reduce(0) { $0 + $1.outputs.count })
    }

    private var allFiles: [Acceptance.StoredFile] {
        self.ledger.accepted.values.flatMap { $0.outputs.compactMap(\.file) }
    }

    private mutating func files() async throws {
        let books = try await self.counts(
            """
            SELECT 'files', count(*) FROM file UNION ALL SELECT 'bytes', coalesce(sum(bytes), 0)::bigint FROM file
            UNION ALL SELECT 'available', count(*) FROM replica WHERE state = 'available'
            UNION ALL SELECT 'copying', count(*) FROM replica WHERE state = 'copying'
            """
        )
        let (files, done) = (self.allFiles, self.ledger.doneTransfers.count)
        let told: [String: Int64] = [
            "files": Int64(files.count), "bytes": files.reduce(0) { $0 + $1.bytes },
            "available": Int64(files.count + done), "copying": Int64(self.ledger.transfers - done),
        ]
        self.compare("files and replicas", books, told)
    }

    private mutating func datasets() async throws {
        let rows = try await self.database.query(
            Statement(
                "fuzz.datasets",
                """
                SELECT v.dataset, v.files, v.bytes, v.events FROM dataset_view v WHERE v.task IS NOT NULL AND v.files > 0
                """,
                returning: String.self,
                Int64.self,
                Int64.self,
                Int64.self
            )
        )
        var told: [String: [Int64]] = [:]
        for one in self.ledger.standing {
            guard let task = self.ledger.tasks[one.key.task] else { continue }
            for output in one.outputs {
                guard let file = output.file else { continue }
                let before = told[task.dataset(output.stream)] ?? [0, 0, 0]
                told[task.dataset(output.stream)] = [before[0] + 1, before[1] + file.bytes, before[2] + output.events]
            }
        }
        self.compare(
            "datasets",
            Dictionary(uniqueKeysWithValues: rows.map { ($0.0, [$0.1, $0.2, $0.3]) }).filter {
                told[$0.key] != $0.value
            },
            [:]
        )
        self.compare("number of datasets with files", rows.count, told.count)
        let members = try await self.database.query(
            Statement(
                "fuzz.members",
                """
                SELECT df.dataset, f.lfn FROM dataset_file df JOIN file f ON f.id = df.file
                JOIN dataset d ON d.id = df.dataset AND d.task IS NULL
                """,
                returning: Int64.self,
                String.self
            )
        ).map { FuzzLedger.Member(dataset: $0.0, lfn: $0.1) }
        self.compare("members of users' datasets", members.count, self.ledger.members.count)
        self.compare("members of users' datasets", Set(members).symmetricDifference(self.ledger.members).count, 0)
    }

    private mutating func merges() async throws {
        let books = try await self.counts(
            """
            SELECT 'merged', count(*) FROM merge_input UNION ALL SELECT 'slices', count(*) FROM unit_input
            UNION ALL SELECT 'events', coalesce(sum(upper(slice) - lower(slice)), 0)::bigint FROM unit_input
            """
        )
        let jobs = self.ledger.grouped.values.joined()
        let merges = self.ledger.grouped.filter { self.ledger.tasks[$0.key]?.kind == "merge" }.values.joined()
        let told: [String: Int64] = [
            "merged": Int64(merges.reduce(0) { $0 + $1.slices.count }),
            "slices": Int64(jobs.reduce(0) { $0 + $1.slices.count }),
            "events": jobs.reduce(0) { $0 + $1.events },
        ]
        self.compare("inputs", books, told)
    }

    private mutating func transfers() async throws {
        let books = try await self.counts(
            """
            SELECT CASE WHEN state IN ('queued', 'active') THEN 'live' ELSE state END, count(*) FROM transfer GROUP BY 1
            """
        )
        let (done, failed) = (self.ledger.doneTransfers.count, self.ledger.failedTransfers.elements.count)
        let told = ["done": done, "failed": failed, "live": self.ledger.transfers - done - failed]
        self.compare("transfers", books, told.filter { $0.value > 0 }.mapValues(Int64.init))
    }

    /// The feed: one event for every acknowledged change, none for what was refused.
    private mutating func log() async throws {
        let books = try await self.counts(
            """
            SELECT kind || ' ' || to_state, count(*) FROM transition
            WHERE (kind, to_state) IN (('attempt', 'leased'), ('attempt', 'done'), ('attempt', 'failed'), ('job', 'done'),
                                       ('file', 'registered'), ('transfer', 'done'), ('transfer', 'queued'))
              AND (kind <> 'transfer' OR from_state IS NULL OR to_state = 'done')
            GROUP BY 1
            """
        )
        let failed = self.ledger.ended.values.filter { $0 == "failed" }.count
        let told = [
            "attempt leased": self.ledger.tokens.count, "attempt done": self.ledger.accepted.count,
            "attempt failed": failed, "job done": self.ledger.accepted.count, "file registered": self.allFiles.count,
            "transfer done": self.ledger.doneTransfers.count, "transfer queued": self.ledger.transfers,
        ]
        self.compare("log", books, told.filter { $0.value > 0 }.mapValues(Int64.init))
    }
}
