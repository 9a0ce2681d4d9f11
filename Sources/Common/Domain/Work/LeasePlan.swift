/// A range that waits, as the catalogue holds it.
package struct WaitingRange: Hashable, Sendable {
    package let task: Int64
    package let range: IndexRange
    package let priority: Int
    package let cores: Int

    package init(task: Int64, range: IndexRange, priority: Int, cores: Int) {
        self.task = task
        self.range = range
        self.priority = priority
        self.cores = cores
    }
}

/// What one agent gets: pure arithmetic over the ranges that fit it.
package struct LeasePlan: Hashable, Sendable {
    /// One piece cut from the front of a waiting range.
    package struct Piece: Hashable, Sendable {
        package let from: WaitingRange
        package let taken: IndexRange
        package let rest: IndexRange?
    }

    package private(set) var pieces: [Piece] = []
    /// Cores left to the agent.
    package private(set) var room: Int

    /// Serves `room` free cores with at most `limit` jobs: higher priority first, older task first, lower index first. A job
    /// that needs more cores than are left is passed over for one that fits; room that stays is the agent's next question.
    package init(ranges: [WaitingRange], room: Int, limit: Int) {
        self.room = room
        var left = limit
        let ordered = ranges.sorted {
            ($1.priority, $0.task, $0.range.first) < ($0.priority, $1.task, $1.range.first)
        }
        for candidate in ordered where left > 0 && candidate.cores <= self.room {
            let wanted = min(self.room / candidate.cores, left)
            let (taken, rest) = candidate.range.taking(Int64(wanted))
            self.pieces.append(Piece(from: candidate, taken: taken, rest: rest))
            self.room -= Int(taken.count) * candidate.cores
            left -= Int(taken.count)
        }
    }

    package var jobs: Int { self.pieces.reduce(0) { $0 + Int($1.taken.count) } }
}
