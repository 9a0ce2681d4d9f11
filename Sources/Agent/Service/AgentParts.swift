import AMQP
import Crypto
import Domain
import FoundationEssentials
import Glibc
import Logging
import Messages
import NIOConcurrencyHelpers
import Storage

/// The parts of an agent, put together.
struct AgentParts: Sendable {
    let config: AgentConfig
    let logger: Logger
    let journal: Journal
    let publisher: AMQPPublisher
    let consumer: AMQPConsumer
    let post: SitePost
    let courier: Courier
    let courierBell: Bell
    let heart: Bell
    let jobEnded: Bell
    let executorEnded: Bell
    let linkEnded: Bell
    let progress: ProgressStream
    let runner: JobRunner
    let executor: any Executor
    let core: AgentCore
    /// What the agent itself is for a batch system; nil: nothing.
    let batch: BatchJob?

    /// - Throws: what keeps the agent from starting, in one line.
    init(config: AgentConfig, environment: [String: String], logger: Logger) throws {
        for folder in [config.work + "/jobs", config.logs, config.software] { try FileTree.makeFolder(folder) }
        let endpoint = try AMQPEndpoint(url: config.amqp)
        let isSigned = try SigningKey.verifier(file: config.signingKey)
        self.config = config
        self.logger = logger
        let batch = BatchJob(environment: environment) { file in
            FileTree.read(file, limit: 1 << 20).map { String(decoding: $0, as: UTF8.self) }
        }
        self.batch = batch
        self.journal = try Journal(path: config.work + "/journal.sqlite")
        let name = "agent \(config.site) \(config.agent)"
        let queue = Queue.agent(site: config.site, agent: config.agent)
        self.publisher = AMQPPublisher(endpoint: endpoint, name: name, logger: logger)
        self.consumer = AMQPConsumer(
            endpoint: endpoint,
            name: name + " answers",
            topology: Topology(queues: [
                Topology.Queue(
                    queue,
                    durable: false,
                    exclusive: true,
                    autoDelete: true,
                    arguments: ["x-queue-type": "classic"]
                )
            ]),
            queue: queue,
            logger: logger
        )
        self.post = SitePost(site: config.site, publisher: self.publisher, logger: logger)
        let (courierBell, jobEnded, progress) = (Bell(), Bell(), ProgressStream())
        (self.courierBell, self.jobEnded, self.progress) = (courierBell, jobEnded, progress)
        (self.heart, self.executorEnded, self.linkEnded) = (Bell(), Bell(), Bell())
        self.courier = Courier(journal: self.journal, post: self.post, bell: courierBell, logger: logger)
        let reporter = Reporter(
            journal: self.journal,
            logger: logger,
            onReport: { courierBell.ring() },
            onProgress: { progress.put($0) }
        )
        let place = BatchPlace(config: config, batch: batch)
        self.runner = try Self.runner(config, environment, place, self.journal, reporter, logger)
        self.executor = LocalExecutor(slots: config.slots, runner: self.runner) { jobEnded.ring() }
        let session = OutgoingMessage.freshID()
        self.core = AgentCore(
            config: config,
            check: OfferCheck(site: config.site, agent: config.agent, session: session, isSigned: isSigned),
            journal: self.journal,
            executor: self.executor,
            post: self.post,
            courier: courierBell,
            heart: self.heart,
            logger: logger
        )
    }

    private static func runner(
        _ config: AgentConfig,
        _ environment: [String: String],
        _ place: BatchPlace?,
        _ journal: Journal,
        _ reporter: Reporter,
        _ logger: Logger
    ) throws -> JobRunner {
        let storage = Dictionary(config.storage.map { ($0.name, PosixStorage($0)) }) { first, _ in first }
        guard let output = storage[config.output] else {
            throw DocumentProblem(path: "output", message: "\(config.output) is not a configured storage element")
        }
        return JobRunner(
            agent: config.agent,
            node: NodeName.own,
            work: config.work,
            logs: config.logs,
            output: output,
            software: SoftwareStore(
                folder: config.software,
                python: config.python,
                environment: environment,
                logger: logger
            ),
            inputs: InputFinder(storage: storage, journal: journal, logger: logger),
            journal: journal,
            reporter: reporter,
            logger: logger,
            looping: config.loopingSeconds == 0 ? nil : .seconds(config.loopingSeconds),
            place: place
        )
    }

    /// After a restart: jobs whose processes died with the last agent are reported failed; those whose steps were through
    /// go on with storing; those that had not begun begin.
    func recover() async throws {
        for job in try await self.journal.unfinished() {
            let key = job.accepted.key
            ProcessTable.killStrays(home: self.runner.folder(key))
            self.logger.info("found in the journal", metadata: ["attempt": "\(key)", "phase": "\(job.record.phase)"])
            switch job.record.phase {
            case .accepted, .storing: await self.executor.submit(job)
            case .running: await self.runner.abandon(job)
            }
        }
        self.courierBell.ring()
    }

    /// Ends every loop that waits for a bell.
    func finish() {
        for bell in [self.courierBell, self.heart, self.jobEnded, self.executorEnded, self.linkEnded] { bell.finish() }
        self.progress.finish()
    }
}

/// Progress on its way out; when it is produced faster than it is sent, the oldest is lost.
struct ProgressStream: Sendable {
    let items: AsyncStream<ProgressItem>
    private let continuation: AsyncStream<ProgressItem>.Continuation

    init() { (self.items, self.continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(100)) }

    func put(_ item: ProgressItem) { self.continuation.yield(item) }
    func finish() { self.continuation.finish() }
}

/// The Scheduler's public key.
enum SigningKey {
    /// - Parameter file: holds an Ed25519 public key of 32 bytes in base64.
    /// - Returns: checks a signature (base64) over bytes.
    static func verifier(file: String) throws -> @Sendable ([UInt8], String) -> Bool {
        guard let bytes = FileTree.read(file, limit: 4096) else {
            throw FileError("cannot read the signing key \(file)")
        }
        let text = String(decoding: bytes, as: UTF8.self).filter { !$0.isWhitespace }
        guard let raw = Data(base64Encoded: text), raw.count == 32 else {
            throw DocumentProblem(path: "signingKey", message: "\(file) does not hold 32 bytes in base64")
        }
        let key = try Curve25519.Signing.PublicKey(rawRepresentation: raw)
        return { payload, signature in
            guard let signature = Data(base64Encoded: signature) else { return false }
            return key.isValidSignature(signature, for: Data(payload))
        }
    }
}

/// What this machine is called.
enum NodeName {
    static let own: String = {
        var name = [CChar](repeating: 0, count: 256)
        guard gethostname(&name, name.count - 1) == 0 else { return "unknown" }
        return String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }()
}
