import Catalog
import Postgres
import Testing

/// Which rows of the counters a transaction adds to.
@Suite struct SlotTests {
    private static let slot = Statement("test.slot", "SELECT counter_slot()", returning: Int32.self)
    private static let again = Statement(
        "test.again",
        "SELECT counter_slot() FROM generate_series(1, 3)",
        returning: Int32.self
    )

    /// Whatever the numbers of their processes: two that shared one could block each other.
    @Test func transactionsThatCountAtTheSameTimeShareNoSlot() async throws {
        let url = try await CatalogDatabase.make()
        var options = PostgresOptions()
        options.poolSize = 20
        let client = PostgresClient(url: url, options: options, logger: CatalogDatabase.logger)
        let running = Task { try await client.run() }
        let slots = try await Self.nested(16, client)
        #expect(Set(slots) == Set(0..<16), "\(slots)")
        // They are free again.
        let next = try await Self.nested(16, client)
        #expect(Set(next) == Set(0..<16), "\(next)")
        // One more waits for nobody.
        let more = try await Self.nested(18, client)
        #expect(Set(more) == Set(0..<16) && more.count == 18, "\(more)")
        running.cancel()
        _ = await running.result
    }

    /// The slots of so many transactions, each begun while those before it are open.
    private static func nested(_ count: Int, _ client: PostgresClient) async throws -> [Int32] {
        guard count > 0 else { return [] }
        return try await client.withTransaction { transaction in
            let mine = try #require(try await transaction.query(Self.slot).first)
            let others = try await Self.nested(count - 1, client)
            let again = try await transaction.query(Self.again)
            #expect(again == [mine, mine, mine])
            return [mine] + others
        }
    }
}
