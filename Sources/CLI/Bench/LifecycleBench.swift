import AMQP
import Catalog
import Domain
import Logging
import Messages
import Postgres
import SimulatedSite

/// The whole life of jobs whose payload returns at once: waiting, leased, signed offer, running, finished with a manifest,
/// accepted, replica, dataset; through the real services of the farm that the environment names.
struct LifecycleBench: Sendable {
    /// What was measured. Rates in jobs a second.
    struct Result: Codable, Sendable {
        var jobs: Int64
        var seconds: Double
        var jobsPerSecond: Double
        /// The same statements by one client without broker, services and agents.
        var catalogueJobs: Int64
        var catalogueJobsPerSecond: Double
        /// Approving the request, its ranges included.
        var approveSeconds: Double
        /// How long after the end the feed told of it.
        var feedSeconds: Double
    }

    let databaseURL: String
    let brokerURL: String
    let jobs: Int64
    let agents: Int
    let room: Int

    func run() async throws -> Result {
        let endpoint = try AMQPEndpoint(url: self.brokerURL)
        return try await LocalCatalog.with(self.databaseURL) { database in
            let operations = Operations(database, caller: Caller(who: "bench", role: .administrator))
            try await Self.prepare(operations)
            let clock = ContinuousClock()
            let request = try await Self.request(operations, jobs: self.jobs)
            let approving = try await clock.measure {
                let outcome = try await operations.approve(request, version: nil, home: "BENCH-DISK", reason: nil)
                try await LocalCatalog.withBroker(self.brokerURL) { try await Self.send(outcome.messages, $0) }
            }
            let began = Moment.now
            let ended = try await self.work(off: request, endpoint: endpoint)
            let told = Moment.now
            let seconds = Double(ended.microseconds - began.microseconds) / 1e6
            let alone = try await CatalogueAlone(database: database, operations: operations).run(
                jobs: min(self.jobs, 4000)
            )
            return Result(
                jobs: self.jobs,
                seconds: seconds,
                jobsPerSecond: Double(self.jobs) / seconds,
                catalogueJobs: alone.jobs,
                catalogueJobsPerSecond: Double(alone.jobs) / alone.seconds,
                approveSeconds: approving.seconds,
                feedSeconds: Double(told.microseconds - ended.microseconds) / 1e6
            )
        }
    }

    static func prepare(_ operations: Operations) async throws {
        // A second benchmark on the same farm finds both.
        try await Self.unlessThere { try await operations.addSite("BENCH", cloud: nil, lostAfter: 300) }
        try await Self.unlessThere {
            try await operations.addStorage("BENCH-DISK", site: nil, kind: "posix", base: "/nonexistent", limit: 1)
        }
        _ = try await operations.addWorkflow(Self.workflow)
    }

    private static func unlessThere(_ add: () async throws -> Outcome) async throws {
        do {
            _ = try await add()
        } catch let refusal as CatalogRefusal where refusal.kind == .state {
            return
        }
    }

    static let workflow = WorkflowDocument(
        name: "bench-lifecycle",
        parameters: ["jobs": ParameterTemplate(), "site": ParameterTemplate()],
        tasks: [
            TaskTemplate(
                name: "generate",
                kind: "generate",
                events: "${jobs}",
                eventsPerJob: 1,
                steps: [StepTemplate(name: "make", command: ["true"])],
                outputs: [OutputTemplate(stream: "gen", file: "gen.dat", home: "BENCH-DISK")],
                resources: ResourceTemplate(sites: ["BENCH"])
            )
        ]
    )

    private struct RequestID: Codable { let request: Int64 }

    static func request(_ operations: Operations, jobs: Int64) async throws -> Int64 {
        let made = try await operations.createRequest(
            NewRequest(
                workflow: "bench-lifecycle",
                title: "benchmark",
                parameters: ["jobs": String(jobs), "site": "BENCH"]
            )
        )
        return try WireFormat.value(RequestID.self, from: made.result).request
    }

    static func send(_ messages: [OutboxMessage], _ publisher: AMQPPublisher) async throws {
        try await BenchPost.send(
            messages.map {
                OutgoingMessage(
                    exchange: $0.exchange,
                    routingKey: $0.routingKey,
                    body: Array($0.body.utf8),
                    type: $0.type,
                    messageID: $0.id.text
                )
            },
            by: publisher
        )
    }

    /// Runs the agents until the request's last event says that it is finished. - Returns: when that was.
    private func work(off request: Int64, endpoint: AMQPEndpoint) async throws -> Moment {
        let queue = "bench-\(OutgoingMessage.freshID())"
        let watch = AMQPConsumer(
            endpoint: endpoint,
            name: "bench events",
            topology: Topology(
                exchanges: [.init(Exchange.event)],
                queues: [.reply(queue)],
                bindings: [.init(from: Exchange.event, to: .queue(queue), routingKey: "request.\(request).*")]
            ),
            queue: queue,
            logger: LocalCatalog.quiet
        )
        return try await withThrowingTaskGroup(of: Moment?.self) { group in
            group.addTask {
                try await watch.run()
                return nil
            }
            group.addTask {
                for await batch in watch.batches(maximum: 100) {
                    await batch.acknowledge()
                    for delivery in batch.deliveries where delivery.routingKey == "request.\(request).finished" {
                        return try Batch<EventItem>(decoding: delivery.body).items.last?.at
                    }
                    if batch.deliveries.contains(where: { $0.routingKey == "request.\(request).failed" }) {
                        throw CommandFailure(
                            .failed,
                            "the benchmark's request failed: see millrace request show \(request)"
                        )
                    }
                }
                return nil
            }
            for await state in watch.stateChanges() where state == .connected { break }
            for number in 1...self.agents {
                let agent = SimulatedAgent(
                    endpoint: endpoint,
                    site: "BENCH",
                    agent: "bench\(number)",
                    room: self.room,
                    storage: "BENCH-DISK",
                    logger: LocalCatalog.quiet
                )
                group.addTask {
                    try await agent.run()
                    return nil
                }
            }
            defer { group.cancelAll() }
            while let finished = try await group.next() { if let finished { return finished } }
            throw CommandFailure(.failed, "the broker ended the benchmark's connections")
        }
    }
}

extension Duration {
    var seconds: Double { Double(self.components.seconds) + Double(self.components.attoseconds) / 1e18 }
}
