import Foundation
import Logging
import PrivateServers

/// Keeps one process up: starts it, notes how it fares, and starts it again whenever it ends by itself.
struct ProcessKeeper: Sendable {
    let process: any ManagedProcess
    let board: ProcessBoard
    let policy: RestartPolicy
    let logger: Logger

    private var name: String { self.process.name }

    init(_ process: any ManagedProcess, board: ProcessBoard, policy: RestartPolicy, logger: Logger) {
        self.process = process
        self.board = board
        self.policy = policy
        self.logger = logger
        board.update { $0.add(process.name, log: process.logFile, at: Date()) }
    }

    /// One start, from the launch to the end.
    private struct Life {
        var lived = Duration.zero
        var healthy = Duration.zero
        var exit: ProcessExit?
        /// Why it could not be started at all.
        var problem: String?
    }

    /// Returns when ``stop()`` was called and the process is gone.
    func run() async {
        var policy = self.policy
        while !self.isStopping {
            let life = await self.live()
            if self.isStopping { break }
            let decision = policy.ended(lived: life.lived, healthy: life.healthy)
            self.noteEnd(life, decision)
            await self.board.wait(decision.delay) { [name] in $0.isStopping(name) }
        }
        self.board.update { $0.stopped(self.name, nil, at: Date()) }
    }

    func stop() async {
        self.board.update { $0.stop(self.name) }
        await self.process.stop()
    }

    private var isStopping: Bool { self.board.table.isStopping(self.name) }

    private func live() async -> Life {
        var life = Life()
        let begin = ContinuousClock.now
        self.board.update { $0.starting(self.name, at: Date()) }
        do {
            let numbers = try await self.process.launch()
            self.board.update { $0.started(self.name, numbers.compactMap { ProcessIdentity.of($0) }) }
            // A stop that came before there was a process found nothing to stop.
            if self.isStopping { await self.process.stop() }
            if try await self.process.awaitReady() {
                self.logger.info("\(self.name) is ready", metadata: ["pid": "\(numbers.first ?? 0)"])
                self.board.update { $0.ready(self.name, at: Date()) }
                let ready = ContinuousClock.now
                life.exit = await self.process.awaitEnd()
                life.healthy = .now - ready
            } else {
                life.exit = await self.process.awaitEnd()
            }
        } catch {
            life.problem = "\(error)"
            await self.process.stop()
        }
        life.lived = .now - begin
        return life
    }

    private func noteEnd(_ life: Life, _ decision: RestartPolicy.Decision) {
        let exit = life.exit
        var problem = life.problem
        if problem == nil && decision.isLoud {
            let words = LogFile.lastLine(self.process.logFile)
            let how = exit.map { " (\($0))" } ?? ""
            problem = "\(self.name) ends as soon as it is started\(how): \(words); its log is \(self.process.logFile)"
        }
        self.board.update { $0.ended(self.name, exit, problem: problem, at: Date()) }
        let what = problem ?? "\(self.name) ended by itself: \(exit.map { "\($0)" } ?? "no status")"
        let level: Logger.Level = problem == nil ? .warning : .error
        self.logger.log(level: level, "\(what); it is started again in \(decision.delay)")
    }
}
