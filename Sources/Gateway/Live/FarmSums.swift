import Catalog

/// The sums over all tasks, of which only those are read again and again that have not ended, or whose attempts have not: a farm has few of
/// these, and ever more of the others. Pure.
struct FarmSums: Sendable {
    /// Of the tasks that had ended when all were read.
    let ended: TaskSums
    /// The newest task then.
    let newest: Int64
    let read: ContinuousClock.Instant
    /// All others: those that had not ended, and those that came later. Their sums are read each time, also when they have ended.
    private(set) var followed: Set<Int64>

    /// After so long all tasks are read again: what ended long ago may have changed, and few are then followed.
    static let validity = Duration.seconds(600)

    /// - Parameter open: tasks that had not ended, or whose attempts had not.
    init(ended: TaskSums, newest: Int64, open: [Int64], now: ContinuousClock.Instant) {
        self.ended = ended
        self.newest = newest
        self.read = now
        self.followed = Set(open)
    }

    /// Takes in which tasks have not ended now, and which are new.
    ///
    /// - Returns: whether what was read still holds; else all must be read again: it is old, or a task that had ended goes on.
    mutating func follow(open: [Int64], now: ContinuousClock.Instant) -> Bool {
        guard self.read.duration(to: now) < Self.validity,
            open.allSatisfy({ $0 > self.newest || self.followed.contains($0) })
        else { return false }
        self.followed.formUnion(open)
        return true
    }
}
