/// When to start a process again that ended by itself: soon, then less and less often, and always again.
struct RestartPolicy: Equatable, Sendable {
    struct Decision: Equatable, Sendable {
        let delay: Duration
        /// It cannot hold itself up: whoever looks after the farm should know.
        let isLoud: Bool
    }

    var first = Duration.milliseconds(200)
    var longest = Duration.seconds(30)
    /// After so long in health, what was before is forgotten.
    var forgetsAfter = Duration.seconds(60)
    /// An end within so long of the start is a quick one; and so is an end without ever having been ready, since on a
    /// busy machine even a failure takes its time.
    var quick = Duration.seconds(2)
    /// So many quick ends in a row are reported, and each further so many.
    var loudEvery = 5

    private(set) var ends = 0
    private(set) var quickEnds = 0

    /// - Parameters:
    ///   - lived: from its start.
    ///   - healthy: from when it was ready; zero if it never was.
    mutating func ended(lived: Duration, healthy: Duration) -> Decision {
        if healthy >= self.forgetsAfter {
            self.ends = 0
            self.quickEnds = 0
        }
        self.quickEnds = lived < self.quick || healthy == .zero ? self.quickEnds + 1 : 0
        // Doubled until it is longer than the longest; not beyond, where it would overflow.
        var delay = self.first
        for _ in 0..<self.ends where delay < self.longest { delay *= 2 }
        self.ends += 1
        return Decision(
            delay: min(delay, self.longest),
            isLoud: self.quickEnds > 0 && self.quickEnds.isMultiple(of: self.loudEvery)
        )
    }
}
