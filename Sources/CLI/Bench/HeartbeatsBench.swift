import AMQP
import Catalog
import Domain
import Messages
import NIOConcurrencyHelpers
import Postgres
import ServiceKit

/// What it costs to hear that very many attempts run: CPU time of the Monitors, the database server and the broker, while
/// agents say that they are alive, less what the same processes use when nobody says anything.
struct HeartbeatsBench: Sendable {
    struct Result: Codable, Sendable {
        var attempts: Int
        var agents: Int
        var beats: Int
        var seconds: Double
        /// CPU seconds of Monitors and the database server, for all these beats.
        var centreSeconds: Double
        var brokerSeconds: Double
        /// Of one core, 0 to 1: centre and broker together, at the pace of the agents.
        var share: Double
    }

    let databaseURL: String
    let brokerURL: String
    let attempts: Int
    let agents: Int
    /// Between two heartbeats of one agent, seconds.
    let interval: Int
    /// So many times faster than the agents would they are sent: at their own pace the cost is less than what the same processes
    /// use for other things, now more and now less.
    let haste: Int
    let seconds: Int

    private static let queue = Queue.agent(site: "BENCH", agent: "beats")

    func run() async throws -> Result {
        try await LocalCatalog.with(self.databaseURL) { database in
            let operations = Operations(database, caller: Caller(who: "bench", role: .administrator))
            try await LifecycleBench.prepare(operations)
            let request = try await LifecycleBench.request(operations, jobs: Int64(self.attempts))
            // Held at once: its jobs are leased here, and to nobody else.
            _ = try await operations.approve(request, version: nil, home: "BENCH-DISK", reason: nil)
            _ = try await operations.hold(request, version: nil, reason: "benchmark")
            return try await LocalCatalog.withBroker(self.brokerURL) { publisher in
                let held = try await self.lease(request, database)
                while try await database.query(BenchStatements.isFeedBehind).first == true {
                    try await Task.sleep(for: .milliseconds(200))
                }
                let answers = try await self.takeAnswers()
                let quiet = try await self.measure(database) { try await Task.sleep(for: .seconds(self.seconds)) }
                let beats = NIOLockedValueBox(0)
                let loud = try await self.measure(database) {
                    let sent = try await self.beat(held, publisher)
                    beats.withLockedValue { $0 = sent }
                }
                answers.cancel()
                for first in stride(from: 0, to: self.attempts, by: Self.piece) {
                    try await database.execute(
                        BenchStatements.unlease(request: request, first: Int64(first), count: Int64(Self.piece))
                    )
                }
                _ = try await operations.cancel(request, version: nil, reason: "benchmark done")
                let centre = loud.centre - quiet.centre
                let broker = loud.broker - quiet.broker
                return Result(
                    attempts: self.attempts,
                    agents: self.agents,
                    beats: beats.withLockedValue { $0 },
                    seconds: loud.wall,
                    centreSeconds: centre,
                    brokerSeconds: broker,
                    share: (centre + broker) / loud.wall / Double(self.haste)
                )
            }
        }
    }

    /// Rows made in one transaction.
    private static let piece = 50_000

    /// Attempts that run, made as the Scheduler and the Monitor leave them. - Returns: what each agent holds.
    private func lease(_ request: Int64, _ database: PostgresClient) async throws -> [SessionStatements.Beat] {
        try await database.execute(BenchStatements.agents(self.agents, replyTo: Self.queue))
        for first in stride(from: 0, to: self.attempts, by: Self.piece) {
            try await database.execute(
                BenchStatements.lease(
                    request: request,
                    first: Int64(first),
                    count: Int64(min(Self.piece, self.attempts - first)),
                    agents: self.agents
                )
            )
        }
        return try await database.query(BenchStatements.held).map {
            .init(
                site: "BENCH",
                agent: $0.0,
                session: $0.1,
                held: HeldSummary(count: $0.2, hash: $0.3),
                staying: true
            )
        }
    }

    /// Every agent has its turn in each interval, one after the other. - Returns: how many beats were sent.
    private func beat(_ held: [SessionStatements.Beat], _ publisher: AMQPPublisher) async throws -> Int {
        let clock = ContinuousClock()
        let start = clock.now
        let pause = Double(self.interval) / Double(held.count) / Double(self.haste)
        var number = 0
        while Double(number) * pause < Double(self.seconds) {
            let beat = held[number % held.count]
            let item = HeartbeatItem(
                agent: beat.agent,
                session: beat.session.text,
                held: beat.held,
                list: nil,
                replyTo: Self.queue,
                staying: true
            )
            let message = OutgoingMessage(
                exchange: Exchange.site("BENCH"),
                routingKey: RoutingKey.heartbeat,
                body: try Batch([item]).encoded(),
                type: HeartbeatItem.type,
                contentType: "application/json"
            )
            guard try await publisher.publish([message]) == [.confirmed] else {
                throw CommandFailure(
                    .failed,
                    "the broker takes no heartbeats: is a Monitor running? See millrace status"
                )
            }
            number += 1
            try await clock.sleep(until: start + .seconds(Double(number) * pause))
        }
        return number
    }

    private func takeAnswers() async throws -> Task<Void, any Error> {
        let consumer = AMQPConsumer(
            endpoint: try AMQPEndpoint(url: self.brokerURL),
            name: "bench answers",
            topology: Topology(queues: [.reply(Self.queue)]),
            queue: Self.queue,
            logger: LocalCatalog.quiet
        )
        let task = Task {
            async let running: Void = consumer.run()
            for await batch in consumer.batches(maximum: 100) { await batch.acknowledge() }
            try await running
        }
        for await state in consumer.stateChanges() where state == .connected { break }
        return task
    }

    private func measure(
        _ database: PostgresClient,
        _ body: () async throws -> Void
    ) async throws -> (centre: Double, broker: Double, wall: Double) {
        let rows = try await database.query(BenchStatements.monitorProcesses)
        let monitors = rows.filter { !$0.1 }.map { Int($0.0) }
        guard !monitors.isEmpty, let session = rows.first(where: \.1) else {
            throw CommandFailure(.failed, "no Monitor runs: see millrace status")
        }
        let broker = try ProcessorTime.processes(named: "beam.smp")
        func now() throws -> (centre: Double, broker: Double) {
            let database = try ProcessorTime.server(of: Int(session.0))
            return (try ProcessorTime.seconds(monitors) + database, try ProcessorTime.seconds(broker))
        }
        let before = try now()
        let wall = try await ContinuousClock().measure { try await body() }
        let after = try now()
        return (after.centre - before.centre, after.broker - before.broker, wall.seconds)
    }
}
