import ArgumentParser
import Messages

/// `millrace archive`: what ended long ago leaves the tables that are worked with.
struct ArchiveCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "archive",
        abstract: "Put the jobs of requests that ended long ago into the archive, and bring them back.",
        discussion: """
            Jobs, attempts, outputs and verdicts leave the tables that are worked with, compressed; files, datasets, provenance, the \
            tracker, the report and the log stay. The Bookkeeper moves them; `millrace archive list` shows how far it is. \
            `millrace request archive` and `millrace task archive` do the same for one.
            """,
        subcommands: [Old.self, List.self, Restore.self],
        defaultSubcommand: Old.self
    )

    struct Old: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "old",
            abstract: "Archive requests that ended longer ago; those that something still needs are left, and told."
        )
        @OptionGroup var options: ChangeOptions
        @Option(help: "How long ago they ended, such as 90d.") var olderThan: String
        @Option(help: "Why, for the list of what is archived.") var reason: String?

        mutating func run() async throws {
            try await self.options.send(
                "/archive",
                ["older_than": .text(self.olderThan), "reason": self.reason.json]
            )
        }
    }

    struct List: ListCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the tasks that are archived, or on their way there or back."
        )
        @OptionGroup var options: ListOptions
        @Option(help: "Only of this request.") var request: Int64?
        @Option(help: "Only in these states, separated by commas: archiving, archived, restoring.") var state: String?

        var path: String { "/archived" }
        var query: [(String, String?)] { [("request", self.request.map { "\($0)" }), ("state", self.state)] }
        var columns: [Column] {
            [
                Column("task"), Column("request"), Column("name"), Column("state", .state), Column("jobs"),
                Column("since", .time), Column("who"), Column("waits_for"), Column("reason"),
            ]
        }
    }

    struct Restore: TaskAction {
        static let configuration = CommandConfiguration(abstract: "Bring the jobs of an archived task back.")
        static let action = "restore"
        @OptionGroup var arguments: TaskActionArguments
    }
}

extension TaskCommands {
    struct Archive: TaskAction {
        static let configuration = CommandConfiguration(
            abstract: "Put the jobs of a task that has ended into the archive."
        )
        static let action = "archive"
        @OptionGroup var arguments: TaskActionArguments
    }

    struct Restore: TaskAction {
        static let configuration = CommandConfiguration(abstract: "Bring the jobs of an archived task back.")
        static let action = "restore"
        @OptionGroup var arguments: TaskActionArguments
    }
}

extension RequestCommands {
    struct Archive: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Put the jobs of a request that has ended into the archive."
        )
        @OptionGroup var options: ChangeOptions
        @Argument(help: "The request.") var request: Int64
        @Option(help: "Why, for the list of what is archived.") var reason: String?

        mutating func run() async throws {
            try await self.options.send("/requests/\(self.request)/archive", ["reason": self.reason.json])
        }
    }

    struct Restore: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Bring the jobs of an archived request back.")
        @OptionGroup var options: ChangeOptions
        @Argument(help: "The request.") var request: Int64
        @Option(help: "Why, for the log.") var reason: String?

        mutating func run() async throws {
            try await self.options.send("/requests/\(self.request)/restore", ["reason": self.reason.json])
        }
    }
}

/// What is said of a task whose jobs are not where they were made.
enum ArchivedTask {
    /// - Parameter task: as the API shows it.
    /// - Returns: nil: its jobs are at hand.
    static func line(_ task: JSON) -> String? {
        let archived = task["archived"]
        guard let state = archived["state"].text, let number = task["task"].integer else { return nil }
        let since = CellStyle.time.text(archived["since"])
        let (who, jobs) = (archived["who"].text ?? "-", archived["jobs"].integer ?? 0)
        return switch state {
        case "archived":
            "task \(number) is archived since \(since) (by \(who)), \(jobs) jobs: millrace task restore \(number)"
        case "restoring": "task \(number) is being restored (by \(who)), \(jobs) jobs: millrace archive list shows it"
        default:
            "task \(number) is on its way into the archive (by \(who)), \(jobs) jobs: millrace task restore \(number)"
        }
    }
}
