import Catalog
import Domain
import Postgres
import Testing

/// The pages of a dataset cost what they show, wherever they are in it and however large the dataset and the catalogue are.
@Suite struct DatasetPageTests {
    private static let files: Int64 = 60_000

    /// Files, of which every thirtieth is in the dataset `sparse` and the first half in `half`; of those of `sparse` each has a parent.
    private static let script = """
        SET search_path = millrace, public;
        SET session_replication_role = replica;
        DO $$ DECLARE t text; BEGIN
            FOREACH t IN ARRAY '{file,dataset,dataset_file,replica,file_parent}'::text[] LOOP
                EXECUTE format('ALTER TABLE %I SET (autovacuum_enabled = false)', t);
            END LOOP;
        END $$;
        INSERT INTO site (name) VALUES ('LOCAL');
        INSERT INTO storage_element (name, site, kind, base) VALUES ('DISK', 'LOCAL', 'posix', '/disk');
        INSERT INTO dataset (name, home) VALUES ('sparse', 'DISK'), ('half', 'DISK');
        INSERT INTO file (id, lfn, bytes, adler32, crc32c, events, site) OVERRIDING SYSTEM VALUE
        SELECT n, '/made/' || (n * 7919 % \(files)), 5, '00000001', '00000001', 10, 'LOCAL' FROM generate_series(1, \(files)) n;
        INSERT INTO replica (file, storage, state) SELECT n, 'DISK', 'available' FROM generate_series(1, \(files)) n;
        INSERT INTO dataset_file (dataset, file)
        SELECT 1, n FROM generate_series(30, \(files), 30) n UNION ALL SELECT 2, n FROM generate_series(1, \(files / 2)) n;
        INSERT INTO file_parent (file, parent) SELECT n, n - 1 FROM generate_series(30, \(files), 30) n;
        """

    /// As the planner finds the tables: never analysed, and as they are.
    @Test(arguments: [false, true])
    func aPageOfADatasetCostsWhatItShows(isAnalysed: Bool) async throws {
        try await Self.withClient { client in
            if isAnalysed { try await client.execute("ANALYZE") }
            for (after, isDescending) in [("30000", false), ("56000", false), ("30000", true), ("4000", true)] {
                let cost = try await Self.cost(client, after, isDescending: isDescending, [:])
                #expect(cost < 1000, "after \(after), \(isDescending ? "down" : "up"): \(cost) rows are read")
            }
        }
    }

    /// With a filter the planner is free; but neither table is walked through from its beginning.
    @Test func aPageWithAFilterBeginsWhereItIs() async throws {
        try await Self.withClient { client in
            try await client.execute("ANALYZE")
            for (after, isDescending) in [("56000", false), ("4000", true)] {
                let cost = try await Self.cost(client, after, isDescending: isDescending, ["prefix": "/made/"])
                #expect(cost < 6000, "after \(after), \(isDescending ? "down" : "up"): \(cost) rows are read")
            }
        }
    }

    /// The rows that are read for a page of 100 of the dataset `sparse`.
    private static func cost(
        _ client: PostgresClient,
        _ after: String,
        isDescending: Bool,
        _ filters: [String: String]
    ) async throws -> Int64 {
        var query = Listing.Query()
        (query.filters, query.after, query.isDescending, query.limit) = (filters, after, isDescending, 100)
        let statement = try Listings.datasetFiles.statement(query, scope: Listings.isDataset("sparse"))
        let (rows, cost) = try await client.withTransaction { transaction in
            let before = try await transaction.query(RowsRead.soFar).first ?? 0
            let rows = try await transaction.query(statement)
            return (rows.count, (try await transaction.query(RowsRead.soFar).first ?? 0) - before)
        }
        #expect(rows == 101)
        return cost
    }

    /// Led to one by one or joined with a filter, the pages hold the same, in the same order.
    @Test(arguments: [false, true])
    func aFilterThatAllMatchChangesNothing(isDescending: Bool) async throws {
        try await Self.withClient { client in
            try await client.execute("ANALYZE")
            func list(_ dataset: String, _ filters: [String: String]) async throws -> [String] {
                var query = Listing.Query()
                (query.filters, query.limit, query.isDescending) = (filters, 700, isDescending)
                var rows: [String] = []
                repeat {
                    let statement = try Listings.datasetFiles.statement(query, scope: Listings.isDataset(dataset))
                    let page = Listings.datasetFiles.page(try await client.query(statement), limit: query.limit)
                    rows += page.rows
                    query.after = page.next
                } while query.after != nil
                return rows
            }
            for (dataset, count) in [("sparse", Self.files / 30), ("half", Self.files / 2)] {
                let whole = try await list(dataset, [:])
                #expect(Set(whole).count == Int(count))
                #expect(try await list(dataset, ["prefix": "/made/"]) == whole)
                #expect(try await list(dataset, ["prefix": "/other/"]).isEmpty)
            }
        }
    }

    private static func withClient(_ body: @escaping @Sendable (PostgresClient) async throws -> Void) async throws {
        let url = try await CatalogDatabase.make()
        try await PostgresSession.with(url: url, logger: CatalogDatabase.logger) {
            try await $0.executeScript(Self.script)
        }
        var options = PostgresOptions()
        options.poolSize = 1
        let client = PostgresClient(url: url, options: options, logger: CatalogDatabase.logger)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await client.run() }
            defer { group.cancelAll() }
            try await body(client)
        }
    }
}
