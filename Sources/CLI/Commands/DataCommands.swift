import ArgumentParser
import Messages

struct DatasetCommands: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dataset",
        abstract: "Datasets.",
        subcommands: [
            List.self, Show.self, Files.self, Create.self, Add.self, Close.self, Subscribe.self, Tag.self,
        ]
    )

    struct Close: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Close a dataset that no task fills any more: it never changes again."
        )
        @OptionGroup var options: ChangeOptions
        @Argument(help: "The dataset.") var dataset: String
        @Option(help: "Why, for the log.") var reason: String?

        mutating func run() async throws {
            let path = "/datasets/\(GatewayClient.escape(self.dataset))/close"
            try await self.options.send(path, ["reason": self.reason.json])
        }
    }

    struct Subscribe: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Have every file of a dataset at a storage element too: those there are, and those that come."
        )
        @OptionGroup var options: ChangeOptions
        @Argument(help: "The dataset.") var dataset: String
        @Argument(help: "The storage element.") var storage: String

        mutating func run() async throws {
            let path = "/datasets/\(GatewayClient.escape(self.dataset))/subscribe"
            try await self.options.send(path, ["storage": .text(self.storage)])
        }
    }

    struct List: ListCommand {
        static let configuration = CommandConfiguration(abstract: "List datasets.")
        @OptionGroup var options: ListOptions
        @Option(help: "Only open or closed ones.") var state: String?
        @Option(help: "Only those this task fills.") var task: Int64?

        var path: String { "/datasets" }
        var query: [(String, String?)] { [("state", self.state), ("task", self.task.map { "\($0)" })] }
        var columns: [Column] {
            [
                Column("dataset"), Column("state", .state), Column("files"), Column("bytes", .bytes), Column("events"),
                Column("task"),
                Column("stream"), Column("home"), Column("created", .time), Column("closed", .time),
            ]
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Show a dataset.")
        @OptionGroup var options: ShowOptions
        @Argument(help: "The dataset.") var dataset: String

        mutating func run() async throws {
            let dataset = try await GatewayClient.fromEnvironment().get(
                "/datasets/\(GatewayClient.escape(self.dataset))"
            )
            let styles: [String: CellStyle] = ["bytes": .bytes, "created": .time, "closed": .time]
            try self.options.show(
                dataset,
                Details.lines(dataset, first: ["dataset", "state", "files", "events"], styles: styles)
            )
        }
    }

    struct Files: ListCommand {
        static let configuration = CommandConfiguration(abstract: "List the files of a dataset.")
        @OptionGroup var options: ListOptions
        @Argument(help: "The dataset.") var dataset: String

        var path: String { "/datasets/\(GatewayClient.escape(self.dataset))/files" }
        var columns: [Column] { FileCommands.columns }
    }
}

struct FileCommands: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "file",
        abstract: "Files: who made them, from what, with which software, and where they are.",
        subcommands: [
            List.self, Count.self, Show.self, Tag.self, Parents.self, Children.self, Suspected.self, DeclareBad.self,
            Register.self, Registrations.self,
        ]
    )

    struct DeclareBad: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "declare-bad",
            abstract: "Say that a replica is bad, or that a file is lost; tells what depends on it."
        )
        @OptionGroup var options: ChangeOptions
        @Argument(help: "The file's logical name.") var lfn: String
        @Option(help: "The storage element with the bad replica (default: all).") var storage: String?
        @Flag(help: "No good replica is left: the file is lost.") var lost = false
        @Option(help: "Why, for the log.") var reason: String?

        mutating func run() async throws {
            let body: [String: JSON] = [
                "lfn": .text(self.lfn), "storage": self.storage.json, "lost": .truth(self.lost),
                "reason": self.reason.json,
            ]
            try await self.options.send("/files/declare-bad", body)
        }
    }

    struct Suspected: ListCommand {
        static let configuration = CommandConfiguration(abstract: "List files that attempts could not read.")
        @OptionGroup var options: ListOptions
        @Option(help: "Only this file, by its logical name.") var lfn: String?
        @Option(help: "Only from this site.") var site: String?

        var path: String { "/suspicions" }
        var query: [(String, String?)] { [("lfn", self.lfn), ("site", self.site)] }
        var columns: [Column] {
            [
                Column("lfn"), Column("good_replicas"), Column("site"), Column("task"), Column("index"),
                Column("attempt"),
                Column("code"), Column("diagnostic"), Column("at", .time),
            ]
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Show a file, its replicas and its datasets.")
        @OptionGroup var options: ShowOptions
        @Argument(help: "The file's logical name.") var lfn: String

        mutating func run() async throws {
            let file = try await GatewayClient.fromEnvironment().get("/files/show", [("lfn", self.lfn)])
            try self.options.show(
                file,
                Details.lines(
                    file,
                    first: [
                        "lfn", "bytes", "events", "adler32", "crc32c", "task", "index", "attempt", "software", "site",
                        "node",
                    ],
                    styles: ["created": .time],
                    tables: ["replica_rows": [Column("storage"), Column("state", .state), Column("at", .time)]]
                )
            )
        }
    }

    struct Parents: FileRelatives {
        static let configuration = CommandConfiguration(abstract: "List what a file was made from, nearest first.")
        static let direction = "parents"
        @OptionGroup var arguments: FileRelativesArguments
    }

    struct Children: FileRelatives {
        static let configuration = CommandConfiguration(abstract: "List what was made from a file, nearest first.")
        static let direction = "children"
        @OptionGroup var arguments: FileRelativesArguments
    }
}

struct FileRelativesArguments: ParsableArguments {
    @Flag(help: "Print an array of objects, one per row.") var json = false
    @Argument(help: "The file's logical name.") var lfn: String
    @Option(help: "How many generations (default: all).") var depth: Int?
}

/// What a file comes from, or what came from it.
protocol FileRelatives: AsyncParsableCommand {
    static var direction: String { get }
    var arguments: FileRelativesArguments { get }
}

extension FileRelatives {
    mutating func run() async throws {
        let arguments = self.arguments
        let depth = arguments.depth.map { [("depth", "\($0)")] } ?? []
        let gateway = try await GatewayClient.fromEnvironment()
        let answer = try await gateway.get("/files/\(Self.direction)", [("lfn", arguments.lfn)] + depth)
        let rows = answer["items"].items
        if answer["complete"].truth == false {
            Terminal.complain(
                "millrace: these are the nearest \(rows.count), there are more: ask for fewer generations with --depth"
            )
        }
        if arguments.json { return try Output.json(.list(rows)) }
        let columns = [
            Column("depth"), Column("lfn"), Column("events"), Column("task"), Column("index"), Column("attempt"),
            Column("software"), Column("site"), Column("node"), Column("lost"),
        ]
        Output.lines(Table(columns, rows: rows).lines())
    }
}

struct TransferCommands: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "transfer",
        abstract: "Transfers of files between storage elements.",
        subcommands: [List.self, Show.self, Retry.self, Cancel.self]
    )

    struct List: ListCommand {
        static let configuration = CommandConfiguration(abstract: "List transfers.")
        @OptionGroup var options: ListOptions
        @Option(help: "Only in these states: queued, active, done, failed, cancelled.") var state: String?
        @Option(help: "Only to this storage element.") var destination: String?

        var path: String { "/transfers" }
        var query: [(String, String?)] { [("state", self.state), ("destination", self.destination)] }
        var columns: [Column] {
            [
                Column("transfer"), Column("state", .state), Column("source"), Column("destination"), Column("tries"),
                Column("not_before", .time), Column("lfn"), Column("reason"),
            ]
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Show a transfer.")
        @OptionGroup var options: ShowOptions
        @Argument(help: "The transfer.") var transfer: Int64

        mutating func run() async throws {
            let transfer = try await GatewayClient.fromEnvironment().get("/transfers/\(self.transfer)")
            let styles: [String: CellStyle] = ["not_before": .time, "created": .time, "updated": .time]
            try self.options.show(
                transfer,
                Details.lines(transfer, first: ["transfer", "state", "lfn"], styles: styles)
            )
        }
    }

    struct Retry: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Queue a failed or cancelled transfer again.")
        @OptionGroup var options: ChangeOptions
        @Argument(help: "The transfer.") var transfer: Int64
        @Option(help: "Why, for the log.") var reason: String?

        mutating func run() async throws {
            try await self.options.send("/transfers/\(self.transfer)/retry", ["reason": self.reason.json])
        }
    }

    struct Cancel: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Cancel a transfer.")
        @OptionGroup var options: ChangeOptions
        @Argument(help: "The transfer.") var transfer: Int64
        @Option(help: "Why, for the log.") var reason: String?

        mutating func run() async throws {
            try await self.options.send("/transfers/\(self.transfer)/cancel", ["reason": self.reason.json])
        }
    }
}
