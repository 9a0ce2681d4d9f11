import Domain

/// Jobs by state, over everything.
struct JobTotals: Codable, Sendable, Equatable {
    var total: Int64 = 0
    var active: Int64 = 0
    var recovering: Int64 = 0
    var done: Int64 = 0
    var aborted: Int64 = 0
    var cancelled: Int64 = 0
    /// Of tasks that have not ended.
    var waiting: Int64 = 0
}

struct EventTotals: Codable, Sendable, Equatable {
    var done: Int64
    var expected: Int64
    var lost: Int64
}

struct AgentTotals: Codable, Sendable, Equatable {
    var here: Int64
    var silent: Int64
}

/// The counters at one moment.
struct StatsSample: Sendable, Equatable {
    let at: Domain.Timestamp
    let jobs: JobTotals
    /// Accepted, in all.
    let events: Int64
    /// Attempts that failed or were lost in the minute before.
    let failedLastMinute: Int64
}

struct Rates: Codable, Sendable, Equatable {
    var jobs_per_second: Double
    var events_per_second: Double
    var failures_per_second: Double
    /// Over so many seconds.
    var window_seconds: Double
}

/// Jobs by state at one moment of the last minutes.
struct RecentPoint: Codable, Sendable, Equatable {
    var at: Domain.Timestamp
    var active: Int64
    var recovering: Int64
    var waiting: Int64
    var done: Int64
    var aborted: Int64
    var events: Int64
}

/// What ended in one minute.
struct MinutePoint: Codable, Sendable, Equatable {
    var at: Domain.Timestamp
    var done: Int64
    var failed: Int64
    var events: Int64
    /// Jobs that ran at its end; 0 where it is not known.
    var active: Int64
}

/// The answer of `/stats`.
struct Stats: Codable, Sendable, Equatable {
    var at: Domain.Timestamp
    var requests: [String: Int64]
    var jobs: JobTotals
    var events: EventTotals
    var rates: Rates
    /// The last ten minutes, a point every few seconds, oldest first.
    var recent: [RecentPoint]
    /// The last hour, oldest first.
    var minutes: [MinutePoint]
    var agents: AgentTotals
    /// Attempts the agents hold, by their own count.
    var running: Int64
}

/// From samples of counters to rates and histories: pure.
struct StatsHistory: Sendable {
    /// Samples kept: ten minutes of one every two seconds.
    private static let kept = 300
    private static let keptMinutes = 60
    /// Rates are taken over this many seconds, or what there is.
    private static let window = 30.0

    private var samples: [StatsSample] = []
    private(set) var minutes: [MinutePoint] = []

    /// A minute from before this process started.
    mutating func remember(minute: Domain.Timestamp, done: Int64, failed: Int64, events: Int64) {
        self.minutes.append(MinutePoint(at: minute, done: done, failed: failed, events: events, active: 0))
        self.minutes.sort { $0.at < $1.at }
    }

    mutating func add(_ sample: StatsSample) {
        let minute = Domain.Timestamp(
            microseconds: sample.at.microseconds - sample.at.microseconds % 60_000_000
        )
        if self.minutes.last.map({ $0.at < minute }) ?? true {
            self.minutes.append(MinutePoint(at: minute, done: 0, failed: 0, events: 0, active: 0))
        }
        let last = self.minutes.count - 1
        if let before = self.samples.last {
            // A job can leave done again: then the minute counts nothing.
            self.minutes[last].done += max(0, sample.jobs.done - before.jobs.done)
            self.minutes[last].events += max(0, sample.events - before.events)
        }
        self.minutes[last].failed = max(self.minutes[last].failed, sample.failedLastMinute)
        self.minutes[last].active = sample.jobs.active
        self.samples.append(sample)
        if self.samples.count > Self.kept { self.samples.removeFirst(self.samples.count - Self.kept) }
        if self.minutes.count > Self.keptMinutes { self.minutes.removeFirst(self.minutes.count - Self.keptMinutes) }
    }

    var rates: Rates {
        guard let last = self.samples.last,
            let first = self.samples.first(where: { last.at.seconds(since: $0.at) <= Self.window }),
            last.at > first.at
        else { return Rates(jobs_per_second: 0, events_per_second: 0, failures_per_second: 0, window_seconds: 0) }
        let seconds = last.at.seconds(since: first.at)
        return Rates(
            jobs_per_second: Double(max(0, last.jobs.done - first.jobs.done)) / seconds,
            events_per_second: Double(max(0, last.events - first.events)) / seconds,
            failures_per_second: Double(last.failedLastMinute) / 60,
            window_seconds: seconds
        )
    }

    var recentPoints: [RecentPoint] {
        self.samples.map {
            RecentPoint(
                at: $0.at,
                active: $0.jobs.active,
                recovering: $0.jobs.recovering,
                waiting: $0.jobs.waiting,
                done: $0.jobs.done,
                aborted: $0.jobs.aborted,
                events: $0.events
            )
        }
    }
}
