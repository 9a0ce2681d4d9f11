import Catalog
import Domain
import Postgres
import Testing

/// The pages of a container cost what they show, wherever they are in it and however large its datasets and the catalogue are, and a file
/// that several of its datasets hold comes once.
@Suite struct ContainerPageTests {
    private static let files: Int64 = 60_000

    /// Files, of which every thirtieth is in the dataset `some` (1) and every 45th in `others` (3), so that every 90th is in both; `none`
    /// (2) is empty, and `all` (4) is not in the container.
    private static let script = """
        SET search_path = millrace, public;
        SET session_replication_role = replica;
        DO $$ DECLARE t text; BEGIN
            FOREACH t IN ARRAY '{file,dataset,dataset_file,replica,file_parent,container,container_member}'::text[] LOOP
                EXECUTE format('ALTER TABLE %I SET (autovacuum_enabled = false)', t);
            END LOOP;
        END $$;
        INSERT INTO site (name) VALUES ('LOCAL');
        INSERT INTO storage_element (name, site, kind, base) VALUES ('DISK', 'LOCAL', 'posix', '/disk');
        INSERT INTO dataset (name, home) VALUES ('some', 'DISK'), ('none', 'DISK'), ('others', 'DISK'), ('all', 'DISK');
        INSERT INTO file (id, lfn, bytes, adler32, crc32c, events, site) OVERRIDING SYSTEM VALUE
        SELECT n, '/made/' || (n * 7919 % \(files)), 5, '00000001', '00000001', 10, 'LOCAL' FROM generate_series(1, \(files)) n;
        INSERT INTO replica (file, storage, state) SELECT n, 'DISK', 'available' FROM generate_series(1, \(files)) n;
        INSERT INTO dataset_file (dataset, file)
        SELECT 1, n FROM generate_series(30, \(files), 30) n UNION ALL SELECT 3, n FROM generate_series(45, \(files), 45) n
        UNION ALL SELECT 4, n FROM generate_series(1, \(files)) n;
        INSERT INTO container (name, owner) VALUES ('study', 'ann');
        INSERT INTO container_member (container, dataset) VALUES (1, 3), (1, 1), (1, 2);
        """

    /// As the planner finds the tables: never analysed, and as they are.
    @Test(arguments: [false, true])
    func aPageOfAContainerCostsWhatItShows(isAnalysed: Bool) async throws {
        try await Self.withClient { client in
            if isAnalysed { try await client.execute("ANALYZE") }
            let places: [(String?, Bool)] = [
                (nil, false), ("1,30000", false), ("1,59000", false), ("3,20000", false), (nil, true),
                ("3,40000", true),
                ("1,30000", true),
            ]
            for (after, isDescending) in places {
                var query = Listing.Query()
                (query.after, query.isDescending, query.limit) = (after, isDescending, 100)
                let statement = try ContainerFiles.page(of: "study", query)
                let (rows, cost) = try await client.withTransaction { transaction in
                    let before = try await transaction.query(RowsRead.soFar).first ?? 0
                    let rows = try await transaction.query(statement)
                    return (rows.count, (try await transaction.query(RowsRead.soFar).first ?? 0) - before)
                }
                #expect(rows == 101)
                #expect(cost < 2000, "after \(after ?? "-"), \(isDescending ? "down" : "up"): \(cost) rows are read")
            }
        }
    }

    /// Pages of any size hold all files, each once, in the order of datasets and then of files, or the other way.
    @Test(arguments: [false, true], [97, 10_000])
    func thePagesHoldEachFileOnce(isDescending: Bool, limit: Int) async throws {
        try await Self.withClient { client in
            let all = Statement<String>(
                "test.all",
                """
                SELECT row_to_json(v)::text
                FROM (SELECT x.file, min(m.dataset) AS dataset FROM container_member m JOIN dataset_file x ON x.dataset = m.dataset
                      WHERE m.container = 1 GROUP BY x.file) x JOIN file_view v ON v.file = x.file ORDER BY x.dataset, x.file
                """,
                returning: String.self
            )
            let wanted = try await client.query(all)
            #expect(wanted.count == Int(Self.files / 30 + Self.files / 45 - Self.files / 90))
            var query = Listing.Query()
            (query.limit, query.isDescending) = (limit, isDescending)
            var rows: [String] = []
            repeat {
                let statement = try ContainerFiles.page(of: "study", query)
                let page = Listings.files.page(try await client.query(statement), limit: limit)
                rows += page.rows
                query.after = page.next
            } while query.after != nil && rows.count <= wanted.count
            let inOrder: [String] = isDescending ? wanted.reversed() : wanted
            #expect(rows == inOrder)
            let none = try await client.query(try ContainerFiles.page(of: "nothing", query))
            #expect(none.isEmpty)
        }
    }

    @Test(arguments: ["", "1", "x,1", "1,2,3", "0,5", "-1,5", "9223372036854775807,1"])
    func whatIsNoNextIsRefused(_ after: String) {
        var query = Listing.Query()
        query.after = after
        let asked = query
        #expect(throws: CatalogRefusal.self) { try ContainerFiles.page(of: "study", asked) }
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
