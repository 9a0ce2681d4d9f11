import ArgumentParser
import Catalog
import Messages
import Postgres

extension RequestCommands {
    struct Derive: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract:
                "Make a new version of a request that has stopped: it does what that one has not done, and nothing twice.",
            discussion: """
                Tasks are matched by name. The old request must be held or have ended; it must have ended, with its last jobs, before the \
                new one is approved. With --dry-run it tells, task by task, what is done and what is left.
                """
        )
        @OptionGroup var options: ChangeOptions
        @Argument(help: "The request that has stopped.") var request: Int64
        @Option(name: [.customLong("name"), .customLong("title")], help: "A title for people (default: the old one).")
        var title: String?
        @Option(help: ArgumentHelp("Another workflow, as YAML (default: the old one).", valueName: "file"))
        var workflow: String?
        @Option(help: "Another version of the old workflow.") var workflowVersion: Int64?
        @Option(
            name: .customLong("set"),
            help: ArgumentHelp("A parameter that is other; may be repeated.", valueName: "key=value")
        )
        var parameters: [Assignment] = []
        @Option(help: "Another priority.") var priority: Int64?
        @Option(help: "Another share.") var share: String?
        @Option(help: "Only if nobody has changed the old request since this version.") var version: Int64?

        func validate() throws {
            guard self.workflow == nil || self.workflowVersion == nil else {
                throw ValidationError("give --workflow or --workflow-version, not both")
            }
        }

        mutating func run() async throws {
            try await self.options.send(
                "/requests/\(self.request)/derive",
                self.body(submission: UUIDText.random().text)
            )
        }

        func body(submission: String) throws -> [String: JSON] {
            var parameters: [String: JSON] = [:]
            for assignment in self.parameters { parameters[assignment.key] = .text(assignment.value) }
            return [
                "parameters": .group(parameters), "title": self.title.json,
                "document": try self.workflow.map { try WorkflowFile.read($0).json() } ?? .nothing,
                "workflow_version": self.workflowVersion.json, "priority": self.priority.json,
                "share": self.share.json, "version": self.version.json, "submission": .text(submission),
            ]
        }
    }
}
