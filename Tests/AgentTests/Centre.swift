import AMQP
import Crypto
import Domain
import FoundationEssentials
import Glibc
import Logging
import Messages
import NIOConcurrencyHelpers
import PrivateServers
import TestSupport
import Testing

@testable import Agent

let quietLogger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

/// The test as the centre: it has the site's exchange, reads all that agents say, signs and sends offers.
actor Centre {
    struct Heard: Sendable {
        var messageID: String
        var type: String
        var body: [UInt8]
    }

    nonisolated let site: String
    nonisolated let folder: String
    nonisolated let broker: PrivateBroker
    private let key = Curve25519.Signing.PrivateKey()
    private let publisher: AMQPPublisher
    private let consumer: AMQPConsumer
    private var heard: [Heard] = []
    private var waiters: [(isIt: (Heard) -> Bool, continuation: CheckedContinuation<Heard, any Error>)] = []

    init(_ broker: PrivateBroker) throws {
        self.site = TestBroker.uniqueName("S").replacing(".", with: "-")
        self.folder = try TestFolder.make("agent")
        self.broker = broker
        let queue = "reports." + self.site
        let topology = Topology(
            exchanges: [.init(Exchange.site(self.site))],
            queues: [.quorum(queue)],
            bindings: [.init(from: Exchange.site(self.site), to: .queue(queue), routingKey: "#")]
        )
        let endpoint = try AMQPEndpoint(url: broker.url)
        self.publisher = AMQPPublisher(endpoint: endpoint, name: "centre", topology: topology, logger: quietLogger)
        self.consumer = AMQPConsumer(
            endpoint: endpoint,
            name: "c",
            topology: topology,
            queue: queue,
            logger: quietLogger
        )
    }

    /// Runs `body` with a centre at a broker.
    static func with<Result: Sendable>(
        _ broker: PrivateBroker? = nil,
        _ body: @Sendable (Centre) async throws -> Result
    ) async throws -> Result {
        let server = if let broker { broker } else { try await TestBroker.start() }
        let centre = try Centre(server)
        try FileTree.makeFolder(centre.folder + "/se")
        let key = centre.key.publicKey.rawRepresentation.base64EncodedString()
        try FileTree.write(key + "\n", to: centre.folder + "/key")
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await centre.publisher.run() }
            group.addTask { try await centre.consumer.run() }
            group.addTask {
                for await batch in centre.consumer.batches(maximum: 100) {
                    for delivery in batch.deliveries { await centre.hear(delivery) }
                    await batch.acknowledge()
                }
            }
            for await state in centre.consumer.stateChanges() where state == .connected { break }
            let result: Swift.Result<Result, any Error>
            do { result = .success(try await body(centre)) } catch { result = .failure(error) }
            try await centre.consumer.stop()
            try await centre.publisher.stop()
            try await group.waitForAll()
            return try result.get()
        }
    }

    private func hear(_ delivery: Delivery) {
        let heard = Heard(messageID: delivery.messageID ?? "", type: delivery.type ?? "", body: delivery.body)
        self.heard.append(heard)
        let (done, rest) = (self.waiters.filter { $0.isIt(heard) }, self.waiters.filter { !$0.isIt(heard) })
        self.waiters = rest
        for waiter in done { waiter.continuation.resume(returning: heard) }
    }

    /// The first item, of those heard and those to come, that is as wanted.
    func first<Item: MessageItem>(
        _: Item.Type,
        where isIt: @escaping @Sendable (Item) -> Bool = { _ in true }
    ) async throws
        -> Item
    {
        func find(_ heard: Heard) -> Item? {
            guard heard.type == Item.type, let batch = try? Batch<Item>(decoding: heard.body) else { return nil }
            return batch.items.first(where: isIt)
        }
        for heard in self.heard { if let item = find(heard) { return item } }
        let heard: Heard = try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                guard !Task.isCancelled else {
                    continuation.resume(throwing: CancellationError())
                    return
                }
                self.waiters.append(({ find($0) != nil }, continuation))
            }
        } onCancel: {
            Task { await self.giveUp() }
        }
        return try #require(find(heard))
    }

    /// The test has been cancelled: at its time limit.
    private func giveUp() {
        for waiter in self.waiters { waiter.continuation.resume(throwing: CancellationError()) }
        self.waiters = []
    }

    /// All items of a type so far, each with the id of its message.
    func all<Item: MessageItem>(_: Item.Type) throws -> [(id: String, item: Item)] {
        try self.heard.filter { $0.type == Item.type }.flatMap { heard in
            try Batch<Item>(decoding: heard.body).items.map { (heard.messageID, $0) }
        }
    }

    /// Sends an offer in answer to a question.
    func offer(
        _ work: WorkItem,
        _ tasks: [JobDescription],
        _ jobs: [OfferedJob],
        validSeconds: Double = 60,
        forged: Bool = false,
        question: Int64? = nil,
        through: Int64? = nil
    ) async throws {
        let offer = Sample.offer(
            site: self.site,
            agent: work.agent,
            session: work.session,
            question: question ?? work.question,
            validSeconds: validSeconds,
            tasks: tasks,
            jobs: jobs,
            through: through
        )
        try await self.send(Sample.sign(offer, forged ? Curve25519.Signing.PrivateKey() : self.key), to: work.replyTo)
    }

    func answer(_ work: WorkItem, kill: [AttemptKey] = [], drain: Bool = false, wantsList: Bool = false) async throws {
        let orders = kill.map { KillOrder(attempt: $0, reason: "no longer wanted") }
        let answer = AnswerItem(
            agent: work.agent,
            session: work.session,
            kill: orders,
            drain: drain,
            wantsList: wantsList,
            at: Now.timestamp
        )
        try await self.send(answer, to: work.replyTo)
    }

    private func send<Item: MessageItem>(_ item: Item, to queue: String) async throws {
        let message = OutgoingMessage(
            exchange: "",
            routingKey: queue,
            body: try Batch([item]).encoded(),
            type: Item.type
        )
        #expect(try await self.publisher.publish([message]) == [.confirmed])
    }

    /// The text of an `agent.yaml` for this centre.
    nonisolated func yaml(slots: Int = 2) -> String {
        """
        site: \(self.site)
        agent: a
        amqp: \(self.broker.url)
        work: \(self.folder)/work
        slots: \(slots)
        storage:
          DISK: {kind: posix, base: \(self.folder)/se}
        output: DISK
        signingKey: \(self.folder)/key
        heartbeatSeconds: 1
        """
    }

    nonisolated func path(_ name: String) -> String { self.folder + "/" + name }
}

/// A real `millrace-agent` process.
struct AgentProcess {
    let process: ServerProcess
    let logFile: String

    /// - Parameters:
    ///   - yaml: more lines of its file.
    ///   - environment: more of its environment.
    static func start(
        _ centre: Centre,
        _ arguments: [String] = [],
        slots: Int = 2,
        yaml: String = "",
        environment: [String: String] = [:]
    ) async throws -> AgentProcess {
        try FileTree.write(centre.yaml(slots: slots) + "\n" + yaml, to: centre.path("agent.yaml"), mode: 0o600)
        let log = centre.path("agent.log")
        let command = ServerProcess.Command(
            executable: try Self.executable,
            arguments: ["--config", centre.path("agent.yaml")] + arguments,
            environment: ["PATH": "/usr/bin:/bin", "HOME": centre.folder, "SECRET": "hidden"].merging(environment) {
                $1
            },
            logFile: log
        )
        return AgentProcess(process: try await ServerProcess.start(command), logFile: log)
    }

    /// Runs `body` beside an agent, which is then told to stop and must end well.
    static func with<Result>(
        _ centre: Centre,
        _ arguments: [String] = [],
        slots: Int = 2,
        yaml: String = "",
        environment: [String: String] = [:],
        _ body: (AgentProcess) async throws -> Result
    ) async throws -> Result {
        let agent = try await Self.start(centre, arguments, slots: slots, yaml: yaml, environment: environment)
        do {
            let result = try await body(agent)
            #expect(await agent.process.terminate() == .status(0), "\(PrivateFiles.tail(of: agent.logFile))")
            return result
        } catch {
            await agent.process.terminate()
            throw error
        }
    }

    /// Beside the test's own binary.
    private static var executable: String {
        get throws {
            var buffer = [CChar](repeating: 0, count: 4096)
            let count = readlink("/proc/self/exe", &buffer, buffer.count)
            var path = String(decoding: buffer.prefix(max(0, count)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
            while let slash = path.lastIndex(of: "/") {
                path = String(path[..<slash])
                if access(path + "/millrace-agent", X_OK) == 0 { return path + "/millrace-agent" }
            }
            throw ServerError("millrace-agent was not built beside the tests")
        }
    }
}
