/// Jobs and events of several tasks together.
package struct TaskSums: Sendable, Equatable {
    /// Jobs in all, of tasks whose number is known.
    package var total: Int64 = 0
    package var active: Int64 = 0
    package var recovering: Int64 = 0
    package var done: Int64 = 0
    package var aborted: Int64 = 0
    package var cancelled: Int64 = 0
    /// Jobs that wait, of tasks that have not ended.
    package var waiting: Int64 = 0
    /// Events accepted.
    package var events: Int64 = 0
    /// Events that the tasks are to make.
    package var expected: Int64 = 0
    /// Events of jobs that were given up.
    package var lost: Int64 = 0

    package init() {}

    /// - Parameter row: as ``TotalStatements`` reads it.
    package init(_ row: (Int64, Int64, Int64, Int64, Int64, Int64, Int64, Int64, Int64, Int64)) {
        (self.total, self.active, self.recovering, self.done, self.aborted) = (row.0, row.1, row.2, row.3, row.4)
        (self.cancelled, self.waiting, self.events, self.expected, self.lost) = (row.5, row.6, row.7, row.8, row.9)
    }

    package static func + (one: TaskSums, other: TaskSums) -> TaskSums {
        TaskSums(
            (
                one.total + other.total, one.active + other.active, one.recovering + other.recovering,
                one.done + other.done, one.aborted + other.aborted, one.cancelled + other.cancelled,
                one.waiting + other.waiting, one.events + other.events, one.expected + other.expected,
                one.lost + other.lost
            )
        )
    }
}
