/// What one agent gets: pure arithmetic over the ranges that fit it.
///
/// The share whose turn it is (``ShareTree``) gives its best range (``WaitingRange/precedes(_:)``). When a job of it needs more cores than
/// are left, either it is passed over for the next, or what is left is kept for it: else jobs of many cores would wait for ever on an
/// agent that is full of jobs of one core (``ReservationPolicy``).
package struct LeasePlan: Hashable, Sendable {
    /// One piece cut from the front of a waiting range.
    package struct Piece: Hashable, Sendable {
        package let from: WaitingRange
        package let taken: IndexRange
        package let rest: IndexRange?
    }

    /// A job whose turn it is and that needs more cores than are left.
    package struct Shortage: Hashable, Sendable {
        package let range: WaitingRange
        /// Cores that are left.
        package let room: Int
        /// Cores just given to jobs that need fewer than this one.
        package let given: Int
        /// Whether some were just given to one that needs as many or more.
        package let isFed: Bool
        /// Jobs of its class that are left.
        package let waiting: Int64
    }

    /// The ranges of one share.
    private struct Queue {
        /// The best last.
        private var ranges: [WaitingRange]
        /// What is left of the best; nil: all of it.
        private var rest: IndexRange?

        init(_ ranges: [WaitingRange]) { self.ranges = ranges.sorted { $1.precedes($0) } }

        var best: WaitingRange? { self.ranges.last }

        /// Takes jobs from the best.
        mutating func take(_ jobs: Int) -> (piece: Piece, jobs: Int)? {
            guard let best = self.ranges.last else { return nil }
            let (taken, rest) = (self.rest ?? best.range).taking(Int64(jobs))
            self.rest = rest
            if rest == nil { self.ranges.removeLast() }
            let all = IndexRange(first: best.range.first, last: taken.last)
            return (Piece(from: best, taken: all, rest: rest), Int(taken.count))
        }

        /// Jobs of a class that are left.
        func waiting(of class: Int32) -> Int64 {
            var sum = self.ranges.reduce(0) { $0 + ($1.class == `class` ? $1.range.count : 0) }
            if let best, let rest, best.class == `class` { sum -= best.range.count - rest.count }
            return sum
        }

        /// Leaves out what is left of a class.
        mutating func passOver(_ class: Int32) {
            self.ranges.removeAll { $0.class == `class` }
            self.rest = nil
        }
    }

    /// In the order in which they are served.
    package private(set) var pieces: [Piece] = []
    /// Cores left to the agent.
    package private(set) var room: Int
    /// For a job of this range what is left is kept; nil: for nobody.
    package private(set) var reserved: WaitingRange?

    /// Serves an agent.
    ///
    /// - Parameters:
    ///   - room: its free cores. Among several shares they are given out in steps.
    ///   - limit: the most jobs it gets.
    ///   - shares: what each uses; what is given here is added.
    ///   - owner: the share of a range.
    ///   - reserves: whether what is left is kept for a job whose turn it is and that needs more.
    package init(
        ranges: [WaitingRange],
        room: Int,
        limit: Int,
        shares: inout ShareTree,
        owner: (WaitingRange) -> String,
        reserves: (Shortage) -> Bool
    ) {
        self.room = room
        var queues = Dictionary(grouping: ranges, by: owner).mapValues(Queue.init)
        var pieces: [WaitingRange: Piece] = [:]
        var left = limit
        while self.room > 0, left > 0, let share = Self.turn(of: queues, shares), let best = queues[share]?.best {
            guard best.cores <= self.room else {
                let smaller = pieces.values.filter { $0.from.cores < best.cores }
                let shortage = Shortage(
                    range: best,
                    room: self.room,
                    given: smaller.reduce(0) { $0 + Int($1.taken.count) * $1.from.cores },
                    isFed: smaller.count < pieces.count,
                    waiting: queues.values.reduce(0) { $0 + $1.waiting(of: best.class) }
                )
                if reserves(shortage) {
                    self.reserved = best
                    break
                }
                queues[share]?.passOver(best.class)
                continue
            }
            // A step that is too small for a job with many cores is as large as the job.
            let step = queues.count > 1 ? max(best.cores, room / Self.steps) : self.room
            guard let (piece, jobs) = queues[share]?.take(min(min(step, self.room) / best.cores, left)) else { break }
            pieces[best] = piece
            shares.use(share, cores: jobs * best.cores)
            (self.room, left) = (self.room - jobs * best.cores, left - jobs)
        }
        self.pieces = pieces.values.sorted { $0.from.precedes($1.from) }
    }

    /// Into so many steps the room of an agent is divided among shares.
    private static let steps = 50

    /// The share that is served next of those that have something left; nil: none has.
    private static func turn(of queues: [String: Queue], _ shares: ShareTree) -> String? {
        let wanting = queues.filter { $0.value.best != nil }.keys
        return wanting.count > 1 ? shares.next(of: Set(wanting)) : wanting.first
    }

    package var jobs: Int { self.pieces.reduce(0) { $0 + Int($1.taken.count) } }
}
