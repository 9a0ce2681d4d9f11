/// Events that an attempt says it made or read: some that follow each other, or only how many.
package struct EventRange: Codable, Hashable, Sendable {
    /// The input that they are in; nil: the only one, or for a job without inputs the task.
    package var lfn: String?
    /// The number of the first, from 0; nil: not told, only how many there are.
    package var first: Int64?
    package var events: Int64

    package init(lfn: String? = nil, first: Int64? = nil, events: Int64) {
        self.lfn = lfn
        self.first = first
        self.events = events
    }

    /// The same events in fewer words: ranges that follow each other in one file become one, and so do bare numbers of one file. Events that
    /// are told twice stay told twice.
    package static func joined(_ ranges: [EventRange]) -> [EventRange] {
        var joined: [EventRange] = []
        var counts: [String?: Int] = [:]
        for range in ranges {
            guard let first = range.first else {
                guard let place = counts[range.lfn] else {
                    counts[range.lfn] = joined.count
                    joined.append(range)
                    continue
                }
                let (sum, isTooMany) = joined[place].events.addingReportingOverflow(range.events)
                if isTooMany { joined.append(range) } else { joined[place].events = sum }
                continue
            }
            if let last = joined.last, let before = last.first, last.lfn == range.lfn,
                case let (end, isTooFar) = before.addingReportingOverflow(last.events), !isTooFar, end == first,
                case let (sum, isTooMany) = last.events.addingReportingOverflow(range.events), !isTooMany
            {
                joined[joined.count - 1].events = sum
            } else {
                joined.append(range)
            }
        }
        return joined
    }
}

/// Events that a job is to make or read: of a file, or of its task.
package struct JobSlice: Hashable, Sendable {
    /// Nil: the job has no inputs, its events are numbered in the task.
    package let lfn: String?
    package let slice: EventSlice

    package init(lfn: String?, first: Int64, count: Int64) {
        self.lfn = lfn
        self.slice = EventSlice(first: first, count: count)
    }
}
