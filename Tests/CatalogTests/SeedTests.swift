import Catalog
import Domain
import Messages
import Postgres
import Testing

@Suite struct SeedTests {
    /// Gives `body` a client of a migrated database on which `script` was run.
    private static func withCatalog<Result: Sendable>(
        _ script: String = "",
        _ body: (PostgresClient) async throws -> Result
    ) async throws -> Result {
        let url = try await CatalogDatabase.make()
        if !script.isEmpty {
            try await PostgresSession.with(url: url, logger: CatalogDatabase.logger) {
                try await $0.executeScript(script)
            }
        }
        let client = PostgresClient(url: url, logger: CatalogDatabase.logger)
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await client.run() }
            let result = try await body(client)
            group.cancelAll()
            try await group.waitForAll()
            return result
        }
    }

    @Test func seedingTwiceIsSeedingOnceAndFoldersFollow() async throws {
        try await Self.withCatalog { database in
            for base in ["/old", "/new"] {
                let storages = [
                    Seed.Storage(name: "LOCAL-DISK", site: "LOCAL", base: "\(base)/disk"),
                    Seed.Storage(name: "HOME-DISK", site: nil, base: "\(base)/home"),
                ]
                try await Seed(sites: ["LOCAL"], storages: storages).plant(in: database)
            }
            let places = try await Rebuild.places(database)
            #expect(places.sites == ["LOCAL"])
            #expect(places.storages == ["HOME-DISK", "LOCAL-DISK"])
            #expect(try await database.query(AuditStatements.storages).map(\.1) == ["/new/home", "/new/disk"])
            let rules = try StoredRule.ruleSet(try await RuleStatements.all(database))
            #expect(
                Set(rules.blame) == Set(RuleSet.defaults.blame) && Set(rules.action) == Set(RuleSet.defaults.action)
            )
            #expect(try await Doctor.examine(database).allSatisfy { $0.violations == 0 })
        }
    }

    /// The database writes the items of the feed: they are what the messages' own type says.
    @Test func theFeedsItemsAreEvents() async throws {
        let script = """
            SET LOCAL search_path = millrace, public;
            INSERT INTO transition (kind, entity, version, to_state, who, route) VALUES ('file', 'file:/a', 1, 'registered', 'me', 'file.registered');
            INSERT INTO transition (kind, entity, version, from_state, to_state, cause, who, at, route, detail)
            VALUES ('task', 'task:7', 3, 'running', 'paused', E'he said "no"\\n\\\\', 'Zo\u{eb}', '2026-11-21 02:01:10.000123+00', 'task.7.paused',
                    '{"a": null, "b": [1, 2.5, "x"], "c": {"d": true}}');
            INSERT INTO transition (kind, entity, version, to_state, who) VALUES ('job', 'job:1.1', 1, 'waiting', 'me');
            """
        try await Self.withCatalog(script) { database in
            let rows = try await database.query(FeedStatements.rows(after: 0, through: 100))
            #expect(rows.map(\.1) == ["file.registered", "task.7.paused"])
            let items = try Batch<EventItem>(decoding: Batch<EventItem>.body(ofEncoded: rows.map(\.2))).items
            #expect(
                items[0].from == nil && items[0].detail == nil && items[0].cause == nil && items[0].entity == "file:/a"
            )
            let paused = EventItem(
                id: items[1].id,
                entity: "task:7",
                version: 3,
                from: "running",
                to: "paused",
                cause: "he said \"no\"\n\\",
                who: "Zo\u{eb}",
                at: try #require(Timestamp("2026-11-21T02:01:10.000123Z")),
                detail: [
                    "a": .nothing, "b": .list([.integer(1), .number(2.5), .text("x")]),
                    "c": .group(["d": .truth(true)]),
                ]
            )
            #expect(items[1] == paused)
        }
    }

    @Test func aRebuildRingsEveryServiceAndRepeatsWhatIsOpen() async throws {
        let more = """
            SET LOCAL search_path = millrace, public;
            INSERT INTO transfer (file, source, destination) VALUES (1, 'HOME', 'DISK');
            INSERT INTO outbox VALUES ('6ba7b810-9dad-11d1-80b4-00c04fd430c8', 'millrace.command', 'verdict.abort', 't', '{}', now() - interval '1 s');
            """
        let messages = try await Self.withCatalog(DoctorWorld.script + more) { try await Rebuild.messages($0) }
        let keys = Set(messages.map(\.routingKey))
        #expect(
            keys == [
                "control.scheduler", "control.monitor", "control.bookkeeper", "control.transfer", "transfer.DISK",
                "verdict.abort",
                "books.settled",
            ]
        )
        #expect(messages.first { $0.routingKey == "verdict.abort" }?.id.text == "6ba7b810-9dad-11d1-80b4-00c04fd430c8")
    }

    @Test func rewindingTheFeedNeverMovesItForward() async throws {
        try await Self.withCatalog(DoctorWorld.script) { database in
            let last = try await database.query(FeedStatements.lastID).first ?? 0
            _ = try await database.query(FeedStatements.lease(holder: "test", seconds: 60))
            try await database.execute(FeedStatements.published(5, after: 0, holder: "test", term: 1, seconds: 60))
            #expect(try await Rebuild.rewindFeed(to: Moment(microseconds: 0), in: database) == last)
            #expect(try await database.query(FeedStatements.lease(holder: "test", seconds: 60)).first?.0 == 0)
            #expect(try await Rebuild.rewindFeed(to: Moment.now.adding(seconds: 3600), in: database) >= 0)
            #expect(try await database.query(FeedStatements.lease(holder: "test", seconds: 60)).first?.0 == 0)
            // A relay that had read on before the feed was wound back notes nothing.
            let late = FeedStatements.published(9, after: 5, holder: "test", term: 1, seconds: 60)
            #expect(try await database.execute(late) == 0)
        }
    }

    @Test func theAuditKnowsWhoseAFileIs() async throws {
        try await Self.withCatalog(DoctorWorld.script) { database in
            let names = ["/made/0", "/x/1.1.1.dat", "/x/1.2.1.dat"]
            let query = AuditStatements.unknown(storage: "DISK", lfns: names, attempts: ["", "1.1.1", "1.2.1"])
            // Registered; of an attempt that runs; of one that has ended.
            #expect(try await database.query(query) == ["/x/1.2.1.dat"])
            let replicas = try await database.query(AuditStatements.replicas(storage: "HOME", after: 0, limit: 10))
            #expect(replicas.map(\.1) == ["/raw/0", "/made/0"])
        }
    }
}
