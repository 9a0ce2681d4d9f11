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
        await CentreGate.shared.enter()
        do {
            let folder = try TestFolder.make("centre")
            let broker = try await TestBroker.startOwn()
            let url = try await TestDatabase.make(template: "millrace_template") { url in
                _ = try await Migrator.migrate(url: url, logger: Self.logger)
            }
            let client = PostgresClient(url: url, logger: Self.logger)
            (self.folder, self.broker, self.databaseURL, self.database) = (folder, broker, url, client)
            // Awaited in stop(): it lives as long as the centre.
            self.databaseTask = Task { try await client.run() }
        } catch {
            await CentreGate.shared.leave()
            throw error
        }
        do {
            let key = Curve25519.Signing.PrivateKey().rawRepresentation.base64EncodedString()
            try key.write(toFile: self.keyFile, atomically: true, encoding: .utf8)
            try await self.seed()
        } catch {
            await self.stop()
            throw error
        }
    }

    var keyFile: String { "\(self.folder)/signing.key" }

    private func seed() async throws {
        try await self.database.execute(RuleStatements.seed(try StoredRule.rows(.defaults)))
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
        await CentreGate.shared.leave()
    }

    // MARK: Services

    /// Starts a service's binary, with a name of its own.
    ///
    /// - Parameters:
    ///   - config: the text of its configuration file; nil: none.
    ///   - variables: of its environment, beside those of all services.
    func start(
        _ service: String,
        instance: String = "1",
        config: String? = nil,
        variables: [String: String] = [:]
    ) async throws -> ServerProcess {
        var settings = variables
        if let config {
            let path = "\(self.folder)/\(service)-\(instance).yaml"
            try config.write(toFile: path, atomically: true, encoding: .utf8)
            settings["MILLRACE_CONFIG"] = path
        }
        let environment = ProcessInfo.processInfo.environment.merging(
            [
                "MILLRACE_DATABASE_URL": self.databaseURL, "MILLRACE_AMQP_URL": self.broker.url,
                "MILLRACE_SIGNING_KEY_FILE": self.keyFile, "MILLRACE_INSTANCE": "\(service)-\(instance)",
                "MILLRACE_LOG": "info",
            ],
            uniquingKeysWith: { $1 }
        ).merging(settings, uniquingKeysWith: { $1 })
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
        manner: SimulatedAgent.Manner = .init(),
        behaviour: @escaping @Sendable (OfferedJob, JobDescription) -> SimulatedAgent.Behaviour = { _, _ in .finish }
    ) async throws -> SimulatedAgent {
        try await self.agent(
            site,
            name: name,
            room: room,
            manner: manner,
            onNodes: { job, task, _ in behaviour(job, task) }
        )
    }

    /// An agent whose behaviour depends on the node that a job came to.
    func agent(
        _ site: String,
        name: String = "one",
        room: Int = 50,
        manner: SimulatedAgent.Manner = .init(),
        onNodes behaviour: @escaping @Sendable (OfferedJob, JobDescription, String) -> SimulatedAgent.Behaviour
    ) async throws -> SimulatedAgent {
        SimulatedAgent(
            endpoint: try await self.endpoint(),
            site: site,
            agent: name,
            room: room,
            storage: "HOME-DISK",
            manner: manner,
            logger: Self.logger,
            behaviour: behaviour
        )
    }

    // MARK: Work

    /// A request of one generate task, approved. Returns the request.
    func approve(
        jobs: Int64,
        maxAttempts: Int = 3,
        merge: Bool = false,
        name: String = "gen",
        _ edit: (inout NewRequest) -> Void = { _ in }
    ) async throws -> Int64 {
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
        return try await self.approve(WorkflowDocument(name: name, tasks: tasks), edit)
    }

    /// A request of a workflow, approved. Returns the request.
    func approve(_ workflow: WorkflowDocument, _ edit: (inout NewRequest) -> Void = { _ in }) async throws -> Int64 {
        let operations = Operations(self.database, caller: self.caller)
        _ = try await operations.addWorkflow(workflow)
        var new = NewRequest(workflow: workflow.name)
        edit(&new)
        let made = try await operations.createRequest(new)
        let request = try WireFormat.value(RequestID.self, from: made.result).request
        let approved = try await operations.approve(request, version: nil, home: nil, reason: nil)
        try await self.publish(approved.messages)
        return request
    }

    private struct RequestID: Codable { let request: Int64 }

    /// A change by an operator: its words go out as the Gateway sends them.
    func carryOut(_ outcome: Outcome) async throws { try await self.publish(outcome.messages) }

    /// As the Gateway does after its commit.
    private func publish(_ messages: [OutboxMessage]) async throws {
        try await self.send(
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
    }

    /// Publishes as any client may, and sees to it that the broker has taken every message.
    func send(_ messages: [OutgoingMessage]) async throws {
        let publisher = AMQPPublisher(
            endpoint: try await self.endpoint(),
            name: "test",
            topology: MillraceTopology.core,
            logger: Self.logger
        )
        let running = Task { try await publisher.run() }
        var left = messages
        while !left.isEmpty {
            let outcomes = try await publisher.publish(left)
            // Returned: the service whose queue it is has not declared it yet.
            left = zip(left, outcomes).filter { $0.1 != .confirmed }.map(\.0)
        }
        running.cancel()
        _ = await running.result
    }

    /// Waits for an event of the feed that matches, from a queue of its own. Start it before what causes the event.
    func events(_ keys: [String] = ["#"]) async throws -> EventWatch { try await EventWatch(self, keys: keys) }

    /// Waits for what no event tells: demand that was taken in, ranges that were made.
    func until(_ condition: SQL) async throws {
        while try await self.one(condition, as: Bool.self) != true { await Task.yield() }
    }

    /// Waits until the broker has removed a queue: a message to it comes back.
    func untilGone(queue: String) async throws {
        let publisher = AMQPPublisher(endpoint: try await self.endpoint(), name: "probe", logger: Self.logger)
        let running = Task { try await publisher.run() }
        let probe = OutgoingMessage(exchange: "", routingKey: queue, body: [], persistent: false)
        while try await publisher.publish([probe]).first == .confirmed {}
        running.cancel()
        _ = await running.result
    }

    func one<Value: PostgresDecodable & Sendable>(_ sql: SQL, as type: Value.Type) async throws -> Value? {
        try await self.database.query(Statement("test", sql, returning: type)).first
    }
}
