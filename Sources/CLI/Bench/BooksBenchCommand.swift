import ArgumentParser
import Messages

/// `millrace bench books`.
struct BooksBenchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "books",
        abstract:
            "Accepted files a second, provenance and large datasets; fills the database: only on a farm made for it."
    )

    @Option(help: "Files in the catalogue before; 0: as it is.") var files: Int64 = 1_000_000
    @Option(help: "Files of the dataset that is listed.") var listed: Int64 = 100_000
    @Option(help: "Jobs of each task that is accepted.") var jobs: Int64 = 8000
    @Option(help: "Jobs accepted in one transaction.") var batch: Int64 = 200
    @Option(help: "Bookkeepers at once.") var clients = 2
    @Flag(help: "Print JSON.") var json = false

    func validate() throws {
        guard self.files >= 0, self.listed > 0, self.jobs >= 101, (1...1000).contains(self.batch),
            (1...4).contains(self.clients)
        else {
            throw ValidationError(
                "--files must not be negative, --listed positive, --jobs at least 101, --batch 1 to 1000, --clients 1 to 4"
            )
        }
    }

    func run() async throws {
        let result = try await BooksBench(
            databaseURL: try BenchCommand.database(),
            files: self.files,
            listed: self.listed,
            jobs: self.jobs,
            batch: self.batch,
            clients: self.clients
        ).run()
        if self.json { return Output.line(try WireFormat.text(result)) }
        func three(_ value: Double) -> String { "\((value * 1000).rounded() / 1000)" }
        Output.lines([
            "books: \(result.filesBefore) files before; \(self.clients) clients, \(self.batch) jobs in a transaction",
            "  14 outputs a job   \(Int(result.fourteen.filesPerSecond)) files/s over \(result.fourteen.files)",
            "  1 output a job     \(Int(result.one.filesPerSecond)) files/s over \(result.one.files), "
                + "slowest of \(result.generations - 1) generations \(Int(result.one.slowestPerSecond))",
            "  a file of generation \(result.generations): its ancestors in \(three(result.ancestorsMilliseconds)) ms, "
                + "all descendants of the first in \(three(result.descendantsMilliseconds)) ms (medians)",
            "  a dataset of \(result.listedFiles) files listed at \(Int(result.listedPerSecond)) files/s",
        ])
    }
}
