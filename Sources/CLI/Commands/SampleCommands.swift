import ArgumentParser
import Messages

struct SampleCommands: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sample",
        abstract: "Generator samples.",
        subcommands: [Add.self, List.self, Show.self]
    )

    /// The columns of the generator table of the ILC production.
    static let columns = [
        "gen_id", "process", "generator", "energy", "luminosity", "cross_section", "pol_ep", "pol_em", "producer",
        "cut", "root_name",
        "total_events",
    ].map { Column($0) }

    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Add a generator sample.")
        @OptionGroup var options: ChangeOptions
        @Argument(help: "Its root name, such as uds91.") var name: String
        @Option(help: "The physics process.") var process: String
        @Option(help: "The generator.") var generator: String
        @Option(help: "Centre-of-mass energy in GeV.") var energy: Double
        @Option(help: "How many events it has or will have.") var totalEvents: Int64
        @Option(help: "Integrated luminosity.") var luminosity: Double = 0
        @Option(help: "Cross section.") var crossSection: Double = 0
        @Option(help: "Polarisation of the positrons, -1 to 1.") var polEp: Double = 0
        @Option(help: "Polarisation of the electrons, -1 to 1.") var polEm: Double = 0
        @Option(help: "Who makes it (default: you).") var producer: String?
        @Option(help: "Cut at generation.") var cut: String?

        mutating func run() async throws {
            try await self.options.send(
                "/samples",
                [
                    "root_name": .text(self.name), "process": .text(self.process), "generator": .text(self.generator),
                    "energy": .number(self.energy), "total_events": .integer(self.totalEvents),
                    "luminosity": .number(self.luminosity), "cross_section": .number(self.crossSection),
                    "pol_ep": .number(self.polEp), "pol_em": .number(self.polEm), "producer": self.producer.json,
                    "cut": self.cut.json,
                ]
            )
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Print the generator table.")
        @OptionGroup var options: ListOptions

        mutating func run() async throws {
            let limit = self.options.limit == 0 ? nil : self.options.limit
            let found = try await GatewayClient.fromEnvironment().list("/samples", limit: limit)
            try self.options.showFramed(found.rows, more: found.more, SampleCommands.columns)
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Show a generator sample.")
        @OptionGroup var options: ShowOptions
        @Argument(help: "Its root name.") var name: String

        mutating func run() async throws {
            let sample = try await GatewayClient.fromEnvironment().get("/samples/\(GatewayClient.escape(self.name))")
            try self.options.show(sample, Details.lines(sample, first: SampleCommands.columns.map(\.field)))
        }
    }
}

/// The request tracker: what was asked for and done, per sample and simulation.
struct TrackerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tracker",
        abstract: "Print the request tracker: events generated, processed and damaged per sample and simulation."
    )
    static let columns = [
        "gen_id", "sim_id", "username", "ssw", "ssw_ver", "detector_model", "physics_list", "generated", "processed",
        "damaged",
    ].map { Column($0) }

    static let damagedColumns = [
        Column("request"), Column("task"), Column("index"), Column("events"), Column("first_event"),
        Column("last_event"), Column("site"), Column("code"), Column("rule"), Column("at", .time),
        Column("diagnostic"),
    ]

    @OptionGroup var options: ListOptions
    @Flag(help: "List the jobs whose events were given up instead: their sum is the column damaged.")
    var damaged = false

    mutating func run() async throws {
        let limit = self.options.limit == 0 ? nil : self.options.limit
        if self.damaged {
            let found = try await GatewayClient.fromEnvironment().list("/damaged", limit: limit)
            return try self.options.show(found.rows, more: found.more, Self.damagedColumns)
        }
        let found = try await GatewayClient.fromEnvironment().list("/tracker", limit: limit)
        try self.options.showFramed(found.rows, more: found.more, Self.columns)
    }
}

extension ListOptions {
    /// Like ``show(_:more:_:)``, as the tables of the ILC production's database look.
    func showFramed(_ rows: [JSON], more: Bool, _ columns: [Column]) throws {
        if self.json { return try self.show(rows, more: more, columns) }
        Output.lines(Table(columns, rows: rows, missing: "null").framedLines())
        if let line = Self.notice(of: rows.count, more: more) { Terminal.complain(line) }
    }
}
