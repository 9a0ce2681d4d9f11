import ArgumentParser
import Domain
import Messages

struct MetadataCommands: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "metadata",
        abstract: "Fields of metadata: what can be said of files, and found by (see file tag, file list --where).",
        subcommands: [Add.self, List.self, Remove.self, Changes.self]
    )

    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Add a field.")
        @OptionGroup var options: ChangeOptions
        @Argument(help: "Its name: small letters, digits and _.") var field: String
        @Argument(help: "integer, number, text, boolean or time.") var type: String
        @Option(help: "What it means.") var description: String?

        func validate() throws {
            guard MetadataType(rawValue: self.type) != nil else {
                let known = MetadataType.allCases.map(\.rawValue).joined(separator: ", ")
                throw ValidationError("\(self.type) is no type; known: \(known)")
            }
        }

        mutating func run() async throws {
            let body: [String: JSON] = [
                "field": .text(self.field), "type": .text(self.type), "description": self.description.json,
            ]
            try await self.options.send("/metadata", body)
        }
    }

    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Remove a field that nothing has a value of.")
        @OptionGroup var options: ChangeOptions
        @Argument(help: "The field.") var field: String

        mutating func run() async throws {
            try await self.options.send("/metadata/\(GatewayClient.escape(self.field))/remove")
        }
    }

    struct List: ListCommand {
        static let configuration = CommandConfiguration(abstract: "List the fields.")
        @OptionGroup var options: ListOptions
        @Option(help: "Only of this type.") var type: String?

        var path: String { "/metadata" }
        var query: [(String, String?)] { [("type", self.type)] }
        var columns: [Column] {
            [Column("field"), Column("type"), Column("description"), Column("who"), Column("created", .time)]
        }
    }

    struct Changes: ListCommand {
        static let configuration = CommandConfiguration(abstract: "List who changed fields, values and containers.")
        @OptionGroup var options: ListOptions
        @Option(help: "Only of this thing: file:LFN, dataset:NAME, field:NAME, container:NAME.") var subject: String?
        @Option(help: "Only by this person.") var who: String?

        var path: String { "/metadata-changes" }
        var query: [(String, String?)] { [("subject", self.subject), ("who", self.who)] }
        var columns: [Column] {
            [Column("at", .time), Column("subject"), Column("change"), Column("who"), Column("detail")]
        }
    }
}

/// What `file tag` and `dataset tag` say.
struct TagArguments: ParsableArguments {
    @Argument(help: "What is said: field=value, one or several.") var values: [String] = []
    @Option(help: "A field whose value goes (several: repeat).") var remove: [String] = []

    func validate() throws {
        for value in self.values where !value.dropFirst().contains("=") {
            throw ValidationError("\(value) is not of the form field=value")
        }
        if self.values.isEmpty && self.remove.isEmpty {
            throw ValidationError("nothing is said: field=value is missing")
        }
    }

    /// As a body has them.
    var body: [String: JSON] {
        var said: [String: JSON] = [:]
        for value in self.values {
            let parts = value.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            said[String(parts[0])] = .text(parts.count == 2 ? String(parts[1]) : "")
        }
        return ["metadata": .group(said), "remove": .list(self.remove.map { .text($0) })]
    }
}
