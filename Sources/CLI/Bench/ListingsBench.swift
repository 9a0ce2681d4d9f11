import Catalog
import Domain
import Messages
import Postgres

/// How long each page of each listing takes, and every question of the web pages, on a catalogue that has grown.
struct ListingsBench: Sendable {
    struct Row: Codable, Sendable {
        /// Listing and what is asked of it.
        var question: String
        /// Median of three, after a first that is not counted.
        var milliseconds: Double
        var rows: Int
    }

    struct Result: Codable, Sendable {
        var jobs: Int64
        var attempts: Int64
        var rows: [Row]
        /// Those that take longer than ``ListingsBench/limit``.
        var slow: Int
    }

    /// Milliseconds that no page may take.
    static let limit = 100.0

    let databaseURL: String
    /// Jobs in the catalogue; there are half as many attempts again.
    let jobs: Int64

    func run() async throws -> Result {
        try await LocalCatalog.with(self.databaseURL) { database in
            let there = try await database.query(GrowthStatements.size).first ?? (0, 0)
            _ = try await Growth(database: database).grow(jobs: self.jobs - there.0)
            let size = try await database.query(GrowthStatements.size).first ?? (0, 0)
            var rows: [Row] = []
            for listing in Listings.all { rows += try await self.measure(listing, database) }
            rows += try await self.pages(database)
            return Result(
                jobs: size.0,
                attempts: size.1,
                rows: rows,
                slow: rows.filter { $0.milliseconds > Self.limit }.count
            )
        }
    }

    private func time(_ question: String, _ ask: () async throws -> Int) async throws -> Row {
        var count = try await ask()
        var times: [Double] = []
        for _ in 0..<3 {
            let clock = ContinuousClock()
            let began = clock.now
            count = try await ask()
            times.append((clock.now - began).seconds * 1000)
        }
        return Row(question: question, milliseconds: times.sorted()[1], rows: count)
    }

    private func time<each Column>(
        _ question: String,
        _ database: PostgresClient,
        _ statement: Statement<repeat each Column>
    ) async throws -> Row {
        try await self.time(question) { try await database.query(statement).count }
    }

    // MARK: - listings

    /// The first page, the next, the last; then each filter, with a value that a row in the middle has, and with one that none has.
    private func measure(_ listing: Listing, _ database: PostgresClient) async throws -> [Row] {
        var query = Listing.Query()
        var rows = [try await self.page(listing, "first page", query, database)]
        let first = try await database.query(try listing.statement(query))
        let page = listing.page(first, limit: query.limit)
        query.after = page.next
        if page.next != nil { rows.append(try await self.page(listing, "next page", query, database)) }
        query.after = nil
        query.isDescending = true
        rows.append(try await self.page(listing, "last page", query, database))
        let last = try await database.query(try listing.statement(query))
        guard let sample = last.dropFirst(last.count / 2).first else { return rows }
        let fields = try WireFormat.value([String: ListedValue].self, from: sample.1)
        for filter in listing.filters {
            for (name, value) in filter.samples(fields[filter.name]?.text) {
                var query = Listing.Query()
                query.filters = [filter.name: value]
                rows.append(try await self.page(listing, "\(filter.name) \(name)", query, database))
            }
        }
        return rows
    }

    private func page(
        _ listing: Listing,
        _ what: String,
        _ query: Listing.Query,
        _ database: PostgresClient
    ) async throws -> Row {
        try await self.time("\(listing.name): \(what)", database, try listing.statement(query))
    }

    // MARK: - pages

    private func pages(_ database: PostgresClient) async throws -> [Row] {
        guard let sample = try await database.query(GrowthStatements.sample).first else { return [] }
        let job = JobKey(task: sample.0, index: sample.2)
        return try await self.statistics(database) + self.errors(database) + self.reports(database)
            + [
                self.time("request history", database, Listings.history(ofRequest: sample.1).statement(.init())),
                self.time("task history", database, Listings.history(ofTask: job.task).statement(.init())),
                self.time("task debug", database, DebugStatements.groups(.task(job.task))),
                self.time("request debug", database, DebugStatements.groups(.request(sample.1))),
                self.time("job why", database, WhyStatements.job(job)),
                self.time("job why: ahead", database, WhyStatements.ahead(job)),
                self.time("job why: range", database, WhyStatements.range(job)),
                self.time("job why: agents", database, WhyStatements.agents),
                self.time("job why: attempts", database, WhyStatements.attempts(job)),
                self.time("job why: verdicts", database, WhyStatements.verdicts(job)),
                self.time("request show", database, ObjectStatements.request(sample.1)),
                self.time("task show", database, ObjectStatements.task(job.task)),
                self.time("job show", database, ObjectStatements.job(job)),
                self.time("job log", database, ObjectStatements.log(job, attempt: nil)),
                self.time("job history", database, try Self.history(job)),
                self.time("file show", database, ObjectStatements.file(sample.3)),
                self.time("file parents", database, ObjectStatements.ancestors(sample.3, depth: 100)),
                self.time("file children", database, ObjectStatements.descendants(sample.3, depth: 100)),
                self.time("site show", database, ObjectStatements.site(sample.4)),
                self.time("dataset files: first page", database, try Self.files(of: sample.5)),
            ]
    }

    private static func history(_ job: JobKey) throws -> Statement<String, String> {
        try Listings.transitions.statement(.init(), scope: Listings.ofJob(task: job.task, index: job.index))
    }

    private static func files(of dataset: String) throws -> Statement<String, String> {
        try Listings.datasetFiles.statement(.init(), scope: Listings.isDataset(dataset))
    }

    private func statistics(_ database: PostgresClient) async throws -> [Row] {
        let all = try await database.query(TotalStatements.openTasks(after: nil))
        return [
            try await self.time("stats: tasks that have not ended", database, TotalStatements.openTasks(after: nil)),
            try await self.time("stats: their sums", database, TotalStatements.of(all)),
            try await self.time("stats: ended with attempts, at the start", database, TotalStatements.unfinished),
            try await self.time("stats: sums of all others, at the start", database, TotalStatements.ended),
            try await self.time("stats: requests", database, TotalStatements.requests),
            try await self.time("stats: agents", database, TotalStatements.agents),
            try await self.time("stats: failures", database, TotalStatements.failures(seconds: 60)),
            try await self.time("stats: past hour, at the start", database, TotalStatements.history),
        ]
    }

    /// Production over the last year.
    private func reports(_ database: PostgresClient) async throws -> [Row] {
        let year = WindowStart.secondsAgo(365 * 86_400)
        var rows: [Row] = []
        for by in ProductionStatements.By.allCases {
            let statement = ProductionStatements.report(by, since: year)
            rows.append(try await self.time("report by \(by), a year", database, statement))
        }
        let both = ProductionStatements.report(.month, then: .site, since: year)
        rows.append(try await self.time("report by month and site, a year", database, both))
        return rows
    }

    /// Over the last hour and the last day.
    private func errors(_ database: PostgresClient) async throws -> [Row] {
        // Each of these questions pays this first.
        var rows = [try await self.time("sums of failures: nothing to add", database, TallyStatements.failuresWait)]
        for (name, seconds) in [("hour", 3600.0), ("day", 86_400)] {
            let since = WindowStart.secondsAgo(seconds)
            for by in ErrorStatements.By.allCases {
                let statement = ErrorStatements.errors(by, order: .count, since: since)
                rows.append(try await self.time("errors by \(by), \(name)", database, statement))
            }
            for by in MatrixStatements.By.allCases {
                let statement = MatrixStatements.matrix(by, since: since)
                rows.append(try await self.time("errors matrix by \(by), \(name)", database, statement))
            }
            for by in EfficiencyStatements.By.allCases {
                let statement = EfficiencyStatements.efficiency(by, since: since)
                rows.append(try await self.time("efficiency by \(by), \(name)", database, statement))
            }
            rows.append(try await self.time("use of rules, \(name)", database, RuleUseStatements.uses(since: since)))
        }
        return rows
    }
}

extension ListFilter {
    /// What a user might ask for: a value that is there, if one is known, and one that no row has.
    fileprivate func samples(_ there: String?) -> [(name: String, value: String)] {
        switch self.form {
        case .flag: [("true", "true"), ("false", "false")]
        case .integers: (there.map { [("given", $0)] } ?? []) + [("of none", "-1")]
        case .texts: (there.map { [("given", $0)] } ?? []) + [("of none", "nothing")]
        case .prefix: [("given", "/grown/"), ("of none", "/nothing")]
        }
    }
}
