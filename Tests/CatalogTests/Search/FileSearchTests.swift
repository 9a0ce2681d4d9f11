import Catalog
import Domain
import Foundation
import Postgres
import TestSupport
import Testing

/// Queries on files, answered by the database, against the same told by plain code.
///
/// `MILLRACE_SEARCH_SEED` repeats a seed, `MILLRACE_SEARCH` is the number of queries.
@Suite struct FileSearchTests {
    /// How many files each condition may find before the next way is taken: by index only, mixed, never by index, by neighbours.
    private static let ways: [FileSearch.Limits] = {
        var mixed = FileSearch.Limits()
        (mixed.few, mixed.more, mixed.share, mixed.near, mixed.soonFiltered) = (3, 20, 0.3, 10, 2)
        var near = mixed
        near.near = 2000
        var never = FileSearch.Limits()
        (never.few, never.more, never.share, never.most) = (-1, -1, 0, -1)
        return [FileSearch.Limits(), mixed, never, near]
    }()

    private static func setting(_ name: String) -> UInt64? {
        ProcessInfo.processInfo.environment[name].flatMap { UInt64($0) }
    }

    static func withWorld(
        _ world: SearchWorld,
        _ body: @escaping @Sendable (PostgresClient) async throws -> Void
    ) async throws {
        let url = try await CatalogDatabase.make()
        try await PostgresSession.with(url: url, logger: CatalogDatabase.logger) {
            try await $0.executeScript(world.script)
        }
        let client = PostgresClient(url: url, logger: CatalogDatabase.logger)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await client.run() }
            defer { group.cancelAll() }
            try await body(client)
        }
    }

    /// The names that a query finds, page by page.
    private static func names(
        _ query: String,
        _ limits: FileSearch.Limits,
        page size: Int,
        isDescending: Bool,
        in database: PostgresClient
    ) async throws -> [String] {
        var asked = Listing.Query()
        asked.limit = size
        asked.isDescending = isDescending
        var names: [String] = []
        repeat {
            let now = asked
            let page = try await database.withTransaction(.readOnlySnapshot) { transaction in
                let search = try await FileSearch.prepare(query, for: .page, limits: limits, in: transaction)
                return Listings.files.page(try await transaction.query(try search.page(now)), limit: size)
            }
            for row in page.rows {
                let object = try JSONSerialization.jsonObject(with: Data(row.utf8)) as? [String: Any]
                names.append(try #require(object?["lfn"] as? String))
            }
            asked.after = page.next
        } while asked.after != nil
        return names
    }

    @Test func theDatabaseFindsWhatPlainCodeFinds() async throws {
        let seed = Self.setting("MILLRACE_SEARCH_SEED") ?? UInt64.random(in: 0...UInt64.max)
        let count = Int(Self.setting("MILLRACE_SEARCH") ?? 150)
        print("search: \(count) queries, MILLRACE_SEARCH_SEED=\(seed)")
        var random = SeededRandom(seed: seed)
        let world = SearchWorld(files: 200, using: &random)
        var queries: [(text: String, expected: [SearchWorld.File])] = []
        for _ in 0..<count {
            let query = RandomQuery(depth: 3, world: world, using: &random)
            queries.append((query.text, world.files.filter(query.holds)))
        }
        let asked = queries
        try await Self.withWorld(world) { database in
            for (number, query) in asked.enumerated() {
                let expected = query.expected.map(\.lfn).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
                for limits in Self.ways {
                    let isDescending = number % 2 == 1
                    let size = number % 5 == 0 ? 37 : 1000
                    let found = try await Self.names(
                        query.text,
                        limits,
                        page: size,
                        isDescending: isDescending,
                        in: database
                    )
                    #expect(found == (isDescending ? expected.reversed() : expected), "\(query.text)")
                    let (sums, inputs) = try await database.withTransaction(.readOnlySnapshot) { transaction in
                        let search = try await FileSearch.prepare(
                            query.text,
                            for: .all,
                            limits: limits,
                            in: transaction
                        )
                        return (try await transaction.query(search.count), try await transaction.query(search.inputs))
                    }
                    #expect(sums.first?.0 == Int64(expected.count), "\(query.text)")
                    #expect(sums.first?.1 == query.expected.reduce(0) { $0 + $1.bytes })
                    #expect(sums.first?.2 == query.expected.reduce(0) { $0 + $1.events })
                    let readable = query.expected.filter { !$0.lost && !$0.storages.isEmpty }
                    #expect(Set(inputs.map { Int($0.0) }) == Set(readable.map(\.id)) && inputs.count == readable.count)
                }
            }
            // There is something to compare.
            let sizes = asked.map(\.expected.count)
            #expect(sizes.contains(0) && sizes.contains { $0 > 0 && $0 < 20 } && sizes.contains { $0 > 100 })
        }
    }

    @Test func theAnswerSaysWhichConditionsHadNoIndex() async throws {
        var random = SeededRandom(seed: 1)
        let world = SearchWorld(files: 50, using: &random)
        try await Self.withWorld(world) { database in
            func prepare(_ text: String, _ limits: FileSearch.Limits = .init()) async throws -> FileSearch {
                try await database.withTransaction {
                    try await FileSearch.prepare(text, for: .page, limits: limits, in: $0)
                }
            }
            let both = try await prepare("run = 1 and bytes > 5kB")
            #expect(both.indexed == ["run = 1"] && both.unindexed == ["bytes > 5000"])
            #expect(!both.readsAll && both.advice == nil)
            let none = try await prepare("bytes > 5kB and not run = 1 and (site = 'alpha' or run = 2)")
            #expect(none.indexed.isEmpty && none.unindexed.count == 3 && none.readsAll)
            #expect(none.advice?.contains("bytes > 5000; not (run = 1)") == true)
            let wide = try await prepare("run >= -3", Self.ways[2])
            #expect(wide.readsAll && wide.advice?.contains("narrower condition") == true)
            for text in [
                "lfn = '/a'", "lfn like '/a*'", "lfn > '/a'", "task = 1", "request in (1)", "dataset = 'x'",
                "dataset like '*x'",
                "container = 'all'", "lost", "exists(run)", "quality like 'x*'", "energy < 1 or taken > 2026-01-01",
            ] {
                #expect(try await prepare(text).indexed.count == 1, "\(text)")
            }
            for text in [
                "lfn like '*a'", "lost = false", "site = 'x'", "software = 'x'", "storage = 'x'", "stream = 'x'",
                "created > 2026-01-01", "run != 1", "run = 1 or events = 1", "not lost", "exists(site)",
            ] {
                #expect(try await prepare(text).readsAll, "\(text)")
            }
            // The two ends of a range find what is between them.
            let range = try await prepare("run > 3 and bytes > 1 and run < 3", Self.ways[1])
            #expect(range.indexed.count == 2 && !range.readsAll)
            await #expect(throws: CatalogRefusal.self) { try await prepare("rum = 1") }
        }
    }

    @Test func valuesAreParametersAndNeverText() async throws {
        var random = SeededRandom(seed: 2)
        let world = SearchWorld(files: 20, using: &random)
        try await Self.withWorld(world) { database in
            for attack in ["'; DROP TABLE file; --", "\\'; DROP TABLE file; --", "$1", "%", "x') OR (1=1"] {
                let quoted = MetadataValue.text(attack).description
                for text in [
                    "quality = \(quoted)", "lfn like \(quoted)", "dataset in (\(quoted))", "software < \(quoted)",
                ] {
                    guard GlobPattern(attack) != nil else { continue }
                    _ = try await Self.names(text, .init(), page: 10, isDescending: false, in: database)
                }
                let found = try await Self.names(
                    "quality = \(quoted)",
                    .init(),
                    page: 10,
                    isDescending: false,
                    in: database
                )
                #expect(found.isEmpty)
            }
            let all = try await Self.names("exists(lfn)", .init(), page: 100, isDescending: false, in: database)
            #expect(all.count == 20)
        }
    }
}
