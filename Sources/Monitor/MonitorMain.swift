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
    let brakes: BrakeConfig
    /// How long attempts may stay in a state.
    var timeouts = AttemptTimeouts.defaults
    /// How often all attempts are looked at for that: with a million of them it takes a second.
    var timeoutsEvery: Duration = .seconds(60)

    static let shape: DocumentShape = .keys(
        [
            "sweep": .scalar, "brakes": BrakeConfig.shape, "timeoutsEvery": .scalar,
            "timeouts": .list(
                .keys(["priority": .scalar, "leased": .scalar, "overdue": .scalar], required: ["leased", "overdue"])
            ),
        ],
        required: []
    )

    init(_ values: ConfigurationValues) throws {
        let bands = try values.sections("timeouts").map { band in
            AttemptTimeouts.Band(
                priority: try band.int("priority", in: Int(Int32.min)...Int(Int32.max), default: Int(Int32.min)),
                leased: Double(try band.duration("leased").components.seconds),
                overdue: Double(try band.duration("overdue").components.seconds)
            )
        }
        if !bands.isEmpty { self.timeouts = AttemptTimeouts(bands) }
        self.timeoutsEvery = try values.duration("timeoutsEvery", default: self.timeoutsEvery)
        self.brakes = try BrakeConfig(values.section("brakes"))
        self.sweep = try values.duration("sweep", default: self.sweep)
    }
}

enum MonitorAssembly {
    @Sendable static func services(_ context: ServiceContext) async throws -> [any Service] {
        let config = try MonitorConfig(context.settings)
        let parts = try CentralParts(context)
        let rules = RuleTable(database: parts.database, logger: parts.logger)
        // What fails alike fails in the same sums: two seconds of it are added at once, and never by the transaction that judges it.
        let sums = parts.sweep("failure sums", every: config.sweep, pace: .seconds(2)) {
            try await FailureSums.complete(parts.database)
            return .done
        }
        let desk = FailureDesk(rules: rules, sums: sums)
        let reports = ReportHandler(parts: parts, desk: desk)
        let lost = LostDesk(parts: parts, desk: desk)
        let relay = Relay(
            database: parts.database,
            publisher: parts.publisher,
            holder: "\(context.identity.instance)",
            logger: parts.logger
        )
        // A turn costs six statements, however much it publishes.
        let feed = parts.sweep("feed", every: .seconds(1), pace: .milliseconds(250)) { try await relay.turn() }
        let kills = KillDesk(database: parts.database, publisher: parts.publisher, logger: parts.logger)
        let sweeps = MonitorSweeps(parts: parts, config: config, reports: reports, lost: lost)
        let consumers = MonitorConsumers(parts: parts)
        let brakes = BrakeDesk(parts: parts, config: config.brakes)
        let braking = parts.sweep("brakes", every: config.brakes.interval) {
            try await brakes.turn()
            return .done
        }
        return parts.services + [
            feed, braking, sums, sweeps.silence(), sweeps.rejections(), sweeps.progress(), sweeps.timeouts(),
            consumers.reports(reports),
            consumers.heartbeats(HeartbeatHandler(parts: parts, lost: lost)), consumers.progress(),
            consumers.control(rules, feed, kills),
        ]
    }
}
