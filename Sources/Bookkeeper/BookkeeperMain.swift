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

    static let shape: DocumentShape = .keys(["sweep": .scalar, "grace": .scalar], required: [])

    init(_ values: ConfigurationValues) throws {
        self.sweep = try values.duration("sweep", default: self.sweep)
        self.grace = try values.duration("grace", default: self.grace)
    }
}

enum BookkeeperAssembly {
    @Sendable static func services(_ context: ServiceContext) async throws -> [any Service] {
        let config = try BookkeeperConfig(context.settings)
        let endpoint = try AMQPEndpoint(url: context.environment.amqpURL.value)
        let database = Database(context: context)
        let client = database.client
        let publisher = MessagePublisher(
            endpoint: endpoint,
            identity: context.identity,
            topology: MillraceTopology.core,
            health: context.health,
            logger: context.logger
        )
        let outbox = OutboxService(
            database: client,
            publisher: publisher,
            health: context.health,
            logger: context.logger
        )
        let bell = FeedBell(publisher: publisher, health: context.health, logger: context.logger)
        let pulse = Pulse()
        let tasks = TaskFacts(database: client)
        let desk = ManifestDesk(
            database: client,
            publisher: publisher,
            outbox: outbox,
            bell: bell,
            pulse: pulse,
            tasks: tasks,
            logger: context.logger,
            graceSeconds: Double(config.grace.components.seconds)
        )
        let settling = PeriodicSweep(
            name: "settling",
            interval: config.sweep,
            health: context.health,
            logger: context.logger
        ) {
            outbox.send(try await Settlement.settle(try await client.query(SettlingStatements.open), in: client))
            return .done
        }
        let consumers = BookkeeperConsumers(endpoint: endpoint, context: context)
        return [
            database, publisher, outbox, bell.sweep, pulse.sweep(context: context, database: client), settling,
            consumers.manifests(desk), consumers.commands(client, outbox, bell), consumers.control(tasks),
        ]
    }
}

/// The Bookkeeper's queues.
struct BookkeeperConsumers: Sendable {
    let endpoint: AMQPEndpoint
    let context: ServiceContext

    func manifests(_ desk: ManifestDesk) -> ConsumerService<[FinishedItem]> {
        ConsumerService(
            of: FinishedItem.self,
            endpoint: self.endpoint,
            identity: self.context.identity,
            topology: MillraceTopology.bookkeeper,
            queue: Queue.manifests,
            prefetch: 200,
            maximum: 200,
            health: self.context.health,
            logger: self.context.logger,
            handle: desk.handle
        )
    }

    /// Files that arrived and tasks that may have ended.
    func commands(_ database: PostgresClient, _ outbox: OutboxService, _ bell: FeedBell) -> ConsumerService<[BooksItem]>
    {
        ConsumerService(
            of: BooksItem.self,
            endpoint: self.endpoint,
            identity: self.context.identity,
            topology: MillraceTopology.bookkeeper,
            queue: Queue.books,
            health: self.context.health,
            logger: self.context.logger
        ) { batch in
            let items = batch.flatMap(\.content)
            let arrived = items.filter { $0.kind == .replica }.map(\.id)
            var tasks = Set(items.filter { $0.kind == .settled }.map(\.id))
            if !arrived.isEmpty { tasks.formUnion(try await database.query(TransferStatements.tasks(of: arrived))) }
            outbox.send(try await Settlement.settle(tasks.sorted(), in: database))
            bell.ring()
            return batch.map { _ in .done }
        }
    }

    func control(_ tasks: TaskFacts) -> ConsumerService<[ControlItem]> {
        ConsumerService(
            of: ControlItem.self,
            endpoint: self.endpoint,
            identity: self.context.identity,
            topology: MillraceTopology.bookkeeper,
            queue: Queue.control("bookkeeper"),
            health: self.context.health,
            logger: self.context.logger
        ) { batch in
            if batch.flatMap(\.content).contains(where: { $0.subject == .storage }) {
                try await tasks.refreshStorages()
            }
            return batch.map { _ in .done }
        }
    }
}
