import AMQP
import Catalog
import Domain
import Messages
import Postgres
import ServiceKit

/// What it costs to hear that very many attempts run: CPU time of the Monitors, the database server and the broker, while
/// agents say that they are alive at their own pace, less what the same processes use when nobody says anything.
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
    /// With heartbeats; as long without.
    let seconds: Int

    private static let rounds = 4
    private var round: Duration { .seconds(Double(self.seconds) / Double(Self.rounds)) }

    /// CPU seconds used in so many seconds.
    private struct Cost {
        var centre = 0.0
        var broker = 0.0
        var wall = 0.0
    }

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
                try await database.execute(BenchStatements.settle)
                let answers = try await self.takeAnswers()
                // What was made is still on its way to the disk: neither that nor what the farm does at once after it is measured.
                try await database.execute(BenchStatements.writeOut)
                try await Task.sleep(for: self.round)
                var loud = Cost()
                var quiet = Cost()
                var beats = 0
                // In turn, because what else the farm does is now more and now less.
                for _ in 0..<Self.rounds {
                    // None is taken for silent in a round without heartbeats: its attempts would be given up for lost.
                    try await database.execute(BenchStatements.heard)
                    try await self.measure(&quiet, database) { try await Task.sleep(for: self.round) }
                    try await self.measure(&loud, database) {
                        beats += try await self.beat(held, publisher, first: beats)
                    }
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
                    beats: beats,
                    seconds: loud.wall,
                    centreSeconds: centre,
                    brokerSeconds: broker,
                    share: (centre + broker) / loud.wall
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

    /// Every agent has its turn in each interval, one after the other, for one round. - Returns: how many beats were sent.
    private func beat(
        _ held: [SessionStatements.Beat],
        _ publisher: AMQPPublisher,
        first: Int
    ) async throws -> Int {
        let clock = ContinuousClock()
        let start = clock.now
        let pause = Double(self.interval) / Double(held.count)
        var number = 0
        while .seconds(Double(number) * pause) < self.round {
            let beat = held[(first + number) % held.count]
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
                persistent: false,
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
        _ cost: inout Cost,
        _ database: PostgresClient,
        _ body: () async throws -> Void
    ) async throws {
        let rows = try await database.query(BenchStatements.monitorProcesses)
        let monitors = rows.filter { !$0.1 }.map { Int($0.0) }
        guard !monitors.isEmpty, let session = rows.first(where: \.1) else {
            throw CommandFailure(.failed, "no Monitor runs: see millrace status")
        }
        let broker = [try ProcessorTime.listener(on: try AMQPEndpoint(url: self.brokerURL).port)]
        func now() throws -> (centre: Double, broker: Double) {
            let database = try ProcessorTime.server(of: Int(session.0))
            return (try ProcessorTime.seconds(monitors) + database, try ProcessorTime.seconds(broker))
        }
        let before = try now()
        let wall = try await ContinuousClock().measure { try await body() }
        let after = try now()
        cost.centre += after.centre - before.centre
        cost.broker += after.broker - before.broker
        cost.wall += wall.seconds
    }
}
