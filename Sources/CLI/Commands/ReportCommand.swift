import ArgumentParser
import Catalog
import Messages

/// `millrace report`: production over time.
struct ReportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "report",
        abstract:
            "Print production over time: jobs, events and core hours, by day, place or kind of work, and the records.",
        discussion: "Days are UTC. What is archived counts: the sums outlive their jobs."
    )

    @Flag(help: "Print an array of objects, one per row.") var json = false
    @Option(help: "How far back: a length of time such as 90d or 365d.") var last = "365d"
    @Option(
        help:
            "What a row is: day, week, month, site, cloud, kind, class, request, blame; or two of them, such as month,cloud.",
        transform: Self.parts
    )
    var by = [ProductionStatements.By.day]

    private static func parts(_ text: String) throws -> [ProductionStatements.By] {
        let words = text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        let known = ProductionStatements.By.allCases.map(\.rawValue).joined(separator: ", ")
        let parts = try words.map { word in
            guard let by = ProductionStatements.By(rawValue: word) else {
                throw ValidationError("\(word.isEmpty ? "nothing" : word) is not one of \(known)")
            }
            return by
        }
        guard parts.count <= 2, Set(parts).count == parts.count else {
            throw ValidationError("a row is one of these, or two different ones: \(known)")
        }
        return parts
    }

    mutating func run() async throws {
        let words = zip(["by", "then"], self.by).map { ($0, $1.rawValue) }
        let query = [("since", self.last)] + words
        let answer = try await GatewayClient.fromEnvironment().get("/report", query)
        // Beside the rows, which scripts read.
        if let line = Self.cut(answer) { Terminal.complain("millrace: \(line)") }
        if self.json {
            try Output.json(.list(answer["items"].items))
        } else {
            Output.lines(Self.lines(answer, by: self.by))
        }
    }

    /// What to say when the answer has not all rows.
    static func cut(_ answer: JSON) -> String? {
        guard answer["complete"].truth == false else { return nil }
        return "these are the first \(answer["items"].items.count) rows, not all: ask for less with --last"
    }

    static func lines(
        _ answer: JSON,
        by: [ProductionStatements.By],
        colours: Bool = Terminal.hasColours
    ) -> [String] {
        guard !answer["items"].items.isEmpty else { return ["nothing ended since \(answer["since"].text ?? "then")"] }
        let names = by.flatMap { by -> [Column] in
            switch by {
            case .class:
                [Column("class"), Column("cores"), Column("memory_mb"), Column("walltime_s"), Column("share")]
            case .request: [Column("request"), Column("title"), Column("owner")]
            case .day, .week, .month, .site, .cloud, .kind, .blame: [Column(by.rawValue)]
            }
        }
        let columns =
            names + [
                Column("jobs_done"), Column("jobs_aborted"), Column("events"), Column("attempts"), Column("failed"),
                Column("core_hours", .tenths), Column("lost_core_hours", .tenths),
            ]
        let table = Table(columns, rows: answer["items"].items + [answer["total"]]).lines(colours: colours)
        let records = answer["records"].items.map(Self.record)
        return table + (records.isEmpty ? [] : [""] + records)
    }

    private static func record(_ record: JSON) -> String {
        let (value, of) = (record["value"].integer ?? 0, record["of"].text ?? "")
        let start = record["start"].text ?? ""
        return record["span"].text == "week"
            ? "best week by \(of): \(value), from \(start)" : "best day by \(of): \(value), on \(start)"
    }
}
