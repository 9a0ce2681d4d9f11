import HTTPTypes
import Catalog
import Domain
import Logging
import NIOConcurrencyHelpers
import Postgres
import ServiceKit

/// The farm in numbers: the counters of what has not ended are read every two seconds, whoever looks (``FarmSums``), and rates are
/// differences of them.
final class StatsBoard: Sendable {
    private struct State: Sendable {
        var history = StatsHistory()
        var snapshot: Stats?
        var isFilled = false
        var sums: FarmSums?
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

    func read() async throws -> Stats {
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
        let sums = try await self.sums()
        guard let agents = try await self.database.query(TotalStatements.agents).first else {
            throw Self.withoutCounters
        }
        let failures = try await self.database.query(TotalStatements.failures(seconds: 60)).first ?? 0
        let requests = try await self.database.query(TotalStatements.requests)
        let now = Moment.now
        let totals = JobTotals(
            total: sums.total,
            active: sums.active,
            recovering: sums.recovering,
            done: sums.done,
            aborted: sums.aborted,
            cancelled: sums.cancelled,
            waiting: sums.waiting
        )
        return self.state.withLockedValue { state in
            state.history.add(StatsSample(at: now, jobs: totals, events: sums.events, failedLastMinute: failures))
            let snapshot = Stats(
                at: now,
                requests: Dictionary(requests, uniquingKeysWith: { first, _ in first }),
                jobs: totals,
                events: EventTotals(done: sums.events, expected: sums.expected, lost: sums.lost),
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

    private static let withoutCounters = Refusal(.serviceUnavailable, "the catalogue gave no counters")

    /// The sums over all tasks, as they are at one moment.
    private func sums() async throws -> TaskSums {
        let known = self.state.withLockedValue { $0.sums }
        let (sums, followed) = try await self.database.withTransaction(.readOnlySnapshot) { transaction in
            let open = try await transaction.query(TotalStatements.openTasks(after: known?.newest))
            let now = ContinuousClock.now
            var sums = known
            if sums?.follow(open: open, now: now) != true {
                guard let row = try await transaction.query(TotalStatements.ended).first else {
                    throw Self.withoutCounters
                }
                let unfinished = try await transaction.query(TotalStatements.unfinished)
                let ended = TaskSums((row.0, row.1, row.2, row.3, row.4, row.5, row.6, row.7, row.8, row.9))
                sums = FarmSums(ended: ended, newest: row.10, open: open + unfinished, now: now)
            }
            guard let sums, let row = try await transaction.query(TotalStatements.of(sums.followed.sorted())).first
            else { throw Self.withoutCounters }
            return (sums, TaskSums(row))
        }
        self.state.withLockedValue { $0.sums = sums }
        return sums.ended + followed
    }
}
