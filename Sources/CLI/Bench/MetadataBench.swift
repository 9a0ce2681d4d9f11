import Catalog
import Domain
import Messages
import Postgres

/// How long queries on files take when there are very many, each with values of its own and of its dataset.
struct MetadataBench: Sendable {
    struct Row: Codable, Sendable {
        var query: String
        /// Files that it finds.
        var files: Int64
        /// Median of five, after a first that is not counted: of a page of 100, and of the count.
        var pageMilliseconds: Double
        var countMilliseconds: Double
        /// What the answer says about its indexes.
        var advice: String?
    }

    struct Result: Codable, Sendable {
        var files: Int64
        /// Seconds to make those that were not there, and how many.
        var made: Int64
        var makeSeconds: Double
        var rows: [Row]
        /// Pages with an index that take longer than ``MetadataBench/limit``.
        var slow: Int
    }

    /// Milliseconds that no page may take whose conditions have an index.
    static let limit = 100.0
    /// Files made in one transaction.
    private static let piece: Int64 = 1_000_000

    let databaseURL: String
    let files: Int64

    /// Two conditions, and what they are about.
    private static func queries(_ files: Int64) -> [String] {
        let run = files / 2000
        return [
            "bench_run = \(run) and bench_quality = 'ugly'",
            "bench_quality = 'good' and bench_run = \(run)",
            "bench_run in (\(run), \(run + 7)) and bench_energy < 50",
            "bench_run >= \(run) and bench_run < \(run + 3)",
            "bench_energy >= 91.1 and bench_energy < 91.3",
            "bench_energy = 91.2 and bench_quality = 'bad'",
            "bench_detector = 'detector-3' and bench_run = \(run)",
            "bench_detector = 'detector-3' and bench_energy = 500.5",
            "bench_year = \(2000 + files / 200_000) and bench_quality = 'ugly'",
            "dataset = 'meta.\(files / 20_000)' and bench_quality = 'ugly'",
            "lfn like '/meta/\(files / 20_000)/*' and bench_energy > 990",
            "bench_run = -1 and bench_quality = 'good'",
            "bench_quality = 'good' and bench_detector = 'detector-3'",
            "bench_run = \(run) and bytes > 900MB",
            "bytes > 900MB and events = 100",
        ]
    }

    func run() async throws -> Result {
        try await LocalCatalog.with(self.databaseURL) { database in
            let there = try await database.query(MetadataBenchStatements.size).first ?? 0
            let began = ContinuousClock.now
            let made = try await self.grow(database, from: there)
            let seconds = (ContinuousClock.now - began).seconds
            var rows: [Row] = []
            for query in Self.queries(there + made) { rows.append(try await self.measure(query, database)) }
            return Result(
                files: there + made,
                made: made,
                makeSeconds: seconds,
                rows: rows,
                slow: rows.filter { $0.advice == nil && $0.pageMilliseconds > Self.limit }.count
            )
        }
    }

    /// - Returns: how many were made.
    private func grow(_ database: PostgresClient, from there: Int64) async throws -> Int64 {
        let size = MetadataBenchStatements.filesPerDataset
        let wanted = (self.files - there + size - 1) / size * size
        guard wanted > 0 else { return 0 }
        for first in stride(from: there, to: there + wanted, by: Int64.Stride(Self.piece)) {
            let count = min(Self.piece, there + wanted - first)
            try await database.withTransaction { transaction in
                try await transaction.execute(GrowthStatements.quietly)
                try await transaction.execute(MetadataBenchStatements.farm)
                let place = try await transaction.query(
                    MetadataBenchStatements.begin(files: count, datasets: count / size)
                )
                guard let (file, dataset) = place.first else {
                    throw CommandFailure(.failed, "the database gave no room for files")
                }
                try await transaction.execute(
                    MetadataBenchStatements.grow(first: first, count: count, file: file, dataset: dataset)
                )
            }
        }
        for statement in MetadataBenchStatements.settle { try await database.execute(statement) }
        return wanted
    }

    /// Everything that the Gateway does for it: read the query, decide how, ask.
    private func measure(_ query: String, _ database: PostgresClient) async throws -> Row {
        var files: Int64 = 0
        var advice: String?
        let page = try await self.median {
            try await database.withTransaction(.readOnlySnapshot) { transaction in
                let search = try await FileSearch.prepare(query, for: .page, in: transaction)
                _ = try await transaction.query(try search.page(Listing.Query()))
                return search.advice
            }
        } seen: {
            advice = $0
        }
        let count = try await self.median {
            try await database.withTransaction(.readOnlySnapshot) { transaction in
                let search = try await FileSearch.prepare(query, for: .all, in: transaction)
                return try await transaction.query(search.count).first?.0 ?? 0
            }
        } seen: {
            files = $0
        }
        return Row(query: query, files: files, pageMilliseconds: page, countMilliseconds: count, advice: advice)
    }

    private func median<Seen>(_ ask: () async throws -> Seen, seen: (Seen) -> Void) async throws -> Double {
        seen(try await ask())
        var times: [Double] = []
        for _ in 0..<5 {
            let began = ContinuousClock.now
            _ = try await ask()
            times.append((ContinuousClock.now - began).seconds * 1000)
        }
        return times.sorted()[2]
    }
}
