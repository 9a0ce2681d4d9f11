/// How long an attempt may stay in a live state, by the priority of its task: what is urgent is not left lying in a batch queue.
package struct AttemptTimeouts: Sendable, Hashable {
    /// The limits of tasks from one priority upwards.
    package struct Band: Sendable, Hashable {
        /// The lowest priority it is for.
        package let priority: Int
        /// Seconds from the lease to the first report that it runs.
        package let leased: Double
        /// Seconds that it may run beyond the wall time of its job. Agents end what runs too long themselves; this is for those
        /// that do not.
        package let overdue: Double

        package init(priority: Int, leased: Double, overdue: Double) {
            self.priority = priority
            self.leased = leased
            self.overdue = overdue
        }
    }

    /// The lowest priority first, each different.
    package let bands: [Band]

    /// A day in a queue, six hours beyond the wall time.
    package static let defaults = AttemptTimeouts([Band(priority: Int(Int32.min), leased: 86_400, overdue: 21_600)])

    /// Of two bands with the same priority the last counts.
    package init(_ bands: [Band]) {
        self.bands = Dictionary(bands.map { ($0.priority, $0) }, uniquingKeysWith: { $1 }).values.sorted {
            $0.priority < $1.priority
        }
    }

    /// The band of a priority; nil: none is low enough, and there is no limit.
    package func band(of priority: Int) -> Band? { self.bands.last { $0.priority <= priority } }

    /// The highest priority of each band, in their order.
    package var highest: [Int] {
        self.bands.dropFirst().map { $0.priority - 1 } + (self.bands.isEmpty ? [] : [Int(Int32.max)])
    }
}
