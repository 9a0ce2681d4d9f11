import Domain
import Testing

@testable import Agent

@Suite("Whether a step hangs")
struct LoopingPolicyTests {
    private static let start = ContinuousClock.now

    /// What a step looks like that long after its beginning.
    private static func sample(
        _ seconds: Double,
        log: Int64 = 0,
        folder: FolderState = FolderState(),
        cpu: Double = 0
    ) -> LoopingPolicy.Sample {
        LoopingPolicy.Sample(
            at: Self.start + .seconds(seconds),
            output: .init(logBytes: log, folder: folder),
            cpuSeconds: cpu
        )
    }

    /// The first finding of one sample every ten seconds up to `hours`.
    private func run(
        hours: Double,
        limit: Duration? = .seconds(7200),
        _ sample: (Double) -> LoopingPolicy.Sample
    ) -> (at: Double, Stillness)? {
        var policy = LoopingPolicy(limit: limit)
        for seconds in stride(from: 0, through: hours * 3600, by: 10) {
            if let found = policy.take(sample(seconds)) { return (seconds, found) }
        }
        return nil
    }

    @Test("without output and CPU it does, at the limit and not before")
    func fires() {
        let found = self.run(hours: 3) { Self.sample($0) }
        #expect(found?.at == 7200)
        #expect(found?.1 == Stillness(seconds: 7200, cpuSeconds: 0, windowSeconds: 7200))
    }

    @Test("a shell that waits and polls is idle all the same")
    func polling() {
        let found = self.run(hours: 3) { Self.sample($0, cpu: $0 * 0.005) }
        #expect(found?.at == 7200 && found?.1.cpuSeconds == 36)
    }

    @Test("with output only it does not: in the log, or in the work folder in whatever way")
    func outputOnly() {
        let hour = { (seconds: Double) in Int64(seconds / 3600) }
        #expect(self.run(hours: 24) { Self.sample($0, log: hour($0)) } == nil)
        #expect(self.run(hours: 24) { Self.sample($0, folder: FolderState(usedBytes: hour($0))) } == nil)
        #expect(self.run(hours: 24) { Self.sample($0, folder: FolderState(entries: Int(hour($0)))) } == nil)
        #expect(self.run(hours: 24) { Self.sample($0, folder: FolderState(newestNanoseconds: hour($0))) } == nil)
        // A file that was removed, or a log that became shorter, is a change as well.
        #expect(self.run(hours: 24) { Self.sample($0, log: 100 - hour($0)) } == nil)
    }

    @Test("with CPU only it does not, even in bursts with an hour between")
    func cpuOnly() {
        #expect(self.run(hours: 24) { Self.sample($0, cpu: $0) } == nil)
        #expect(self.run(hours: 24) { Self.sample($0, cpu: $0 * 0.011) } == nil)
        #expect(self.run(hours: 24) { Self.sample($0, cpu: ($0 / 3600).rounded(.down) * 120) } == nil)
    }

    @Test("after a long time of work it does, at the limit after the last of it")
    func afterWork() throws {
        // 3 hours of CPU without output, then nothing: what was used before does not count for ever.
        let found = try #require(self.run(hours: 12) { Self.sample($0, cpu: min($0, 10_800)) })
        #expect((10_800 + 7000...10_800 + 7200).contains(found.at))
        #expect(found.1.seconds == found.at && found.1.cpuSeconds <= 72 && found.1.windowSeconds >= 7200)
        let output = self.run(hours: 12) { Self.sample($0, log: Int64(min($0, 10_800))) }
        #expect(output?.at == 18_000)
    }

    @Test("after a jump of the clock it does not: a machine that slept, or an agent that was stopped, begins anew")
    func jump() {
        func jumping(_ seconds: Double) -> LoopingPolicy.Sample {
            Self.sample(seconds < 3600 ? seconds : seconds + 86_400)
        }
        #expect(self.run(hours: 1.5, jumping) == nil)
        #expect(self.run(hours: 4, jumping)?.at == 10_800)
        // A gap of some samples, on a busy machine, is no jump.
        #expect(self.run(hours: 4) { Self.sample($0 < 3600 ? $0 : $0 + 300) }?.at == 6900)
    }

    @Test("the end of a process that nobody waited for is a sign of life, not of idleness")
    func lostChild() {
        // 7,000 s of CPU vanish with it, and the others go on using a whole core.
        #expect(self.run(hours: 8) { Self.sample($0, cpu: $0 < 7300 ? $0 : $0 - 7000) } == nil)
    }

    @Test("without a limit it never does, and samples are taken often enough for any")
    func off() {
        #expect(self.run(hours: 240, limit: nil) { Self.sample($0) } == nil)
        #expect(LoopingPolicy(limit: nil).interval == .seconds(10))
        #expect(LoopingPolicy(limit: .seconds(7200)).interval == .seconds(10))
        #expect(LoopingPolicy(limit: .seconds(60)).interval == .seconds(3))
        #expect(LoopingPolicy(limit: .seconds(1)).interval == .seconds(1))
    }

    @Test("what is kept of the past is bounded")
    func bounded() {
        var policy = LoopingPolicy(limit: .seconds(1000))
        for second in 0..<100_000 { _ = policy.take(Self.sample(Double(second), cpu: Double(second))) }
        #expect(policy.remembered < 60)
    }
}
