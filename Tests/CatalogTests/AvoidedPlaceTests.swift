import Catalog
import Postgres
import Testing

/// Jobs that keep away from sites and nodes get them back: those that are meant, and no others.
@Suite struct AvoidedPlaceTests {
    /// Ranges of one job: none avoided, a node, a site, both, another node and a site, and a node since long ago.
    private static let script = """
        INSERT INTO waiting (task, first, last, class, priority, excluded, excluded_nodes, since) VALUES
            (1, 1000, 1000, 1, 100, '{}', '{}', now()),
            (1, 1001, 1001, 1, 100, '{}', '{n1}', now()),
            (1, 1002, 1002, 1, 100, '{S}', '{}', now()),
            (1, 1003, 1003, 1, 100, '{S}', '{n1}', now()),
            (1, 1004, 1004, 1, 100, '{S}', '{n2}', now()),
            (1, 1005, 1005, 1, 100, '{S}', '{n3}', now() - interval '1 hour')
        """

    private static let all: SQL = """
        SELECT string_agg(first || excluded::text || excluded_nodes::text, ' ' ORDER BY first)
        FROM millrace.waiting WHERE first >= 1000
        """

    @Test func whatIsKeptIsFoundOnce() async throws {
        try await RecoveryWorld.with(Self.script) { world in
            let kept = try await world.database.query(AvoidedPlaceStatements.kept).map { "\($0.0) \($0.1) \($0.2)" }
            #expect(
                kept.sorted() == [
                    #"1 ["S"] ["n1"]"#, #"1 ["S"] ["n2"]"#, #"1 ["S"] ["n3"]"#, #"1 ["S"] []"#, #"1 [] ["n1"]"#,
                ]
            )
        }
    }

    @Test func nodesAreGivenBackAndSitesOnlyIfThatIsNeeded() async throws {
        try await RecoveryWorld.with(Self.script) { world in
            let lifted = try await world.database.execute(
                AvoidedPlaceStatements.lift([
                    .init(class: 1, sites: [], nodes: ["n1"], keepsSites: false),
                    .init(class: 1, sites: ["S"], nodes: ["n1"], keepsSites: true),
                    .init(class: 1, sites: ["S"], nodes: ["n2"], keepsSites: false),
                    .init(class: 1, sites: ["T"], nodes: ["n3"], keepsSites: false),
                    .init(class: 2, sites: ["S"], nodes: [], keepsSites: false),
                ])
            )
            #expect(lifted == 3)
            let left = try await world.text(Self.all)
            #expect(left == "1000{}{} 1001{}{} 1002{S}{} 1003{S}{} 1004{}{} 1005{S}{n3}")
        }
    }

    @Test func whatKeptAwayFromANodeForLongMayGoBack() async throws {
        try await RecoveryWorld.with(Self.script) { world in
            let lifted = try await world.database.execute(AvoidedPlaceStatements.liftOld(seconds: 600))
            #expect(lifted == 1)
            let left = try await world.text(Self.all)
            #expect(left == "1000{}{} 1001{}{n1} 1002{S}{} 1003{S}{n1} 1004{S}{n2} 1005{S}{}")
        }
    }
}
