import AMQP
import Catalog
import CentralKit
import Domain
import Logging
import Messages
import Postgres
import ServiceKit
import ServiceLifecycle

/// `millrace-transfer`: moves files to where their datasets belong. Start as many as there is work for.
@main
enum TransferMain {
    static func main() async {
        await ServiceRunner.main("transfer", section: TransferConfig.shape, assemble: TransferAssembly.services)
    }
}

/// What a file may set under `transfer:`.
struct TransferConfig: Sendable {
    var policy = TransferPolicy()
    /// How often everything is looked at without being told.
    var sweep: Duration = .seconds(5)

    static let shape: DocumentShape = .keys(
        ["sweep": .scalar, "pause": .scalar, "longestPause": .scalar, "attempts": .scalar],
        required: []
    )

    init(_ values: ConfigurationValues) throws {
        self.sweep = try values.duration("sweep", default: self.sweep)
        self.policy.attempts = try values.int("attempts", in: 1...1000, default: self.policy.attempts)
        let pause = try values.duration("pause", default: .seconds(10))
        self.policy.pauseSeconds = Double(pause.components.seconds)
        let longest = try values.duration("longestPause", default: .seconds(600))
        self.policy.longestPauseSeconds = Double(longest.components.seconds)
    }
}

enum TransferAssembly {
    @Sendable static func services(_ context: ServiceContext) async throws -> [any Service] {
        let config = try TransferConfig(context.settings)
        let endpoint = try AMQPEndpoint(url: context.environment.amqpURL.value)
        let database = Database(context: context)
        let client = database.client
        let destinations = Destinations(context: context, endpoint: endpoint)
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
        let worker = TransferWorker(
            database: client,
            outbox: outbox,
            bell: bell,
            pulse: pulse,
            policy: config.policy,
            worker: context.identity.instance,
            logger: context.logger
        )
        let garbage = GarbageWorker(database: client, logger: context.logger)
        let moving = PeriodicSweep(
            name: "transfers",
            interval: config.sweep,
            health: context.health,
            logger: context.logger
        ) {
            try await worker.turn()
        }
        return [
            database, publisher, outbox, bell.sweep, pulse.sweep(context: context, database: client), moving,
            PeriodicSweep(
                name: "expired leases",
                interval: .seconds(30),
                health: context.health,
                logger: context.logger
            ) {
                try await worker.expire()
                return .done
            },
            PeriodicSweep(name: "garbage", interval: .seconds(60), health: context.health, logger: context.logger) {
                try await garbage.turn()
            }, destinations.service(client, moving), destinations.control(),
        ]
    }
}
