import ArgumentParser
import Messages

struct RuleCommands: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rule",
        abstract: "Rules that say whose fault a failure is, and what is done about it.",
        subcommands: [List.self, Show.self, Add.self, Enable.self, Observe.self, Remove.self, Test.self]
    )

    struct List: ListCommand {
        static let configuration = CommandConfiguration(abstract: "List rules, in the order in which they are tried.")
        @OptionGroup var options: ListOptions
        @Option(help: "Only of one table: blame or action.") var kind: String?

        var path: String { "/rules" }
        var query: [(String, String?)] { [("kind", self.kind)] }
        var columns: [Column] {
            [
                Column("priority"), Column("kind"), Column("rule"), Column("code_first"), Column("code_last"),
                Column("pattern"), Column("scope"), Column("blame"), Column("action", .state), Column("parameters"),
                Column("active"), Column("expires", .time), Column("who"),
            ]
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Show a rule, why it is there, and who changed it.")
        @OptionGroup var options: ShowOptions
        @Argument(help: "The rule.") var rule: String

        mutating func run() async throws {
            let found = try await GatewayClient.fromEnvironment().get("/rules/\(GatewayClient.escape(self.rule))")
            try self.options.show(
                found,
                Details.lines(
                    found,
                    first: ["rule", "kind", "priority", "why"],
                    styles: ["expires": .time, "changed": .time],
                    tables: ["changes": [Column("at", .time), Column("who"), Column("change")]]
                )
            )
        }
    }

    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract:
                "Add a rule; every Monitor uses it at once. With --blame it says whose fault, with --action what is done."
        )
        @OptionGroup var options: ChangeOptions
        @OptionGroup var draft: RuleArguments
        @Option(help: "When it ends, such as 2026-12-01T00:00:00Z.") var expires: String?

        mutating func run() async throws {
            try await self.options.send("/rules", try self.draft.body().merging(["expires": self.expires.json]) { $1 })
        }
    }

    struct Enable: RuleAction {
        static let configuration = CommandConfiguration(abstract: "Let a rule decide.")
        static let action = "enable"
        @OptionGroup var arguments: RuleActionArguments
    }

    struct Observe: RuleAction {
        static let configuration = CommandConfiguration(
            commandName: "observe",
            abstract: "Only note where a rule would have decided.",
            aliases: ["disable"]
        )
        static let action = "disable"
        @OptionGroup var arguments: RuleActionArguments
    }

    struct Remove: RuleAction {
        static let configuration = CommandConfiguration(abstract: "Take a rule away; its history stays.")
        static let action = "remove"
        @OptionGroup var arguments: RuleActionArguments
    }

    struct Test: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Replay past failures with a rule, stored or new, and show what would have been different."
        )
        @OptionGroup var options: ChangeOptions
        @Argument(help: "A stored rule, or the name of a new one that the options describe.") var rule: String
        @Option(help: "How far back: such as 90s, 30m, 12h, 7d.") var since = "7d"
        @OptionGroup var draft: RuleOptions

        mutating func run() async throws {
            var body = try self.draft.body()
            body["rule"] = .text(self.rule)
            body["since"] = .text(self.since)
            try await self.options.send("/rules/test", body)
        }
    }
}

/// What a rule says, as options.
struct RuleOptions: ParsableArguments {
    @Option(help: "Lower is tried first.") var priority: Int64 = 100
    @Option(help: "A code, or first-last, such as 1001 or 2000-2999.") var codes: String?
    @Option(help: "A regular expression, searched in the diagnostic.") var pattern: String?
    @Option(help: "Only failures at this site.") var site: String?
    @Option(help: "Only failures on this node.") var node: String?
    @Option(help: "Only jobs of this workflow.") var workflow: String?
    @Option(help: "Only tasks of this kind.") var taskKind: String?
    @Option(help: "Only jobs with this software, NAME/VERSION.") var software: String?
    @Option(help: "Only these attempts: a number, or first-last.") var attempts: String?
    @Option(help: "A rule of blame: payload, definition, site, data, network, infrastructure, operator.") var blame:
        String?
    @Option(help: "A rule of action: only failures blamed so.") var blamed: String?
    @Option(help: "A rule of action: resubmit, abort, pause.") var action: String?
    @Option(name: .customLong("set"), help: "How: KEY=VALUE, such as pauseSeconds=60 or elsewhere=true.")
    var parameters: [String] = []
    @Flag(help: "Only observe it.") var observe = false
    @Option(help: "Why the rule is there.") var why: String?

    func body() throws -> [String: JSON] {
        var body: [String: JSON] = [
            "priority": .integer(self.priority), "pattern": self.pattern.json, "blame": self.blame.json,
            "action": self.action.json, "why": self.why.json, "active": .truth(!self.observe),
        ]
        let scope = [
            "site": self.site, "node": self.node, "workflow": self.workflow, "taskKind": self.taskKind,
            "software": self.software, "blame": self.blamed,
        ].compactMapValues { $0.map { JSON.text($0) } }
        if !scope.isEmpty { body["scope"] = .group(scope) }
        if let codes = self.codes {
            let (first, last) = try Self.range(codes, "--codes")
            body["code_first"] = .integer(first)
            body["code_last"] = .integer(last)
        }
        if let attempts = self.attempts {
            let (first, last) = try Self.range(attempts, "--attempts")
            body["attempt_first"] = .integer(first)
            body["attempt_last"] = .integer(last)
        }
        var set: [String: JSON] = [:]
        for pair in self.parameters {
            guard let sign = pair.firstIndex(of: "="), sign > pair.startIndex else {
                throw ValidationError("--set \(pair) is not KEY=VALUE")
            }
            set[String(pair[..<sign])] = Self.value(String(pair[pair.index(after: sign)...]))
        }
        if !set.isEmpty { body["parameters"] = .group(set) }
        return body
    }

    private static func range(_ text: String, _ option: String) throws -> (Int64, Int64) {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false).map { Int64($0) }
        guard (1...2).contains(parts.count), let first = parts[0], let last = parts[parts.count - 1] else {
            throw ValidationError("\(option) \(text) is not a number or first-last")
        }
        return (first, last)
    }

    private static func value(_ text: String) -> JSON {
        if text == "true" || text == "false" { return .truth(text == "true") }
        if let whole = Int64(text) { return .integer(whole) }
        return Double(text).map { .number($0) } ?? .text(text)
    }
}

/// A rule with its name.
struct RuleArguments: ParsableArguments {
    @Argument(help: "Its name: lower-case letters, digits and -.") var rule: String
    @OptionGroup var options: RuleOptions

    func body() throws -> [String: JSON] {
        try self.options.body().merging(["rule": .text(self.rule)]) { $1 }
    }
}

struct RuleActionArguments: ParsableArguments {
    @OptionGroup var options: ChangeOptions
    @Argument(help: "The rule.") var rule: String
}

/// One word to a rule.
protocol RuleAction: AsyncParsableCommand {
    static var action: String { get }
    var arguments: RuleActionArguments { get }
}

extension RuleAction {
    mutating func run() async throws {
        try await self.arguments.options.send("/rules/\(GatewayClient.escape(self.arguments.rule))/\(Self.action)")
    }
}
