import Glibc
package import Logging
import Postgres

/// A PostgreSQL server of our own: its data in one directory, reachable on 127.0.0.1 with a password, not elsewhere.
///
/// The directory holds `data` (kept over restarts), `password` (mode 0600) and `log`. Under root the server runs as the
/// user `postgres`. It ends with this process.
package actor PrivatePostgres {
    package struct Options: Sendable {
        /// Holds everything of this server; made if missing.
        package var directory: String
        /// nil: a free one, chosen at the first start and kept by this object.
        package var port: Int?
        /// False only where the data may be lost when the *machine* stops; a killed server loses nothing either way.
        package var isDurable = true
        package var maxConnections = 200
        /// Memory for its own cache, MB; nil: as PostgreSQL comes, 128, which a catalogue of some 100,000 files outgrows.
        package var cacheMB: Int?

        package init(directory: String) { self.directory = directory }
    }

    package static let user = "millrace"

    /// Where everything of this server is.
    package nonisolated var directory: String { self.options.directory }

    private nonisolated let options: Options
    private let logger: Logger
    private var process: ServerProcess?
    private var port: Int?
    private var password = ""

    package init(_ options: Options, logger: Logger) {
        self.options = options
        self.logger = logger
        self.port = options.port
    }

    private var data: String { "\(self.options.directory)/data" }
    private var passwordFile: String { "\(self.options.directory)/password" }
    private var logFile: String { "\(self.options.directory)/log" }

    /// The URL of a database, with the password.
    package func url(database: String = "postgres") throws -> String {
        guard let port = self.port, !self.password.isEmpty else {
            throw ServerError("the private PostgreSQL was not started yet")
        }
        return "postgresql://\(Self.user):\(self.password)@127.0.0.1:\(port)/\(database)"
    }

    /// The server's process number while it runs.
    package var processID: Int32? { self.process?.exit == nil ? self.process?.pid : nil }

    /// Waits until the server of the last start has ended; at once if there is none.
    @discardableResult
    package func waitForExit() async -> ServerProcess.Exit? { await self.process?.waitForExit() }

    /// Makes the data directory if there is none, starts the server and waits until it answers.
    package func start() async throws {
        if self.processID != nil { return }
        let binaries = try PostgresBinaries.find()
        let account = try PostgresAccount.current()
        try account.prepare(directory: self.options.directory)
        try await self.initialise(binaries, account)
        self.password = try PrivateFiles.readAll(self.passwordFile)
        try await self.awaitFormerServer()
        // A free port may be taken by somebody else between the choice and the start.
        for attempt in 1...3 {
            let port = try self.port ?? FreePort.pick()[0]
            do {
                try await self.launch(binaries, account, port)
                self.port = port
                return
            } catch  where self.port == nil && attempt < 3 {
                self.logger.info("private PostgreSQL did not start on port \(port), another is tried: \(error)")
            }
        }
    }

    /// Ends all sessions, writes a checkpoint and stops.
    package func stop() async {
        await self.process?.terminate(grace: .seconds(30), with: SIGINT)
        self.process = nil
    }

    /// Kills the server as a crash would. Its sessions end with it; what was committed is there after the next start.
    package func kill9() async {
        self.process?.signal(SIGKILL)
        await self.process?.waitForExit()
        self.process = nil
    }

    package func restart() async throws {
        await self.stop()
        try await self.start()
    }

    /// Makes a database unless it exists.
    ///
    /// - Parameter template: a database without sessions to copy.
    package func ensureDatabase(_ name: String, template: String? = nil) async throws {
        try await PostgresSession.with(url: self.url(), logger: self.logger) { session in
            do {
                try await session.createDatabase(name, template: template)
            } catch let error as PostgresError where error.sqlState == "42P04" {
                self.logger.debug("database \(name) exists")
            }
        }
    }

    // MARK: Steps

    private func initialise(_ binaries: PostgresBinaries, _ account: PostgresAccount) async throws {
        if PrivateFiles.exists("\(self.data)/PG_VERSION") { return }
        try PrivateFiles.write(PrivateFiles.randomPassword(), to: self.passwordFile)
        try account.own(self.passwordFile)
        // Made aside and renamed when complete, so that a killed initdb leaves nothing that looks like data.
        let unfinished = "\(self.data).unfinished"
        PrivateFiles.removeFolder(unfinished)
        var arguments = [
            "-D", unfinished, "-U", Self.user, "--pwfile", self.passwordFile, "--auth=scram-sha-256",
            "--encoding=UTF8", "--locale=C.UTF-8", "--lc-collate=C", "--data-checksums",
        ]
        if !self.options.isDurable { arguments.append("--no-sync") }
        let initdb = try await ServerProcess.start(self.command(binaries.initdb, arguments, account))
        let status = await initdb.waitForExit()
        guard status == .status(0) else {
            throw ServerError("initdb failed (\(status)): \(self.lastWords())")
        }
        guard rename(unfinished, self.data) == 0 else {
            throw ServerError("cannot rename \(unfinished): \(PrivateFiles.reason())")
        }
    }

    /// `setpriv` gives up root and asks that the server be stopped when we die; the kernel forgets such a wish at a
    /// change of user, so the wish of ``ServerProcess`` is not used.
    private func command(
        _ executable: String,
        _ arguments: [String],
        _ account: PostgresAccount
    ) -> ServerProcess.Command {
        // INT is a fast shutdown: sessions are ended, nothing is lost.
        var prefix = ["--pdeathsig", "INT"]
        if let user = account.user { prefix += ["--reuid", "\(user.uid)", "--regid", "\(user.gid)", "--clear-groups"] }
        return ServerProcess.Command(
            executable: "/usr/bin/setpriv",
            arguments: prefix + ["--", executable] + arguments,
            environment: ["PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "TZ": "UTC"],
            logFile: self.logFile,
            diesWithUs: false
        )
    }

    private func launch(_ binaries: PostgresBinaries, _ account: PostgresAccount, _ port: Int) async throws {
        var settings = [
            "listen_addresses=127.0.0.1", "port=\(port)", "unix_socket_directories=", "lc_messages=C",
            "max_connections=\(self.options.maxConnections)", "logging_collector=off", "timezone=UTC",
        ]
        // With checkpoints by the size of the log further apart: each makes the next writes to all pages twice as large.
        if let cache = self.options.cacheMB { settings += ["shared_buffers=\(cache)MB", "max_wal_size=4GB"] }
        if !self.options.isDurable { settings += ["fsync=off", "full_page_writes=off"] }
        let arguments = ["-D", self.data] + settings.flatMap { ["-c", $0] }
        let giveUp = ContinuousClock.now + .seconds(60)
        while true {
            let process = try await ServerProcess.start(self.command(binaries.postgres, arguments, account))
            if try await self.isReady(process, port) {
                self.process = process
                return
            }
            // Sessions of a killed server hold its shared memory for a moment after it, and each says in the same log that it ends:
            // what the new one said may be some way up.
            guard self.lastWords(lines: 100).contains("shared memory block"), ContinuousClock.now < giveUp else {
                throw ServerError("PostgreSQL ended at its start: \(self.lastWords()); see \(self.logFile)")
            }
            try await Task.sleep(for: .milliseconds(100))
        }
    }

    /// True as soon as the server answers, false if it ends.
    private func isReady(_ process: ServerProcess, _ port: Int) async throws -> Bool {
        let url = "postgresql://\(Self.user):\(self.password)@127.0.0.1:\(port)/postgres"
        let giveUp = ContinuousClock.now + .seconds(120)
        while process.exit == nil {
            do {
                try await PostgresSession.with(url: url, logger: self.logger) { _ in }
                return process.exit == nil
            } catch let error as PostgresError where error.code == .notConnected || error.code == .refused {
                // A refusal comes from another server on this port: ours will end by itself.
                guard ContinuousClock.now < giveUp else {
                    await process.terminate(with: SIGINT)
                    throw error
                }
                try await Task.sleep(for: .milliseconds(20))
            } catch {
                await process.terminate(with: SIGINT)
                throw error
            }
        }
        return false
    }

    /// Waits for a server that still holds the data and is going down; removes the mark of a dead one.
    private func awaitFormerServer() async throws {
        let mark = "\(self.data)/postmaster.pid"
        let giveUp = ContinuousClock.now + .seconds(15)
        while PrivateFiles.exists(mark) {
            let first = try PrivateFiles.readAll(mark).split(separator: "\n").first.flatMap { Int32($0) }
            guard let first, PrivateFiles.isRunning(first, named: "postgres") else {
                self.logger.info("the former private PostgreSQL did not stop properly: it recovers now")
                unlink(mark)
                return
            }
            guard ContinuousClock.now < giveUp else {
                throw ServerError("PostgreSQL already runs on \(self.data) as process \(first): stop it first")
            }
            try await Task.sleep(for: .milliseconds(50))
        }
    }

    /// The end of the log in one line.
    private func lastWords(lines count: Int = 6) -> String {
        do {
            let lines = try PrivateFiles.readAll(self.logFile).split(separator: "\n").suffix(count)
            return lines.joined(separator: "; ")
        } catch {
            return "no log: \(error)"
        }
    }
}

extension PrivatePostgres {
    /// For the end of a process, where nothing can be awaited: kills the server of a directory and waits for its end.
    package static func endAtOnce(_ directory: String) {
        let mark = "\(directory)/data/postmaster.pid"
        // A mark that cannot be read: the server never started, or has ended. There is nothing to kill.
        guard let text = try? PrivateFiles.readAll(mark), let line = text.split(separator: "\n").first,
            let processID = Int32(line)
        else { return }
        // An immediate shutdown: the server ends its sessions before it ends itself.
        for turn in 0..<500 where PrivateFiles.isRunning(processID, named: "postgres") {
            if turn == 0 { kill(processID, SIGQUIT) }
            usleep(10_000)
        }
    }

    /// Removes the directory of a server that has ended.
    package static func remove(_ directory: String) { PrivateFiles.removeFolder(directory) }
}
