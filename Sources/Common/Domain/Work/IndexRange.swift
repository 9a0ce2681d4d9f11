/// Consecutive job indexes, both ends included.
package struct IndexRange: Hashable, Sendable, Codable {
    package let first: Int64
    package let last: Int64

    /// - Precondition: `first <= last`.
    package init(first: Int64, last: Int64) {
        precondition(first <= last, "a range holds at least one index")
        self.first = first
        self.last = last
    }

    package var count: Int64 { self.last - self.first + 1 }

    /// Takes up to `wanted` indexes from the front.
    package func taking(_ wanted: Int64) -> (taken: IndexRange, rest: IndexRange?) {
        guard wanted < self.count else { return (self, nil) }
        let split = self.first + max(wanted, 1) - 1
        return (IndexRange(first: self.first, last: split), IndexRange(first: split + 1, last: self.last))
    }

    /// The part before an index and the part from it on, as far as there are any.
    package func cut(at index: Int64) -> [IndexRange] {
        guard self.first < index, index <= self.last else { return [self] }
        return [IndexRange(first: self.first, last: index - 1), IndexRange(first: index, last: self.last)]
    }

    /// Cuts the indexes of a new task whose first jobs run before the others.
    ///
    /// - Parameter scouts: so many of the first jobs make a range of their own, if there are more than those.
    package static func cut(jobs: Int64, scouts: Int64, limit: Int64 = 16) -> [IndexRange] {
        guard scouts > 0, jobs > scouts else { return self.cut(jobs: jobs, limit: limit) }
        let rest = self.cut(jobs: jobs - scouts, limit: limit - 1)
        return [IndexRange(first: 0, last: scouts - 1)]
            + rest.map { IndexRange(first: $0.first + scouts, last: $0.last + scouts) }
    }

    /// Cuts the indexes 0 ..< `jobs` of a new task into at most `limit` ranges, so that several schedulers need not queue on
    /// one row. Few jobs stay one range: cutting helps only while each part is worth leasing from.
    package static func cut(jobs: Int64, limit: Int64 = 16, smallest: Int64 = 64) -> [IndexRange] {
        guard jobs > 0 else { return [] }
        let parts = min(limit, max(1, jobs / smallest))
        let (size, extra) = jobs.quotientAndRemainder(dividingBy: parts)
        var ranges: [IndexRange] = []
        var next: Int64 = 0
        for part in 0..<parts {
            let length = size + (part < extra ? 1 : 0)
            ranges.append(IndexRange(first: next, last: next + length - 1))
            next += length
        }
        return ranges
    }
}
