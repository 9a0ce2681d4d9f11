import ArgumentParser
import Messages

struct JobCommands: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "job",
        abstract: "Jobs: what they do, did, and why they wait or fail.",
        subcommands: [List.self, Show.self, History.self, Log.self, Why.self, Kill.self, Revoke.self]
    )

    static let attemptColumns = [
        Column("attempt"), Column("state", .state), Column("site"), Column("node"), Column("batch_id"), Column("step"),
        Column("leased_at", .time),
        Column("started_at", .time), Column("ended_at", .time), Column("wall_seconds", .seconds), Column("code"),
        Column("blame"),
        Column("diagnostic"), Column("late_code"),
    ]

    struct List: ListCommand {
        static let configuration = CommandConfiguration(
            abstract: "List jobs that were leased at least once; the others are ranges (`task show`)."
        )
        @OptionGroup var options: ListOptions
        @Argument(help: "Only of this task.") var task: Int64?
        @Option(help: "Only in these states, separated by commas.") var state: String?

        var path: String { "/jobs" }
        var query: [(String, String?)] { [("task", self.task.map { "\($0)" }), ("state", self.state)] }
        var columns: [Column] {
            [
                Column("task"), Column("index"), Column("state", .state), Column("attempts"), Column("failures"),
                Column("winner"),
                Column("events_expected"), Column("reason"),
            ]
        }

        /// The jobs of an archived task are no rows: then it is said where they are.
        func missing(_ gateway: GatewayClient) async throws -> String? {
            guard let task = self.task else { return nil }
            return ArchivedTask.line(try await gateway.get("/tasks/\(task)"))
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Show a job and its attempts.")
        @OptionGroup var options: ShowOptions
        @OptionGroup var job: JobReference

        mutating func run() async throws {
            let job = try await GatewayClient.fromEnvironment().get(self.job.path())
            try self.options.show(
                job,
                Details.lines(
                    job,
                    first: ["task", "index", "state", "reason"],
                    tables: ["attempt_rows": JobCommands.attemptColumns]
                )
            )
        }
    }

    struct History: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show every transition of a job and its attempts: when, who, from, to, and the cause."
        )
        @OptionGroup var options: ListOptions
        @OptionGroup var job: JobReference

        mutating func run() async throws {
            let limit = self.options.limit == 0 ? nil : self.options.limit
            let found = try await GatewayClient.fromEnvironment().list(self.job.path() + "/history", limit: limit)
            try self.options.show(found.rows, more: found.more, Transitions.columns)
        }
    }

    struct Log: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print the end of the log of a job's last attempt, or of the one named."
        )
        @OptionGroup var options: ShowOptions
        @OptionGroup var job: JobReference

        mutating func run() async throws {
            let attempt = try self.job.attempt().map { [("attempt", "\($0)")] } ?? []
            let log = try await GatewayClient.fromEnvironment().get(self.job.path() + "/log", attempt)
            guard self.options.json || log["log"].text != nil else {
                let name = "\(log["task"].integer ?? 0).\(log["index"].integer ?? 0).\(log["attempt"].integer ?? 0)"
                throw CommandFailure(
                    .failed,
                    "attempt \(name) is \(log["state"].text ?? "unknown") and has sent no log: full logs are kept at the site"
                )
            }
            try self.options.show(log, [log["log"].text ?? ""])
        }
    }

    struct Revoke: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Withdraw what was accepted of a job that is done; it waits again.",
            discussion:
                "Only while nobody has merged or read it and its datasets are open; jobs that are to read it let go of it. Its files are deleted after an hour."
        )
        @OptionGroup var options: ChangeOptions
        @OptionGroup var job: JobReference
        @Option(help: "Why, for the log.") var reason: String?

        mutating func run() async throws {
            try await self.options.send(self.job.path() + "/revoke", ["reason": self.reason.json])
        }
    }

    struct Kill: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "End the running attempt of a job; its events are given up.",
            discussion:
                "They count as damaged, and against the loss its task allows, until the task is recovered or its jobs are retried. An attempt that ends by itself first counts as ever."
        )
        @OptionGroup var options: ChangeOptions
        @OptionGroup var job: JobReference
        @Option(help: "Why, for the log.") var reason: String?

        mutating func run() async throws {
            try await self.options.send(self.job.path() + "/kill", ["reason": self.reason.json])
        }
    }
}

/// How rows of the log are shown.
enum Transitions {
    static let columns = [
        Column("at", .time), Column("entity"), Column("from", .state), Column("to", .state), Column("who"),
        Column("cause"),
    ]
}
