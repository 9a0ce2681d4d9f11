import Foundation
import Glibc
import Logging
import NIOConcurrencyHelpers
import PrivateServers

/// All processes of a running farm, started in stages and stopped in stages.
struct Crew: Sendable {
    private let setup: FarmSetup
    private let hooks: Supervisor.Hooks
    private let policy: RestartPolicy
    private let logger: Logger
    private let board: ProcessBoard
    private let keepers = NIOLockedValueBox<[String: ProcessKeeper]>([:])

    private typealias Tasks = ThrowingTaskGroup<Void, any Error>

    init(setup: FarmSetup, hooks: Supervisor.Hooks, policy: RestartPolicy, logger: Logger) {
        self.setup = setup
        self.hooks = hooks
        self.policy = policy
        self.logger = logger
        self.board = ProcessBoard { table in
            var record = setup.record
            record.table = table
            do {
                try record.write(setup.layout)
            } catch {
                // The farm goes on: a full disk is no reason to stop what may free it.
                logger.error("\(setup.layout.record) could not be written: \(error)")
            }
        }
    }

    /// - Parameter stops: a request to stop each; the second one kills.
    /// - Throws: why it could not be started. Nothing runs any more then.
    func run(stops: AsyncStream<Void>, whenReady: @Sendable (FarmSummary) -> Void) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await self.heed(stops) }
            group.addTask { await self.rotateLogs() }
            var failure: (any Error)?
            do {
                try await self.startAll(&group)
                if !self.board.table.isStopping {
                    self.board.update { $0.allReady() }
                    whenReady(FarmSummary(self.setup.record, self.board.table))
                }
                await self.board.wait { $0.isStopping }
            } catch {
                failure = error
            }
            await self.stopAll()
            group.cancelAll()
            if let failure { throw failure }
        }
    }

    // MARK: Start

    private func startAll(_ group: inout Tasks) async throws {
        let database = self.setup.database(self.logger)
        let servers: [any ManagedProcess] = try [
            DatabaseProcess(server: database, logFile: self.setup.layout.postgres + "/log"),
            BrokerProcess(server: self.setup.broker()),
        ]
        guard try await self.start(servers, &group) else { return }
        try await database.ensureDatabase(FarmSettings.database)
        let endpoints = try self.setup.endpoints
        try await self.hooks.migrate(endpoints)
        let accounts = try await self.hooks.seed(endpoints)
        for site in endpoints.sites {
            let amqp = accounts[site.name] ?? endpoints.amqpURL
            try PrivateFiles.makeFolder(self.setup.layout.agent(site.name))
            let port = self.setup.ports[FarmPlan.agentName(site)]
            try AgentFile.forThisMachine(site: site, amqp: amqp, adminPort: port, layout: self.setup.layout)
                .write(to: self.setup.layout.agentFile(site.name))
        }
        let plan = FarmPlan(
            layout: self.setup.layout,
            endpoints: endpoints,
            programs: self.setup.programs,
            ports: self.setup.ports,
            inherited: ProcessInfo.processInfo.environment
        )
        for stage in [plan.services(), plan.agents()] {
            guard try await self.start(stage.map(self.process), &group) else { return }
        }
    }

    private func process(_ program: PlannedProgram) -> any ManagedProcess {
        ProgramProcess(program, logFile: self.setup.layout.log(of: program.name))
    }

    /// Starts a stage and waits until it is ready.
    ///
    /// - Returns: false if the farm is to stop before it is.
    private func start(_ stage: [any ManagedProcess], _ group: inout Tasks) async throws -> Bool {
        if self.board.table.isStopping { return false }
        for process in stage {
            let keeper = ProcessKeeper(process, board: self.board, policy: self.policy, logger: self.logger)
            self.keepers.withLockedValue { $0[process.name] = keeper }
            group.addTask { await keeper.run() }
        }
        let names = stage.map(\.name)
        await self.board.wait(self.setup.options.startLimit) { table in
            table.isStopping || table.areReady(names) || !table.problems(names).isEmpty
        }
        let table = self.board.table
        if table.isStopping { return false }
        if table.areReady(names) { return true }
        if let row = table.problems(names).first { throw FarmError(.startFailed, row.problem ?? row.name) }
        let late = table.rows.filter { names.contains($0.name) && $0.state != .ready }
        throw FarmError(.startFailed, late.map(Self.lateness).joined(separator: "; "))
    }

    private static func lateness(_ row: ProcessTable.Row) -> String {
        "\(row.name) does not become ready: \(LogFile.lastLine(row.log)); its log is \(row.log)"
    }

    // MARK: Stop

    private func heed(_ stops: AsyncStream<Void>) async {
        for await _ in stops {
            if !self.board.table.isStopping {
                self.board.update { $0.stopAll() }
                continue
            }
            self.logger.warning("asked to stop again: what is left is killed")
            for keeper in self.keepers.withLockedValue({ Array($0.values) }) { await keeper.process.kill() }
        }
    }

    private func stopAll() async {
        self.board.update { $0.stopAll() }
        for stage in FarmPlan.stopOrder(sites: self.setup.options.sites) {
            let keepers = self.keepers.withLockedValue { keepers in stage.compactMap { keepers[$0] } }
            await withTaskGroup(of: Void.self) { group in
                for keeper in keepers { group.addTask { await keeper.stop() } }
            }
            let names = keepers.map(\.process.name)
            await self.board.wait { table in names.allSatisfy { table[$0]?.state == .stopped } }
        }
        self.logger.notice("the farm has stopped")
    }

    private func rotateLogs() async {
        while !Task.isCancelled {
            for path in self.setup.layout.growingLogs {
                do {
                    try LogFile.rotate(path)
                } catch {
                    self.logger.error("\(error)")
                }
            }
            do {
                try await Task.sleep(for: .seconds(5))
            } catch {
                return  // The farm stops.
            }
        }
    }
}
