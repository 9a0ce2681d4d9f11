import Catalog
import Domain
import Postgres
import TestSupport
import Testing

/// The pages of requests cost what they show: not more when many requests have ended, or much was sent for others.
@Suite struct RequestPageTests {
    private static let finished = 20_000

    /// Three requests that have not ended, the oldest of all; then many that have. Each has a task that reads what another makes.
    private static let script = """
        SET search_path = millrace, public;
        INSERT INTO site (name) VALUES ('lyon');
        INSERT INTO workflow (name, version, document, sha256, owner) VALUES ('w', 1, '{"name": "w"}', repeat('a', 64), 'x');
        INSERT INTO request (workflow, parameters, seed, owner, submission) SELECT 1, '{}', i, 'x', gen_random_uuid() FROM generate_series(1, \(finished + 3)) i;
        UPDATE request SET state = 'approved', version = 2 WHERE id <> 3;
        UPDATE request SET state = 'finished', version = 3 WHERE id > 3;
        INSERT INTO class (cores, memory_mb, walltime_s, disk_mb, platform, tags, sites, storage) VALUES (1, 2000, 86400, 1000, 'any', '{}', '{}', '{}');
        INSERT INTO task (request, name, position, kind, class, priority, spec)
            SELECT id, 'simulate', 0, 'generate', 1, 100, '{}' FROM request;
        INSERT INTO batch_submission (site, agent, name, task, attempts, input_files) SELECT 'lyon', 'ce1', id, id, 10, 10 FROM task;
        INSERT INTO task_stream (task, stream, counted, main) SELECT id, 'out', true, true FROM task;
        INSERT INTO task (request, name, position, kind, class, priority, spec)
            SELECT id, 'read', 1, 'process', 1, 100, '{}' FROM request;
        INSERT INTO task_input (task, position, parent, stream)
            SELECT r.id, 0, m.id, 'out' FROM task r JOIN task m ON m.request = r.request AND m.position = 0 WHERE r.position = 1;
        ANALYZE;
        """

    @Test func aPageCostsWhatItShows() async throws {
        let url = try await CatalogDatabase.make()
        try await PostgresSession.with(url: url, logger: CatalogDatabase.logger) {
            try await $0.executeScript(Self.script)
        }
        var options = PostgresOptions()
        options.poolSize = 1
        let client = PostgresClient(url: url, options: options, logger: CatalogDatabase.logger)
        let running = Task { try await client.run() }
        func cost(_ listing: Listing, _ filters: [String: String]) async throws -> Int64 {
            var query = Listing.Query()
            (query.filters, query.limit, query.isDescending) = (filters, 50, true)
            let statement = try listing.statement(query)
            return try await client.withTransaction { transaction in
                let before = try await transaction.query(RowsRead.soFar).first ?? 0
                _ = try await transaction.query(statement)
                return (try await transaction.query(RowsRead.soFar).first ?? 0) - before
            }
        }
        for state in ["new,approved,running,held", "approved,running", "new", "held", "finished", "rejected,cancelled"]
        {
            let read = try await cost(Listings.requests, ["state": state])
            #expect(read < 1000, "state \(state): \(read) rows are read")
        }
        let costs = [
            try await cost(Listings.requests, [:]), try await cost(Listings.submissions, ["request": "1"]),
            try await cost(Listings.submissions, ["task": "1"]), try await cost(Listings.history(ofRequest: 1), [:]),
            try await cost(Listings.history(ofTask: 1), [:]), try await cost(Listings.tasks, [:]),
            try await cost(Listings.tasks, ["request": "1,2,3,7"]),
            try await cost(Listings.tasks, ["state": "waiting"]),
        ]
        // Each finds something, and looks at little else.
        #expect(costs.allSatisfy { (1..<1000).contains($0) }, "\(costs)")
        running.cancel()
        _ = await running.result
    }
}
