import ArgumentParser
import Messages

struct ShareCommands: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "share",
        abstract: "Shares: how the capacity is divided among requests.",
        subcommands: [Add.self, List.self, Set.self, Remove.self]
    )

    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Add a share.")
        @OptionGroup var options: ChangeOptions
        @Argument(help: "Its name.") var share: String
        @Option(help: "The share it is a part of (default: it stands at the top).") var parent: String?
        @Option(help: "How much it gets beside its siblings.") var weight: Double = 1

        mutating func run() async throws {
            let body: [String: JSON] = [
                "share": .text(self.share), "parent": self.parent.json, "weight": .number(self.weight),
            ]
            try await self.options.send("/shares", body)
        }
    }

    struct List: ListCommand {
        static let configuration = CommandConfiguration(abstract: "List the shares and what each uses.")
        @OptionGroup var options: ListOptions
        @Option(help: "Only those directly below this one.") var parent: String?

        var path: String { "/shares" }
        var query: [(String, String?)] { [("parent", self.parent)] }
        var columns: [Column] {
            [
                Column("share"), Column("parent"), Column("weight"), Column("cores"), Column("requests"), Column("who"),
                Column("changed", .time),
            ]
        }
    }

    struct Set: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Give a share another weight.")
        @OptionGroup var options: ChangeOptions
        @Argument(help: "The share.") var share: String
        @Option(help: "How much it gets beside its siblings.") var weight: Double

        mutating func run() async throws {
            try await self.options.send(
                "/shares/\(GatewayClient.escape(self.share))/set",
                ["weight": .number(self.weight)]
            )
        }
    }

    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Remove a share that nothing uses any more.")
        @OptionGroup var options: ChangeOptions
        @Argument(help: "The share.") var share: String

        mutating func run() async throws {
            try await self.options.send("/shares/\(GatewayClient.escape(self.share))/remove")
        }
    }
}
