import ArgumentParser
import Messages

struct SiteCommands: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "site",
        abstract: "Sites that run jobs.",
        subcommands: [Add.self, List.self, Show.self, Excluded.self, Drain.self, Ban.self, Allow.self]
    )

    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Add a site: its exchange and its account.")
        @OptionGroup var options: ChangeOptions
        @Argument(help: "Its name: letters, digits, _ and -.") var site: String
        @Option(help: "The cloud it belongs to.") var cloud: String?
        @Option(help: "Seconds of silence after which its jobs are given to others.") var lostAfter: Double?

        mutating func run() async throws {
            try await self.options.send(
                "/sites",
                ["site": .text(self.site), "cloud": self.cloud.json, "lost_after": self.lostAfter.json]
            )
        }
    }

    struct List: ListCommand {
        static let configuration = CommandConfiguration(abstract: "List sites.")
        @OptionGroup var options: ListOptions
        @Option(help: "Only with this access: allowed, draining, banned.") var access: String?

        var path: String { "/sites" }
        var query: [(String, String?)] { [("access", self.access)] }
        var columns: [Column] {
            [
                Column("site"), Column("cloud"), Column("access", .state), Column("agents"), Column("running"),
                Column("failed_1h"),
                Column("last_seen", .time), Column("reason"), Column("until", .time), Column("who"),
            ]
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Show a site and its agents.")
        @OptionGroup var options: ShowOptions
        @Argument(help: "The site.") var site: String

        mutating func run() async throws {
            let site = try await GatewayClient.fromEnvironment().get("/sites/\(GatewayClient.escape(self.site))")
            try self.options.show(
                site,
                Details.lines(
                    site,
                    first: ["site", "cloud", "access", "reason"],
                    styles: ["access": .state, "last_seen": .time, "until": .time, "lost_after": .seconds],
                    tables: ["agents_rows": AgentCommands.columns]
                )
            )
        }
    }

    struct Excluded: ListCommand {
        static let configuration = CommandConfiguration(
            abstract:
                "List nodes and sites that get no work because they failed, and how far they are on their way back."
        )
        @OptionGroup var options: ListOptions
        @Option(help: "Only of this site.") var site: String?

        var path: String { "/excluded" }
        var query: [(String, String?)] { [("site", self.site)] }
        var columns: [Column] {
            [
                Column("site"), Column("node"), Column("phase", .state), Column("since", .time), Column("round"),
                Column("reason"),
            ]
        }
    }

    struct Drain: SiteAction {
        static let configuration = CommandConfiguration(abstract: "Give a site no new work; what runs there goes on.")
        static let action = "drain"
        @OptionGroup var arguments: SiteActionArguments
    }

    struct Ban: SiteAction {
        static let configuration = CommandConfiguration(abstract: "Give a site no work.")
        static let action = "ban"
        @OptionGroup var arguments: SiteActionArguments
    }

    struct Allow: SiteAction {
        static let configuration = CommandConfiguration(
            abstract: "Let a site back in, and those of its nodes that get no work because they failed."
        )
        static let action = "allow"
        @OptionGroup var arguments: SiteActionArguments
    }
}

struct SiteActionArguments: ParsableArguments {
    @OptionGroup var options: ChangeOptions
    @Argument(help: "The site.") var site: String
    @Option(help: "Why, for the log.") var reason: String?
    @Option(help: "Until when, such as 2026-12-01T00:00:00Z; then it gets work again. Not with allow.")
    var until: String?
}

/// An action on one site.
protocol SiteAction: AsyncParsableCommand {
    static var action: String { get }
    var arguments: SiteActionArguments { get }
}

extension SiteAction {
    mutating func run() async throws {
        let arguments = self.arguments
        try await arguments.options.send(
            "/sites/\(GatewayClient.escape(arguments.site))/\(Self.action)",
            ["reason": arguments.reason.json, "until": arguments.until.json]
        )
    }
}

struct StorageCommands: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "storage",
        abstract: "Storage elements.",
        subcommands: [Add.self, List.self]
    )

    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Add a storage element.")
        @OptionGroup var options: ChangeOptions
        @Argument(help: "Its name: letters, digits, _ and -.") var storage: String
        @Option(help: "Its folder, absolute.") var base: String
        @Option(help: "Of which kind it is.") var kind = "posix"
        @Option(help: "The site it belongs to.") var site: String?
        @Option(help: "How many transfers to it at once.") var limitActive: Int64?

        mutating func run() async throws {
            try await self.options.send(
                "/storages",
                [
                    "storage": .text(self.storage), "kind": .text(self.kind), "base": .text(self.base),
                    "site": self.site.json,
                    "limit_active": self.limitActive.json,
                ]
            )
        }
    }

    struct List: ListCommand {
        static let configuration = CommandConfiguration(abstract: "List storage elements.")
        @OptionGroup var options: ListOptions

        var path: String { "/storages" }
        var columns: [Column] {
            [
                Column("storage"), Column("site"), Column("kind"), Column("base"), Column("limit_active"),
                Column("created", .time),
            ]
        }
    }
}

struct AgentCommands: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "agent",
        abstract: "Agents of sites.",
        subcommands: [List.self]
    )

    static let columns = [
        Column("site"), Column("agent"), Column("state", .state), Column("held"), Column("room"),
        Column("reserved"), Column("cores"), Column("memory_mb"),
        Column("walltime_s", .seconds), Column("platform"), Column("tags"), Column("storage"),
        Column("last_seen", .time),
    ]

    struct List: ListCommand {
        static let configuration = CommandConfiguration(abstract: "List agents.")
        @OptionGroup var options: ListOptions
        @Option(help: "Only of this site.") var site: String?
        @Option(help: "Only in these states: here, silent, gone.") var state: String?

        var path: String { "/agents" }
        var query: [(String, String?)] { [("site", self.site), ("state", self.state)] }
        var columns: [Column] { AgentCommands.columns }
    }
}
