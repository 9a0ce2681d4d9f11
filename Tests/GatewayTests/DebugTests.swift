import Messages
import Postgres
import Testing

/// The failures of a task or request in groups, against counts in SQL of the tests' own.
@Suite struct DebugTests {
    private typealias Row = [String: DetailValue]

    /// One group counted independently: what it is, failures, jobs, lost wall seconds.
    private struct Counted: Hashable {
        let group: String
        let failures: Int64
        let jobs: Int64
        /// Milliseconds: sums of times in another order differ in the last bits.
        let lost: Int64

        init(group: String, failures: Int64, jobs: Int64, lost: Double) {
            self.group = group
            self.failures = failures
            self.jobs = jobs
            self.lost = Int64((lost * 1000).rounded())
        }

        init(_ row: DetailValue, _ group: String) {
            self.init(
                group: group,
                failures: row["failures"]?.integer ?? -1,
                jobs: row["jobs"]?.integer ?? -1,
                lost: row["lost_wall_seconds"]?.double ?? -1
            )
        }
    }

    private static func count(_ key: SQL, _ condition: SQL, _ gateway: RunningGateway) async throws -> Set<Counted> {
        let statement = Statement(
            "test.count",
            """
            SELECT \(fragment: key), count(*), count(DISTINCT task || '.' || index), sum(lost)
            FROM (\(fragment: ErrorWorld.failures)) f
            WHERE fingerprint IS NOT NULL AND \(fragment: condition) GROUP BY 1
            """,
            returning: String.self,
            Int64.self,
            Int64.self,
            Double.self
        )
        return Set(
            try await gateway.database.query(statement).map { Counted(group: $0, failures: $1, jobs: $2, lost: $3) }
        )
    }

    @Test func everyFigureIsThatOfAnIndependentCount() async throws {
        try await withGateway(production: ErrorWorld.script) { gateway in
            let scopes: [(String, SQL)] = [
                ("/tasks/1/debug", "task = 1"), ("/tasks/2/debug", "task = 2"), ("/requests/1/debug", "request = 1"),
                ("/requests/2/debug", "request = 2"),
            ]
            for (path, condition) in scopes {
                let answer = try await gateway.get(path)
                #expect(answer.status == 200, "\(path): \(answer.text.prefix(300))")
                let items = try answer.items.map { DetailValue.group($0) }
                let groups = items.map { Counted($0, $0["fingerprint"]?.text ?? "") }
                #expect(Set(groups) == (try await Self.count("fingerprint", condition, gateway)), "\(path)")
                #expect(groups == groups.sorted { ($0.lost, $0.failures) > ($1.lost, $1.failures) }, "\(path)")
                let places = items.flatMap { item in
                    (item["places"]?.list ?? []).map { place in
                        let parts = [item["fingerprint"], place["site"], place["node"]].map { $0?.text ?? "" }
                        return Counted(place, parts.joined(separator: "|"))
                    }
                }
                let key: SQL = "concat_ws('|', fingerprint, site, coalesce(node, ''))"
                #expect(Set(places) == (try await Self.count(key, condition, gateway)), "\(path)")
                #expect(items.allSatisfy { $0["places_total"]?.integer == Int64($0["places"]?.list.count ?? -1) })
                #expect(try answer.json["complete"] == .truth(true))
                #expect(try answer.json["failures"]?.integer == groups.reduce(0) { $0 + $1.failures })
            }
        }
    }

    @Test func aGroupSaysWhatWhyAndWhere() async throws {
        try await withGateway(production: ErrorWorld.script) { gateway in
            let items = try await gateway.get("/tasks/1/debug").items
            let payload = try #require(items.first { $0["code"]?.integer == 1001 })
            #expect(payload["name"]?.text == "payloadExit" && payload["blame"]?.text == "payload")
            #expect(payload["rule"]?.text == "rule-1001" && payload["fingerprint"]?.text == "1001:exit status #")
            let facts = Statement(
                "test.facts",
                """
                SELECT count(*) FILTER (WHERE action = 'abort'), count(*) FILTER (WHERE action = 'resubmit'),
                       to_json(min(ended_at)) #>> '{}', to_json(max(ended_at)) #>> '{}'
                FROM (\(fragment: ErrorWorld.failures)) f WHERE task = 1 AND fingerprint = '1001:exit status #'
                """,
                returning: Int64.self,
                Int64.self,
                String.self,
                String.self
            )
            let (aborted, resubmitted, first, last) = try #require(try await gateway.database.query(facts).first)
            #expect(payload["actions"]?["abort"]?.integer == aborted)
            #expect(payload["actions"]?["resubmit"]?.integer == resubmitted)
            #expect(payload["first"]?.text == first && payload["last"]?.text == last)
            try await Self.checkSamples(payload, gateway)
        }
    }

    /// Three jobs, the newest failures of all jobs; the first one's address holds its log, whose last line is shown.
    private static func checkSamples(_ group: Row, _ gateway: RunningGateway) async throws {
        let newest = Statement(
            "test.newest",
            """
            SELECT index FROM (SELECT index, max(attempt) AS attempt FROM (\(fragment: ErrorWorld.failures)) f
                               WHERE task = 1 AND fingerprint = '1001:exit status #' GROUP BY index) j
            JOIN millrace.attempt a USING (index, attempt) WHERE a.task = 1 ORDER BY a.ended_at DESC, index LIMIT 3
            """,
            returning: Int64.self
        )
        let samples = group["samples"]?.list ?? []
        #expect(samples.compactMap { $0["index"]?.integer } == (try await gateway.database.query(newest)))
        let address = try #require(samples.first?["log"]?.text)
        #expect(address.hasPrefix("/api/v1/"))
        let log = try await gateway.get(String(address.dropFirst("/api/v1".count))).json
        #expect(log["attempt"] == samples.first?["attempt"])
        #expect(log["log"]?.text == group["log_line"]?.text)
    }

    @Test func theLastLineOfALogIsItsLastWithText() async throws {
        try await withGateway(production: ErrorWorld.script) { gateway in
            // Of the lost, only attempt 1 of index 6, 24 and 42 have a log that holds text: the others failed without one.
            let items = try await gateway.get("/tasks/1/debug").items
            let lost = try #require(items.first { $0["code"]?.integer == 9001 })
            let lines = (lost["places"]?.list ?? []).compactMap { $0["log_line"]?.text }
            #expect(!lines.isEmpty && lines.allSatisfy { $0.hasPrefix("the last word of ") && !$0.contains("\r") })
            let storage = try #require(items.first { $0["code"]?.integer == 8101 })
            #expect(storage["log_line"] == .nothing, "\(storage)")
            #expect((storage["places"]?.list ?? []).contains { $0["node"] == .nothing })
        }
    }

    @Test func withoutFailuresThereAreNoGroupsAndWithoutATaskThereIsNoAnswer() async throws {
        try await withGateway(production: ErrorWorld.script) { gateway in
            for path in ["/tasks/4/debug", "/requests/3/debug"] {
                let answer = try await gateway.get(path)
                #expect(answer.status == 200)
                #expect(try answer.items.isEmpty)
            }
            for (path, status) in [
                ("/tasks/99/debug", 404), ("/requests/99/debug", 404), ("/tasks/x/debug", 400),
                ("/tasks/1/debug?a=b", 400),
            ] {
                let answer = try await gateway.get(path)
                #expect(answer.status == status && !answer.error.isEmpty && !answer.error.contains("\n"), "\(path)")
            }
        }
    }
}
