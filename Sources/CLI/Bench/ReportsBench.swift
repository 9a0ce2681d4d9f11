import AMQP
import Catalog
import Domain
import Messages
import NIOConcurrencyHelpers
import Postgres
import SimulatedSite

/// What the Monitor can take: reports a second with everything durable, and how long a failure takes to become a verdict and
/// an offer again.
struct ReportsBench: Sendable {
    struct Result: Codable, Sendable {
        var reports: Int
        var reportsPerSecond: Double
        var failures: Int
        var failuresPerSecond: Double
        /// From sending a failed report to receiving its verdict from the exchange, milliseconds.
        var verdictMedian: Double
        var verdictP99: Double
        /// From the verdict to the offer of the job's next attempt, milliseconds; only for verdicts without a pause.
        var offerMedian: Double
        var offerP99: Double
    }

    let databaseURL: String
    let brokerURL: String
    /// Attempts that report.
    let attempts: Int
    /// How often each reports that it runs.
    let rounds: Int
    /// Failures a second.
    let rate: Int
    let failures: Int

    /// When what happened to each job, seconds of one clock.
    private struct Times: Sendable {
        var sent: [JobKey: ContinuousClock.Instant] = [:]
        var told: [JobKey: ContinuousClock.Instant] = [:]
        var offered: [JobKey: ContinuousClock.Instant] = [:]
    }

    func run() async throws -> Result {
        let endpoint = try AMQPEndpoint(url: self.brokerURL)
        return try await LocalCatalog.with(self.databaseURL) { database in
            let operations = Operations(database, caller: Caller(who: "bench", role: .administrator))
            try await LifecycleBench.prepare(operations)
            let request = try await LifecycleBench.request(operations, jobs: Int64(self.attempts))
            let approved = try await operations.approve(request, version: nil, home: "BENCH-DISK", reason: nil)
            return try await LocalCatalog.withBroker(self.brokerURL) { publisher in
                try await LifecycleBench.send(approved.messages, publisher)
                let times = NIOLockedValueBox(Times())
                let (offers, continuation) = AsyncStream.makeStream(of: AttemptName.self)
                let agent = SimulatedAgent(
                    endpoint: endpoint,
                    site: "BENCH",
                    agent: "reporter",
                    room: 500,
                    storage: "BENCH-DISK",
                    manner: .init(keepsAsking: true, isSilent: true),
                    logger: LocalCatalog.quiet
                ) { job, _, _ in
                    times.withLockedValue { times in
                        let key = job.name.key.job
                        if times.sent[key] != nil { times.offered[key] = .now }
                    }
                    continuation.yield(job.name)
                    return .hang
                }
                let working = Task { try await agent.run() }
                let verdicts = try await Self.watchVerdicts(endpoint, times)
                var names: [AttemptName] = []
                for await name in offers {
                    names.append(name)
                    if names.count == self.attempts { break }
                }
                let rate = try await self.report(names, publisher, database)
                let failing = try await self.fail(Array(names.prefix(self.failures)), publisher, times)
                working.cancel()
                verdicts.cancel()
                _ = try await operations.cancel(request, version: nil, reason: "benchmark done")
                return self.result(rate: rate, failuresPerSecond: failing, times.withLockedValue { $0 })
            }
        }
    }

    /// A queue bound by an ordinary client.
    private static func watchVerdicts(
        _ endpoint: AMQPEndpoint,
        _ times: NIOLockedValueBox<Times>
    ) async throws -> Task<Void, any Error> {
        let queue = "bench-\(OutgoingMessage.freshID())"
        let watch = AMQPConsumer(
            endpoint: endpoint,
            name: "bench verdicts",
            topology: Topology(
                exchanges: [.init(Exchange.command)],
                queues: [.reply(queue)],
                bindings: [.init(from: Exchange.command, to: .queue(queue), routingKey: RoutingKey.verdict("*"))]
            ),
            queue: queue,
            logger: LocalCatalog.quiet
        )
        let task = Task {
            async let running: Void = watch.run()
            for await batch in watch.batches(maximum: 100) {
                let now = ContinuousClock.now
                for delivery in batch.deliveries {
                    for item in try Batch<VerdictItem>(decoding: delivery.body).items {
                        times.withLockedValue { $0.told[item.key.job] = now }
                    }
                }
                await batch.acknowledge()
            }
            try await running
        }
        for await state in watch.stateChanges() where state == .connected { break }
        return task
    }

    /// Every attempt says `rounds` times that it runs. - Returns: reports a second until the catalogue holds the last of each.
    private func report(
        _ names: [AttemptName],
        _ publisher: AMQPPublisher,
        _ database: PostgresClient
    ) async throws -> Double {
        let clock = ContinuousClock()
        let duration = try await clock.measure {
            for round in 1...self.rounds {
                let items = names.map {
                    RunningItem(
                        name: $0,
                        sequence: Int64(round),
                        agent: "reporter",
                        node: "node1",
                        step: "step\(round)",
                        at: .now
                    )
                }
                try await Self.send(items, RoutingKey.running, publisher)
            }
            let last = Int64(self.rounds)
            let tasks = Set(names.map(\.key.task)).sorted()
            while try await database.query(BenchStatements.behind(sequence: last, tasks: tasks)).first != 0 {
                try await Task.sleep(for: .milliseconds(20))
            }
        }
        return Double(names.count * self.rounds) / duration.seconds
    }

    /// Failures at the given rate, ten at a time. - Returns: failures a second as sent, once all verdicts and offers came.
    private func fail(
        _ names: [AttemptName],
        _ publisher: AMQPPublisher,
        _ times: NIOLockedValueBox<Times>
    ) async throws -> Double {
        let clock = ContinuousClock()
        let start = clock.now
        for first in stride(from: 0, to: names.count, by: 10) {
            try await clock.sleep(until: start + .seconds(Double(first) / Double(self.rate)))
            let batch = Array(names[first..<min(first + 10, names.count)])
            let now = clock.now
            times.withLockedValue { times in for name in batch { times.sent[name.key.job] = now } }
            let items = batch.map {
                FailedItem(
                    name: $0,
                    sequence: Int64(self.rounds + 1),
                    agent: "reporter",
                    node: "node1",
                    // Neither counted nor paused, at no place's cost: nothing but the way is measured.
                    failures: [Failure(.agentLost, "benchmark")],
                    steps: [],
                    usage: Usage(cpuSeconds: 0, wallSeconds: 1, memoryPeak: 0),
                    at: .now
                )
            }
            try await Self.send(items, RoutingKey.failed, publisher)
        }
        let sending = start.duration(to: clock.now).seconds
        while times.withLockedValue({ $0.told.count < names.count }) { try await Task.sleep(for: .milliseconds(20)) }
        // The last offers follow their verdicts by less than this, or their verdicts have a pause.
        try await Task.sleep(for: .seconds(1))
        return Double(names.count) / sending
    }

    private static func send<Item: MessageItem>(
        _ items: [Item],
        _ key: String,
        _ publisher: AMQPPublisher
    ) async throws {
        let messages = try Batch<Item>.cut(items).map { batch in
            OutgoingMessage(
                exchange: Exchange.site("BENCH"),
                routingKey: key,
                body: try batch.encoded(),
                type: Item.type,
                contentType: "application/json"
            )
        }
        try await BenchPost.send(messages, by: publisher)
    }

    private func result(rate: Double, failuresPerSecond: Double, _ times: Times) -> Result {
        func quantiles(_ values: [Double]) -> (Double, Double) {
            let sorted = values.sorted()
            guard !sorted.isEmpty else { return (0, 0) }
            return (sorted[sorted.count / 2], sorted[min(sorted.count - 1, sorted.count * 99 / 100)])
        }
        let verdicts = quantiles(
            times.sent.compactMap { job, sent in times.told[job].map { sent.duration(to: $0).seconds * 1000 } }
        )
        let offers = quantiles(
            times.told.compactMap { job, told in times.offered[job].map { told.duration(to: $0).seconds * 1000 } }
        )
        return Result(
            reports: self.attempts * self.rounds,
            reportsPerSecond: rate,
            failures: times.told.count,
            failuresPerSecond: failuresPerSecond,
            verdictMedian: verdicts.0,
            verdictP99: verdicts.1,
            offerMedian: offers.0,
            offerP99: offers.1
        )
    }
}
