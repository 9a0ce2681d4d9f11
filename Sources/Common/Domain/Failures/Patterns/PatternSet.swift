/// Which characters one place of a pattern takes: sorted ranges of Unicode scalars that do not touch.
struct PatternSet: Sendable, Hashable {
    private(set) var ranges: [ClosedRange<UInt32>]

    static let highest: UInt32 = 0x10FFFF

    /// Any order, may overlap.
    init(_ ranges: [ClosedRange<UInt32>]) {
        var merged: [ClosedRange<UInt32>] = []
        for range in ranges.sorted(by: { ($0.lowerBound, $0.upperBound) < ($1.lowerBound, $1.upperBound) }) {
            if let last = merged.last, range.lowerBound <= last.upperBound || range.lowerBound == last.upperBound + 1 {
                merged[merged.count - 1] = last.lowerBound...max(last.upperBound, range.upperBound)
            } else {
                merged.append(range)
            }
        }
        self.ranges = merged
    }

    init(_ scalar: Unicode.Scalar) { self.ranges = [scalar.value...scalar.value] }

    static let empty = PatternSet([])
    static let all = PatternSet([0...Self.highest])
    /// What `.` takes.
    static let notNewline = PatternSet([10...10]).inverted
    static let digits = PatternSet([48...57])
    static let spaces = PatternSet([9...13, 32...32, 0x85...0x85, 0xA0...0xA0, 0x2028...0x2029])
    /// ASCII letters, digits and `_`; of the rest everything but white space, since a diagnostic may be in any
    /// language.
    static let word = PatternSet([48...57, 65...90, 95...95, 97...122, 0x80...Self.highest]).minus(.spaces)

    var isEmpty: Bool { self.ranges.isEmpty }

    var inverted: PatternSet {
        var result: [ClosedRange<UInt32>] = []
        var next: UInt32 = 0
        for range in self.ranges {
            if range.lowerBound > next { result.append(next...(range.lowerBound - 1)) }
            next = range.upperBound + 1
        }
        if next <= Self.highest { result.append(next...Self.highest) }
        return PatternSet(result)
    }

    func union(_ other: PatternSet) -> PatternSet { PatternSet(self.ranges + other.ranges) }

    func minus(_ other: PatternSet) -> PatternSet { self.inverted.union(other).inverted }

    func isDisjoint(with other: PatternSet) -> Bool {
        !self.ranges.contains { one in other.ranges.contains { one.overlaps($0) } }
    }

    /// With the other case of every ASCII letter.
    var foldingCase: PatternSet {
        var result = self.ranges
        for range in self.ranges {
            if let upper = Self.overlap(range, 65...90) {
                result.append((upper.lowerBound + 32)...(upper.upperBound + 32))
            }
            if let lower = Self.overlap(range, 97...122) {
                result.append((lower.lowerBound - 32)...(lower.upperBound - 32))
            }
        }
        return PatternSet(result)
    }

    func contains(_ scalar: UInt32) -> Bool {
        var (low, high) = (0, self.ranges.count)
        while low < high {
            let middle = (low + high) / 2
            if self.ranges[middle].upperBound < scalar { low = middle + 1 } else { high = middle }
        }
        return low < self.ranges.count && self.ranges[low].contains(scalar)
    }

    private static func overlap(
        _ one: ClosedRange<UInt32>,
        _ other: ClosedRange<UInt32>
    ) -> ClosedRange<UInt32>? {
        one.overlaps(other) ? one.clamped(to: other) : nil
    }
}
