import AMQP
import Catalog
import CentralKit
import Domain
import Logging
import Messages
import Postgres
import ServiceKit
import ServiceLifecycle

/// `millrace-monitor`: keeps the state of every attempt, classifies failures, gives verdicts, publishes the feed.
@main
enum MonitorMain {
    static func main() async {
        await ServiceRunner.main("monitor", section: MonitorConfig.shape, assemble: MonitorAssembly.services)
    }
}

/// What a file may set under `monitor:`.
struct MonitorConfig: Sendable {
    /// How often everything is looked at without being told.
    var sweep: Duration = .seconds(5)

    static let shape: DocumentShape = .keys(["sweep": .scalar], required: [])

    init(_ values: ConfigurationValues) throws {
        self.sweep = try values.duration("sweep", default: self.sweep)
    }
}

enum MonitorAssembly {
    @Sendable static func services(_ context: ServiceContext) async throws -> [any Service] {
        let config = try MonitorConfig(context.settings)
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
        let rules = RuleTable(database: client)
        let desk = FailureDesk(rules: rules, outbox: outbox)
        let reports = ReportHandler(
            database: client,
            publisher: publisher,
            desk: desk,
            outbox: outbox,
            bell: bell,
            pulse: pulse,
            logger: context.logger
        )
        let lost = LostDesk(database: client, desk: desk, outbox: outbox, bell: bell)
        let relay = Relay(
            database: client,
            publisher: publisher,
            holder: "\(context.identity.instance)",
            logger: context.logger
        )
        let feed = PeriodicSweep(name: "feed", interval: .seconds(1), health: context.health, logger: context.logger) {
            try await relay.turn()
        }
        let sweeps = MonitorSweeps(context: context, config: config, database: client, reports: reports, lost: lost)
        let consumers = MonitorConsumers(endpoint: endpoint, context: context)
        let heartbeats = HeartbeatHandler(database: client, publisher: publisher, lost: lost, logger: context.logger)
        return [
            database, publisher, outbox, bell.sweep, pulse.sweep(context: context, database: client), feed,
            sweeps.silence(), sweeps.rejections(), sweeps.progress(), consumers.reports(reports),
            consumers.heartbeats(heartbeats), consumers.progress(client),
            consumers.control(
                rules,
                feed,
                KillDesk(database: client, publisher: publisher, logger: context.logger)
            ),
        ]
    }
}
