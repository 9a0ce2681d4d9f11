/// A job: one indivisible piece of a task's work. Index counts from 0 within the task.
package struct JobKey: Hashable, Sendable, Codable, Comparable, CustomStringConvertible {
    package let task: Int64
    package let index: Int64

    package init(task: Int64, index: Int64) {
        self.task = task
        self.index = index
    }

    /// As people write it and as the log names it: `12.5`.
    package var description: String { "\(self.task).\(self.index)" }

    /// The order in which rows are locked everywhere: task, then index.
    package static func < (left: Self, right: Self) -> Bool {
        (left.task, left.index) < (right.task, right.index)
    }
}

/// One try of a job. The number counts from 1 and only grows; the physics of every attempt of a job is the same.
package struct AttemptKey: Hashable, Sendable, Codable, Comparable, CustomStringConvertible {
    package let task: Int64
    package let index: Int64
    package let attempt: Int

    package init(task: Int64, index: Int64, attempt: Int) {
        self.task = task
        self.index = index
        self.attempt = attempt
    }

    package init(_ job: JobKey, attempt: Int) {
        self.init(task: job.task, index: job.index, attempt: attempt)
    }

    package var job: JobKey { JobKey(task: self.task, index: self.index) }

    /// `12.5.1`: task, index, attempt.
    package var description: String { "\(self.task).\(self.index).\(self.attempt)" }

    package static func < (left: Self, right: Self) -> Bool {
        (left.task, left.index, left.attempt) < (right.task, right.index, right.attempt)
    }
}
