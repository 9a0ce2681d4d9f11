/// Whether the events that an attempt says it handled are those of its job, each once: pure and total.
package enum RangeCheck {
    /// What is wrong; empty: nothing is, as far as it was told.
    ///
    /// - Parameters:
    ///   - told: all ranges that the attempt handled.
    ///   - slices: all events of the job; of a file there may be several parts, which do not overlap.
    package static func problems(_ told: [EventRange], of slices: [JobSlice]) -> [String] {
        let wanted = Dictionary(grouping: slices, by: \.lfn).mapValues { Self.union($0.map { Self.range($0.slice) }) }
        var problems: [String] = []
        var byFile: [String?: [EventRange]] = [:]
        for range in told {
            if let problem = Self.nonsense(range) {
                problems.append(problem)
            } else if wanted[range.lfn] != nil {
                byFile[range.lfn, default: []].append(range)
            } else if let lfn = range.lfn {
                if range.events > 0 { problems.append("\(lfn) is no input of the job") }
            } else if wanted.count == 1, let only = wanted.keys.first {
                byFile[only, default: []].append(range)
            } else if range.events > 0 {
                problems.append("\(range.events) events of a file that is not named, and the job reads \(wanted.count)")
            }
        }
        for (lfn, events) in wanted.sorted(by: { ($0.key ?? "") < ($1.key ?? "") }) {
            problems += Self.problems(byFile[lfn] ?? [], of: events, in: lfn)
        }
        return problems
    }

    private static func nonsense(_ range: EventRange) -> String? {
        let place = range.lfn.map { " of \($0)" } ?? ""
        guard range.events >= 0 else { return "\(range.events) events\(place)" }
        guard let first = range.first else { return nil }
        guard first >= 0, !first.addingReportingOverflow(range.events).overflow else {
            return "\(range.events) events from number \(first) on\(place)"
        }
        return nil
    }

    /// What is told of one file, or of the task.
    private static func problems(_ told: [EventRange], of wanted: [Range<Int64>], in lfn: String?) -> [String] {
        let place = lfn.map { " of \($0)" } ?? ""
        let exact = told.compactMap { range in range.first.map { $0..<($0 + range.events) } }.filter { !$0.isEmpty }
        let union = Self.union(exact)
        var problems: [String] = []
        let twice = Self.overlaps(exact)
        if !twice.isEmpty { problems.append("\(Self.words(twice))\(place) are told twice") }
        let extra = Self.difference(union, wanted)
        if !extra.isEmpty { problems.append("\(Self.words(extra))\(place) are not the job's") }
        let counts = told.filter { $0.first == nil }.map(\.events)
        guard counts.isEmpty else {
            // Where they are is not told, but how many there must be is known.
            let all = Self.sum(counts + exact.map { $0.upperBound - $0.lowerBound })
            let expected = wanted.reduce(0) { $0 + ($1.upperBound - $1.lowerBound) }
            if all != expected {
                problems.append(
                    "\(all.map(String.init) ?? "too many") events\(place) were handled, \(expected) are the job's"
                )
            }
            return problems
        }
        let missing = Self.difference(wanted, union)
        if !missing.isEmpty { problems.append("\(Self.words(missing))\(place) were not handled") }
        return problems
    }

    private static func range(_ slice: EventSlice) -> Range<Int64> { slice.first..<(slice.first + slice.count) }

    /// Nil: more than a number can hold.
    private static func sum(_ counts: [Int64]) -> Int64? {
        var sum: Int64 = 0
        for count in counts {
            let (next, isTooMany) = sum.addingReportingOverflow(count)
            if isTooMany { return nil }
            sum = next
        }
        return sum
    }

    /// In order, none touching the next.
    private static func union(_ ranges: [Range<Int64>]) -> [Range<Int64>] {
        var union: [Range<Int64>] = []
        for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) {
            if let last = union.last, range.lowerBound <= last.upperBound {
                union[union.count - 1] = last.lowerBound..<max(last.upperBound, range.upperBound)
            } else {
                union.append(range)
            }
        }
        return union
    }

    /// What is in more than one of them.
    private static func overlaps(_ ranges: [Range<Int64>]) -> [Range<Int64>] {
        var overlaps: [Range<Int64>] = []
        var end: Int64?
        for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) {
            if let end, range.lowerBound < end { overlaps.append(range.lowerBound..<min(end, range.upperBound)) }
            end = max(end ?? range.upperBound, range.upperBound)
        }
        return Self.union(overlaps)
    }

    /// What is in the first and not in the second; both as ``union(_:)`` makes them.
    private static func difference(_ first: [Range<Int64>], _ second: [Range<Int64>]) -> [Range<Int64>] {
        var difference: [Range<Int64>] = []
        var place = 0
        for range in first {
            var start = range.lowerBound
            while place < second.count, second[place].upperBound <= start { place += 1 }
            var next = place
            while next < second.count, second[next].lowerBound < range.upperBound {
                if second[next].lowerBound > start { difference.append(start..<second[next].lowerBound) }
                start = max(start, second[next].upperBound)
                next += 1
            }
            if start < range.upperBound { difference.append(start..<range.upperBound) }
        }
        return difference
    }

    /// `events 10 to 19, 30 to 34 and 7 more parts`
    private static func words(_ ranges: [Range<Int64>]) -> String {
        let told = ranges.prefix(3).map { "\($0.lowerBound) to \($0.upperBound - 1)" }.joined(separator: ", ")
        let more = ranges.count - 3
        return "events \(told)" + (more > 0 ? " and \(more) more parts" : "")
    }
}
