import AMQP
import Catalog
import CentralKit
import Domain
import Postgres
import ServiceKit

/// What the Scheduler does without being told, slowly: the net under lost messages.
enum SchedulerSweeps {
    /// Serves stored demand; rung by new work.
    static func leasing(
        _ context: ServiceContext,
        _ desk: LeaseDesk,
        _ database: PostgresClient,
        _ config: SchedulerConfig
    ) -> PeriodicSweep {
        PeriodicSweep(name: "leasing", interval: config.sweep, health: context.health, logger: context.logger) {
            try await desk.serve([])
            return .done
        }
    }

    static func expansion(_ context: ServiceContext, _ expander: Expander, _ config: SchedulerConfig) -> PeriodicSweep {
        PeriodicSweep(name: "expansion", interval: config.sweep, health: context.health, logger: context.logger) {
            try await expander.expand() ? .more : .done
        }
    }

    /// Verdicts whose message was lost.
    static func verdicts(
        _ context: ServiceContext,
        _ desk: VerdictDesk,
        _ database: PostgresClient,
        _ config: SchedulerConfig
    ) -> PeriodicSweep {
        PeriodicSweep(name: "verdicts", interval: config.sweep, health: context.health, logger: context.logger) {
            let overdue = try await database.query(VerdictStatements.overdue(seconds: 5))
            try await desk.carryOut(overdue.map { AttemptKey(task: $0.0, index: $0.1, attempt: Int($0.2)) })
            return overdue.count == 500 ? .more : .done
        }
    }

    /// Ranges whose pause is over. Half a second is fine for pauses of seconds; a jobs' first wait has none.
    static func due(
        _ context: ServiceContext,
        _ database: PostgresClient,
        _ wake: @escaping @Sendable () -> Void
    ) -> PeriodicSweep {
        PeriodicSweep(name: "due", interval: .milliseconds(500), health: context.health, logger: context.logger) {
            if try await database.execute(LeasingStatements.makeDue) > 0 { wake() }
            return .done
        }
    }

    /// Every site has its exchange: an agent may write it and not declare it.
    static func exchanges(
        _ context: ServiceContext,
        _ publisher: MessagePublisher,
        _ database: PostgresClient,
        _ config: SchedulerConfig
    ) -> PeriodicSweep {
        PeriodicSweep(name: "site exchanges", interval: config.sweep, health: context.health, logger: context.logger) {
            for site in try await database.query(LeasingStatements.sites) {
                try await publisher.broker.declare(MillraceTopology.site(site))
            }
            return .done
        }
    }

    /// Tasks whose end nobody saw.
    static func settling(
        _ context: ServiceContext,
        _ outbox: OutboxService,
        _ database: PostgresClient,
        _ config: SchedulerConfig
    ) -> PeriodicSweep {
        PeriodicSweep(name: "settling", interval: config.sweep, health: context.health, logger: context.logger) {
            let open = try await database.query(SettlingStatements.open)
            outbox.send(try await Settlement.settle(open, in: database))
            return .done
        }
    }
}
