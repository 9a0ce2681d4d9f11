import ArgumentParser
import Messages

/// `millrace bench listings`.
struct ListingsBenchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "listings",
        abstract: "How long every listing and page takes; fills the database: only on a farm made for it."
    )

    @Option(help: "Jobs in the catalogue; there are half as many attempts again.") var jobs: Int64 = 400_000
    @Flag(help: "Print JSON.") var json = false

    func validate() throws {
        guard self.jobs >= 0 else { throw ValidationError("--jobs must not be negative") }
    }

    func run() async throws {
        let result = try await ListingsBench(databaseURL: try BenchCommand.database(), jobs: self.jobs).run()
        if self.json { return Output.line(try WireFormat.text(result)) }
        let limit = ListingsBench.limit
        Output.lines(
            [
                "listings: \(result.jobs) jobs, \(result.attempts) attempts; \(result.slow) of \(result.rows.count) over \(Int(limit)) ms"
            ]
                + result.rows.map { row in
                    let time = "\((row.milliseconds * 10).rounded() / 10)"
                    let mark = row.milliseconds > limit ? "slow" : "    "
                    let gap = String(repeating: " ", count: max(1, 10 - time.count))
                    return "  \(mark)\(gap)\(time) ms  \(row.question) (\(row.rows) rows)"
                }
        )
    }
}
