import Domain
import Messages
import Testing

@testable import Monitor

@Suite struct ReportPolicyTests {
    private let token = "0b9a3f0e-0000-4000-8000-000000000001"
    private let now = Timestamp(microseconds: 0)

    private func name(_ attempt: Int = 2, token: String? = nil) -> AttemptName {
        AttemptName(task: 1, index: 5, attempt: attempt, token: token ?? self.token)
    }

    private func running(_ sequence: Int64, _ name: AttemptName? = nil) -> Report {
        .running(
            RunningItem(
                name: name ?? self.name(),
                sequence: sequence,
                agent: "a",
                node: "n",
                step: "s\(sequence)",
                at: self.now
            )
        )
    }

    private func failed(_ sequence: Int64, _ name: AttemptName? = nil) -> Report {
        .failed(
            FailedItem(
                name: name ?? self.name(),
                sequence: sequence,
                agent: "a",
                node: "n",
                failures: [Failure(.payloadExit, "exit code 1")],
                steps: [],
                usage: Usage(cpuSeconds: 0, wallSeconds: 0, memoryPeak: 0),
                at: self.now
            )
        )
    }

    private func decide(_ reports: [Report], site: String = "DESY", sequence: Int64 = 0) -> ReportPolicy {
        ReportPolicy(
            reports: reports.map { (site, $0) },
            leases: [
                JobKey(task: 1, index: 5): LiveLease(attempt: 2, token: self.token, site: "DESY", sequence: sequence)
            ]
        )
    }

    @Test func theLastStepOfABatchCounts() {
        let policy = self.decide([self.running(1), self.running(2)])
        #expect(policy.running[self.name().key]?.step == "s2")
        #expect(policy.ignored == 0)
    }

    @Test func aReportThatComesAgainOrLateChangesNothing() {
        let policy = self.decide([self.running(2), self.running(2), self.running(1)])
        #expect(policy.running.count == 1)
        #expect(policy.ignored == 2)
        #expect(policy.stale.isEmpty)
        #expect(self.decide([self.running(3)], sequence: 3).running.isEmpty)
    }

    @Test func theFirstTerminalStateWins() {
        let policy = self.decide([self.running(1), self.failed(2), self.running(3), self.failed(4)])
        #expect(policy.failed.map(\.item.sequence) == [2])
        #expect(policy.running.isEmpty)
    }

    @Test func anOlderAttemptIsToldToEnd() {
        let policy = self.decide([self.running(9, self.name(1))])
        #expect(policy.running.isEmpty)
        #expect(policy.stale.map(\.key.attempt) == [1])
    }

    @Test func aWrongTokenChangesNothing() {
        let stranger = self.name(token: "0b9a3f0e-0000-4000-8000-00000000dead")
        #expect(self.decide([self.failed(9, stranger)]).failed.isEmpty)
    }

    @Test func anotherSiteCannotSpeakForALease() {
        #expect(self.decide([self.failed(9)], site: "KEK").failed.isEmpty)
    }

    @Test func aJobWithoutALeaseIsStale() {
        let policy = ReportPolicy(reports: [("DESY", self.running(1))], leases: [:])
        #expect(policy.stale.count == 1)
    }

    @Test func timeWithoutHearingDoesNotCount() {
        let clock = ManualClock()
        let hearing = Hearing(now: { clock.now })
        #expect(hearing.seconds(deaf: false) == 0)
        clock.advance(.seconds(30))
        #expect(hearing.seconds(deaf: false) == 30)
        #expect(hearing.seconds(deaf: true) == 0)
        clock.advance(.seconds(5))
        #expect(hearing.seconds(deaf: false) == 0)
    }
}

/// A clock that moves when told. `@unchecked Sendable`: used by one test, on one task.
private final class ManualClock: @unchecked Sendable {
    private(set) var now = ContinuousClock.now
    func advance(_ duration: Duration) { self.now += duration }
}
