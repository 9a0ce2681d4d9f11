import ArgumentParser
import Messages

struct TaskCommands: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "task",
        abstract: "Tasks of requests.",
        subcommands: [
            List.self, Show.self, Waiting.self, Submissions.self, History.self, Pause.self, Resume.self, Retry.self,
            Flush.self, Abort.self, Debug.self, Check.self, Archive.self, Restore.self,
        ]
    )

    static let columns = [
        Column("task"), Column("request"), Column("name"), Column("kind"), Column("state", .state),
        Column("jobs_total"),
        Column("jobs_waiting"), Column("jobs_active"), Column("jobs_done"), Column("jobs_aborted"),
        Column("events_expected"),
        Column("events_done"), Column("reason"),
    ]

    static let waitingColumns = [
        Column("first"), Column("last"), Column("priority"), Column("not_before", .time), Column("held"),
        Column("excluded"),
    ]

    static let submissionColumns = [
        Column("submission"), Column("task"), Column("site"), Column("agent"), Column("batch"), Column("attempts"),
        Column("input_files"), Column("live"), Column("done"), Column("failed"), Column("at", .time),
    ]

    struct List: ListCommand {
        static let configuration = CommandConfiguration(abstract: "List tasks.")
        @OptionGroup var options: ListOptions
        @Option(help: "Only of this request.") var request: Int64?
        @Option(help: "Only in these states, separated by commas.") var state: String?
        @Option(help: "Only of this kind: generate, process, merge, analyse.") var kind: String?

        var path: String { "/tasks" }
        var query: [(String, String?)] {
            [("request", self.request.map { "\($0)" }), ("state", self.state), ("kind", self.kind)]
        }
        var columns: [Column] { TaskCommands.columns }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Show a task.")
        @OptionGroup var options: ShowOptions
        @Argument(help: "The task.") var task: Int64

        mutating func run() async throws {
            let gateway = try await GatewayClient.fromEnvironment()
            let task = try await gateway.get("/tasks/\(self.task)")
            if self.options.json { return try Output.json(task) }
            guard case .group(var fields) = task else { return }
            fields["spec"] = nil  // What an agent is given: long, and for programs.
            Output.lines(Details.lines(.group(fields), first: ["task", "request", "name", "kind", "state", "reason"]))
            if let line = ArchivedTask.line(task) { return Output.lines(["", line]) }
            let waiting = try await gateway.list("/waiting", [("task", "\(self.task)")], limit: 100)
            Output.lines(
                Output.section(
                    "waiting",
                    TaskCommands.waitingColumns,
                    rows: waiting.rows,
                    rest: waiting.more ? "millrace task waiting \(self.task) --limit 0" : nil
                )
            )
            try await TaskCommands.showSubmissions(of: "task", self.task, by: gateway)
        }
    }

    /// The latest batch submissions of a task or request, if there are any.
    static func showSubmissions(of kind: String, _ number: Int64, by gateway: GatewayClient) async throws {
        let found = try await gateway.list("/submissions", [(kind, "\(number)"), ("order", "desc")], limit: 20)
        Output.lines(
            Output.section(
                "batch submissions",
                Self.submissionColumns,
                rows: found.rows,
                rest: found.more ? "millrace \(kind) submissions \(number) --limit 0" : nil
            )
        )
    }

    struct Waiting: ListCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the ranges of a task's jobs that wait, in their order."
        )
        @OptionGroup var options: ListOptions
        @Argument(help: "The task.") var task: Int64

        var path: String { "/waiting" }
        var query: [(String, String?)] { [("task", "\(self.task)")] }
        var columns: [Column] { TaskCommands.waitingColumns }

        /// No job of an archived task waits here: then it is said where they are.
        func missing(_ gateway: GatewayClient) async throws -> String? {
            ArchivedTask.line(try await gateway.get("/tasks/\(self.task)"))
        }
    }

    struct Submissions: ListCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the batch submissions of a task, the latest first."
        )
        @OptionGroup var options: ListOptions
        @Argument(help: "The task.") var task: Int64

        var path: String { "/submissions" }
        var query: [(String, String?)] { [("task", "\(self.task)"), ("order", "desc")] }
        var columns: [Column] { TaskCommands.submissionColumns }
    }

    struct Pause: TaskAction {
        static let configuration = CommandConfiguration(abstract: "Lease no more of a task's jobs; running ones go on.")
        static let action = "pause"
        @OptionGroup var arguments: TaskActionArguments
    }

    struct Resume: TaskAction {
        static let configuration = CommandConfiguration(abstract: "Let a paused task go on.")
        static let action = "resume"
        @OptionGroup var arguments: TaskActionArguments
    }

    struct Retry: TaskAction {
        static let configuration = CommandConfiguration(
            abstract: "Let the jobs of a task that were given up wait again."
        )
        static let action = "retry"
        @OptionGroup var arguments: TaskActionArguments
    }

    struct Flush: TaskAction {
        static let configuration = CommandConfiguration(
            abstract: "Merge now what a merge has of inputs, however little, instead of waiting for more."
        )
        static let action = "flush"
        @OptionGroup var arguments: TaskActionArguments
    }

    struct Abort: TaskAction {
        static let configuration = CommandConfiguration(
            abstract: "Give a task up: waiting jobs go, running ones are killed."
        )
        static let action = "abort"
        @OptionGroup var arguments: TaskActionArguments
    }
}

struct TaskActionArguments: ParsableArguments {
    @OptionGroup var options: ChangeOptions
    @Argument(help: "The task.") var task: Int64
    @Option(help: "Why, for the log.") var reason: String?
}

/// An action on one task.
protocol TaskAction: AsyncParsableCommand {
    static var action: String { get }
    var arguments: TaskActionArguments { get }
}

extension TaskAction {
    mutating func run() async throws {
        let arguments = self.arguments
        try await arguments.options.send("/tasks/\(arguments.task)/\(Self.action)", ["reason": arguments.reason.json])
    }
}
