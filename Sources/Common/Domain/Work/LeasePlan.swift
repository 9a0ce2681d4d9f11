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

    private init(pieces: [Piece], room: Int) {
        self.pieces = pieces
        self.room = room
    }

    /// The same among shares: one step of room after the other goes to the share whose turn it is.
    ///
    /// - Parameters:
    ///   - shares: what each uses; what is given here is added.
    ///   - owner: the share of a range.
    package static func divided(
        ranges: [WaitingRange],
        room: Int,
        limit: Int,
        shares: inout ShareTree,
        owner: (WaitingRange) -> String
    ) -> LeasePlan {
        let queues = Dictionary(grouping: ranges, by: owner)
        guard queues.count > 1 else {
            let plan = LeasePlan(ranges: ranges, room: room, limit: limit)
            if let share = queues.keys.first { shares.use(share, cores: room - plan.room) }
            return plan
        }
        var (wanting, left, jobs) = (queues, room, limit)
        var taken: [WaitingRange: (range: IndexRange, rest: IndexRange?)] = [:]
        while left > 0, jobs > 0, let share = shares.next(of: Set(wanting.keys)) {
            let queue = wanting[share] ?? []
            // A step that is too small for a job with many cores is as large as the job.
            let step = max(1, room / Self.steps, queue.map(\.cores).min() ?? 1)
            let plan = LeasePlan(ranges: queue, room: min(left, step), limit: jobs)
            guard plan.jobs > 0 else {
                wanting[share] = nil
                continue
            }
            for piece in plan.pieces {
                // What is left of a range ends where the range did.
                let origin = queues[share]?.first {
                    $0.task == piece.from.task && $0.range.last == piece.from.range.last
                }
                let whole = origin ?? piece.from
                let first = taken[whole]?.range.first ?? piece.taken.first
                taken[whole] = (IndexRange(first: first, last: piece.taken.last), piece.rest)
            }
            let cores = min(left, step) - plan.room
            shares.use(share, cores: cores)
            (left, jobs) = (left - cores, jobs - plan.jobs)
            wanting[share] = Self.rest(of: queue, after: plan)
        }
        let pieces = taken.map { Piece(from: $0.key, taken: $0.value.range, rest: $0.value.rest) }
        return LeasePlan(
            pieces: pieces.sorted { ($0.from.task, $0.from.range.first) < ($1.from.task, $1.from.range.first) },
            room: left
        )
    }

    /// Into so many steps the room of an agent is divided among shares.
    private static let steps = 50

    /// What is left of ranges; nil: nothing.
    private static func rest(of ranges: [WaitingRange], after plan: LeasePlan) -> [WaitingRange]? {
        let pieces = Dictionary(plan.pieces.map { ($0.from, $0) }, uniquingKeysWith: { first, _ in first })
        let left = ranges.compactMap { range -> WaitingRange? in
            guard let piece = pieces[range] else { return range }
            return piece.rest.map {
                WaitingRange(task: range.task, range: $0, priority: range.priority, cores: range.cores)
            }
        }
        return left.isEmpty ? nil : left
    }

    package var jobs: Int { self.pieces.reduce(0) { $0 + Int($1.taken.count) } }
}
