import ArgumentParser
import Messages

/// `millrace bench metadata`.
struct MetadataBenchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "metadata",
        abstract: "How long queries on very many files take; fills the database: only on a farm made for it."
    )

    @Option(help: "Files in the catalogue, with three values each.") var files: Int64 = 1_000_000
    @Flag(help: "Print JSON.") var json = false

    func validate() throws {
        guard self.files >= 10_000 else { throw ValidationError("--files must be at least 10000") }
    }

    func run() async throws {
        let result = try await MetadataBench(databaseURL: try BenchCommand.database(), files: self.files).run()
        if self.json { return Output.line(try WireFormat.text(result)) }
        func time(_ milliseconds: Double) -> String {
            let text = "\((milliseconds * 10).rounded() / 10)"
            return String(repeating: " ", count: max(1, 10 - text.count)) + text + " ms"
        }
        Output.lines(
            [
                "metadata: \(result.files) files, \(result.made) of them made in \(Int(result.makeSeconds)) s; "
                    + "\(result.slow) pages with an index over \(Int(MetadataBench.limit)) ms",
                "      a page     a count  files found by",
            ]
                + result.rows.map { row in
                    let note = row.advice == nil ? "" : ", every file looked at"
                    return
                        "\(time(row.pageMilliseconds))\(time(row.countMilliseconds))  \(row.query) (\(row.files)\(note))"
                }
        )
    }
}
