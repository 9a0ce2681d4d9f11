import AMQP
import Catalog
import CentralKit
import Domain
import Logging
import Messages
import Postgres
import ServiceKit

/// What the Scheduler is told: demand, verdicts, words from other services.
struct SchedulerHandlers: Sendable {
    let desk: LeaseDesk
    let verdicts: VerdictDesk
    let expansion: PeriodicSweep
    let leasing: PeriodicSweep
    let logger: Logger

    func work(_ endpoint: AMQPEndpoint, _ context: ServiceContext) -> ConsumerService<[WorkItem]> {
        ConsumerService(
            of: WorkItem.self,
            endpoint: endpoint,
            identity: context.identity,
            topology: MillraceTopology.scheduler,
            queue: Queue.work,
            prefetch: 200,
            maximum: 200,
            health: context.health,
            logger: context.logger,
            handle: self.handleWork
        )
    }

    func verdicts(_ endpoint: AMQPEndpoint, _ context: ServiceContext) -> ConsumerService<[VerdictItem]> {
        ConsumerService(
            of: VerdictItem.self,
            endpoint: endpoint,
            identity: context.identity,
            topology: MillraceTopology.scheduler,
            queue: Queue.verdicts,
            prefetch: 50,
            maximum: 50,
            health: context.health,
            logger: context.logger
        ) { batch in
            try await self.verdicts.carryOut(Array(Set(batch.flatMap(\.content).map(\.key))))
            return batch.map { _ in .done }
        }
    }

    func control(_ endpoint: AMQPEndpoint, _ context: ServiceContext) -> ConsumerService<[ControlItem]> {
        ConsumerService(
            of: ControlItem.self,
            endpoint: endpoint,
            identity: context.identity,
            topology: MillraceTopology.scheduler,
            queue: Queue.control("scheduler"),
            prefetch: 50,
            maximum: 50,
            health: context.health,
            logger: context.logger
        ) { batch in
            let subjects = Set(batch.flatMap(\.content).map(\.subject))
            if !subjects.isDisjoint(with: [.request, .task, .dataset]) { self.expansion.ring() }
            if !subjects.isDisjoint(with: [.work, .request]) { self.leasing.ring() }
            return batch.map { _ in .done }
        }
    }

    /// The last question of each agent counts. A question that no site's exchange brought, or that names a reply queue
    /// outside its site, goes to the dead letters.
    private func handleWork(_ batch: [Received<[WorkItem]>]) async throws -> [Handled] {
        var demands: [String: Demand] = [:]
        let handled = batch.map { received -> Handled in
            guard let site = received.message.site else { return .reject("it did not come through a site's exchange") }
            for item in received.content {
                guard Queue.belongs(item.replyTo, to: site) else {
                    return .reject("reply queue \(item.replyTo) is not one of site \(site)")
                }
                guard let session = UUIDText(item.session) else {
                    return .reject("session \(item.session) is not a UUID")
                }
                let key = "\(site)/\(item.agent)"
                if let known = demands[key], known.session == session, known.question >= item.question { continue }
                demands[key] = Demand(
                    site: site,
                    agent: item.agent,
                    session: session,
                    question: item.question,
                    replyTo: item.replyTo,
                    room: max(0, item.room),
                    capacity: item.capacity
                )
            }
            return .done
        }
        if !demands.isEmpty {
            try await self.desk.serve(demands.values.sorted { ($0.site, $0.agent) < ($1.site, $1.agent) })
        }
        return handled
    }
}
