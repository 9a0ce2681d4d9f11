import ArgumentParser
import Messages
import ServiceKit

/// `millrace bench`: what this machine can do, measured on a farm that runs.
struct BenchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Measure what a farm can do; needs MILLRACE_DATABASE_URL and MILLRACE_AMQP_URL (see millrace env).",
        subcommands: [Lifecycle.self]
    )

    /// `millrace bench lifecycle`.
    struct Lifecycle: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Jobs a second from waiting to done, whose payload returns at once, through all processes."
        )

        @Option(help: "How many jobs.") var jobs: Int64 = 20_000
        @Option(help: "How many simulated agents.") var agents = 2
        @Option(help: "How many jobs each agent takes at a time.") var room = 500
        @Flag(help: "Print JSON.") var json = false

        func validate() throws {
            guard self.jobs > 0, (1...100).contains(self.agents), (1...10_000).contains(self.room) else {
                throw ValidationError("--jobs, --agents (1 to 100) and --room (1 to 10000) must be positive")
            }
        }

        func run() async throws {
            let environment = ProcessEnvironment.current()
            guard let database = environment["MILLRACE_DATABASE_URL"], let broker = environment["MILLRACE_AMQP_URL"]
            else {
                throw CommandFailure(
                    .usage,
                    "MILLRACE_DATABASE_URL and MILLRACE_AMQP_URL are not set: eval \"$(millrace env)\""
                )
            }
            let result = try await LifecycleBench(
                databaseURL: database,
                brokerURL: broker,
                jobs: self.jobs,
                agents: self.agents,
                room: self.room
            ).run()
            if self.json { return Output.line(try WireFormat.text(result)) }
            func rate(_ value: Double) -> String { String(Int(value.rounded())) }
            Output.lines([
                "lifecycle: \(result.jobs) jobs, \(self.agents) agents of \(self.room)",
                "  approved in                      \(Int(result.approveSeconds * 1000)) ms",
                "  waiting to done, all processes   \(rate(result.jobsPerSecond)) jobs/s",
                "  the same writes, catalogue alone \(rate(result.catalogueJobsPerSecond)) jobs/s (one client, \(result.catalogueJobs) jobs)",
            ])
        }
    }
}
