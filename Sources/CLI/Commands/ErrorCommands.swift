import ArgumentParser
import Catalog
import Messages

extension MatrixStatements.By: ExpressibleByArgument {}
extension ErrorStatements.By: ExpressibleByArgument {}
extension ErrorStatements.Order: ExpressibleByArgument {}
extension EfficiencyStatements.By: ExpressibleByArgument {}

struct ErrorCommands: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "errors",
        abstract: "What fails, where, and what it costs.",
        subcommands: [List.self, Matrix.self, Efficiency.self]
    )

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Group the failures of a day: how many, of how many jobs, how many core hours lost."
        )
        @OptionGroup var options: ErrorOptions
        @Option(help: "What to group by: class, code, site, blame, fingerprint, rule.")
        var by = ErrorStatements.By.class
        @Option(help: "What comes first: count, lost (core hours).") var order = ErrorStatements.Order.count

        mutating func run() async throws {
            let query = [("by", self.by.rawValue), ("order", self.order.rawValue)]
            let by = self.by
            try await self.options.show("/errors", query) { answer in
                ErrorTables.errors(answer, by: by)
            }
        }
    }

    struct Matrix: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show how much succeeds, task by task or request by request, at each site: the worst first."
        )
        @OptionGroup var options: ErrorOptions
        @Option(help: "What a row is: task, request.") var by = MatrixStatements.By.task
        @Option(help: "Only the tasks of this request.") var request: Int64?

        mutating func run() async throws {
            let request = self.request.map { [("request", "\($0)")] } ?? []
            let by = self.by
            try await self.options.show("/errors/matrix", [("by", self.by.rawValue)] + request) { answer in
                ErrorTables.matrix(answer, by: by)
            }
        }
    }

    struct Efficiency: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show how much of what ran was of use: jobs, wall time and CPU side by side."
        )
        @OptionGroup var options: ErrorOptions
        @Option(help: "What to group by: site, task, request, day.") var by = EfficiencyStatements.By.site

        mutating func run() async throws {
            let by = self.by
            try await self.options.show("/efficiency", [("by", self.by.rawValue)]) { answer in
                ErrorTables.efficiency(answer, by: by)
            }
        }
    }
}

/// What every command about a window of time takes.
struct ErrorOptions: ParsableArguments {
    @Flag(help: "Print an array of objects, one per row.")
    var json = false

    @Option(help: "How far back: a length of time such as 90m, 24h or 7d, or a time such as 2026-11-21T02:01:10Z.")
    var since = "24h"

    func show(_ path: String, _ query: [(String, String)], _ lines: (JSON) -> [String]) async throws {
        let answer = try await GatewayClient.fromEnvironment().get(path, query + [("since", self.since)])
        for line in ErrorTables.cut(answer) { Terminal.complain("millrace: \(line)") }
        if self.json {
            try Output.json(.list(answer["items"].items))
            // Beside the rows, which scripts read.
            for line in ErrorTables.archived(answer) { Terminal.complain("millrace: \(line)") }
        } else {
            Output.lines(lines(answer))
        }
    }
}
