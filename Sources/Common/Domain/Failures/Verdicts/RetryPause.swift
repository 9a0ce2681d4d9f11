/// How long a job waits before its next attempt.
package enum RetryPause {
    /// Seconds that a pause never exceeds unless its rule says so.
    package static let limit = 3_600.0

    /// - Parameters:
    ///   - failures: how often this has happened in a row, this time included; from 1.
    ///   - key: decides in which direction a pause with jitter goes, so that the same verdict comes out again.
    /// - Returns: seconds; 0 when the parameters name no pause.
    package static func seconds(_ parameters: RuleParameters, failures: Int, key: AttemptKey) -> Double {
        let first = parameters.pauseSeconds ?? 0
        guard first > 0 else { return 0 }
        let count = Double(max(1, failures))
        let factor =
            switch parameters.pauseGrowth ?? .exponential {
            case .fixed: 1.0
            case .exponential: Double(1 << min(max(1, failures) - 1, 30))
            case .squared: count * count
            }
        let limit = max(0, parameters.pauseLimitSeconds ?? Self.limit)
        let share = min(1, max(0, parameters.pauseJitter ?? 0))
        let jitter = 1 + share * (2 * Self.fraction(key) - 1)
        // The jitter comes after the limit too: else the pauses that reached it would all be equal again.
        return min(limit, min(limit, first * factor) * jitter)
    }

    /// A number from 0 up to 1 that depends on the attempt only: the mixing step of SplitMix64.
    static func fraction(_ key: AttemptKey) -> Double {
        var mixed: UInt64 = 0x9E37_79B9_7F4A_7C15
        for part in [
            UInt64(bitPattern: key.task), UInt64(bitPattern: key.index), UInt64(bitPattern: Int64(key.attempt)),
        ] {
            mixed = (mixed ^ part) &+ 0x9E37_79B9_7F4A_7C15
            mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
            mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
            mixed ^= mixed >> 31
        }
        return Double(mixed >> 11) / Double(1 << 53)
    }
}
