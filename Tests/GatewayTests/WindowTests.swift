import Catalog
import Messages
import Postgres
import Testing

/// What of a long history is read.
@Suite struct WindowTests {
    /// The attempts that the newest rows of the log after `id` tell of, counted by the tests.
    private static func ended(after id: Int64, _ gateway: RunningGateway) async throws -> Int64 {
        let statement = Statement(
            "test.ended",
            """
            SELECT count(*) FROM millrace.attempt a
            JOIN millrace.transition x ON x.entity = 'attempt:' || a.task || '.' || a.index || '.' || a.attempt
            WHERE x.id > \(id) AND x.to_state IN ('done', 'failed', 'lost') AND a.ended_at > now() - interval '1 day'
            """,
            returning: Int64.self
        )
        return try await gateway.database.query(statement).first ?? -1
    }

    private static func counted(_ answer: DetailValue) -> Int64 {
        let total = answer["total"]
        return (total?["finished"]?.integer ?? -1) + (total?["failed"]?.integer ?? -1)
    }

    /// The first and the last id of the log.
    private static let ids = Statement(
        "test.ids",
        "SELECT min(id), max(id) FROM millrace.transition",
        returning: Int64.self,
        Int64.self
    )

    /// The log is searched for the beginning of the window, wherever that is.
    @Test func onlyTheRowsOfTheWindowAreRead() async throws {
        try await withGateway(production: ErrorWorld.script) { gateway in
            let (first, last) = try #require(try await gateway.database.query(Self.ids).first)
            // With holes, as transactions that were rolled back leave them.
            try await Self.rewrite("DELETE FROM transition WHERE id % 7 = 3 AND kind <> 'attempt'", gateway)
            for part in [0.0, 0.01, 0.37, 0.5, 0.83, 1.0] {
                let border = first + Int64(Double(last - first) * part)
                let older = "UPDATE transition SET at = now() - interval '3 days' WHERE id <= \(border)"
                try await Self.rewrite(older, gateway)
                let answer = try await gateway.get("/efficiency").json
                #expect(Self.counted(answer) == (try await Self.ended(after: border, gateway)), "\(part)")
                #expect(answer["complete"] == .truth(true))
                let longer = try await gateway.get("/efficiency?since=7d").json
                #expect(longer["complete"] == .truth(true))
                #expect(Self.counted(longer) == (try await Self.ended(after: 0, gateway)), "\(part)")
            }
        }
    }

    /// Changes the log, which nothing else can.
    private static func rewrite(_ sql: String, _ gateway: RunningGateway) async throws {
        try await gateway.script(
            """
            SET search_path = millrace, public;
            ALTER TABLE transition DISABLE TRIGGER USER;
            \(sql);
            ALTER TABLE transition ENABLE TRIGGER USER;
            """
        )
    }

    @Test func whatIsTooMuchIsAnsweredFromItsNewestPart() async throws {
        try await withGateway(production: ErrorWorld.script) { gateway in
            let (_, last) = try #require(try await gateway.database.query(Self.ids).first)
            for rows in [Int64(1), 120, 250] {
                let expected = try await Self.ended(after: last - rows, gateway)
                let efficiency = EfficiencyStatements.efficiency(.task, since: .secondsAgo(86_400), mostRows: rows)
                let text = try #require(try await gateway.database.query(efficiency).first)
                let answer = try WireFormat.value(DetailValue.self, from: text)
                #expect(Self.counted(answer) == expected && answer["complete"] == .truth(false), "\(rows)")
                let matrix = MatrixStatements.matrix(.request, since: .secondsAgo(86_400), mostRows: rows)
                let cells = try #require(try await gateway.database.query(matrix).first)
                #expect(try WireFormat.value(DetailValue.self, from: cells)["complete"] == .truth(false))
            }
            let errors = ErrorStatements.errors(.site, order: .count, since: .secondsAgo(86_400), mostFailures: 5)
            let envelope = try #require(try await gateway.database.query(errors).first).1
            let answer = try WireFormat.value(DetailValue.self, from: envelope)
            #expect(answer["complete"] == .truth(false) && answer["total"]?["failures"]?.integer == 5)
            let groups = try await gateway.database.query(DebugStatements.groups(.task(1), mostFailures: 5))
            #expect(!groups.isEmpty && groups.allSatisfy { $0.1 == 5 })
        }
    }

    /// More groups than are shown: the worst ones are.
    @Test func theWorstGroupsAndPlacesAreShown() async throws {
        try await withGateway(production: ErrorWorld.script) { gateway in
            try await gateway.script(
                """
                SET search_path = millrace, public;
                INSERT INTO job (task, index, events_expected, state) SELECT 4, i, 10, 'waiting' FROM generate_series(0, 449) i;
                INSERT INTO attempt (task, index, attempt, token, site, agent, node, events_expected, started_at, ended_at, state, left_from,
                                     code, blame, wall_seconds)
                    SELECT 4, i, 1, gen_random_uuid(), 'lyon', 'ce1', 'n' || i, 10, now(), now(), 'failed', 'running', 1001, 'payload', i
                    FROM generate_series(0, 449) i;
                INSERT INTO verdict (task, index, attempt, site, node, action, class, blame, code, diagnostic, fingerprint, rule, reason, counted)
                    SELECT task, index, 1, site, node, 'abort', 'payload', blame, code, '', 'f' || (index % 150), 'r', '', true
                    FROM attempt WHERE task = 4;
                """
            )
            let items = try await gateway.get("/tasks/4/debug").items
            #expect(items.compactMap { $0["fingerprint"]?.text } == (50...149).reversed().map { "f\($0)" })
            #expect(items.first?["lost_wall_seconds"]?.double == .some(897.0))
            #expect(items.first?["places"]?.list.compactMap { $0["node"]?.text } == ["n449", "n299", "n149"])
        }
    }
}
