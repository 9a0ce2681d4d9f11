import HTTPTypes
import Catalog
import Domain
import Logging
import NIOConcurrencyHelpers
import Postgres
import ServiceKit

/// The farm in numbers: the counters are read every two seconds, whoever looks, and rates are differences of them.
final class StatsBoard: Sendable {
    private struct State: Sendable {
        var history = StatsHistory()
        var snapshot: Stats?
        var isFilled = false
    }

    private let database: PostgresClient
    private let state = NIOLockedValueBox(State())

    init(database: PostgresClient) { self.database = database }

    /// What was last read. Reads it first if nothing was yet.
    func stats() async throws -> Stats {
        if let snapshot = self.state.withLockedValue({ $0.snapshot }) { return snapshot }
        return try await self.read()
    }

    func sweep(health: HealthState, logger: Logger) -> PeriodicSweep {
        PeriodicSweep(name: "statistics", interval: .seconds(2), jitter: 0, health: health, logger: logger) {
            _ = try await self.read()
            return .done
        }
    }

    private func read() async throws -> Stats {
        if !self.state.withLockedValue({ $0.isFilled }) {
            let past = try await self.database.query(TotalStatements.history)
            self.state.withLockedValue { state in
                guard !state.isFilled else { return }
                state.isFilled = true
                for (minute, done, failed, events) in past {
                    state.history.remember(minute: minute, done: done, failed: failed, events: events)
                }
            }
        }
        guard let jobs = try await self.database.query(TotalStatements.jobs).first,
            let events = try await self.database.query(TotalStatements.events).first,
            let agents = try await self.database.query(TotalStatements.agents).first
        else { throw Refusal(.serviceUnavailable, "the catalogue gave no counters") }
        let failures = try await self.database.query(TotalStatements.failures(seconds: 60)).first ?? 0
        let requests = try await self.database.query(TotalStatements.requests)
        let now = Moment.now
        let totals = JobTotals(
            total: jobs.0,
            active: jobs.1,
            recovering: jobs.2,
            done: jobs.3,
            aborted: jobs.4,
            cancelled: jobs.5,
            waiting: jobs.6
        )
        return self.state.withLockedValue { state in
            state.history.add(StatsSample(at: now, jobs: totals, events: events.0, failedLastMinute: failures))
            let snapshot = Stats(
                at: now,
                requests: Dictionary(requests, uniquingKeysWith: { first, _ in first }),
                jobs: totals,
                events: EventTotals(done: events.0, expected: events.1, lost: events.2),
                rates: state.history.rates,
                recent: state.history.recentPoints,
                minutes: state.history.minutes,
                agents: AgentTotals(here: agents.0, silent: agents.1),
                running: agents.2
            )
            state.snapshot = snapshot
            return snapshot
        }
    }
}
