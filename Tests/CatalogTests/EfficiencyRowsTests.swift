import Catalog
import Messages
import Postgres
import Testing

/// The efficiencies say when they do not show all rows.
@Suite struct EfficiencyRowsTests {
    private struct Answer: Decodable {
        let items: [DetailValue]
        let total: Int
        let complete: Bool

        enum CodingKeys: String, CodingKey {
            case items
            case total = "items_total"
            case complete
        }
    }

    private static func answer(_ world: RecoveryWorld, seconds: Double) async throws -> Answer {
        let statement = EfficiencyStatements.efficiency(.site, since: .secondsAgo(seconds))
        let text = try #require(try await world.database.query(statement).first)
        return try WireFormat.value(Answer.self, from: text)
    }

    /// Something ended at 501 sites some hours ago, and now at LOCAL.
    private static let script = """
        INSERT INTO ended_total (grain, at, task, site, slot, done, done_us, wall_us)
        SELECT 'h', date_trunc('hour', now()) - interval '3 hours', 1, 's' || n, 0, 1, 60000000, 60000000 FROM generate_series(1, 501) n;
        """

    @Test func rowsThatAreLeftOutAreCounted() async throws {
        try await RecoveryWorld.with(Self.script) { world in
            let day = try await Self.answer(world, seconds: 86_400)
            #expect(day.items.count == 500 && day.total == 502 && !day.complete)
            let now = try await Self.answer(world, seconds: 600)
            #expect(now.items.count == 1 && now.total == 1 && now.complete)
        }
    }
}
