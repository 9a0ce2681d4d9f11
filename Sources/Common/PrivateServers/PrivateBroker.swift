import Glibc
import NIOConcurrencyHelpers

/// A RabbitMQ of our own: on loopback, with its own Erlang port mapper, cookie, node name and data.
///
/// Its data live in ``Configuration/folder`` and survive ``stop()``, ``kill9()`` and ``restart()``; ports and password
/// stay the same as long as the configuration does.
package actor PrivateBroker {
    package struct Configuration: Sendable {
        /// Holds data, logs, settings and the cookie.
        package var folder: String
        /// Before the `@localhost` of the node's name: names the data, so it must not change.
        package var nodeName: String
        package var port: Int
        package var portMapperPort: Int
        package var distributionPort: Int
        package var user: String
        package var password: String
        /// Plugins to load, such as `rabbitmq_management`.
        package var plugins: [String]
        /// Lines for `rabbitmq.conf`, after ours.
        package var extraSettings: [String]
        /// Whether the broker ends with this process; false: it goes on until stopped by its pid file.
        package var diesWithUs: Bool
        /// For starting.
        package var timeout: Duration
        /// For stopping, before it is killed.
        package var stopGrace: Duration

        /// - Throws: ``ServerError`` if there are no free ports.
        package init(
            folder: String,
            nodeName: String = "millrace",
            user: String = "millrace",
            password: String,
            diesWithUs: Bool = true
        ) throws {
            let ports = try FreePort.pick(3)
            self.folder = folder
            self.nodeName = nodeName
            self.port = ports[0]
            self.portMapperPort = ports[1]
            self.distributionPort = ports[2]
            self.user = user
            self.password = password
            self.plugins = []
            self.extraSettings = []
            self.diesWithUs = diesWithUs
            self.timeout = .seconds(120)
            self.stopGrace = .seconds(120)
        }
    }

    package nonisolated let configuration: Configuration
    private var server: ServerProcess? { didSet { self.noteProcesses() } }
    private var portMapper: ServerProcess? { didSet { self.noteProcesses() } }
    /// The two above, for ``killAndWait()``.
    private nonisolated let processes = NIOLockedValueBox<[ServerProcess]>([])

    package init(_ configuration: Configuration) { self.configuration = configuration }

    /// How to reach it, password included: letters, digits and `-._~` need no escape, and others must not be used.
    package nonisolated var url: String {
        let configuration = self.configuration
        return "amqp://\(configuration.user):\(configuration.password)@127.0.0.1:\(configuration.port)/"
    }

    /// The log of the server.
    package nonisolated var logFile: String { self.configuration.folder + "/log/broker.log" }

    /// The process numbers of the server and of its port mapper, those that run.
    package var processIDs: [Int32] {
        [self.server, self.portMapper].compactMap { $0 }.filter { $0.exit == nil }.map(\.pid)
    }

    /// Waits until the server of the last start has ended; at once if there is none.
    @discardableResult
    package func waitForExit() async -> ServerProcess.Exit? { await self.server?.waitForExit() }

    /// Starts it, and returns when it takes connections. Nothing happens if it runs.
    ///
    /// - Throws: ``ServerError`` with the end of the log.
    package func start() async throws {
        if let server, server.exit == nil { return }
        let hasRun = PrivateFiles.exists(self.configuration.folder + "/data/" + self.node)
        try self.writeSettings()
        if self.portMapper?.exit != nil || self.portMapper == nil {
            self.portMapper = try await ServerProcess.start(self.portMapperCommand)
        }
        let server = try await ServerProcess.start(self.serverCommand)
        self.server = server
        do {
            try await self.waitUntilReady(server)
            if hasRun { try await self.electLeaders() }
        } catch {
            await self.stop()
            throw error
        }
    }

    /// Stops it in order, data kept.
    package func stop() async {
        if let server { await server.terminate(grace: self.configuration.stopGrace) }
        self.server = nil
        if let portMapper { await portMapper.terminate(grace: .seconds(5), with: SIGKILL) }
        self.portMapper = nil
    }

    /// Ends it as a crash would: nothing is written any more.
    package func kill9() async {
        guard let server else { return }
        server.signal(SIGKILL)
        await server.waitForExit()
        self.server = nil
    }

    /// Ends it as a crash would, and blocks until it has: for the very end of a program.
    package nonisolated func killAndWait() {
        for process in self.processes.withLockedValue({ $0 }) { process.killAndWait() }
    }

    private func noteProcesses() {
        let running = [self.server, self.portMapper].compactMap { $0 }
        self.processes.withLockedValue { $0 = running }
    }

    /// Starts it again on the same data and port, after stopping it if it runs.
    ///
    /// - Throws: ``ServerError``.
    package func restart() async throws {
        await self.stop()
        try await self.start()
    }

    /// Runs `rabbitmqctl` against it, and returns what that printed.
    ///
    /// - Throws: ``ServerError`` if it does not exit with 0.
    @discardableResult
    package func control(_ arguments: [String]) async throws -> String {
        let output = try PrivateFiles.makeTemporaryFolder(prefix: "rabbitmqctl")
        defer { PrivateFiles.removeFolder(output) }
        let command = ServerProcess.Command(
            executable: Self.programs + "/rabbitmqctl",
            arguments: ["-q", "-n", self.node] + arguments,
            environment: self.environment,
            logFile: output + "/output"
        )
        let exit = try await ServerProcess.start(command).waitForExit()
        let text = PrivateFiles.tail(of: output + "/output", bytes: 1 << 20)
        guard exit == .status(0) else { throw ServerError("rabbitmqctl \(arguments.first ?? ""): \(exit): \(text)") }
        return text
    }

    /// Has every quorum queue choose a leader; one that has one ignores it.
    ///
    /// RabbitMQ 3.10 on one node now and then forgets to after a start on data of before: the queue then takes nothing and gives
    /// nothing, for ever (rabbitmq-server issue 10070; docs/decisions/0012). One that is still reading its log may
    /// let a demand pass, so that it is repeated until all lead.
    ///
    /// - Throws: ``ServerError`` if a queue has none when the time for starting is over.
    private func electLeaders() async throws {
        let queues = "{Name, _} <- [amqqueue:get_pid(Q) || Q <- rabbit_amqqueue:list(), amqqueue:is_quorum(Q)]"
        let leaderless = "ets:match(ra_state, {Name, leader}) == []"
        let elect = "[begin catch ra:trigger_election({Name, node()}), Name end || \(queues), \(leaderless)]."
        let end = ContinuousClock.now + self.configuration.timeout
        while true {
            let without = try await self.control(["eval", elect])
            // The answer is the last line: warnings may come before it.
            if without.split(separator: "\n").last.map({ $0.filter { !$0.isWhitespace } }) == "[]" { return }
            guard ContinuousClock.now < end else {
                throw ServerError("queues of the private broker have no leader: \(without); \(self.logFile)")
            }
        }
    }

    private static let programs = "/usr/lib/rabbitmq/bin"

    private var node: String { self.configuration.nodeName + "@localhost" }

    private func waitUntilReady(_ server: ServerProcess) async throws {
        let end = ContinuousClock.now + self.configuration.timeout
        // The broker opens its port as the last step of its start, and greets with a method frame (1).
        while FreePort.firstByte(port: self.configuration.port, greeting: Array("AMQP".utf8) + [0, 0, 9, 1]) != 1 {
            guard server.exit == nil, ContinuousClock.now < end else {
                let state = server.exit.map { "ended with \($0)" } ?? "is not ready after \(self.configuration.timeout)"
                throw ServerError(
                    "the private broker \(state); \(self.logFile): \(PrivateFiles.tail(of: self.logFile))"
                )
            }
            try await Task.sleep(for: .milliseconds(50))
        }
    }
}

extension PrivateBroker {
    private var environment: [String: String] {
        let folder = self.configuration.folder
        return [
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
            "LANG": "C.UTF-8",
            // The Erlang cookie lives here.
            "HOME": folder + "/home",
            "RABBITMQ_NODENAME": self.node,
            "RABBITMQ_CONF_ENV_FILE": folder + "/none.conf",
            "RABBITMQ_MNESIA_BASE": folder + "/data",
            "RABBITMQ_LOG_BASE": folder + "/log",
            "RABBITMQ_CONFIG_FILE": folder + "/rabbitmq.conf",
            "RABBITMQ_ADVANCED_CONFIG_FILE": folder + "/advanced.config",
            "RABBITMQ_ENABLED_PLUGINS_FILE": folder + "/enabled_plugins",
            "RABBITMQ_PID_FILE": folder + "/rabbitmq.pid",
            "RABBITMQ_DIST_PORT": String(self.configuration.distributionPort),
            "ERL_EPMD_PORT": String(self.configuration.portMapperPort),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            // One scheduler is enough and leaves the machine to others. Without an input the server is one process,
            // replacing the shell that starts it, so that signals and the death of ours reach it.
            "RABBITMQ_ALLOW_INPUT": "true",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS":
                "+S 1:1 +sbwt none +sbwtdcpu none +sbwtdio none -noinput -start_epmd false -kernel inet_dist_use_interface {127,0,0,1}",
            "RABBITMQ_CTL_DIST_PORT_MIN": "1024",
            "RABBITMQ_CTL_DIST_PORT_MAX": "65535",
        ]
    }

    private var serverCommand: ServerProcess.Command {
        ServerProcess.Command(
            executable: Self.programs + "/rabbitmq-server",
            arguments: [],
            environment: self.environment,
            logFile: self.logFile,
            pidFile: self.configuration.folder + "/server.pid",
            diesWithUs: self.configuration.diesWithUs,
            // Where Mnesia writes its core when it is killed at a bad moment.
            workingFolder: self.configuration.folder + "/log"
        )
    }

    private var portMapperCommand: ServerProcess.Command {
        ServerProcess.Command(
            executable: "/usr/bin/epmd",
            arguments: ["-address", "127.0.0.1", "-port", String(self.configuration.portMapperPort)],
            environment: self.environment,
            logFile: self.configuration.folder + "/log/epmd.log",
            pidFile: self.configuration.folder + "/epmd.pid",
            diesWithUs: self.configuration.diesWithUs
        )
    }

    private func writeSettings() throws {
        let folder = self.configuration.folder
        for part in ["", "/home", "/data", "/log"] { try PrivateFiles.makeFolder(folder + part) }
        let settings = [
            "listeners.tcp.1 = 127.0.0.1:\(self.configuration.port)",
            "default_user = \(self.configuration.user)",
            "default_pass = \(self.configuration.password)",
            "default_user_tags.administrator = true",
            "loopback_users.\(self.configuration.user) = true",
            // The write-ahead log of quorum queues is kept in memory, too: its standard size needs gigabytes.
            "raft.wal_max_size_bytes = 67108864",
            "vm_memory_high_watermark.absolute = 1GB",
            "disk_free_limit.absolute = 64MB",
            "log.file = false",
            "log.console = true",
            "log.console.level = info",
        ]
        let lines = settings + self.configuration.extraSettings
        try PrivateFiles.write(lines.joined(separator: "\n") + "\n", to: folder + "/rabbitmq.conf")
        try PrivateFiles.write(
            "[\(self.configuration.plugins.joined(separator: ","))].\n",
            to: folder + "/enabled_plugins"
        )
        try PrivateFiles.write("[].\n", to: folder + "/advanced.config")
        try PrivateFiles.write("", to: folder + "/none.conf")
    }
}
