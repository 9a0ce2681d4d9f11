import Messages
import Postgres
import Testing

/// Errors of the day, the matrix and the efficiencies, against counts in SQL of the tests' own.
@Suite struct ErrorTests {
    /// What the tests compare: sums in thousandths, since sums of times in another order differ in the last bits.
    private static func thousandths(_ value: Double?) -> Int64 { ((value ?? -1) * 1000).rounded(.down).asInteger }

    private static let keys: [(by: String, key: SQL)] = [
        ("class", "coalesce(class, CASE code / 1000 WHEN 1 THEN 'payload' ELSE '?' END)"), ("code", "code::text"),
        ("site", "site"), ("blame", "blame"), ("fingerprint", "coalesce(fingerprint, '-')"),
        ("rule", "coalesce(rule, '-')"),
    ]

    private struct Group: Hashable {
        let key: String
        let failures: Int64
        let jobs: Int64
        let sites: Int64
        let lost: Int64
    }

    private static func groups(_ key: SQL, since: SQL, _ gateway: RunningGateway) async throws -> Set<Group> {
        let statement = Statement(
            "test.errors",
            """
            SELECT \(fragment: key), count(*), count(DISTINCT (task, index)), count(DISTINCT site),
                sum(lost * cores) / 3600
            FROM (\(fragment: ErrorWorld.failures)) f WHERE ended_at > \(fragment: since) GROUP BY 1
            """,
            returning: String.self,
            Int64.self,
            Int64.self,
            Int64.self,
            Double.self
        )
        return Set(
            try await gateway.database.query(statement).map {
                Group(key: $0, failures: $1, jobs: $2, sites: $3, lost: Self.thousandths($4 + 1e-7))
            }
        )
    }

    @Test func errorsAreCountedByWhatIsAsked() async throws {
        try await withGateway(production: ErrorWorld.script) { gateway in
            let windows: [(String, SQL)] = [("24h", "now() - interval '1 day'"), ("30d", "now() - interval '30 days'")]
            for (since, start) in windows {
                for (by, key) in Self.keys {
                    let answer = try await gateway.get("/errors?since=\(since)&by=\(by)")
                    #expect(answer.status == 200, "\(by): \(answer.text.prefix(300))")
                    let found = try answer.items.map { row in
                        Group(
                            key: row[by]?.text ?? row[by]?.integer.map { "\($0)" } ?? "-",
                            failures: row["failures"]?.integer ?? -1,
                            jobs: row["jobs"]?.integer ?? -1,
                            sites: row["sites"]?.integer ?? -1,
                            lost: Self.thousandths((row["lost_core_hours"]?.double ?? -1) + 1e-7)
                        )
                    }
                    #expect(Set(found) == (try await Self.groups(key, since: start, gateway)), "\(by) \(since)")
                    #expect(found.map(\.failures) == found.map(\.failures).sorted(by: >), "\(by)")
                    let total = try answer.json["total"]
                    #expect(total?["failures"]?.integer == found.reduce(0) { $0 + $1.failures })
                }
            }
        }
    }

    @Test func theOtherOrderIsByCoreHoursAndASampleIsTheNewest() async throws {
        try await withGateway(production: ErrorWorld.script) { gateway in
            let items = try await gateway.get("/errors?by=site&order=lost").items
            let lost = items.compactMap { $0["lost_core_hours"]?.double }
            #expect(lost == lost.sorted(by: >) && lost.count == items.count && lost.count == 4)
            let codes = try await gateway.get("/errors?by=code").items
            #expect(codes.first { $0["code"]?.integer == 9001 }?["name"]?.text == "agentLost")
            for row in codes {
                let code = try #require(row["code"]?.integer)
                let newest = Statement(
                    "test.sample",
                    """
                    SELECT task || '.' || index || '.' || attempt, (SELECT site FROM (\(fragment: ErrorWorld.failures))
                        g
                        WHERE g.code = f.code AND g.ended_at > now() - interval '1 day' GROUP BY site
                            ORDER BY count(*) DESC, site LIMIT 1)
                    FROM (\(fragment: ErrorWorld.failures)) f WHERE code = \(code) ORDER BY ended_at DESC, task,
                        index LIMIT 1
                    """,
                    returning: String.self,
                    String.self
                )
                let (name, site) = try #require(try await gateway.database.query(newest).first)
                let sample = ["task", "index", "attempt"].compactMap { row["sample"]?[$0]?.integer.map { "\($0)" } }
                #expect(sample.joined(separator: ".") == name)
                #expect(row["top_site"]?.text == site)
            }
        }
    }

    private struct Cell: Hashable {
        let row: Int64
        let site: String
        let finished: Int64
        let failed: Int64
        let percent: Int64

        init(row: Int64, site: String, finished: Int64, failed: Int64) {
            self.row = row
            self.site = site
            self.finished = finished
            self.failed = failed
            self.percent = ErrorTests.thousandths(100 * Double(finished) / Double(finished + failed) + 1e-7)
        }

        init(row: Int64, _ cell: DetailValue) {
            self.row = row
            self.site = cell["site"]?.text ?? "*"
            self.finished = cell["finished"]?.integer ?? -1
            self.failed = cell["failed"]?.integer ?? -1
            self.percent = ErrorTests.thousandths((cell["success_percent"]?.double ?? -1) + 1e-7)
        }
    }

    private static func cells(
        _ row: SQL,
        _ site: SQL,
        _ condition: SQL,
        _ gateway: RunningGateway
    ) async throws -> Set<Cell> {
        let statement = Statement(
            "test.cells",
            """
            SELECT \(fragment: row)::bigint, \(fragment: site), sum(CASE WHEN a.state = 'done' THEN 1 ELSE 0 END),
                   sum(CASE WHEN a.state IN ('failed', 'lost') THEN 1 ELSE 0 END)
            FROM millrace.attempt a JOIN millrace.task t ON t.id = a.task
            WHERE a.state <> 'cancelled' AND a.ended_at > now() - interval '1 day' AND \(fragment: condition)
              AND NOT EXISTS (SELECT 1 FROM millrace.verdict v WHERE v.task = a.task AND v.index = a.index
                              AND v.attempt = a.attempt AND v.blame = 'operator')
            GROUP BY 1, 2
            """,
            returning: Int64.self,
            String.self,
            Int64.self,
            Int64.self
        )
        return Set(
            try await gateway.database.query(statement).map { Cell(row: $0, site: $1, finished: $2, failed: $3) }
        )
    }

    @Test func theMatrixHoldsWhatEndedAtEachSite() async throws {
        try await withGateway(production: ErrorWorld.script) { gateway in
            let asked: [(String, String, SQL, SQL)] = [
                ("", "task", "a.task", "true"), ("?by=request", "request", "t.request", "true"),
                ("?by=task&request=1", "task", "a.task", "t.request = 1"),
            ]
            for (query, name, row, condition) in asked {
                let answer = try await gateway.get("/errors/matrix\(query)")
                #expect(answer.status == 200, "\(query): \(answer.text.prefix(300))")
                let items = try answer.items
                let cells = items.flatMap { item in
                    (item["cells"]?.list ?? []).map { Cell(row: item[name]?.integer ?? -1, $0) }
                }
                #expect(Set(cells) == (try await Self.cells(row, "a.site", condition, gateway)), "\(query)")
                let rows = items.map { Cell(row: $0[name]?.integer ?? -1, .group($0)) }
                #expect(Set(rows) == (try await Self.cells(row, "'*'", condition, gateway)), "\(query)")
                #expect(rows.map(\.percent) == rows.map(\.percent).sorted(), "\(query)")
                let json = try answer.json
                let sites = (json["sites"]?.list ?? []).map { Cell(row: 0, $0) }
                #expect(Set(sites) == (try await Self.cells("0", "a.site", condition, gateway)), "\(query)")
                #expect(json["total"]?["finished"]?.integer == rows.reduce(0) { $0 + $1.finished })
                #expect(json["complete"] == .truth(true))
            }
        }
    }

    @Test func theThreeEfficienciesAreThoseOfTheAttempts() async throws {
        try await withGateway(production: ErrorWorld.script) { gateway in
            let keys: [(String, SQL)] = [
                ("site", "a.site"), ("task", "a.task::text"), ("request", "t.request::text"),
                ("day", "to_char(a.ended_at AT TIME ZONE 'UTC', 'YYYY-MM-DD')"),
            ]
            for (by, key) in keys {
                let answer = try await gateway.get("/efficiency?since=30d&by=\(by)")
                #expect(answer.status == 200, "\(by): \(answer.text.prefix(300))")
                let found = Dictionary(
                    uniqueKeysWithValues: try answer.items.map { row in
                        (row[by]?.text ?? "\(row[by]?.integer ?? -1)", Self.figures(.group(row)))
                    }
                )
                #expect(found == (try await Self.efficiencies(key, gateway)), "\(by)")
                let total = Self.figures(try answer.json["total"] ?? .nothing)
                #expect(total == (try await Self.efficiencies("''", gateway)[""]), "\(by)")
            }
            let days = try await gateway.get("/efficiency?since=30d&by=day").items.compactMap { $0["day"]?.text }
            #expect(days == days.sorted() && days.count >= 2)
        }
    }

    private static func figures(_ row: DetailValue) -> [Int64] {
        let names = ["finished", "failed", "job_efficiency", "wall_efficiency", "cpu_efficiency"]
        return names.map { Self.thousandths((row[$0]?.double ?? -1) + 1e-7) }
    }

    private static func efficiencies(_ key: SQL, _ gateway: RunningGateway) async throws -> [String: [Int64]] {
        let statement = Statement(
            "test.efficiency",
            """
            SELECT key, avg(ok), sum(wall * ok) / sum(wall), sum(cpu_seconds) / sum(core), sum(ok), count(*) - sum(ok)
            FROM (SELECT \(fragment: key) AS key, CASE a.state WHEN 'done' THEN 1.0::double precision ELSE 0 END AS ok,
                         CASE WHEN a.wall_seconds IS NULL THEN extract(epoch FROM a.ended_at - a.started_at)::double
                             precision
                              ELSE a.wall_seconds END AS wall,
                         CASE WHEN a.wall_seconds > 0 THEN a.cpu_seconds END AS cpu_seconds,
                         CASE WHEN a.cpu_seconds > 0 THEN a.wall_seconds * c.cores END AS core
                  FROM millrace.attempt a JOIN millrace.task t ON t.id = a.task JOIN millrace.class c ON c.id = t.class
                  WHERE a.state IN ('done', 'failed', 'lost')) a
            GROUP BY key
            """,
            returning: String.self,
            Double.self,
            Double.self,
            Double.self,
            Double.self,
            Double.self
        )
        return Dictionary(
            uniqueKeysWithValues: try await gateway.database.query(statement).map { key, jobs, wall, cpu, ok, failed in
                (key, [ok, failed, jobs, wall, cpu].map { Self.thousandths($0 + 1e-7) })
            }
        )
    }

    @Test func anEmptyWorldHasNoErrors() async throws {
        try await withGateway(production: Production.farm) { gateway in
            for path in ["/errors", "/errors?by=fingerprint&order=lost", "/errors/matrix", "/efficiency?by=day"] {
                let answer = try await gateway.get(path)
                #expect(answer.status == 200, "\(path): \(answer.text)")
                #expect(try answer.items.isEmpty, "\(path)")
                #expect(try answer.json["complete"] == .truth(true), "\(path)")
            }
            #expect(try await gateway.get("/efficiency").json["total"]?["job_efficiency"] == .nothing)
            #expect(try await gateway.get("/errors/matrix").json["total"]?["finished"]?.integer == 0)
        }
    }

    private static let wrong = [
        "/errors?since=yesterday", "/errors?since=0h", "/errors?since=-1h", "/errors?since=", "/errors?since=200000d",
        "/errors?by=moon", "/errors?order=up", "/errors?colour=red", "/errors/matrix?by=site",
        "/errors/matrix?since=24", "/errors/matrix?request=x", "/efficiency?by=rule", "/efficiency?since=1y",
        "/efficiency?order=lost",
    ]

    @Test func wrongParametersAreOneClearLine() async throws {
        try await withGateway { gateway in
            for path in Self.wrong {
                let answer = try await gateway.get(path)
                #expect(answer.status == 400 && !answer.error.isEmpty && !answer.error.contains("\n"), "\(answer.text)")
                let name = path.split(separator: "?")[1].split(separator: "=")[0]
                #expect(answer.error.contains(name), "\(path): \(answer.error)")
            }
        }
    }

    @Test func aWindowMayBeginAtATime() async throws {
        try await withGateway(production: ErrorWorld.script) { gateway in
            let all = try await gateway.get("/errors?since=2020-01-01T00:00:00Z").items
            #expect(!all.isEmpty)
            for path in ["/errors", "/errors/matrix", "/efficiency"] {
                let none = try await gateway.get("\(path)?since=2999-01-01T00:00:00Z").items
                #expect(none.isEmpty)
            }
        }
    }
}

extension Double {
    fileprivate var asInteger: Int64 { Int64(self) }
}
