import AMQP
import ArgumentParser
import Catalog
import Domain
import Messages
import Postgres
import ServiceKit

struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract:
            "Check every invariant of the catalogue, and the stored files that can be reached; exit status 1 if any is violated."
    )
    @Flag(help: "Print an array of objects: invariant, text, violations, examples.") var json = false
    @Flag(help: "Read every reachable file and compare its checksum as well.") var checksums = false
    @Option(help: "Seconds that a stored file may be without a row.") var grace: Double = 3600

    mutating func run() async throws {
        let audit = FileAudit(checksums: self.checksums, grace: self.grace)
        let found = try await LocalCatalog.with(LocalFarm.databaseURL()) { database in
            try await Doctor.examine(database) + audit.examine(database)
        }
        if self.json {
            try Output.json(WireFormat.value(JSON.self, from: WireFormat.text(found)))
        } else {
            Output.lines(Self.lines(found))
        }
        let violated = found.filter { $0.violations > 0 }
        guard violated.isEmpty else {
            let names = violated.map(\.invariant).joined(separator: ", ")
            throw CommandFailure(.failed, "\(violated.count) of \(found.count) invariants are violated: \(names)")
        }
    }

    static func lines(_ found: [Diagnosis], colours: Bool = Terminal.hasColours) -> [String] {
        found.flatMap { diagnosis -> [String] in
            let isWell = diagnosis.violations == 0
            let mark = (isWell ? Tone.good : Tone.bad).paint(isWell ? "well " : "WRONG", colours: colours)
            let head = "\(mark)  \(diagnosis.invariant): \(diagnosis.text)"
            guard !isWell else { return [head] }
            let more = diagnosis.violations - Int64(diagnosis.examples.count)
            return [head] + diagnosis.examples.map { "         \($0)" }
                + (more > 0 ? ["         and \(more) more"] : [])
        }
    }
}

struct MigrateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "migrate",
        abstract: "Bring the catalogue to this program's schema."
    )
    @Flag(help: "Print what would be applied, but do nothing.") var dryRun = false

    mutating func run() async throws {
        let url = try await LocalFarm.databaseURL()
        let names =
            self.dryRun
            ? try await Migrator.pending(url: url, logger: LocalCatalog.quiet)
            : try await Migrator.migrate(url: url, logger: LocalCatalog.quiet)
        if names.isEmpty { return Output.line("the catalogue is up to date") }
        if !self.dryRun {
            // The rules that this version knows; those that are there stay as they are.
            try await LocalCatalog.with(url) { try await Seed(sites: [], storages: []).plant(in: $0) }
        }
        Output.lines(names.map { self.dryRun ? "dry run: would apply \($0)" : "applied \($0)" })
    }
}

struct RebuildCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rebuild",
        abstract:
            "Declare and publish again all that the broker has to hold, from the catalogue: after a purge or the loss of the broker."
    )
    @Flag(help: "Print what would be published, but do nothing.") var dryRun = false
    @Option(help: "Publish the events since this time again, such as 2026-11-21T02:00:00Z.") var eventsSince: Moment?

    mutating func run() async throws {
        let since = self.eventsSince
        let isDryRun = self.dryRun
        let broker = try await LocalFarm.brokerURL()
        let lines = try await LocalCatalog.with(LocalFarm.databaseURL()) { database -> [String] in
            let (sites, storages) = try await Rebuild.places(database)
            if let since, !isDryRun { _ = try await Rebuild.rewindFeed(to: since, in: database) }
            let messages = try await Rebuild.messages(database)
            let counts = Dictionary(grouping: messages, by: { "\($0.exchange) \($0.routingKey)" }).mapValues(\.count)
            let table = counts.sorted { $0.key < $1.key }.map { "\($0.value) to \($0.key)" }
            if isDryRun { return table.map { "dry run: would publish \($0)" } }
            try await LocalCatalog.withBroker(broker) { publisher in
                try await publisher.declare(MillraceTopology.full(sites: sites, storages: storages))
                try await Self.publish(messages, by: publisher)
            }
            try await database.withTransaction {
                try await $0.executeAndCommit(OutboxStatements.forget(messages.map(\.id)))
            }
            return table.map { "published \($0)" }
                + (since.map { ["events since \($0) are being published again"] } ?? [])
        }
        Output.lines(lines)
    }

    private static func publish(_ messages: [Catalog.OutboxMessage], by publisher: AMQPPublisher) async throws {
        let now = SystemTime.now().microseconds / 1_000_000
        let outgoing = messages.map { message in
            OutgoingMessage(
                exchange: message.exchange,
                routingKey: message.routingKey,
                body: Array(message.body.utf8),
                mandatory: true,
                type: message.type,
                messageID: message.id.text,
                timestamp: now,
                contentType: "application/json"
            )
        }
        let outcomes = try await publisher.publish(outgoing)
        if let bad = outcomes.first(where: { $0 != .confirmed }) {
            throw CommandFailure(.failed, "the broker did not take every message (\(bad)): run millrace rebuild again")
        }
    }
}

extension Domain.Timestamp: ExpressibleByArgument {
    package init?(argument: String) { self.init(argument) }
}

struct VersionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "version", abstract: "Print the version.")

    mutating func run() { Output.line("millrace \(MillraceVersion.text)") }
}
