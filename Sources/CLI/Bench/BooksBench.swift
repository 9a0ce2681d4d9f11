import Catalog
import Domain
import Postgres

/// How fast the books take outputs, and how fast they tell where a file comes from: by the statements of the Bookkeeper, in its
/// batches and transactions, with every key, trigger, provenance, dataset membership and the log at work.
struct BooksBench: Sendable {
    struct Result: Codable, Sendable {
        /// In the catalogue before.
        var filesBefore: Int64
        /// One output a job, each read by the next of five generations: accepted files a second, mean and slowest generation.
        var one: Rate
        /// Fourteen outputs a job.
        var fourteen: Rate
        /// Ancestors of a file of the last generation, and descendants of its first ancestor, milliseconds, median.
        var generations: Int
        var ancestorsMilliseconds: Double
        var descendantsMilliseconds: Double
        var listedFiles: Int
        var listedPerSecond: Double
    }

    struct Rate: Codable, Sendable {
        var files: Int64
        var filesPerSecond: Double
        var slowestPerSecond: Double
    }

    let databaseURL: String
    /// In the catalogue before anything is measured.
    let files: Int64
    /// Files of the dataset that is listed.
    let listed: Int64
    let jobs: Int64
    /// Jobs in one transaction.
    let batch: Int64
    /// Bookkeepers at once.
    let clients: Int

    private static let generations = 6

    func run() async throws -> Result {
        try await LocalCatalog.with(self.databaseURL) { database in
            try await LocalCatalog.with(self.databaseURL, likeServices: true) {
                try await self.run(database, books: $0)
            }
        }
    }

    /// - Parameters:
    ///   - database: for what is prepared and read.
    ///   - books: with the settings of the Bookkeeper's sessions, for what is measured of it.
    private func run(_ database: PostgresClient, books: PostgresClient) async throws -> Result {
        let operations = Operations(database, caller: Caller(who: "bench", role: .administrator))
        try await LifecycleBench.prepare(operations)
        let growth = Growth(database: database)
        let large = try await growth.dataset(files: self.listed)
        let there = try await database.query(BooksBenchStatements.files).first ?? 0
        _ = try await growth.grow(jobs: max(0, self.files - there) * 100 / 95)
        let before = try await database.query(BooksBenchStatements.files).first ?? 0
        let listing = try await self.list(database, large)

        let request = try await database.query(BooksBenchStatements.request)[0]
        var parent = try await self.task(database, request, position: 0, parent: nil, streams: 1)
        let first = parent
        _ = try await self.accept(books, parent, streams: 1)
        var generations: [Double] = []
        for position in 1..<Self.generations {
            let task = try await self.task(database, request, position: Int32(position), parent: parent, streams: 1)
            generations.append(try await self.accept(books, task, streams: 1))
            parent = task
        }
        let wide = try await self.task(database, request, position: 6, parent: parent, streams: 14)
        let seconds = try await self.accept(books, wide, streams: 14)
        let (up, down) = try await self.provenance(database, first: first, last: parent)
        return Result(
            filesBefore: before,
            one: self.rate(generations, streams: 1),
            fourteen: self.rate([seconds], streams: 14),
            generations: Self.generations,
            ancestorsMilliseconds: up,
            descendantsMilliseconds: down,
            listedFiles: listing.rows,
            listedPerSecond: Double(listing.rows) / listing.seconds
        )
    }

    private func rate(_ seconds: [Double], streams: Int64) -> Rate {
        let files = self.jobs * streams
        return Rate(
            files: files * Int64(seconds.count),
            filesPerSecond: Double(files) * Double(seconds.count) / seconds.reduce(0, +),
            slowestPerSecond: Double(files) / (seconds.max() ?? .infinity)
        )
    }

    /// A running task whose jobs are all leased.
    private func task(
        _ database: PostgresClient,
        _ request: Int64,
        position: Int32,
        parent: Int64?,
        streams: Int
    ) async throws -> Int64 {
        let names = (0..<streams).map { "s\($0)" }
        let task = try await database.withTransaction { transaction in
            let task = try await transaction.query(
                BooksBenchStatements.task(
                    request: request,
                    position: position,
                    kind: parent == nil ? "generate" : "process",
                    jobs: self.jobs
                )
            )[0]
            _ = try await transaction.query(RequestStatements.makePartitions(task))
            if let parent { try await transaction.execute(BooksBenchStatements.read(parent: parent, task: task)) }
            try await transaction.execute(
                BooksBenchStatements.start(task: task, request: request, streams: names)
            )
            return task
        }
        try await database.execute(BenchStatements.agents(1, replyTo: "bench"))
        let holder = try await database.query(BenchStatements.holder).first ?? 0
        for first in stride(from: 0, to: self.jobs, by: 1000) {
            let leases = (first..<min(first + 1000, self.jobs)).map {
                NewLease(
                    job: JobKey(task: task, index: $0),
                    holder: holder,
                    site: "BENCH",
                    agent: "beat1",
                    token: .random()
                )
            }
            _ = try await database.withTransaction { try await $0.query(LeasingStatements.lease(leases)) }
        }
        return task
    }

    /// Accepts every job of a task, by several clients that each take every so-many-th batch, until the feed has published what was done, if
    /// anybody feeds. - Returns: seconds.
    private func accept(_ books: PostgresClient, _ task: Int64, streams: Int) async throws -> Double {
        let duration = try await ContinuousClock().measure {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for client in 0..<Int64(self.clients) {
                    group.addTask {
                        let step = self.batch * Int64(self.clients)
                        for first in stride(from: client * self.batch, to: self.jobs, by: Int64.Stride(step)) {
                            try await Self.accept(
                                books,
                                (first..<min(first + self.batch, self.jobs)).map {
                                    Self.manifest(AttemptKey(task: task, index: $0, attempt: 1), streams: streams)
                                }
                            )
                        }
                    }
                }
                try await group.waitForAll()
            }
            _ = try await Settlement.settle([task], in: books)
            while try await books.query(BenchStatements.isFeedBehind).first == true {
                try await Task.sleep(for: .milliseconds(10))
            }
        }
        return duration.seconds
    }

    /// One transaction, as the Bookkeeper makes it.
    private static func accept(_ database: PostgresClient, _ batch: [Acceptance]) async throws {
        let jobs = batch.map(\.key.job)
        try await database.withTransaction { transaction in
            var questions = QueryBatch()
            _ = questions.add(ReportStatements.lockJobs(jobs))
            _ = questions.add(ReportStatements.lockLeases(jobs))
            _ = questions.add(AcceptStatements.taken(batch.flatMap { $0.outputs.compactMap(\.file?.lfn) }))
            _ = try await transaction.results(of: questions)
            _ = try await transaction.query(AcceptStatements.accept(batch))
        }
    }

    private static func lfn(_ key: AttemptKey, _ stream: Int) -> String {
        "/bench/books/\(key.task)/s\(stream)/\(key.index).\(key.attempt).dat"
    }

    private static func manifest(_ key: AttemptKey, streams: Int) -> Acceptance {
        Acceptance(
            key: key,
            site: "BENCH",
            node: "node1",
            eventsRead: 10,
            started: .now,
            finished: .now,
            software: "bench-1",
            cpuSeconds: 1,
            wallSeconds: 1,
            memoryPeak: 1_000_000,
            steps: JSONText("[]"),
            outputs: (0..<streams).map { stream in
                let file = Acceptance.StoredFile(
                    lfn: Self.lfn(key, stream),
                    bytes: 1000,
                    adler32: "0000000a",
                    crc32c: "0000000b",
                    storage: "BENCH-DISK"
                )
                return .init(stream: "s\(stream)", events: 10, counted: true, file: file)
            }
        )
    }

    /// Milliseconds up from the last generation and down from the first: the median of 101 files.
    private func provenance(
        _ database: PostgresClient,
        first: Int64,
        last: Int64
    ) async throws -> (up: Double, down: Double) {
        func median(_ question: (Int64) async throws -> Int) async throws -> Double {
            var times: [Double] = []
            for number in 0..<Int64(101) {
                let clock = ContinuousClock()
                let began = clock.now
                let rows = try await question(number * self.jobs / 101)
                times.append((clock.now - began).seconds * 1000)
                guard rows >= Self.generations - 1 else {
                    throw CommandFailure(.failed, "only \(rows) relatives of a file were found")
                }
            }
            return times.sorted()[times.count / 2]
        }
        let up = try await median { index in
            let lfn = Self.lfn(AttemptKey(task: last, index: index, attempt: 1), 0)
            return try await database.query(ObjectStatements.ancestors(lfn, depth: 100)).count
        }
        let down = try await median { index in
            let lfn = Self.lfn(AttemptKey(task: first, index: index, attempt: 1), 0)
            return try await database.query(ObjectStatements.descendants(lfn, depth: 100)).count
        }
        return (up, down)
    }

    /// All files of a large dataset, page by page, as the HTTP API lists them.
    private func list(
        _ database: PostgresClient,
        _ task: GrowthStatements.Task
    ) async throws -> (rows: Int, seconds: Double) {
        let name = try await database.query(BooksBenchStatements.dataset(task.dataset))[0]
        var query = Listing.Query()
        query.limit = Listing.largestPage
        let clock = ContinuousClock()
        let began = clock.now
        var rows = 0
        repeat {
            let statement = try Listings.datasetFiles.statement(query, scope: Listings.isDataset(name))
            let page = Listings.datasetFiles.page(try await database.query(statement), limit: query.limit)
            rows += page.rows.count
            query.after = page.next
        } while query.after != nil
        return (rows, (clock.now - began).seconds)
    }
}
