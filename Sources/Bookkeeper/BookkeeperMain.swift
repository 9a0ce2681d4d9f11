import AMQP
import Catalog
import CentralKit
import Domain
import Logging
import Messages
import Postgres
import ServiceKit
import ServiceLifecycle

/// `millrace-bookkeeper`: accepts what attempts made, all or none, as the one winner of their job; fills and closes datasets.
@main
enum BookkeeperMain {
    static func main() async {
        await ServiceRunner.main("bookkeeper", section: BookkeeperConfig.shape, assemble: BookkeeperAssembly.services)
    }
}

/// What a file may set under `bookkeeper:`.
struct BookkeeperConfig: Sendable {
    /// How often everything is looked at without being told.
    var sweep: Duration = .seconds(10)
    /// How long files of attempts that did not win are kept.
    var grace: Duration = .seconds(3600)
    /// How long after its end a request goes into the archive by itself; nil: only when somebody says so.
    var archiveAfter: Duration?
    /// Where run events go; nil: nowhere.
    var lineage: LineageConfig?

    static let shape: DocumentShape = .keys(
        ["sweep": .scalar, "grace": .scalar, "archiveAfter": .scalar, "lineage": LineageConfig.shape],
        required: []
    )

    init(_ values: ConfigurationValues) throws {
        self.sweep = try values.duration("sweep", default: self.sweep)
        self.grace = try values.duration("grace", default: self.grace)
        self.archiveAfter = try values.optionalDuration("archiveAfter")
        if let archiveAfter, archiveAfter < .seconds(1) {
            throw values.error("archiveAfter", "must be at least 1s; without it nothing is archived by itself")
        }
        self.lineage = try LineageConfig(values.section("lineage"))
    }
}

enum BookkeeperAssembly {
    @Sendable static func services(_ context: ServiceContext) async throws -> [any Service] {
        let config = try BookkeeperConfig(context.settings)
        let parts = try CentralParts(context)
        let database = parts.database
        let tasks = TaskFacts(database: database)
        let desk = ManifestDesk(parts: parts, tasks: tasks, graceSeconds: Double(config.grace.components.seconds))
        let settling = parts.sweep("settling", every: config.sweep) {
            parts.outbox.send(
                try await Settlement.settle(try await database.query(SettlingStatements.open), in: database)
            )
            try await Settlement.settleStranded(in: database)
            return .done
        }
        // What was accepted while somebody subscribed its dataset may have seen no subscription.
        let subscriptions = parts.sweep("subscriptions", every: config.sweep) {
            for (dataset, storage) in try await database.query(DataStatements.recentSubscriptions) {
                let transfers = try await database.withTransaction {
                    try await $0.query(DataStatements.fill(dataset: dataset, storage: storage))
                }
                guard let first = transfers.first else { continue }
                parts.outbox.send(
                    try OutboxMessage.messages(
                        [TransferItem(transfer: first)],
                        routingKey: RoutingKey.transfer(storage)
                    )
                )
            }
            return .done
        }
        // Seldom: it looks at all ranges.
        let partitions = parts.sweep("partitions", every: .seconds(600)) {
            guard let name = try await Archive.dropPartition(database) else { return .done }
            parts.logger.info("partition dropped", metadata: ["name": "\(name)"])
            return .more
        }
        let archive = parts.sweep("archive", every: config.sweep) {
            guard case .moved(let task, let jobs) = try await Archive.step(database) else { return .done }
            parts.logger.info("archive", metadata: ["task": "\(task)", "jobs": "\(jobs)"])
            // It has arrived, and may be the last of its range.
            if jobs == 0 { partitions.ring() }
            return .more
        }
        let cleaning = parts.sweep("clean-ups", every: config.sweep) {
            let step = try await Cleanup.step(
                database,
                graceSeconds: Double(config.grace.components.seconds),
                pauseSeconds: config.sweep / .seconds(1)
            )
            guard step != .nothing else { return .done }
            // What keeps a dataset is said once.
            if case .waiting(_, _, _, isNew: false) = step { return .more }
            parts.logger.info("clean-up", metadata: ["step": "\(step)"])
            return .more
        }
        let folding = parts.sweep("folding of production", every: .seconds(600)) {
            let rows = try await database.withTransaction { try await $0.query(ProductionStatements.fold) }
            return rows.first ?? 0 > 0 ? .more : .done
        }
        let tallies = parts.sweep("folding of sums by time", every: .seconds(600)) {
            let rows = try await database.withTransaction { transaction in
                try await transaction.query(TallyStatements.fold) + transaction.query(TallyStatements.prune)
            }
            return rows.contains { $0 > 0 } ? .more : .done
        }
        let consumers = BookkeeperConsumers(parts: parts)
        return parts.services + [
            settling, subscriptions, partitions, archive, cleaning, folding, tallies, consumers.manifests(desk),
            consumers.commands(),
            consumers.control(archive, cleaning),
        ] + Self.retention(config, parts) + Self.lineage(config, parts)
    }

    /// Asks for the archiving of what ended long ago, as an operator would.
    private static func retention(_ config: BookkeeperConfig, _ parts: CentralParts) -> [any Service] {
        guard let age = config.archiveAfter else { return [] }
        let operations = Operations(parts.database, caller: Caller(who: "bookkeeper", role: .operator))
        let reason = "ended longer ago than archiveAfter (\(DurationText.text(age)))"
        return [
            parts.sweep("retention", every: min(age, .seconds(3600))) {
                let outcome = try await operations.archive(olderThan: age / .seconds(1), closed: true, reason: reason)
                parts.outbox.send(outcome.messages)
                return outcome.changed ? .more : .done
            }
        ]
    }

    private static func lineage(_ config: BookkeeperConfig, _ parts: CentralParts) -> [any Service] {
        guard let lineage = config.lineage else { return [] }
        let export = LineageExport(
            lineage,
            database: parts.database,
            holder: "\(parts.context.identity.instance)",
            logger: parts.logger
        )
        return [parts.sweep("lineage", every: lineage.every) { try await export.turn() }]
    }
}

/// The Bookkeeper's queues.
struct BookkeeperConsumers: Sendable {
    let parts: CentralParts

    func manifests(_ desk: ManifestDesk) -> ConsumerService<[FinishedItem]> {
        self.parts.consumer(
            of: FinishedItem.self,
            Queue.manifests,
            topology: MillraceTopology.bookkeeper,
            prefetch: 200,
            handle: desk.handle
        )
    }

    /// Files that arrived and tasks that may have ended.
    func commands() -> ConsumerService<[BooksItem]> {
        let (database, parts) = (self.parts.database, self.parts)
        return self.parts.consumer(of: BooksItem.self, Queue.books, topology: MillraceTopology.bookkeeper) { batch in
            let items = batch.flatMap(\.content)
            let arrived = items.filter { $0.kind == .replica }.map(\.id)
            var tasks = Set(items.filter { $0.kind == .settled }.map(\.id))
            if !arrived.isEmpty { tasks.formUnion(try await database.query(TransferStatements.tasks(of: arrived))) }
            parts.outbox.send(try await Settlement.settle(tasks.sorted(), in: database))
            parts.bell.ring()
            return batch.map { _ in .done }
        }
    }

    func control(
        _ archive: PeriodicSweep,
        _ cleaning: PeriodicSweep
    ) -> ConsumerService<[ControlItem]> {
        self.parts.consumer(of: ControlItem.self, Queue.control("bookkeeper"), topology: MillraceTopology.bookkeeper) {
            batch in
            if batch.flatMap(\.content).contains(where: { $0.subject == .task }) { archive.ring() }
            if batch.flatMap(\.content).contains(where: { $0.subject == .request }) { cleaning.ring() }
            return batch.map { _ in .done }
        }
    }
}
