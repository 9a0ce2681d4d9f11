import ArgumentParser
import Messages

struct ContainerCommands: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "container",
        abstract: "Containers: sets of datasets that are read and searched together.",
        subcommands: [Create.self, Add.self, Remove.self, Close.self, List.self, Show.self, Files.self]
    )

    private static func path(_ name: String, _ rest: String = "") -> String {
        "/containers/\(GatewayClient.escape(name))\(rest)"
    }

    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Make an empty container.")
        @OptionGroup var options: ChangeOptions
        @Argument(help: "Its name.") var container: String

        mutating func run() async throws {
            try await self.options.send("/containers", ["container": .text(self.container)])
        }
    }

    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Put datasets into a container.")
        @OptionGroup var options: ChangeOptions
        @Argument(help: "The container.") var container: String
        @Argument(help: "The datasets.") var datasets: [String]

        mutating func run() async throws {
            let body: [String: JSON] = ["datasets": .list(self.datasets.map { .text($0) })]
            try await self.options.send(ContainerCommands.path(self.container, "/add"), body)
        }
    }

    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Take datasets out of a container.")
        @OptionGroup var options: ChangeOptions
        @Argument(help: "The container.") var container: String
        @Argument(help: "The datasets.") var datasets: [String]

        mutating func run() async throws {
            let body: [String: JSON] = ["datasets": .list(self.datasets.map { .text($0) })]
            try await self.options.send(ContainerCommands.path(self.container, "/remove"), body)
        }
    }

    struct Close: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Close a container: its datasets never change again.")
        @OptionGroup var options: ChangeOptions
        @Argument(help: "The container.") var container: String

        mutating func run() async throws {
            try await self.options.send(ContainerCommands.path(self.container, "/close"))
        }
    }

    struct List: ListCommand {
        static let configuration = CommandConfiguration(abstract: "List containers.")
        @OptionGroup var options: ListOptions
        @Option(help: "Only open or closed ones.") var state: String?
        @Option(help: "Only of this person.") var owner: String?

        var path: String { "/containers" }
        var query: [(String, String?)] { [("state", self.state), ("owner", self.owner)] }
        var columns: [Column] {
            [
                Column("container"), Column("state", .state), Column("owner"), Column("datasets"), Column("files"),
                Column("bytes", .bytes), Column("events"), Column("created", .time), Column("closed", .time),
            ]
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Show a container and the names of its datasets.")
        @OptionGroup var options: ShowOptions
        @Argument(help: "The container.") var container: String

        mutating func run() async throws {
            let container = try await GatewayClient.fromEnvironment().get(ContainerCommands.path(self.container))
            let styles: [String: CellStyle] = ["bytes": .bytes, "created": .time, "closed": .time]
            try self.options.show(
                container,
                Details.lines(container, first: ["container", "state", "owner", "datasets", "files"], styles: styles)
            )
        }
    }

    struct Files: ListCommand {
        static let configuration = CommandConfiguration(abstract: "List the files of the datasets of a container.")
        @OptionGroup var options: ListOptions
        @Argument(help: "The container.") var container: String

        var path: String { ContainerCommands.path(self.container, "/files") }
        var columns: [Column] { FileCommands.columns }
    }
}
