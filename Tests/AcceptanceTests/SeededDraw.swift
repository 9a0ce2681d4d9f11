/// Numbers that depend on a seed and on what they are drawn for, and on nothing else: neither on time nor on the order of drawing.
struct SeededDraw: Sendable {
    let seed: UInt64

    /// 0 up to 1, always the same for the same numbers.
    func number(_ parts: UInt64...) -> Double { self.number(parts) }

    /// One of a range, always the same for the same numbers.
    func integer(in range: Range<Int64>, _ parts: UInt64...) -> Int64 {
        min(range.lowerBound + Int64(self.number(parts) * Double(range.count)), range.upperBound - 1)
    }

    /// SplitMix64, once for each of the numbers.
    private func number(_ parts: [UInt64]) -> Double {
        var mixed = self.seed
        for part in parts {
            mixed = (mixed ^ part) &+ 0x9E37_79B9_7F4A_7C15
            mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
            mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
            mixed ^= mixed >> 31
        }
        return Double(mixed >> 11) / Double(1 << 53)
    }
}
