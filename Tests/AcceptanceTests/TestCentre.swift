import AMQP
import Catalog
import Crypto
import Domain
import Foundation
import Logging
import Messages
import Postgres
import PrivateServers
import ServiceKit
import SimulatedSite
import TestSupport

/// A whole centre for one test: a database and a broker of its own, and the real service binaries as processes.
final class TestCentre: Sendable {
    let broker: PrivateBroker
    let database: PostgresClient
    let databaseURL: String
    let folder: String
    private let databaseTask: Task<Void, any Error>

    static let logger = Logger(label: "acceptance") { _ in SwiftLogNoOpLogHandler() }
    let caller = Caller(who: "steve", role: .administrator)

    init() async throws {
        self.folder = try TestFolder.make("centre")
        self.broker = try await TestBroker.startOwn()
        self.databaseURL = try await TestDatabase.make(template: "millrace_template") { url in
            _ = try await Migrator.migrate(url: url, logger: Self.logger)
        }
        let client = PostgresClient(url: self.databaseURL, logger: Self.logger)
        self.database = client
        // Awaited in stop(): it lives as long as the centre.
        self.databaseTask = Task { try await client.run() }
        let key = Curve25519.Signing.PrivateKey().rawRepresentation.base64EncodedString()
        try key.write(toFile: self.keyFile, atomically: true, encoding: .utf8)
        try await self.seed()
    }

    private var keyFile: String { "\(self.folder)/signing.key" }

    private func seed() async throws {
        let rules = try FailureRule.defaults.map { rule in
            (rule: rule, scope: JSONText("{}"), parameters: JSONText(try WireFormat.text(rule.parameters)))
        }
        try await self.database.execute(VerdictStatements.seedRules(rules))
        let operations = Operations(self.database, caller: self.caller)
        for site in ["ALPHA", "BETA"] { _ = try await operations.addSite(site, cloud: nil, lostAfter: 5) }
        for storage in ["HOME-DISK", "AWAY-DISK"] {
            let base = "\(self.folder)/\(storage)"
            try FileManager.default.createDirectory(atPath: base, withIntermediateDirectories: true)
            _ = try await operations.addStorage(storage, site: nil, kind: "posix", base: base, limit: 4)
        }
    }

    func stop() async {
        self.databaseTask.cancel()
        _ = await self.databaseTask.result
        await self.broker.stop()
    }

    // MARK: Services

    /// Starts a service's binary, with a name of its own.
    func start(_ service: String, instance: String = "1") async throws -> ServerProcess {
        let environment = ProcessInfo.processInfo.environment.merging(
            [
                "MILLRACE_DATABASE_URL": self.databaseURL, "MILLRACE_AMQP_URL": self.broker.url,
                "MILLRACE_SIGNING_KEY_FILE": self.keyFile, "MILLRACE_INSTANCE": "\(service)-\(instance)",
                "MILLRACE_LOG": "info",
            ],
            uniquingKeysWith: { $1 }
        )
        return try await ServerProcess.start(
            .init(
                executable: Self.binary("millrace-\(service)"),
                arguments: [],
                environment: environment,
                logFile: "\(self.folder)/\(service)-\(instance).log"
            )
        )
    }

    /// The binaries are built beside the tests.
    static func binary(_ name: String) -> String {
        Bundle.main.executableURL?.deletingLastPathComponent().appending(path: name).path ?? name
    }

    func endpoint() async throws -> AMQPEndpoint { try AMQPEndpoint(url: self.broker.url) }

    func agent(
        _ site: String,
        name: String = "one",
        room: Int = 50,
        behaviour: @escaping @Sendable (OfferedJob, JobDescription) -> SimulatedAgent.Behaviour = { _, _ in .finish }
    ) async throws -> SimulatedAgent {
        SimulatedAgent(
            endpoint: try await self.endpoint(),
            site: site,
            agent: name,
            room: room,
            storage: "HOME-DISK",
            logger: Self.logger,
            behaviour: behaviour
        )
    }

    // MARK: Work

    /// A request of one generate task, approved. Returns the request.
    func approve(jobs: Int64, maxAttempts: Int = 3, merge: Bool = false, name: String = "gen") async throws -> Int64 {
        var tasks = [
            TaskTemplate(
                name: "generate",
                kind: "generate",
                events: Scalar("\(jobs * 10)"),
                eventsPerJob: "10",
                steps: [StepTemplate(name: "make", command: ["true"])],
                outputs: [OutputTemplate(stream: "gen", file: "gen.dat")],
                maxAttempts: Scalar("\(maxAttempts)")
            )
        ]
        if merge {
            tasks.append(
                TaskTemplate(
                    name: "merge",
                    kind: "merge",
                    inputs: [InputTemplate(task: "generate", stream: "gen")],
                    steps: [StepTemplate(name: "merge", command: ["true"])],
                    outputs: [OutputTemplate(stream: "merged", file: "merged.dat")]
                )
            )
        }
        let operations = Operations(self.database, caller: self.caller)
        _ = try await operations.addWorkflow(WorkflowDocument(name: name, tasks: tasks))
        let made = try await operations.createRequest(NewRequest(workflow: name))
        let request = try WireFormat.value(RequestID.self, from: made.result).request
        let approved = try await operations.approve(request, version: nil, home: nil, reason: nil)
        try await self.publish(approved.messages)
        return request
    }

    private struct RequestID: Codable { let request: Int64 }

    /// As the Gateway does after its commit.
    private func publish(_ messages: [OutboxMessage]) async throws {
        let publisher = AMQPPublisher(
            endpoint: try await self.endpoint(),
            name: "test",
            topology: MillraceTopology.core,
            logger: Self.logger
        )
        let running = Task { try await publisher.run() }
        _ = try await publisher.publish(
            messages.map {
                OutgoingMessage(
                    exchange: $0.exchange,
                    routingKey: $0.routingKey,
                    body: Array($0.body.utf8),
                    type: $0.type,
                    messageID: $0.id.text
                )
            }
        )
        running.cancel()
        _ = await running.result
    }

    /// Waits for an event of the feed that matches, from a queue of its own. Start it before what causes the event.
    func events(_ keys: [String] = ["#"]) async throws -> EventWatch { try await EventWatch(self, keys: keys) }

    func one<Value: PostgresDecodable & Sendable>(_ sql: SQL, as type: Value.Type) async throws -> Value? {
        try await self.database.query(Statement("test", sql, returning: type)).first
    }
}

/// A queue bound to the event exchange by an ordinary AMQP client.
final class EventWatch: Sendable {
    private let consumer: AMQPConsumer
    private let running: Task<Void, any Error>
    private let stream: AsyncStream<(key: String, event: EventItem)>

    init(_ centre: TestCentre, keys: [String]) async throws {
        let queue = "watch-\(UInt32.random(in: 0...UInt32.max))"
        let consumer = AMQPConsumer(
            endpoint: try await centre.endpoint(),
            name: "watch",
            topology: Topology(
                exchanges: [.init(Exchange.event)],
                queues: [.reply(queue)],
                bindings: keys.map { .init(from: Exchange.event, to: .queue(queue), routingKey: $0) }
            ),
            queue: queue,
            prefetch: 100,
            logger: TestCentre.logger
        )
        self.consumer = consumer
        let (stream, continuation) = AsyncStream.makeStream(of: (key: String, event: EventItem).self)
        self.stream = stream
        self.running = Task {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await consumer.run() }
                for await batch in consumer.batches(maximum: 100) {
                    for delivery in batch.deliveries {
                        for item in try Batch<EventItem>(decoding: delivery.body).items {
                            continuation.yield((delivery.routingKey, item))
                        }
                    }
                    await batch.acknowledge()
                }
                continuation.finish()
                group.cancelAll()
            }
        }
        for await state in consumer.stateChanges() where state == .connected { break }
    }

    /// Takes events until one matches; gives all that were seen, that one last.
    func until(_ matches: (String, EventItem) -> Bool) async -> [(key: String, event: EventItem)] {
        var seen: [(key: String, event: EventItem)] = []
        for await next in self.stream {
            seen.append(next)
            if matches(next.key, next.event) { break }
        }
        return seen
    }

    func stop() async {
        self.running.cancel()
        _ = await self.running.result
    }
}
