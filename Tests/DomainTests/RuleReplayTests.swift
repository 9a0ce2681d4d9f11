import Domain
import Testing

@Suite struct RuleReplayTests {
    private func failure(_ index: Int64, _ code: FailureCode) -> FailedAttempt {
        FailedAttempt(
            key: AttemptKey(task: 1, index: index, attempt: 1),
            site: "DESY",
            taskKind: "process",
            failures: [Failure(code, "x")],
            countedBefore: 0,
            maxAttempts: 3,
            earlierFingerprints: [],
            otherSites: 1
        )
    }

    @Test func onlyWhatIsDifferentIsTold() throws {
        let stop = ActionRule(name: "stop", priority: 1, match: FailureMatch(codes: 1001...1001), action: .abort)
        let before = try VerdictPolicy(RuleSet.defaults)
        let after = try VerdictPolicy(RuleSet(blame: RuleSet.defaults.blame, action: RuleSet.defaults.action + [stop]))
        let history = (0..<5).map { self.failure($0, .payloadExit) } + (5..<8).map { self.failure($0, .nodeDisk) }
        let replay = RuleReplay(history, rule: "stop", before: before, after: after)
        #expect(replay.failures == 8 && replay.decided == 5)
        #expect(replay.changes.map(\.count) == [5])
        #expect(replay.changes.first?.after.hasPrefix("abort") == true)
        #expect(replay.changes.first?.examples.count == 3)
        #expect(RuleReplay(history, rule: "stop", before: before, after: before).changes.isEmpty)
    }
}
