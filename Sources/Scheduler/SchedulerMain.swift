import AMQP
import Catalog
import CentralKit
import Domain
import Messages
import ServiceKit
import ServiceLifecycle

/// `millrace-scheduler`: expands approved tasks, leases jobs to agents that ask, carries verdicts out.
@main
enum SchedulerMain {
    static func main() async {
        await ServiceRunner.main(
            "scheduler",
            section: SchedulerConfig.shape,
            needs: [.signingKey],
            assemble: SchedulerAssembly.services
        )
    }
}

/// What a file may set under `scheduler:`.
struct SchedulerConfig: Sendable {
    /// The most jobs in one offer.
    var offerLimit = 250
    /// How often everything is looked at without being told.
    var sweep: Duration = .seconds(10)

    static let shape: DocumentShape = .keys(["offerLimit": .scalar, "sweep": .scalar], required: [])

    init(_ values: ConfigurationValues) throws {
        self.offerLimit = try values.int("offerLimit", in: 1...500, default: self.offerLimit)
        self.sweep = try values.duration("sweep", default: self.sweep)
    }
}

enum SchedulerAssembly {
    @Sendable static func services(_ context: ServiceContext) async throws -> [any Service] {
        guard let keyFile = context.environment.signingKeyFile else {
            throw SigningKeyError(description: "MILLRACE_SIGNING_KEY_FILE is not set")
        }
        let config = try SchedulerConfig(context.settings)
        let endpoint = try AMQPEndpoint(url: context.environment.amqpURL.value)
        let database = Database(context: context)
        let publisher = MessagePublisher(
            endpoint: endpoint,
            identity: context.identity,
            topology: MillraceTopology.core,
            health: context.health,
            logger: context.logger
        )
        let outbox = OutboxService(
            database: database.client,
            publisher: publisher,
            health: context.health,
            logger: context.logger
        )
        let bell = FeedBell(publisher: publisher, health: context.health, logger: context.logger)
        let pulse = Pulse()
        let classes = ClassTable(database: database.client)
        let desk = LeaseDesk(
            database: database.client,
            publisher: publisher,
            classes: classes,
            tasks: TaskTable(database: database.client),
            signer: try OfferSigner(path: keyFile),
            bell: bell,
            pulse: pulse,
            logger: context.logger,
            offerLimit: config.offerLimit
        )
        let leasing = SchedulerSweeps.leasing(context, desk, database.client, config)
        let wake: @Sendable () -> Void = { leasing.ring() }
        let verdicts = VerdictDesk(database: database.client, outbox: outbox, bell: bell, pulse: pulse, wake: wake)
        let expander = Expander(
            database: database.client,
            outbox: outbox,
            classes: classes,
            bell: bell,
            logger: context.logger,
            wake: wake
        )
        let expansion = SchedulerSweeps.expansion(context, expander, config)
        let handlers = SchedulerHandlers(
            desk: desk,
            verdicts: verdicts,
            expansion: expansion,
            leasing: leasing,
            logger: context.logger
        )
        return [
            database, publisher, outbox, bell.sweep, pulse.sweep(context: context, database: database.client), leasing,
            expansion,
            SchedulerSweeps.verdicts(context, verdicts, database.client, config),
            SchedulerSweeps.due(context, database.client, wake),
            SchedulerSweeps.exchanges(context, publisher, database.client, config),
            SchedulerSweeps.settling(context, outbox, database.client, config),
            handlers.work(endpoint, context), handlers.verdicts(endpoint, context), handlers.control(endpoint, context),
        ]
    }
}
