import ArgumentParser
import Messages

/// `debug` of a task or a request: what fails there, the worst first.
enum DebugReport {
    private static let placeColumns = [
        Column("site"), Column("node"), Column("failures"), Column("jobs"),
        Column("lost_wall_seconds", .seconds, title: "lost"), Column("first", .time), Column("last", .time),
        Column("actions"),
    ]

    /// - Parameter name: such as `task 12`.
    static func run(_ path: String, _ name: String, _ options: ShowOptions) async throws {
        let answer = try await GatewayClient.fromEnvironment().get(path + "/debug")
        if options.json {
            try Output.json(.list(answer["items"].items))
            // Beside the rows, which scripts read.
            for line in Self.archived(answer) { Terminal.complain("millrace: \(line)") }
        } else {
            Output.lines(Self.lines(answer, name: name))
        }
    }

    static func lines(_ answer: JSON, name: String, colours: Bool = Terminal.hasColours) -> [String] {
        let groups = answer["items"].items
        let archived = Self.archived(answer)
        guard !groups.isEmpty else { return archived.isEmpty ? ["\(name) has no failures"] : archived }
        return archived
            + groups.enumerated().flatMap { position, group in
                (position == 0 && archived.isEmpty ? [] : [""]) + Self.lines(group: group, colours: colours)
            }
    }

    /// A line for each task whose failures are in the archive.
    private static func archived(_ answer: JSON) -> [String] { answer["archived"].items.compactMap { $0["line"].text } }

    private static func lines(group: JSON, colours: Bool) -> [String] {
        func plain(_ field: String, _ style: CellStyle = .plain) -> String { style.text(group[field]) }
        let title =
            "\(plain("code")) \(group["name"].text ?? "(not one of ours)"): \(plain("failures")) failures of "
            + "\(plain("jobs")) jobs, \(plain("lost_wall_seconds", .seconds)) of wall time lost"
        var facts = [
            ("fingerprint", plain("fingerprint")), ("blame", "\(plain("blame")), by rule \(plain("rule"))"),
            ("actions", plain("actions")), ("from", "\(plain("first", .time)) to \(plain("last", .time))"),
        ]
        func add(_ name: String, _ text: String?) { if let text, !text.isEmpty { facts.append((name, text)) } }
        add("diagnostic", group["diagnostic"].text)
        add("last line", group["log_line"].text)
        add("samples", group["samples"].items.map(Self.sample).joined(separator: ", "))
        add("log", group["samples"].items.first?["log"].text)
        let lines = facts.map { name, text in
            let blanks = String(repeating: " ", count: 13 - name.count)
            return "  " + Tone.faint.paint(name, colours: colours) + blanks + Table.oneLine(text)
        }
        let places = group["places"].items
        let more = (group["places_total"].integer ?? 0) - Int64(places.count)
        return [Tone.bad.paint(title, colours: colours)] + lines
            + Table(Self.placeColumns, rows: places).lines(colours: colours).map { "    \($0)" }
            + (more > 0 ? ["    and \(more) more places"] : [])
    }

    /// `12.5.1 at lyon/node7`
    private static func sample(_ sample: JSON) -> String {
        let job = ["task", "index", "attempt"].map { CellStyle.plain.text(sample[$0]) }.joined(separator: ".")
        let place = [sample["site"].text, sample["node"].text].compactMap { $0 }.joined(separator: "/")
        return "\(job) at \(place)"
    }
}

extension TaskCommands {
    struct Debug: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Group a task's failures by what failed and where, the most wall time lost first."
        )
        @OptionGroup var options: ShowOptions
        @Argument(help: "The task.") var task: Int64

        mutating func run() async throws {
            try await DebugReport.run("/tasks/\(self.task)", "task \(self.task)", self.options)
        }
    }
}

extension RequestCommands {
    struct Debug: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Group the failures of a request's tasks by what failed and where, the most wall time lost first."
        )
        @OptionGroup var options: ShowOptions
        @Argument(help: "The request.") var request: Int64

        mutating func run() async throws {
            try await DebugReport.run("/requests/\(self.request)", "request \(self.request)", self.options)
        }
    }
}
