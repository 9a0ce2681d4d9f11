import AMQP
import ArgumentParser
import Domain
import FoundationEssentials
import Glibc
import Logging
import ServiceKit
import ServiceLifecycle
import Storage
import UnixSignals

/// `millrace-agent`: asks for work, runs it, stores its outputs, reports.
@main
struct AgentMain: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "millrace-agent",
        abstract: "Runs jobs of a Millrace farm at this site."
    )

    @Option(help: "The site's file. The default is MILLRACE_CONFIG, or agent.yaml.")
    var config: String?

    @Flag(help: "Work until there is no more work, then end: for an agent that is itself a batch job.")
    var oneShot = false

    @Option(help: "Seconds without a job after which a one-shot agent ends.")
    var idleSeconds = 60

    @Option(help: "Seconds that running jobs are waited for when the agent is stopped; then they are given back.")
    var drainSeconds = 0

    @Flag(help: "Check the file and what it names, and end.")
    var check = false

    func run() async throws {
        let environment = ProcessInfo.processInfo.environment
        let path = self.config ?? environment["MILLRACE_CONFIG"] ?? "agent.yaml"
        do {
            let config = try AgentSetup.read(path, environment: environment)
            if self.check {
                try AgentSetup.check(config)
                print("\(path): good; site \(config.site), agent \(config.agent), \(config.slots) cores")
                return
            }
            try await self.serve(config, environment)
        } catch let error as ExitCode {
            throw error
        } catch {
            // An error of the file's form names the file itself.
            let place = error is ConfigurationError ? "" : "\(path): "
            let line = Array("millrace-agent: \(place)\(error)\n".utf8)
            // Nothing is left to say it to if this fails.
            _ = line.withUnsafeBytes { write(2, $0.baseAddress, $0.count) }
            throw ExitCode(1)
        }
    }

    private func serve(_ config: AgentConfig, _ environment: [String: String]) async throws {
        let level = environment["MILLRACE_LOG"].flatMap(Logger.Level.init(rawValue:)) ?? .info
        Telemetry.bootstrap(level: level)
        var logger = Logger(label: "millrace-agent")
        logger[metadataKey: "site"] = "\(config.site)"
        logger[metadataKey: "agent"] = "\(config.agent)"
        let lock = try AgentSetup.lock(config.work)
        defer { close(lock) }
        let parts = try AgentParts(config: config, environment: environment, logger: logger)
        let service = AgentService(
            parts: parts,
            options: .init(
                idleLimit: self.oneShot ? .seconds(self.idleSeconds) : nil,
                drain: .seconds(self.drainSeconds)
            )
        )
        let admin = try Self.adminServer(config, parts, logger)
        let group = ServiceGroup(
            configuration: .init(
                services: (admin.map { [.init(service: $0)] } ?? []) + [
                    .init(service: service, successTerminationBehavior: .gracefullyShutdownGroup)
                ],
                gracefulShutdownSignals: [.sigterm, .sigint],
                logger: logger
            )
        )
        try await group.run()
    }
}

extension AgentMain {
    /// Health and metrics, if the file names an address for them.
    fileprivate static func adminServer(
        _ config: AgentConfig,
        _ parts: AgentParts,
        _ logger: Logger
    ) throws -> AdminServer? {
        guard let text = config.admin else { return nil }
        guard let address = HostPort(text) else {
            throw DocumentProblem(path: "admin", message: "\(text) is not host:port, such as 127.0.0.1:9100")
        }
        let health = HealthState(identity: Identity(service: "agent", instance: "\(config.site)-\(config.agent)"))
        let (publisher, consumer) = (parts.publisher, parts.consumer)
        health.watch(connection: "reports") { publisher.state.problem }
        health.watch(connection: "answers") { consumer.state.problem }
        return AdminServer(address: address, health: health, metrics: Telemetry.registry, logger: logger)
    }
}

/// What is done before an agent starts.
enum AgentSetup {
    static func read(_ path: String, environment: [String: String]) throws -> AgentConfig {
        try AgentConfig(
            try YAMLDocument.node(from: Self.text(path), name: path),
            environment: environment,
            readFile: Self.text
        )
    }

    /// Whether what the file names is there and of use.
    static func check(_ config: AgentConfig) throws {
        _ = try SigningKey.verifier(file: config.signingKey)
        for folder in [config.work, config.logs, config.software] { try FileTree.makeFolder(folder) }
        for element in config.storage where access(element.base, R_OK | X_OK) != 0 {
            throw FileError("storage \(element.name): cannot read \(element.base)")
        }
        if let output = config.storage.first(where: { $0.name == config.output }), access(output.base, W_OK) != 0 {
            throw FileError("storage \(output.name): cannot write \(output.base)")
        }
        guard access(config.python, X_OK) == 0 else { throw FileError("python: cannot run \(config.python)") }
    }

    /// Keeps a second agent out of the same work folder.
    static func lock(_ work: String) throws -> CInt {
        try FileTree.makeFolder(work)
        let path = work + "/agent.lock"
        let file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw FileError("cannot open \(path)") }
        guard flock(file, LOCK_EX | LOCK_NB) == 0 else {
            let error = FileError("another agent works in \(work)")
            close(file)
            throw error
        }
        return file
    }

    private static func text(_ path: String) throws -> String {
        guard let bytes = FileTree.read(path, limit: 1 << 20) else { throw FileError("cannot read it") }
        return String(decoding: bytes, as: UTF8.self)
    }
}
