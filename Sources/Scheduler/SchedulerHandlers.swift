import Catalog
import CentralKit
import Domain
import Logging
import Messages
import Postgres
import ServiceKit

/// What the Scheduler is told: demand, verdicts, words from other services.
struct SchedulerHandlers: Sendable {
    let verdicts: VerdictDesk
    let expansion: PeriodicSweep
    /// Has agents served, and returns when that is done.
    let ask: @Sendable ([Demand]) async throws -> Void
    /// Rung when there is new work.
    let wake: @Sendable () -> Void
    let logger: Logger

    func work(_ parts: CentralParts) -> ConsumerService<[WorkItem]> {
        parts.consumer(
            of: WorkItem.self,
            Queue.work,
            topology: MillraceTopology.scheduler,
            prefetch: 200,
            handle: self.handleWork
        )
    }

    func verdicts(_ parts: CentralParts) -> ConsumerService<[VerdictItem]> {
        parts.consumer(
            of: VerdictItem.self,
            Queue.verdicts,
            topology: MillraceTopology.scheduler,
            prefetch: 50,
            // As with leasing: what comes within this time is carried out together.
            pace: { .milliseconds(20) },
            handle: { batch in
                try await self.verdicts.carryOut(Array(Set(batch.flatMap(\.content).map(\.key))))
                return batch.map { _ in .done }
            }
        )
    }

    func control(_ parts: CentralParts) -> ConsumerService<[ControlItem]> {
        parts.consumer(
            of: ControlItem.self,
            Queue.control("scheduler"),
            topology: MillraceTopology.scheduler,
            prefetch: 50
        ) { batch in
            let subjects = Set(batch.flatMap(\.content).map(\.subject))
            if !subjects.isDisjoint(with: [.request, .task, .dataset]) { self.expansion.ring() }
            if !subjects.isDisjoint(with: [.work, .request]) { self.wake() }
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
                let capacity = item.capacity
                guard capacity.cores > 0, capacity.memoryMBPerCore > 0, capacity.walltimeSeconds > 0,
                    capacity.diskMB >= 0
                else { return .reject("agent \(item.agent) cannot run anything: its capacity is \(capacity)") }
                let key = "\(site)/\(item.agent)"
                if let known = demands[key], known.session == session, known.question >= item.question { continue }
                demands[key] = Demand(
                    site: site,
                    agent: item.agent,
                    session: session,
                    question: item.question,
                    replyTo: item.replyTo,
                    room: max(0, item.room),
                    capacity: item.capacity,
                    node: item.node.flatMap { $0.isEmpty ? nil : $0 },
                    taken: item.taken.map { max(0, $0) },
                    queue: item.queue
                )
            }
            return .done
        }
        if !demands.isEmpty { try await self.ask(Array(demands.values)) }
        return handled
    }
}
