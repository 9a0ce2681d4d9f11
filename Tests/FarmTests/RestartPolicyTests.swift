import Testing

@testable import Farm

@Suite struct RestartPolicyTests {
    private func delays(_ policy: inout RestartPolicy, _ lived: Duration, count: Int) -> [Duration] {
        (0..<count).map { _ in policy.ended(lived: lived, healthy: .zero).delay }
    }

    @Test func thePauseDoublesUpToItsLimit() {
        var policy = RestartPolicy()
        let pauses = [200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 30_000, 30_000]
        #expect(self.delays(&policy, .seconds(1), count: 10) == pauses.map { Duration.milliseconds($0) })
    }

    @Test func thePauseStaysAtItsLimitForEver() {
        var policy = RestartPolicy()
        #expect(self.delays(&policy, .seconds(1), count: 10_000).last == .seconds(30))
    }

    @Test func aMinuteOfHealthIsANewBeginning() {
        var policy = RestartPolicy()
        _ = self.delays(&policy, .seconds(1), count: 8)
        #expect(policy.ended(lived: .seconds(61), healthy: .seconds(60)).delay == .milliseconds(200))
        #expect(policy.ended(lived: .seconds(61), healthy: .seconds(59)).delay == .milliseconds(400))
    }

    @Test func timeWithoutHealthForgetsNothing() {
        var policy = RestartPolicy()
        _ = self.delays(&policy, .seconds(1), count: 4)
        #expect(policy.ended(lived: .seconds(600), healthy: .zero).delay == .milliseconds(3200))
    }

    @Test func everyFifthQuickEndInARowIsLoud() {
        var policy = RestartPolicy()
        let loud = (1...15).filter { _ in policy.ended(lived: .seconds(1.9), healthy: .seconds(1)).isLoud }
        #expect(loud == [5, 10, 15])
    }

    @Test func aLongerLifeBreaksTheRowOfQuickEnds() {
        var policy = RestartPolicy()
        let lives: [Double] = [1, 1, 1, 1, 2, 1, 1, 1, 1]
        #expect(!lives.contains { policy.ended(lived: .seconds($0), healthy: .seconds(0.5)).isLoud })
        #expect(policy.ended(lived: .seconds(1), healthy: .seconds(0.5)).isLoud)
    }

    @Test func fiveSlowEndsWithoutEverBeingReadyAreLoudToo() {
        var policy = RestartPolicy()
        let loud = (1...5).filter { _ in policy.ended(lived: .seconds(20), healthy: .zero).isLoud }
        #expect(loud == [5])
    }
}
