import ArgumentParser
import Messages
import Catalog
import Postgres

struct RequestCommands: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "request",
        abstract: "Requests: a workflow with its parameters, to be worked off.",
        subcommands: [
            Create.self, List.self, Show.self, Submissions.self, History.self, Approve.self, Reject.self, Hold.self,
            Release.self, Cancel.self,
            Extend.self, Change.self, Clone.self, Derive.self, Watch.self, Debug.self, Archive.self, Restore.self,
        ]
    )

    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Create a request.")
        @OptionGroup var options: ChangeOptions
        @Argument(help: "NAME or NAME@VERSION (default: the latest).") var workflow: WorkflowReference
        @Option(name: .customLong("set"), help: ArgumentHelp("A parameter; may be repeated.", valueName: "key=value"))
        var parameters: [Assignment] = []
        @Option(help: "The generator sample this is about: the row of the tracker.") var sample: String?
        @Option(
            help: ArgumentHelp(
                "The simulation, for the tracker.",
                valueName: "ssw=...,ssw_ver=...,detector_model=...,physics_list=..."
            )
        )
        var simulation: SimulationArgument?
        @Option(help: "A title for people.") var title: String?
        @Option(help: "Higher is sooner; 100 is usual.") var priority: Int64?
        @Option(help: "The share whose part of the capacity it uses.") var share: String?
        @Option(help: "The seed all jobs derive theirs from.") var seed: Int64?
        @Option(help: "The UUID of this submission: the same twice makes one request.") var submission: String?
        @Flag(help: "Approve it as well.") var approve = false

        func validate() throws {
            if let submission, UUIDText(submission) == nil {
                throw ValidationError("--submission \(submission) is not a UUID")
            }
            let keys = self.parameters.map(\.key)
            if let twice = keys.first(where: { key in keys.filter { $0 == key }.count > 1 }) {
                throw ValidationError("--set \(twice) is given twice")
            }
        }

        mutating func run() async throws {
            let gateway = try await GatewayClient.fromEnvironment()
            let submission = self.submission ?? UUIDText.random().text
            // With --approve the request is shown once, as it is in the end; tried dry, it is not approved, and shown as it would be made.
            let isQuiet = self.options.json && self.approve && !self.options.dryRun
            let request: JSON
            do {
                request = try await self.options.send("/requests", self.body(submission), by: gateway, isQuiet: isQuiet)
            } catch let failure as CommandFailure where failure.isUnanswered {
                let again = "--submission \(submission) repeats this request without making a second one"
                throw CommandFailure(.failed, "\(failure.lines.joined(separator: "; ")) (\(again))")
            }
            guard self.approve else { return }
            if self.options.dryRun {
                let line = "dry run: it would then be approved"
                // Beside the object, which scripts read.
                return self.options.json ? Terminal.complain("millrace: \(line)") : Output.line(line)
            }
            // The same submission again finds the request as it is: approved already is what was wanted.
            guard let id = request["request"].integer, request["state"].text == "new" else {
                if isQuiet { try Output.json(request) }
                return
            }
            try await self.options.send("/requests/\(id)/approve", by: gateway)
        }

        private func body(_ submission: String) -> [String: JSON] {
            var parameters: [String: JSON] = [:]
            for assignment in self.parameters { parameters[assignment.key] = .text(assignment.value) }
            return [
                "workflow": .text(self.workflow.name), "workflow_version": self.workflow.version.json,
                "parameters": .group(parameters), "sample": self.sample.json,
                "simulation": self.simulation?.json ?? .nothing,
                "title": self.title.json, "priority": self.priority.json, "seed": self.seed.json,
                "share": self.share.json,
                "submission": .text(submission),
            ]
        }
    }

    struct List: ListCommand {
        static let configuration = CommandConfiguration(abstract: "List requests.")
        @OptionGroup var options: ListOptions
        @Option(help: "Only in these states, separated by commas.") var state: String?
        @Option(help: "Only of this owner.") var owner: String?
        @Option(help: "Only of this workflow.") var workflow: String?

        var path: String { "/requests" }
        var query: [(String, String?)] { [("state", self.state), ("owner", self.owner), ("workflow", self.workflow)] }
        var columns: [Column] {
            [
                Column("request"), Column("workflow"), Column("state", .state), Column("owner"), Column("priority"),
                Column("created", .time), Column("updated", .time), Column("title"), Column("reason"),
            ]
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Show a request and its tasks.")
        @OptionGroup var options: ShowOptions
        @Argument(help: "The request.") var request: Int64

        mutating func run() async throws {
            let gateway = try await GatewayClient.fromEnvironment()
            let request = try await gateway.get("/requests/\(self.request)")
            // The clean-up has a line of its own.
            var facts = request
            if case .group(var fields) = request {
                fields["cleanup"] = nil
                facts = .group(fields)
            }
            try self.options.show(
                request,
                Details.lines(
                    facts,
                    first: ["request", "title", "workflow", "state", "reason", "owner", "continues", "continued_by"],
                    styles: ["created": .time, "updated": .time],
                    tables: ["tasks": TaskCommands.columns]
                )
            )
            guard !self.options.json else { return }
            if let line = CleanupLine.text(request["cleanup"]) { Output.lines(["", line]) }
            try await TaskCommands.showSubmissions(of: "request", self.request, by: gateway)
        }
    }

    struct Submissions: ListCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the batch submissions of a request, the latest first."
        )
        @OptionGroup var options: ListOptions
        @Argument(help: "The request.") var request: Int64

        var path: String { "/submissions" }
        var query: [(String, String?)] { [("request", "\(self.request)"), ("order", "desc")] }
        var columns: [Column] { TaskCommands.submissionColumns }
    }

    struct Approve: RequestAction {
        static let configuration = CommandConfiguration(abstract: "Approve a new request: its tasks exist from now on.")
        static let action = "approve"
        @OptionGroup var arguments: RequestActionArguments
        @Option(help: "Storage element of datasets that name none.") var home: String?
        var more: [String: JSON] { ["home": self.home.json] }
    }

    struct Reject: RequestAction {
        static let configuration = CommandConfiguration(abstract: "Reject a new request.")
        static let action = "reject"
        @OptionGroup var arguments: RequestActionArguments
    }

    struct Hold: RequestAction {
        static let configuration = CommandConfiguration(
            abstract: "Lease no more jobs of a request; running ones go on."
        )
        static let action = "hold"
        @OptionGroup var arguments: RequestActionArguments
    }

    struct Release: RequestAction {
        static let configuration = CommandConfiguration(abstract: "Let a held request go on.")
        static let action = "release"
        @OptionGroup var arguments: RequestActionArguments
    }

    struct Cancel: RequestAction {
        static let configuration = CommandConfiguration(
            abstract: "Cancel a request: waiting jobs go, running ones are killed.",
            discussion: """
                With --delete-outputs all that it made is deleted too, wherever it is stored; the catalogue keeps what was known of it. What a \
                request that has not ended reads, what stands in a container and what is subscribed elsewhere is kept until that is over. Files \
                of closed datasets are an operator's to delete. `millrace cleanup show` tells how far it is.
                """
        )
        static let action = "cancel"
        @OptionGroup var arguments: RequestActionArguments
        @Flag(help: "Delete what it made as well; also of a request that is cancelled already.") var deleteOutputs =
            false
        @Flag(help: "Delete also what is in containers or subscribed elsewhere (administrators).") var force = false
        var more: [String: JSON] {
            [
                "delete_outputs": self.deleteOutputs ? .truth(true) : .nothing,
                "force": self.force ? .truth(true) : .nothing,
            ]
        }

        func validate() throws {
            if self.force && !self.deleteOutputs { throw ValidationError("--force goes with --delete-outputs") }
        }
    }

    struct Change: RequestAction {
        static let configuration = CommandConfiguration(abstract: "Give a request another priority or share.")
        static let action = "change"
        @OptionGroup var arguments: RequestActionArguments
        @Option(help: "Higher is sooner.") var priority: Int64?
        @Option(help: "The share; an empty word: none.") var share: String?
        var more: [String: JSON] { ["priority": self.priority.json, "share": self.share.json] }

        func validate() throws {
            guard self.priority != nil || self.share != nil else {
                throw ValidationError("nothing to change: give --priority, --share, or both")
            }
        }
    }

    struct Clone: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a new request like another, with a seed of its own.",
            discussion: "Datasets of the new one need other names: set the parameter that their names are made of."
        )
        @OptionGroup var options: ChangeOptions
        @Argument(help: "The request.") var request: Int64
        @Option(
            name: .customLong("set"),
            help: ArgumentHelp("A parameter that is other; may be repeated.", valueName: "key=value")
        )
        var parameters: [Assignment] = []
        @Option(help: "A title for people.") var title: String?
        @Option(help: "Another version of the workflow.") var workflowVersion: Int64?
        @Option(help: "Another priority.") var priority: Int64?
        @Option(help: "Another share.") var share: String?
        @Option(help: "The seed (default: drawn).") var seed: Int64?

        mutating func run() async throws {
            var parameters: [String: JSON] = [:]
            for assignment in self.parameters { parameters[assignment.key] = .text(assignment.value) }
            let body: [String: JSON] = [
                "parameters": .group(parameters), "title": self.title.json,
                "workflow_version": self.workflowVersion.json, "priority": self.priority.json,
                "share": self.share.json, "seed": self.seed.json, "submission": .text(UUIDText.random().text),
            ]
            try await self.options.send("/requests/\(self.request)/clone", body)
        }
    }

    struct Extend: RequestAction {
        static let configuration = CommandConfiguration(abstract: "Give a request that is under way more events.")
        static let action = "extend"
        @OptionGroup var arguments: RequestActionArguments
        @Option(help: "How many more.") var events: Int64
        var more: [String: JSON] { ["events": .integer(self.events)] }
    }
}

struct RequestActionArguments: ParsableArguments {
    @OptionGroup var options: ChangeOptions
    @Argument(help: "The request.") var request: Int64
    @Option(help: "Why, for the log.") var reason: String?
    @Option(help: "Only if nobody has changed it since this version.") var version: Int64?
}

/// An action on one request.
protocol RequestAction: AsyncParsableCommand {
    static var action: String { get }
    var arguments: RequestActionArguments { get }
    var more: [String: JSON] { get }
}

extension RequestAction {
    var more: [String: JSON] { [:] }

    mutating func run() async throws {
        let arguments = self.arguments
        let body = ["reason": arguments.reason.json, "version": arguments.version.json].merging(self.more) { $1 }
        try await arguments.options.send("/requests/\(arguments.request)/\(Self.action)", body)
    }
}

/// `key=value` on the command line.
struct Assignment: ExpressibleByArgument {
    let key: String
    let value: String

    init?(argument: String) {
        guard let sign = argument.firstIndex(of: "="), sign > argument.startIndex else { return nil }
        self.key = String(argument[..<sign])
        self.value = String(argument[argument.index(after: sign)...])
    }
}

/// The four names of a simulation.
struct SimulationArgument: ExpressibleByArgument {
    static let names = ["ssw", "ssw_ver", "detector_model", "physics_list"]
    let json: JSON

    init?(argument: String) {
        let parts = argument.split(separator: ",").map { Assignment(argument: String($0)) }
        let values = parts.compactMap { $0 }
        guard values.count == parts.count, values.map(\.key).sorted() == Self.names.sorted(),
            values.allSatisfy({ !$0.value.isEmpty })
        else { return nil }
        self.json = .group(Dictionary(uniqueKeysWithValues: values.map { ($0.key, .text($0.value)) }))
    }
}

extension RequestCommands {
    struct Watch: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show how far requests are until all of them have ended."
        )
        @Argument(help: "The requests.") var requests: [Int64]

        mutating func run() async throws {
            let gateway = try await GatewayClient.fromEnvironment()
            for request in self.requests { _ = try await gateway.get("/requests/\(request)") }
            let progress = try await ProgressWatch(gateway: gateway, requests: self.requests).run()
            let problems = try await progress.problems(by: gateway)
            guard problems.isEmpty else { throw CommandFailure(.failed, lines: problems) }
        }
    }
}
