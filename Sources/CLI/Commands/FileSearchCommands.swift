import ArgumentParser
import Messages

extension FileCommands {
    static let columns = [
        Column("lfn"), Column("bytes", .bytes), Column("events"), Column("adler32"), Column("task"), Column("index"),
        Column("attempt"), Column("site"), Column("replicas"),
    ]

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List files, such as those a query finds.",
            discussion:
                "A query: millrace file list --where \"run in (1, 2) and energy >= 91.2 and dataset like 'raw.*'\"; see docs/queries.md."
        )
        @OptionGroup var options: ListOptions
        @Option(name: .customLong("where"), help: "Only those this query finds.") var query: String?
        @Option(help: "Only those whose name begins so.") var prefix: String?
        @Option(help: "Only those this task made.") var task: Int64?
        @Option(help: "Only those made at this site.") var site: String?

        func validate() throws {
            if self.query != nil, self.prefix != nil || self.task != nil || self.site != nil {
                throw ValidationError("--where goes alone: write lfn like '/begin*', task = 1 or site = 'x' into it")
            }
        }

        mutating func run() async throws {
            let gateway = try await GatewayClient.fromEnvironment()
            let filters = [
                ("where", self.query), ("prefix", self.prefix), ("task", self.task.map { "\($0)" }),
                ("site", self.site),
            ].compactMap { name, value in value.map { (name, $0) } }
            let limit = self.options.limit == 0 ? nil : self.options.limit
            let found = try await gateway.pages("/files", filters, limit: limit)
            try self.options.show(found.rows, more: found.more, FileCommands.columns)
            FileCommands.advise(found.first)
        }
    }

    struct Count: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Count the files that a query finds, with their bytes and events."
        )
        @OptionGroup var options: ShowOptions
        @Option(name: .customLong("where"), help: "The query; see docs/queries.md.") var query: String

        mutating func run() async throws {
            let found = try await GatewayClient.fromEnvironment().get("/files/count", [("where", self.query)])
            let shown: [String: JSON] = [
                "files": found["files"], "bytes": found["bytes"], "events": found["events"],
            ]
            try self.options.show(
                .group(shown),
                Details.lines(.group(shown), first: ["files", "bytes", "events"], styles: ["bytes": .bytes])
            )
            FileCommands.advise(found)
        }
    }

    struct Tag: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Say something of a file; it outranks what is said of its datasets."
        )
        @OptionGroup var options: ChangeOptions
        @Argument(help: "The file's logical name.") var lfn: String
        @OptionGroup var said: TagArguments

        mutating func run() async throws {
            var body = self.said.body
            body["lfn"] = .text(self.lfn)
            try await self.options.send("/files/tag", body)
        }
    }

    /// What the centre says about a query without an index.
    fileprivate static func advise(_ answer: JSON) {
        if let advice = answer["search"]["advice"].text { Terminal.complain("millrace: \(advice)") }
    }
}

extension DatasetCommands {
    struct Tag: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Say something of every file of a dataset, those to come among them; also when it is closed."
        )
        @OptionGroup var options: ChangeOptions
        @Argument(help: "The dataset.") var dataset: String
        @OptionGroup var said: TagArguments

        mutating func run() async throws {
            try await self.options.send("/datasets/\(GatewayClient.escape(self.dataset))/tag", self.said.body)
        }
    }
}
