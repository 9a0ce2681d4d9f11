import ArgumentParser
import Domain
import Messages

struct WorkflowCommands: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "workflow",
        abstract: "Workflows: graphs of tasks, in immutable versions.",
        subcommands: [Add.self, Check.self, List.self, Show.self]
    )

    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Add a workflow, or a new version of one; the same document twice is one version."
        )
        @OptionGroup var options: ChangeOptions
        @Argument(help: "The workflow as YAML.") var file: String

        mutating func run() async throws {
            try await self.options.send("/workflows", ["document": WorkflowFile.read(self.file).json()])
        }
    }

    struct Check: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Check a workflow's file without the centre.")
        @Argument(help: "The workflow as YAML.") var file: String

        mutating func run() throws {
            let document = try WorkflowFile.read(self.file).document
            let tasks = document.tasks.map(\.name).joined(separator: ", ")
            Output.line("\(self.file): workflow \(document.name) can be added; its tasks are \(tasks)")
        }
    }

    struct List: ListCommand {
        static let configuration = CommandConfiguration(abstract: "List workflows.")
        @OptionGroup var options: ListOptions
        @Option(help: "Only of this name.") var name: String?

        var path: String { "/workflows" }
        var query: [(String, String?)] { [("name", self.name)] }
        var columns: [Column] {
            [
                Column("name"), Column("version"), Column("owner"), Column("created", .time), Column("sha256"),
                Column("description"),
            ]
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Show a workflow; --json has the whole document.")
        @OptionGroup var options: ShowOptions
        @Argument(help: "NAME or NAME@VERSION.") var workflow: WorkflowReference

        mutating func run() async throws {
            let version = self.workflow.version.map { [("version", "\($0)")] } ?? []
            let gateway = try await GatewayClient.fromEnvironment()
            let found = try await gateway.get("/workflows/\(GatewayClient.escape(self.workflow.name))", version)
            try self.options.show(found, Self.lines(found))
        }

        private static func lines(_ workflow: JSON) -> [String] {
            guard case .group(var fields) = workflow else { return [] }
            let document = workflow["document"]
            fields["document"] = nil
            if case .group(let parameters) = document["parameters"] {
                fields["parameters"] = .text(parameters.keys.sorted().joined(separator: ", "))
            }
            fields["tasks"] = .list(
                document["tasks"].items.map { task in
                    .group([
                        "task": task["name"], "kind": task["kind"],
                        "steps": .list(task["steps"].items.map { $0["name"] }),
                        "inputs": .list(task["inputs"].items.map(Self.input)),
                        "outputs": .list(task["outputs"].items.map { $0["stream"] }),
                    ])
                }
            )
            let columns = [Column("task"), Column("kind"), Column("inputs"), Column("steps"), Column("outputs")]
            return Details.lines(
                .group(fields),
                first: ["name", "version"],
                styles: ["created": .time],
                tables: ["tasks": columns]
            )
        }

        private static func input(_ input: JSON) -> JSON {
            if let dataset = input["dataset"].text { return .text(dataset) }
            if let container = input["container"].text { return .text("container \(container)") }
            if let query = input["query"].text { return .text("files where \(query)") }
            return .text("\(input["task"].text ?? "?").\(input["stream"].text ?? "?")")
        }
    }
}

/// `NAME` or `NAME@VERSION` on the command line.
struct WorkflowReference: ExpressibleByArgument {
    let name: String
    let version: Int64?

    init?(argument: String) {
        let parts = argument.split(separator: "@", omittingEmptySubsequences: false)
        guard let name = parts.first, !name.isEmpty, parts.count <= 2 else { return nil }
        self.name = String(name)
        if parts.count == 2 {
            guard let version = Int64(parts[1]), version > 0 else { return nil }
            self.version = version
        } else {
            self.version = nil
        }
    }
}
