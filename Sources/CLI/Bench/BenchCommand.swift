import ArgumentParser
import Messages
import ServiceKit

/// `millrace bench`: what this machine can do, measured on a farm that runs.
struct BenchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Measure what a farm can do; needs MILLRACE_DATABASE_URL and MILLRACE_AMQP_URL (see millrace env).",
        subcommands: [
            Lifecycle.self, Matching.self, Reports.self, Heartbeats.self, BooksBenchCommand.self,
            ListingsBenchCommand.self, MetadataBenchCommand.self,
        ]
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
            let (database, broker) = try BenchCommand.servers()
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
                "  its end told by the feed after   \(Int(result.feedSeconds * 1000)) ms",
                "  the same writes, catalogue alone \(rate(result.catalogueJobsPerSecond)) jobs/s (one client, \(result.catalogueJobs) jobs)",
            ])
        }
    }

    /// `millrace bench matching`.
    struct Matching: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Leases a second: from requests of 1,000 jobs, then from one long request."
        )

        @Option(help: "Jobs of the long request.") var long: Int64 = 10_000_000
        @Option(help: "How many jobs are leased in each part; thousands.") var leases: Int64 = 20_000
        @Option(help: "How many simulated agents.") var agents = 4
        @Option(help: "How many jobs each agent asks for at a time.") var room = 100
        @Flag(help: "Print JSON.") var json = false

        func validate() throws {
            guard self.long >= self.leases, self.leases >= 1000, self.leases % 1000 == 0 else {
                throw ValidationError("--leases must be a multiple of 1000 and at most --long")
            }
            guard (1...100).contains(self.agents), (1...10_000).contains(self.room) else {
                throw ValidationError("--agents must be 1 to 100, --room 1 to 10000")
            }
        }

        func run() async throws {
            let (database, broker) = try BenchCommand.servers()
            let results = try await MatchingBench(
                databaseURL: database,
                brokerURL: broker,
                long: self.long,
                leases: self.leases,
                agents: self.agents,
                room: self.room
            ).run()
            if self.json { return Output.line(try WireFormat.text(results)) }
            Output.lines(
                ["matching: \(self.agents) agents that ask for \(self.room)"]
                    + results.map { one in
                        "  \(one.requests) requests of \(one.jobsInRequest) jobs: \(Int(one.leasesPerSecond)) leases/s over \(one.leased), "
                            + "approved in \(Int(one.approveMilliseconds)) ms each, \(one.waitingRows) rows each"
                    }
            )
        }
    }

    /// `millrace bench reports`.
    struct Reports: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Reports a second, and how fast a failure becomes a verdict and an offer again."
        )

        @Option(help: "How many attempts report.") var attempts = 10_000
        @Option(help: "How often each reports that it runs.") var rounds = 10
        @Option(help: "Failures a second.") var rate = 1000
        @Option(help: "How many failures.") var failures = 5000
        @Flag(help: "Print JSON.") var json = false

        func validate() throws {
            guard self.attempts > 0, self.rounds > 0, self.rate > 0, (1...self.attempts).contains(self.failures) else {
                throw ValidationError("--attempts, --rounds and --rate must be positive, --failures at most --attempts")
            }
        }

        func run() async throws {
            let (database, broker) = try BenchCommand.servers()
            let result = try await ReportsBench(
                databaseURL: database,
                brokerURL: broker,
                attempts: self.attempts,
                rounds: self.rounds,
                rate: self.rate,
                failures: self.failures
            ).run()
            if self.json { return Output.line(try WireFormat.text(result)) }
            Output.lines([
                "reports: \(Int(result.reportsPerSecond)) reports/s over \(result.reports), every one durable",
                "  \(result.failures) failures at \(Int(result.failuresPerSecond)) a second",
                "  failed report to published verdict  median \(Int(result.verdictMedian)) ms, p99 \(Int(result.verdictP99)) ms",
                "  verdict to the next offer           median \(Int(result.offerMedian)) ms, p99 \(Int(result.offerP99)) ms",
            ])
        }
    }

    /// `millrace bench heartbeats`.
    struct Heartbeats: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "What it costs to hear that very many attempts run; the farm must be on this machine."
        )

        @Option(help: "Attempts that run.") var attempts = 1_000_000
        @Option(help: "Agents that hold them.") var agents = 300
        @Option(help: "Seconds between two heartbeats of an agent.") var interval = 60
        @Option(help: "How long it is measured, seconds, with heartbeats and as long without.") var seconds = 120
        @Flag(help: "Print JSON.") var json = false

        func validate() throws {
            guard self.agents > 0, self.attempts >= self.agents, self.interval > 0, self.seconds >= 4 else {
                throw ValidationError(
                    "--agents and --interval must be positive, --seconds at least 4, --attempts at least --agents"
                )
            }
        }

        func run() async throws {
            let (database, broker) = try BenchCommand.servers()
            let result = try await HeartbeatsBench(
                databaseURL: database,
                brokerURL: broker,
                attempts: self.attempts,
                agents: self.agents,
                interval: self.interval,
                seconds: self.seconds
            ).run()
            if self.json { return Output.line(try WireFormat.text(result)) }
            func two(_ value: Double) -> String { "\((value * 100).rounded() / 100)" }
            Output.lines([
                "heartbeats: \(result.attempts) running attempts of \(result.agents) agents, \(result.beats) heartbeats in \(Int(result.seconds)) s",
                "  Monitor and database server        \(two(result.centreSeconds)) s of CPU",
                "  broker                             \(two(result.brokerSeconds)) s of CPU",
                "  of one core                        \(two(result.share * 100)) %",
            ])
        }
    }

    /// The database that is measured.
    static func database() throws -> String {
        guard let url = ProcessEnvironment.current()["MILLRACE_DATABASE_URL"] else {
            throw CommandFailure(.usage, "MILLRACE_DATABASE_URL is not set: eval \"$(millrace env)\"")
        }
        return url
    }

    /// The farm that is measured.
    private static func servers() throws -> (database: String, broker: String) {
        let environment = ProcessEnvironment.current()
        guard let database = environment["MILLRACE_DATABASE_URL"], let broker = environment["MILLRACE_AMQP_URL"] else {
            throw CommandFailure(
                .usage,
                "MILLRACE_DATABASE_URL and MILLRACE_AMQP_URL are not set: eval \"$(millrace env)\""
            )
        }
        return (database, broker)
    }
}
