import AMQP
import Catalog
import CentralKit
import Domain
import Logging
import Postgres
import ServiceKit

/// What the Scheduler does without being told, slowly: the net under lost messages.
enum SchedulerSweeps {
    /// Leases, one turn after the other; rung by questions and by new work. The first turn comes at once, and what is rung for within
    /// its pace is done together: turns that follow each other without rest find a few jobs each, and take what those who make them
    /// wait need.
    static func leasing(
        _ parts: CentralParts,
        _ desk: LeaseDesk,
        _ turns: LeaseTurns,
        _ config: SchedulerConfig
    ) -> PeriodicSweep {
        parts.sweep("leasing", every: config.sweep, pace: .milliseconds(20)) {
            try await turns.turn(desk.serve) ? .more : .done
        }
    }

    /// Tasks whose scouts have come back, tasks that can start, and inputs that have come.
    static func expansion(
        _ parts: CentralParts,
        _ expander: Expander,
        _ scouts: ScoutDesk,
        _ feeding: FeedDesk,
        _ config: SchedulerConfig
    ) -> PeriodicSweep {
        parts.sweep("expansion", every: config.sweep) {
            try await scouts.judge()
            let started = try await expander.expand()
            let isMore = try await feeding.feed()
            return started || isMore ? .more : .done
        }
    }

    /// Verdicts whose message was lost.
    static func verdicts(
        _ parts: CentralParts,
        _ desk: VerdictDesk,
        _ config: SchedulerConfig
    ) -> PeriodicSweep {
        parts.sweep("verdicts", every: config.sweep) {
            let overdue = try await parts.database.query(VerdictStatements.overdue(seconds: 5))
            try await desk.carryOut(overdue.map { AttemptKey(task: $0.0, index: $0.1, attempt: Int($0.2)) })
            try await desk.abortUnended()
            return overdue.count == 500 ? .more : .done
        }
    }

    /// Ranges whose pause is over. Half a second is fine for pauses of seconds; a jobs' first wait has none.
    static func due(
        _ parts: CentralParts,
        _ wake: @escaping @Sendable () -> Void
    ) -> PeriodicSweep {
        parts.sweep("due", every: .milliseconds(500)) {
            if try await parts.database.execute(LeasingStatements.makeDue) > 0 { wake() }
            return .done
        }
    }

    /// Jobs that keep away from the only sites that can have them.
    static func exclusions(
        _ parts: CentralParts,
        _ classes: ClassTable,
        _ config: SchedulerConfig,
        _ wake: @escaping @Sendable () -> Void
    ) -> PeriodicSweep {
        parts.sweep("avoided places", every: config.sweep) {
            let kept = try await parts.database.query(AvoidedPlaceStatements.kept).map {
                AvoidedPlaces.Kept(class: $0.0, sites: $0.1, nodes: $0.2)
            }
            guard let newest = kept.map(\.class).max() else { return .done }
            let offers = try await parts.database.query(AvoidedPlaceStatements.offers).map { row in
                let capacity = Capacity(
                    cores: Int(row.1),
                    memoryMBPerCore: Int(row.2),
                    walltimeSeconds: Int(row.3),
                    diskMB: Int(row.4),
                    platform: row.5,
                    tags: row.6,
                    storage: row.7
                )
                return AvoidedPlaces.Offer(site: row.0, node: row.8, getsJobs: row.9, capacity: capacity)
            }
            let hopeless = AvoidedPlaces.hopeless(kept, try await classes.classes(upTo: newest), offers)
            let lifted = try await parts.database.execute([
                AvoidedPlaceStatements.lift(hopeless),
                AvoidedPlaceStatements.liftOld(seconds: AvoidedPlaces.longestSeconds),
            ]).reduce(0, +)
            guard lifted > 0 else { return .done }
            parts.logger.notice("no other site or node takes these jobs", metadata: ["ranges": "\(lifted)"])
            wake()
            return .done
        }
    }

    /// Every site has its exchange: an agent may write it and not declare it.
    static func exchanges(
        _ parts: CentralParts,
        _ config: SchedulerConfig
    ) -> PeriodicSweep {
        parts.sweep("site exchanges", every: config.sweep) {
            for site in try await parts.database.query(LeasingStatements.sites) {
                try await parts.publisher.broker.declare(MillraceTopology.site(site))
            }
            return .done
        }
    }

    /// Tasks whose end nobody saw.
    static func settling(
        _ parts: CentralParts,
        _ config: SchedulerConfig
    ) -> PeriodicSweep {
        parts.sweep("settling", every: config.sweep) {
            let open = try await parts.database.query(SettlingStatements.open)
            parts.outbox.send(try await Settlement.settle(open, in: parts.database))
            return .done
        }
    }
}
