import ArgumentParser
import Messages

/// `millrace cleanup`: what is deleted of cancelled requests.
struct CleanupCommands: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cleanup",
        abstract: "What is deleted of cancelled requests: how far it is, and what it waits for.",
        discussion: "`millrace request cancel REQUEST --delete-outputs` begins one.",
        subcommands: [List.self, Show.self, Force.self, Stop.self]
    )

    struct List: ListCommand {
        static let configuration = CommandConfiguration(abstract: "List clean-ups.")
        @OptionGroup var options: ListOptions
        @Option(help: "Only in these states, separated by commas: open, done, stopped.") var state: String?

        var path: String { "/cleanups" }
        var query: [(String, String?)] { [("state", self.state)] }
        var columns: [Column] {
            [
                Column("request"), Column("state", .state), Column("datasets"), Column("datasets_open", title: "open"),
                Column("files"), Column("files_removed", title: "removed"), Column("replicas_left", title: "to delete"),
                Column("since", .time), Column("who"), Column("waits_for"), Column("problem"),
            ]
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Show the clean-up of a request, dataset by dataset.")
        @OptionGroup var options: ShowOptions
        @Argument(help: "The request.") var request: Int64

        mutating func run() async throws {
            let cleanup = try await GatewayClient.fromEnvironment().get("/cleanups/\(self.request)")
            try self.options.show(
                cleanup,
                [CleanupLine.text(cleanup) ?? "", ""]
                    + Details.lines(
                        cleanup,
                        first: ["request", "state", "who", "reason", "since"],
                        styles: ["since": .time, "ended": .time, "next_deletion": .time],
                        tables: ["parts": Self.columns]
                    )
            )
        }

        private static let columns = [
            Column("dataset"), Column("state", .state), Column("files"), Column("files_removed", title: "removed"),
            Column("waits_for"),
        ]
    }

    struct Force: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract:
                "Delete also what is in containers or subscribed elsewhere. What is read by others is still waited for."
        )
        @OptionGroup var options: ChangeOptions
        @Argument(help: "The request.") var request: Int64

        mutating func run() async throws { try await self.options.send("/cleanups/\(self.request)/force") }
    }

    struct Stop: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Keep what has not been taken out yet. What went does not come back."
        )
        @OptionGroup var options: ChangeOptions
        @Argument(help: "The request.") var request: Int64

        mutating func run() async throws { try await self.options.send("/cleanups/\(self.request)/stop") }
    }
}

/// A clean-up in one line.
enum CleanupLine {
    /// - Parameter cleanup: as the API shows it.
    /// - Returns: nil: there is none.
    static func text(_ cleanup: JSON) -> String? {
        guard let state = cleanup["state"].text else { return nil }
        func number(_ field: String) -> Int64 { cleanup[field].integer ?? 0 }
        let files = "\(number("files_removed")) of \(number("files")) files taken out"
        switch state {
        case "done": return "clean-up: done, \(files) and deleted"
        case "stopped": return "clean-up: stopped by \(cleanup["stopped_by"].text ?? "-"), \(files)"
        default:
            let left = number("replicas_left") > 0 ? ", \(number("replicas_left")) replicas to delete" : ""
            let waits = cleanup["waits_for"].text.map { "; waits: \($0)" } ?? ""
            let problem = cleanup["problem"].text.map { "; not deleted: \($0)" } ?? ""
            return "clean-up: \(files)\(left)\(waits)\(problem)"
        }
    }
}
