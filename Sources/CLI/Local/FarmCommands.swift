import ArgumentParser
import Farm

struct UpCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "up",
        abstract:
            "Start a farm on this machine, in MILLRACE_STATE: private servers, all services, one site with its agent."
    )
    @Flag(help: "Return when all is ready; the farm goes on until millrace down.") var detach = false
    @Option(help: "Port of the HTTP API and the web pages (default: the one of the last run, or any free one).")
    var port: Int?
    @Option(help: "Jobs at a time (default: the cores of this machine).") var slots: Int?

    mutating func run() async throws {
        let options = self.options
        do {
            if self.detach {
                // Asked here: the background process could only say that it did not start.
                if let record = try Farm.status(state: options.state) {
                    let place = "a farm already runs in \(record.state), at \(record.url)"
                    throw CommandFailure(
                        .refused,
                        "\(place): millrace down stops it; MILLRACE_STATE names another folder"
                    )
                }
                let arguments = CommandLine.arguments.dropFirst().filter { $0 != "--detach" }
                Output.line("\(try await Supervisor.detach(options, arguments: Array(arguments)))")
            } else {
                try await Supervisor.run(options, hooks: FarmHooks.hooks, logger: LocalCatalog.quiet) {
                    Output.line("\($0)")
                }
            }
        } catch let error as FarmError {
            throw CommandFailure(error.code == .alreadyRunning ? .refused : .failed, error.description)
        }
    }

    var options: Supervisor.Options {
        var options = Supervisor.Options(state: LocalFarm.state)
        var site = LocalFarm.site
        site.slots = self.slots
        options.sites = [site]
        options.httpPort = self.port
        return options
    }
}

struct DownCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "down",
        abstract: "Stop the farm in MILLRACE_STATE; its data stay."
    )

    mutating func run() async throws {
        Output.line("\(try await Farm.down(state: LocalFarm.state, logger: LocalCatalog.quiet))")
    }
}

struct EnvCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "env",
        abstract: "Print what to export to reach the farm in MILLRACE_STATE."
    )

    mutating func run() async throws {
        Output.line(try await Farm.exports(state: LocalFarm.state))
    }
}
