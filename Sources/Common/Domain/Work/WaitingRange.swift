/// A range that waits, as the catalogue holds it.
package struct WaitingRange: Hashable, Sendable {
    package let task: Int64
    package let range: IndexRange
    package let priority: Int
    package let cores: Int
    /// Its requirement class (``Requirement``).
    package let `class`: Int32

    package init(task: Int64, range: IndexRange, priority: Int, cores: Int, class: Int32) {
        self.task = task
        self.range = range
        self.priority = priority
        self.cores = cores
        self.class = `class`
    }

    /// Whether it is served before another of its share: higher priority first, older task first, lower index first.
    package func precedes(_ other: WaitingRange) -> Bool {
        (other.priority, self.task, self.range.first) < (self.priority, other.task, other.range.first)
    }
}
