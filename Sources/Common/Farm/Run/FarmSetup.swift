import Foundation
import Glibc
import Logging
import PrivateServers

/// What is settled before the first process starts: folder, keys, programs, ports, and that nobody is left of old.
struct FarmSetup: Sendable {
    let options: Supervisor.Options
    let layout: FarmLayout
    let programs: String
    /// Names of servers, sites and services to ports.
    let ports: [String: Int]
    let record: FarmRecord
    let brokerPassword: String

    /// - Throws: ``FarmError``.
    init(_ options: Supervisor.Options, _ layout: FarmLayout, _ logger: Logger) async throws {
        self.options = options
        self.layout = layout
        self.programs = try Self.findPrograms(options)
        try Self.checkServers()
        try await FarmKeys.ensure(layout)
        self.brokerPassword = try FarmKeys.brokerPassword(layout)
        let former = try FarmRecord.read(layout)
        if let former { _ = try await Leftovers.stop(former.table, logger: logger) }
        self.ports = try Self.choosePorts(options, former?.ports ?? [:])
        guard let supervisor = ProcessIdentity.of(getpid()) else {
            throw FarmError(.startFailed, "/proc does not show this process: mount it")
        }
        self.record = FarmRecord(
            state: layout.state,
            supervisor: supervisor,
            since: Date(),
            ports: self.ports,
            versions: Self.versions(),
            table: ProcessTable()
        )
    }

    private static func choosePorts(_ options: Supervisor.Options, _ former: [String: Int]) throws -> [String: Int] {
        var book = PortBook(recorded: former)
        _ = try book.port(PortName.http, wanted: options.httpPort)
        let servers = [
            PortName.postgres, PortName.rabbitmq, PortName.rabbitmqPortMapper, PortName.rabbitmqDistribution,
            PortName.rabbitmqManagement,
        ]
        for name in servers + FarmPlan.services + options.sites.map(FarmPlan.agentName) { _ = try book.port(name) }
        return book.ports
    }

    private static func findPrograms(_ options: Supervisor.Options) throws -> String {
        let beside = try PrivateFiles.absolute("/proc/self/exe").split(separator: "/").dropLast().joined(separator: "/")
        let named = options.programs ?? ProcessInfo.processInfo.environment["MILLRACE_BIN"]
        let folder = try named.map { PrivateFiles.exists($0) ? try PrivateFiles.absolute($0) : $0 } ?? "/" + beside
        let missing = FarmPlan.executables(sites: options.sites).filter { access("\(folder)/\($0)", X_OK) != 0 }
        guard missing.isEmpty else {
            let names = missing.joined(separator: ", ")
            throw FarmError(
                .programMissing,
                "no \(names) in \(folder): build all with `make build`, or set MILLRACE_BIN"
            )
        }
        return folder
    }

    private static let rabbitmq = "/usr/lib/rabbitmq/bin/rabbitmq-server"

    private static func checkServers() throws {
        guard access(Self.rabbitmq, X_OK) == 0 else {
            throw FarmError(.serverMissing, "RabbitMQ is not installed (no \(Self.rabbitmq)): run scripts/setup")
        }
        guard !Self.postgresVersions().isEmpty else {
            throw FarmError(
                .serverMissing,
                "PostgreSQL is not installed (none in /usr/lib/postgresql): run scripts/setup"
            )
        }
    }

    private static func postgresVersions() -> [Int] {
        PrivateFiles.list("/usr/lib/postgresql").compactMap { Int($0) }.sorted()
            .filter { access("/usr/lib/postgresql/\($0)/bin/postgres", X_OK) == 0 }
    }

    private static func versions() -> [String: String] {
        let prefix = "rabbitmq_server-"
        let broker = PrivateFiles.list("/usr/lib/rabbitmq/lib").first { $0.hasPrefix(prefix) }
        return [
            FarmPlan.database: self.postgresVersions().last.map(String.init) ?? "",
            FarmPlan.broker: broker.map { String($0.dropFirst(prefix.count)) } ?? "",
        ]
    }
}

extension FarmSetup {
    var endpoints: FarmEndpoints {
        get throws {
            let settings = try FarmSettings(self.layout, self.ports)
            return FarmEndpoints(
                databaseURL: settings.databaseURL,
                amqpURL: settings.amqpURL,
                brokerAdminURL: settings.brokerAdminURL,
                url: self.record.url,
                state: self.layout.state,
                sites: self.options.sites
            )
        }
    }

    func database(_ logger: Logger) -> PrivatePostgres {
        var options = PrivatePostgres.Options(directory: self.layout.postgres)
        options.port = self.ports[PortName.postgres]
        // A sixteenth of the machine's memory: all services and perhaps the jobs of a site are on it.
        options.cacheMB = min(2048, max(128, Int(ProcessInfo.processInfo.physicalMemory >> 24)))
        return PrivatePostgres(options, logger: logger)
    }

    func broker() throws -> PrivateBroker {
        var configuration = try PrivateBroker.Configuration(folder: self.layout.rabbitmq, password: self.brokerPassword)
        configuration.port = self.ports[PortName.rabbitmq] ?? configuration.port
        configuration.portMapperPort = self.ports[PortName.rabbitmqPortMapper] ?? configuration.portMapperPort
        configuration.distributionPort = self.ports[PortName.rabbitmqDistribution] ?? configuration.distributionPort
        configuration.stopGrace = .seconds(8)
        // For accounts of sites alone: its statistics would cost more than all we publish.
        configuration.plugins = ["rabbitmq_management"]
        configuration.extraSettings = [
            "management.tcp.ip = 127.0.0.1",
            "management.tcp.port = \(self.ports[PortName.rabbitmqManagement] ?? 0)",
            "management.disable_stats = true",
            "management_agent.disable_metrics_collector = true",
        ]
        return PrivateBroker(configuration)
    }
}
