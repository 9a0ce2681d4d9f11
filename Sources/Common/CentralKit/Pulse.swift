import Catalog
package import Logging
import Messages
import NIOConcurrencyHelpers
package import Postgres
package import ServiceKit

/// Writes every few seconds that this process is alive and whether it progresses: what `millrace status` shows.
package final class Pulse: Sendable {
    private let count = NIOLockedValueBox<Int64>(0)

    package init() {}

    /// Adds to what the process has done since it started.
    package func add(_ done: Int) { self.count.withLockedValue { $0 += Int64(done) } }

    package func sweep(context: ServiceContext, database: PostgresClient) -> PeriodicSweep {
        let started = Moment.now
        let identity = context.identity
        let health = context.health
        return PeriodicSweep(name: "pulse", interval: .seconds(3), health: health, logger: context.logger) {
            let report = health.readiness()
            try await database.execute(
                InstanceStatements.pulse(
                    .init(
                        service: identity.service,
                        instance: identity.instance,
                        host: identity.host,
                        pid: identity.pid,
                        version: identity.version,
                        startedAt: started,
                        done: self.count.withLockedValue { $0 },
                        trouble: report.trouble,
                        progressed: report.ok
                    )
                )
            )
            return .done
        }
    }
}

/// Tells the feed's relay that there are new transitions. Rings while a word is on its way become one more word.
package struct FeedBell: Sendable {
    package let sweep: PeriodicSweep

    package init(publisher: MessagePublisher, health: HealthState, logger: Logger) {
        self.sweep = PeriodicSweep(name: "feed bell", interval: .seconds(60), health: health, logger: logger) {
            try await publisher.send(
                [ControlItem(.feed)],
                exchange: Exchange.command,
                routingKey: RoutingKey.control("monitor"),
                mandatory: false,
                persistent: false
            )
            return .done
        }
    }

    package func ring() { self.sweep.ring() }
}
