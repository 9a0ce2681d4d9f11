import ArgumentParser
import Messages

/// What every listing takes.
struct ListOptions: ParsableArguments {
    @Flag(help: "Print an array of objects, one per row.")
    var json = false

    @Option(help: "Show at most so many rows (0: all).")
    var limit = 1000

    func validate() throws {
        if self.limit < 0 { throw ValidationError("--limit \(self.limit): must not be negative") }
    }

    /// Prints rows as the user wants them.
    func show(_ rows: [JSON], more: Bool, _ columns: [Column]) throws {
        if self.json {
            try Output.json(.list(rows))
        } else {
            Output.lines(Table(columns, rows: rows).lines())
        }
        if let line = Self.notice(of: rows.count, more: more) { Terminal.complain(line) }
    }

    /// What to say below so many rows when there are more.
    static func notice(of count: Int, more: Bool) -> String? {
        more ? "millrace: there are more than these \(count) rows: --limit 0 shows all" : nil
    }
}

/// A command that prints a list of the HTTP API.
protocol ListCommand: AsyncParsableCommand {
    var options: ListOptions { get }
    var path: String { get }
    var query: [(String, String?)] { get }
    var columns: [Column] { get }
    /// Why there is no row where some are expected, for people; asked only when there is none.
    func missing(_ gateway: GatewayClient) async throws -> String?
}

extension ListCommand {
    var query: [(String, String?)] { [] }

    func missing(_ gateway: GatewayClient) async throws -> String? { nil }

    mutating func run() async throws {
        let gateway = try await GatewayClient.fromEnvironment()
        let filters = self.query.compactMap { name, value in value.map { (name, $0) } }
        let found = try await gateway.list(
            self.path,
            filters,
            limit: self.options.limit == 0 ? nil : self.options.limit
        )
        try self.options.show(found.rows, more: found.more, self.columns)
        guard found.rows.isEmpty, let line = try await self.missing(gateway) else { return }
        Terminal.complain("millrace: \(line)")
    }
}

/// What every command that shows one thing takes.
struct ShowOptions: ParsableArguments {
    @Flag(help: "Print the object as JSON.")
    var json = false

    func show(_ object: JSON, _ lines: @autoclosure () -> [String]) throws {
        if self.json { try Output.json(object) } else { Output.lines(lines()) }
    }
}

/// What every changing command takes.
struct ChangeOptions: ParsableArguments {
    @Flag(help: "Check everything and print what would be done, but do nothing.")
    var dryRun = false

    @Flag(help: "Print the result as JSON.")
    var json = false

    /// Sends the change and prints what was done.
    ///
    /// - Parameter isQuiet: print nothing: something follows that is printed.
    @discardableResult
    func send(
        _ path: String,
        _ body: [String: JSON] = [:],
        by gateway: GatewayClient,
        isQuiet: Bool = false
    ) async throws -> JSON {
        let answer = try await gateway.change(path, body, dryRun: self.dryRun)
        if isQuiet { return answer["result"] }
        if self.json {
            try Output.json(answer["result"])
        } else {
            let lines = answer["lines"].items.compactMap(\.text)
            let said = lines.isEmpty && answer["changed"].truth == false ? ["nothing to do"] : lines
            Output.lines(said.map { self.dryRun ? "dry run: \($0)" : $0 })
        }
        return answer["result"]
    }

    /// The same, where the command has nothing else to do.
    func send(_ path: String, _ body: [String: JSON] = [:]) async throws {
        try await self.send(path, body, by: GatewayClient.fromEnvironment())
    }
}

extension Optional where Wrapped == String {
    /// As a field of a body: left out when there is none.
    var json: JSON { self.map { .text($0) } ?? .nothing }
}

extension Optional where Wrapped == Int64 {
    var json: JSON { self.map { .integer($0) } ?? .nothing }
}

extension Optional where Wrapped == Double {
    var json: JSON { self.map { .number($0) } ?? .nothing }
}
