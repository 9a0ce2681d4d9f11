import AMQP
import Catalog
import CentralKit
import Domain
import Logging
import Messages
import Postgres
import ServiceKit

/// The Monitor's queues.
struct MonitorConsumers: Sendable {
    let parts: CentralParts

    func reports(_ handler: ReportHandler) -> ConsumerService<ReportHandler.Content> {
        ConsumerService(
            endpoint: self.parts.endpoint,
            identity: self.parts.context.identity,
            topology: MillraceTopology.monitor,
            queue: Queue.reports,
            prefetch: 400,
            maximum: 200,
            health: self.parts.context.health,
            logger: self.parts.logger,
            decode: ReportHandler.decode,
            handle: handler.handle
        )
    }

    func heartbeats(_ handler: HeartbeatHandler) -> ConsumerService<[HeartbeatItem]> {
        self.parts.consumer(
            of: HeartbeatItem.self,
            Queue.heartbeats,
            topology: MillraceTopology.monitor,
            prefetch: 500,
            // Who says that it is alive can wait a little for the answer: those of a few seconds cost what one does.
            pace: { handler.pace.pause },
            handle: handler.handle
        )
    }

    /// How far attempts are: the last word of each attempt in a batch.
    func progress() -> ConsumerService<[ProgressItem]> {
        let database = self.parts.database
        return self.parts.consumer(of: ProgressItem.self, Queue.progress, topology: MillraceTopology.monitor) {
            batch in
            var last: [JobKey: ProgressItem] = [:]
            for item in batch.flatMap(\.content) {
                if let known = last[item.name.key.job], (known.name.attempt, known.at) >= (item.name.attempt, item.at) {
                    continue
                }
                last[item.name.key.job] = item
            }
            try await database.execute(
                ReportStatements.progress(
                    try last.values.map { item in
                        (
                            key: item.name.key, step: item.step, fraction: item.fraction.map { min(1, max(0, $0)) },
                            metrics: try item.metrics.map { JSONText(try WireFormat.text($0)) }, tail: item.tail,
                            at: item.at
                        )
                    }
                )
            )
            return batch.map { _ in .done }
        }
    }

    func control(_ rules: RuleTable, _ feed: PeriodicSweep, _ kills: KillDesk) -> ConsumerService<[ControlItem]> {
        self.parts.consumer(of: ControlItem.self, Queue.control("monitor"), topology: MillraceTopology.monitor) {
            batch in
            let subjects = Set(batch.flatMap(\.content).map(\.subject))
            if subjects.contains(.rules) { rules.changed() }
            if subjects.contains(.feed) { feed.ring() }
            if subjects.contains(.kill) { try await kills.send() }
            return batch.map { _ in .done }
        }
    }
}

/// What the Monitor looks at without being told.
struct MonitorSweeps: Sendable {
    let parts: CentralParts
    let config: MonitorConfig
    let reports: ReportHandler
    let lost: LostDesk

    /// Agents that are silent, and their attempts. Time in which this Monitor was itself without broker or database does not
    /// count: nobody could have been heard.
    func silence() -> PeriodicSweep {
        let hearing = Hearing()
        let (health, database) = (self.parts.context.health, self.parts.database)
        return self.parts.sweep("silence", every: self.config.sweep) {
            let connected = hearing.seconds(deaf: health.connectionProblem() != nil)
            let silent = try await database.query(SessionStatements.silence(connectedSeconds: connected))
            for agent in silent {
                self.parts.logger.warning("agent is silent", metadata: ["site": "\(agent.1)", "agent": "\(agent.2)"])
            }
            let orphans = try await database.query(SessionStatements.orphans)
            try await self.lost.lose(
                orphans.map { (AttemptKey(task: $0.0, index: $0.1, attempt: Int($0.2)), $0.3) },
                because: Failure(.agentLost, "its agent was silent for longer than the site's lost_after, or has left")
            )
            return orphans.count == 500 ? .more : .done
        }
    }

    /// Refusals of the books whose message was lost.
    func rejections() -> PeriodicSweep {
        let database = self.parts.database
        return self.parts.sweep("rejections", every: self.config.sweep) {
            let rows = try await database.query(ReportStatements.forgottenRejections(seconds: 5))
            if !rows.isEmpty {
                try await self.reports.judge(rows.map { AttemptKey(task: $0.0, index: $0.1, attempt: Int($0.2)) })
            }
            return rows.count == 500 ? .more : .done
        }
    }

    /// Attempts that have been too long in their state. Their agents are told to end them.
    func timeouts() -> PeriodicSweep {
        let database = self.parts.database
        let limits = self.config.timeouts
        return self.parts.sweep("timeouts", every: self.config.timeoutsEvery) {
            let rows = try await database.query(SessionStatements.overdue(limits))
            for (state, overdue) in Dictionary(grouping: rows, by: \.5) {
                let isLeased = state == AttemptState.leased.rawValue
                let failure =
                    isLeased
                    ? Failure(.neverStarted, "leased and not begun for too long", source: .centre)
                    : Failure(
                        .leaseLost,
                        "it runs far beyond its wall time and its agent has not ended it",
                        source: .centre
                    )
                // Lost first: whoever dies in between has left no attempt that ends because it was told to, without a verdict. Its agent is
                // told by its next heartbeat, too, that the attempt is not its own any more.
                try await self.lost.lose(
                    overdue.map { (AttemptKey(task: $0.0, index: $0.1, attempt: Int($0.2)), $0.3) },
                    because: failure
                )
                try await database.execute(
                    overdue.map {
                        SessionStatements.wishKill(
                            AttemptKey(task: $0.0, index: $0.1, attempt: Int($0.2)),
                            holder: $0.4,
                            reason: failure.diagnostic
                        )
                    }
                )
            }
            return rows.count == 500 ? .more : .done
        }
    }

    func progress() -> PeriodicSweep {
        let database = self.parts.database
        return self.parts.sweep("progress", every: .seconds(60)) {
            try await database.execute(ReportStatements.forgetProgress)
            return .done
        }
    }
}
