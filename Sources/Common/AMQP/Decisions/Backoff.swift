/// How long to wait before trying to connect again: exponential, with jitter, so that a restarted broker is not met by
/// everyone at once.
package struct Backoff: Equatable, Sendable {
    /// The longest first pause.
    package var initial: Duration
    /// The longest pause of all.
    package var maximum: Duration
    /// A connection that lived this long was good: after it the pauses begin anew.
    package var stableAfter: Duration

    package init(
        initial: Duration = .milliseconds(200),
        maximum: Duration = .seconds(10),
        stableAfter: Duration = .seconds(5)
    ) {
        self.initial = initial
        self.maximum = maximum
        self.stableAfter = stableAfter
    }

    /// The pause after `failures` failures in a row (1 is the first).
    ///
    /// - Parameter random: from 0 to 1; moves the pause between half of the step and all of it.
    package func pause(failures: Int, random: Double) -> Duration {
        // 2^20 times the first pause is beyond any sensible maximum, and keeps the multiplication far from overflow.
        let doublings = min(max(failures - 1, 0), 20)
        let step = min(self.initial * (1 << doublings), self.maximum)
        return step * (0.5 + 0.5 * min(max(random, 0), 1))
    }
}
