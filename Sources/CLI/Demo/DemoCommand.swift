import ArgumentParser
import Farm
import Glibc
import Messages
import UnixSignals

struct DemoCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo",
        abstract: "Run the TPC end-plate study from nothing to its plots: 3 samples, 9 simulations, one comparison.",
        discussion: """
            Uses the farm in MILLRACE_STATE if one runs, else starts one and stops it at the end. What is there already is not \
            made again: a second run in the same folder shows the finished production at once.
            """
    )
    @Flag(help: "Stop the farm and remove its state folder first: everything is made again.") var fresh = false
    @Option(help: "The folder of the study.") var examples = "examples/tpc-endplate"

    mutating func run() async throws {
        let (fresh, examples) = (self.fresh, self.examples)
        // Read before anything is started: a mistake in a file is told at once.
        let workflows = try DemoPlan.workflowFiles.map { try WorkflowFile.read("\(examples)/\($0)") }
        let start = ContinuousClock.now
        let state = LocalFarm.state
        if fresh { try await DemoFarm.remove(state) }
        try await DemoFarm.with(state) { record in
            try await DemoRun(record: record, workflows: workflows, start: start).run()
        }
    }
}

/// The farm of the demo: the one that runs, or one of its own.
enum DemoFarm {
    /// Gives `body` a farm. One that was started for it is stopped at the end, however that comes: also by Ctrl-C.
    static func with(_ state: String, _ body: @Sendable @escaping (FarmRecord) async throws -> Void) async throws {
        let signals = await UnixSignalsSequence(trapping: .sigint, .sigterm)
        let isOurs = try Farm.status(state: state) == nil
        var failure: (any Error)?
        do {
            try await withThrowingTaskGroup(of: Bool.self) { group in
                group.addTask {
                    for await _ in signals { return false }
                    return true
                }
                group.addTask {
                    if isOurs { try await Self.start() }
                    guard let record = try Farm.status(state: state) else {
                        throw CommandFailure(.failed, "the farm in \(state) ended while it started: see \(state)/logs")
                    }
                    try await body(record)
                    return true
                }
                defer { group.cancelAll() }
                if try await group.next() == false {
                    throw CommandFailure(.failed, "interrupted; millrace demo goes on from here")
                }
            }
        } catch {
            failure = error
        }
        if isOurs { Output.line("\(try await Farm.down(state: state, logger: LocalCatalog.quiet))") }
        if let failure { throw failure }
    }

    private static func start() async throws {
        var options = Supervisor.Options(state: LocalFarm.state)
        options.sites = [LocalFarm.site]
        Output.line("starting a farm in \(LocalFarm.state)")
        do {
            Output.line("\(try await Supervisor.detach(options, arguments: ["up"]))")
        } catch let error as FarmError {
            throw CommandFailure(.failed, error.description)
        }
    }

    /// Stops the farm and removes its folder, if it is one of ours.
    static func remove(_ state: String) async throws {
        guard access(state, F_OK) == 0 else { return }
        let layout = try FarmLayout(state: state)
        guard access(layout.record, F_OK) == 0 else {
            throw CommandFailure(
                .refused,
                "\(state) holds no farm (no farm.json): it is not removed; remove it by hand if it may go"
            )
        }
        _ = try await Farm.down(state: state, logger: LocalCatalog.quiet)
        try FolderRemoval.remove(layout.state)
    }
}
