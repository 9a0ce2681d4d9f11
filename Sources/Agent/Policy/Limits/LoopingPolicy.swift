/// Whether a step hangs: for a long time it wrote nothing, neither to its log nor into its work folder, and used no CPU.
/// Either alone is no reason: a simulation may be silent for hours, and a download uses no CPU.
struct LoopingPolicy: Sendable {
    /// What was seen of the step's output; any change counts as output.
    struct Output: Sendable, Equatable {
        var logBytes: Int64
        var folder: FolderState
    }

    /// What was seen of a step at one moment.
    struct Sample: Sendable, Equatable {
        /// Of a clock that is never set.
        var at: ContinuousClock.Instant
        var output: Output
        /// Of all its processes since they began.
        var cpuSeconds: Double
    }

    /// Nil: a step may hang for ever.
    let limit: Duration?
    /// The first was taken at the last output, or `limit` ago; those between are `limit / 50` apart.
    private var window: [Sample] = []
    private var last: Sample?
    private var lastOutput: ContinuousClock.Instant?

    /// The share of one core up to which a step counts as idle: shells and libraries that poll for something use some.
    static let idleShare = 0.01

    init(limit: Duration?) { self.limit = limit }

    /// How many samples are kept.
    var remembered: Int { self.window.count }

    /// How often samples are of use: from 1 s to 10 s.
    var interval: Duration { min(.seconds(10), max(.seconds(1), (self.limit ?? .seconds(600)) / 20)) }

    /// Takes a sample, later than the one before.
    ///
    /// - Returns: what is to be said if the step hangs; nil: it does not, or not for long enough.
    mutating func take(_ sample: Sample) -> Stillness? {
        guard let limit else { return nil }
        defer { self.last = sample }
        guard let last, !self.isNewBeginning(sample, after: last, limit) else {
            self.window = [sample]
            self.lastOutput = sample.at
            return nil
        }
        while self.window.count > 1, self.window[1].at.duration(to: sample.at) >= limit { self.window.removeFirst() }
        if let newest = self.window.last, newest.at.duration(to: sample.at) >= limit / 50 { self.window.append(sample) }
        let first = self.window[0]
        let length = first.at.duration(to: sample.at)
        let used = sample.cpuSeconds - first.cpuSeconds
        guard length >= limit, used <= Self.idleShare * length.inSeconds else { return nil }
        return Stillness(
            seconds: (self.lastOutput ?? first.at).duration(to: sample.at).inSeconds,
            cpuSeconds: used,
            windowSeconds: length.inSeconds
        )
    }

    private func isNewBeginning(_ sample: Sample, after last: Sample, _ limit: Duration) -> Bool {
        if sample.output != last.output { return true }
        // A process whose use nobody inherited has ended: what the others used since cannot be told.
        if sample.cpuSeconds < last.cpuSeconds { return true }
        // Nobody looked meanwhile: the machine slept, or the agent itself was stopped, and with it the step.
        return last.at.duration(to: sample.at) > max(.seconds(60), limit / 10)
    }
}

extension Duration {
    /// As a number of seconds.
    var inSeconds: Double {
        let (seconds, attoseconds) = self.components
        return Double(seconds) + Double(attoseconds) / 1e18
    }
}
