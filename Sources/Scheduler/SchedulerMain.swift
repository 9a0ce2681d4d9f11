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

    /// The part of all agents that may keep free cores for jobs that need more of them.
    var reservations = 0.1

    let scouts: ScoutSettings

    static let shape: DocumentShape = .keys(
        ["offerLimit": .scalar, "sweep": .scalar, "reservations": .scalar, "scouts": ScoutSettings.shape],
        required: []
    )

    init(_ values: ConfigurationValues) throws {
        self.scouts = try ScoutSettings(values.section("scouts"))
        self.offerLimit = try values.int("offerLimit", in: 1...500, default: self.offerLimit)
        self.sweep = try values.duration("sweep", default: self.sweep)
        self.reservations = try values.number("reservations", in: 0...1, default: self.reservations)
    }
}

enum SchedulerAssembly {
    @Sendable static func services(_ context: ServiceContext) async throws -> [any Service] {
        guard let keyFile = context.environment.signingKeyFile else {
            throw SigningKeyError(description: "MILLRACE_SIGNING_KEY_FILE is not set")
        }
        let config = try SchedulerConfig(context.settings)
        let parts = try CentralParts(context)
        let database = parts.database
        let classes = ClassTable(database: database)
        let offers = OfferDesk(
            database: database,
            publisher: parts.publisher,
            tasks: TaskTable(database: database),
            signer: try OfferSigner(path: keyFile),
            bell: parts.bell,
            pulse: parts.pulse,
            logger: context.logger
        )
        let desk = LeaseDesk(
            database: database,
            offers: offers,
            classes: classes,
            shares: ShareTable(database: database),
            offerLimit: config.offerLimit,
            reservations: ReservationPolicy(part: config.reservations)
        )
        let turns = LeaseTurns(interval: config.sweep)
        let leasing = SchedulerSweeps.leasing(parts, desk, turns, config)
        let wake: @Sendable () -> Void = {
            turns.callAll()
            leasing.ring()
        }
        let verdicts = VerdictDesk(
            database: database,
            outbox: parts.outbox,
            bell: parts.bell,
            pulse: parts.pulse,
            classes: classes,
            logger: parts.logger,
            wake: wake
        )
        let expander = Expander(
            database: database,
            outbox: parts.outbox,
            classes: classes,
            bell: parts.bell,
            logger: context.logger,
            wake: wake
        )
        let scouts = ScoutDesk(
            database: database,
            classes: classes,
            bell: parts.bell,
            logger: parts.logger,
            settings: config.scouts,
            wake: wake
        )
        let feeding = FeedDesk(
            database: database,
            outbox: parts.outbox,
            bell: parts.bell,
            wake: wake,
            logger: context.logger
        )
        let expansion = SchedulerSweeps.expansion(parts, expander, scouts, feeding, config)
        let handlers = SchedulerHandlers(
            verdicts: verdicts,
            expansion: expansion,
            ask: { try await turns.ask($0) { leasing.ring() } },
            wake: wake,
            logger: context.logger
        )
        return parts.services + [
            leasing, expansion,
            SchedulerSweeps.verdicts(parts, verdicts, config),
            SchedulerSweeps.due(parts, wake),
            SchedulerSweeps.exclusions(parts, classes, config, wake),
            SchedulerSweeps.exchanges(parts, config),
            SchedulerSweeps.settling(parts, config),
            handlers.work(parts), handlers.verdicts(parts), handlers.control(parts),
        ]
    }
}
