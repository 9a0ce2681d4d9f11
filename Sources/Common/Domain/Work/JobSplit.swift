/// A part of what a job reads or makes: events `first` ..< `first + count` of a file, or of the task when there is no file.
package struct EventPart: Sendable, Hashable {
    /// Nil: the job has no input, and its events are the task's.
    package let file: Int64?
    package let first: Int64
    package let count: Int64

    package init(file: Int64?, first: Int64, count: Int64) {
        self.file = file
        self.first = first
        self.count = count
    }
}

/// Divides the events of a job among smaller ones: every event goes to exactly one of them, in the same order. Pure.
package enum JobSplit {
    /// A job that is the outcome of so many divisions is divided no more: what fails then is not its size.
    package static let deepest = 4

    /// - Parameters:
    ///   - parts: what the job has. One part is cut; several are dealt out whole, since a job is told where its events begin in
    ///     one file only.
    ///   - most: the most events a new job is to have, as far as whole parts allow.
    ///   - whole: nothing is cut: what merges read is merged once, and as a whole.
    /// - Returns: the parts of each new job; fewer than two: it cannot be divided.
    package static func divide(_ parts: [EventPart], most: Int64, whole: Bool = false) -> [[EventPart]] {
        guard most > 0, let part = parts.first, !whole || parts.count > 1 else { return [] }
        guard parts.count == 1 else { return Self.deal(parts, most: most) }
        guard part.count > most else { return [[part]] }
        let number = (part.count + most - 1) / most
        let (size, extra) = part.count.quotientAndRemainder(dividingBy: number)
        var next = part.first
        return (0..<number).map { place in
            let count = size + (place < extra ? 1 : 0)
            defer { next += count }
            return [EventPart(file: part.file, first: next, count: count)]
        }
    }

    private static func deal(_ parts: [EventPart], most: Int64) -> [[EventPart]] {
        var jobs: [[EventPart]] = []
        var room: Int64 = 0
        for part in parts {
            if part.count > room || jobs.isEmpty {
                jobs.append([])
                room = most
            }
            jobs[jobs.count - 1].append(part)
            room -= part.count
        }
        return jobs
    }
}
