import Domain
import Testing

/// Black holes are excluded; central faults, operators' decisions and the rest of the farm are left alone.
@Suite struct ExclusionTests {
    private let policy = ExclusionPolicy()

    private func site(
        _ name: String,
        good: Int = 90,
        failed: Int = 10,
        fast: Int = 0,
        tasks: Int = 3,
        baseline: Double? = 0.02,
        access: PlaceAccess = .open,
        capacity: Int = 100,
        nodes: [NodeCounts] = []
    ) -> SiteCounts {
        SiteCounts(
            site: name,
            access: access,
            good: good,
            failed: failed,
            fast: fast,
            tasks: tasks,
            baseline: baseline,
            capacity: capacity,
            nodes: nodes
        )
    }

    private func farm(_ bad: SiteCounts...) -> [SiteCounts] {
        (1...(10 - bad.count)).map { self.site("good\($0)") } + bad
    }

    private func excluded(_ sites: [SiteCounts]) -> [String] {
        self.policy.decide(sites).exclusions.map { one in one.node.map { "\(one.site)/\($0)" } ?? one.site }
    }

    @Test func aGoodFarmIsLeftAlone() {
        #expect(self.policy.decide(self.farm()) == .init())
        #expect(self.policy.decide([]) == .init())
    }

    @Test func aSiteThatStandsOutIsExcludedWithItsNumbers() {
        let decision = self.policy.decide(self.farm(self.site("bad", good: 2, failed: 38, fast: 30)))
        #expect(decision.exclusions.map(\.site) == ["bad"] && decision.exclusions.first?.node == nil)
        #expect(
            decision.exclusions.first?.reason
                == "38 of 40 attempts failed (95 %), 30 of them fast, of 3 tasks; elsewhere 2 % of the same tasks fail"
        )
        #expect(decision.centralFault == nil && decision.spared.isEmpty)
    }

    @Test func nothingIsDecidedOnFewFailuresOrASmallShare() {
        #expect(self.excluded(self.farm(self.site("bad", good: 0, failed: 10))) == ["bad"])
        #expect(self.excluded(self.farm(self.site("bad", good: 0, failed: 9))).isEmpty)
        #expect(self.excluded(self.farm(self.site("bad", good: 25, failed: 100, baseline: 0))) == ["bad"])
        #expect(self.excluded(self.farm(self.site("bad", good: 26, failed: 100, baseline: 0))).isEmpty)
    }

    @Test func tasksThatFailEverywhereAreNotTheSitesFault() {
        #expect(self.excluded(self.farm(self.site("bad", good: 10, failed: 90, baseline: 0.9))).isEmpty)
        #expect(self.excluded(self.farm(self.site("bad", good: 1, failed: 99, baseline: 0.9))) == ["bad"])
        #expect(self.excluded(self.farm(self.site("bad", good: 0, failed: 100, baseline: 1))).isEmpty)
    }

    @Test func oneTaskThatRunsNowhereElseProvesNothing() {
        #expect(self.excluded(self.farm(self.site("bad", good: 0, failed: 50, tasks: 1, baseline: nil))).isEmpty)
        #expect(self.excluded(self.farm(self.site("bad", good: 0, failed: 50, tasks: 2, baseline: nil))) == ["bad"])
        #expect(self.excluded(self.farm(self.site("bad", good: 0, failed: 50, tasks: 1, baseline: 0.1))) == ["bad"])
    }

    private func nodes(bad: Int, of all: Int, access: PlaceAccess = .open) -> [NodeCounts] {
        (1...all).map { number in
            number <= bad
                ? NodeCounts(
                    node: "wn\(number)",
                    access: access,
                    good: 0,
                    failed: 40,
                    fast: 40,
                    tasks: 2,
                    baseline: 0.01
                )
                : NodeCounts(node: "wn\(number)", good: 10, failed: 0, tasks: 2, baseline: 0.01)
        }
    }

    @Test func aBadNodeIsExcludedAndNotItsSite() {
        let site = self.site("mixed", good: 20, failed: 40, nodes: self.nodes(bad: 1, of: 3))
        #expect(self.excluded(self.farm(site)) == ["mixed/wn1"])
        let decision = self.policy.decide(self.farm(site))
        #expect(decision.exclusions.first?.reason.contains("40 of 40 attempts failed (100 %), 40 of them fast") == true)
    }

    @Test func aSiteWithMostlyBadNodesIsBadItself() {
        let site = self.site("bad", good: 10, failed: 120, nodes: self.nodes(bad: 3, of: 4))
        #expect(self.excluded(self.farm(site)) == ["bad"])
        let half = self.site("half", good: 20, failed: 80, nodes: self.nodes(bad: 2, of: 4))
        #expect(self.excluded(self.farm(half)) == ["half/wn1", "half/wn2"])
        let single = self.site("single", good: 0, failed: 40, nodes: self.nodes(bad: 1, of: 1))
        #expect(self.excluded(self.farm(single)) == ["single"])
    }

    /// Two of five nodes are out already; the third would make it most of them: then it is the site.
    @Test func aSiteDoesNotLoseItsNodesOneByOne() {
        var nodes = self.nodes(bad: 3, of: 5)
        for place in 0..<2 {
            nodes[place] = NodeCounts(node: nodes[place].node, access: .excluded, good: 0, failed: 0, tasks: 0)
        }
        let site = self.site("slow", good: 20, failed: 40, nodes: nodes)
        #expect(!self.excluded(self.farm(site)).contains("slow/wn3"))
        nodes[1] = NodeCounts(node: "wn2", good: 10, failed: 0, tasks: 2, baseline: 0.01)
        #expect(self.excluded(self.farm(self.site("slow", good: 30, failed: 40, nodes: nodes))) == ["slow/wn3"])
    }

    @Test func bothANodeAndTheRestOfItsSiteMayBeBad() {
        let nodes = self.nodes(bad: 1, of: 2)
        let site = self.site("bad", good: 10, failed: 140, nodes: nodes)
        #expect(self.excluded(self.farm(site)) == ["bad/wn1", "bad"])
    }

    @Test func operatorsDecisionsStand() {
        let site = self.site("bad", good: 0, failed: 50, access: .byOperator)
        #expect(self.policy.decide(self.farm(site)) == .init())
        let node = self.site("mixed", good: 20, failed: 40, nodes: self.nodes(bad: 1, of: 3, access: .byOperator))
        #expect(self.excluded(self.farm(node)).isEmpty)
        let inside = self.site("kept", good: 20, failed: 40, access: .byOperator, nodes: self.nodes(bad: 1, of: 3))
        #expect(self.excluded(self.farm(inside)) == ["kept/wn1"])
    }

    @Test func whatIsExcludedAlreadyIsNotExcludedAgain() {
        #expect(self.excluded(self.farm(self.site("bad", good: 0, failed: 50, access: .excluded))).isEmpty)
        let site = self.site("mixed", good: 20, failed: 40, nodes: self.nodes(bad: 1, of: 3, access: .excluded))
        #expect(self.excluded(self.farm(site)).isEmpty)
    }

    @Test func neverMoreThanAShareOfTheSitesIsExcluded() {
        let bad = (1...4).map { self.site("bad\($0)", good: 0, failed: 20 + $0, capacity: 10) }
        let sites = (1...6).map { self.site("good\($0)") } + bad
        let decision = self.policy.decide(sites)
        // The worst first.
        #expect(decision.exclusions.map(\.site) == ["bad4", "bad3", "bad2"])
        #expect(decision.spared.map(\.site) == ["bad1"] && decision.centralFault == nil)
        var later = sites
        for index in later.indices where later[index].site == "good1" || later[index].site == "good2" {
            later[index].access = .excluded
            later[index].capacity = 0
        }
        #expect(self.policy.decide(later).exclusions.map(\.site) == ["bad4"])
    }

    @Test func fastFailuresGoFirst() {
        let slow = self.site("slow", good: 0, failed: 500, fast: 0, capacity: 150)
        let hole = self.site("hole", good: 0, failed: 50, fast: 50, capacity: 150)
        let decision = self.policy.decide(self.farm(slow, hole))
        #expect(decision.exclusions.map(\.site) == ["hole", "slow"])
    }

    @Test func neverMoreThanAShareOfTheCapacityIsExcluded() {
        let large = self.site("large", good: 0, failed: 50, capacity: 1_000)
        let decision = self.policy.decide(self.farm(large))
        #expect(decision.exclusions.isEmpty && decision.spared.map(\.site) == ["large"])
        let unknown =
            (1...9).map { self.site("good\($0)", capacity: 0) } + [self.site("bad", good: 0, failed: 50, capacity: 0)]
        #expect(self.excluded(unknown) == ["bad"])
    }

    @Test func aCentralFaultExcludesNobodyAndSaysSo() {
        let sites = (1...10).map { self.site("s\($0)", good: $0 <= 6 ? 1 : 90, failed: $0 <= 6 ? 60 : 5) }
        let decision = self.policy.decide(sites)
        #expect(decision.exclusions.isEmpty && decision.spared.isEmpty)
        #expect(
            decision.centralFault?.hasPrefix("6 of 10 sites with traffic fail at once (s1, s2, s3, s4, s5)") == true
        )
        let half = (1...10).map { self.site("s\($0)", good: $0 <= 5 ? 1 : 90, failed: $0 <= 5 ? 60 : 5) }
        #expect(self.policy.decide(half).centralFault == nil)
    }

    @Test func aCentralFaultExcludesNoNodeEither() {
        let sites = (1...4).map {
            self.site("s\($0)", good: 2, failed: 80, nodes: self.nodes(bad: 1, of: 3))
        }
        #expect(self.policy.decide(sites).exclusions.isEmpty)
    }

    @Test func quietSitesSayNothingOfACentralFault() {
        let quiet = (1...20).map { self.site("q\($0)", good: 1, failed: 0, capacity: 1) }
        let failing = (1...2).map { self.site("f\($0)", good: 0, failed: 50, capacity: 1) }
        #expect(self.policy.decide(quiet + failing).centralFault != nil)
        #expect(self.policy.decide(quiet + failing.prefix(1)).centralFault == nil)
    }
}

/// An excluded place comes back by probes.
@Suite struct ProbeTests {
    private let policy = ProbePolicy(.init(pauseSeconds: 600, pauseLimitSeconds: 2_000, probes: 2, goodNeeded: 3))

    private func after(_ events: [ProbePolicy.Event], from state: ProbeState? = nil) -> ProbeState {
        events.reduce(state ?? self.policy.excluded) { self.policy.state(after: $1, in: $0) }
    }

    @Test func itRestsFirst() {
        let state = self.policy.excluded
        #expect(state.phase == .resting && state.pauseSeconds == 600 && self.policy.admitted(state) == 0)
        #expect(self.after([.rested(seconds: 599)]).phase == .resting)
        #expect(self.after([.rested(seconds: 600)]).phase == .probing)
        #expect(ProbePolicy(.init(pauseSeconds: 900, pauseLimitSeconds: 60)).excluded.pauseSeconds == 60)
    }

    @Test func onlySoManyProbesRunAtOnce() {
        let probing = self.after([.rested(seconds: 600)])
        #expect(self.policy.admitted(probing) == 2)
        let one = self.after([.probeStarted(round: 1)], from: probing)
        #expect(self.policy.admitted(one) == 1)
        let two = self.after([.probeStarted(round: 1)], from: one)
        #expect(self.policy.admitted(two) == 0)
        #expect(self.policy.admitted(self.after([.probeGood(round: 1)], from: two)) == 1)
        // Two of three were good: one more is needed and one runs.
        let nearly = self.after([.probeGood(round: 1), .probeStarted(round: 1), .probeGood(round: 1)], from: two)
        #expect(nearly.goodInRow == 2 && self.policy.admitted(nearly) == 1 - nearly.running)
    }

    @Test func enoughGoodOnesInARowOpenIt() {
        let start: [ProbePolicy.Event] = [.rested(seconds: 700)]
        let good: [ProbePolicy.Event] = [.probeStarted(round: 1), .probeGood(round: 1)]
        #expect(self.after(start + good + good).phase == .probing)
        let back = self.after(start + good + good + good)
        #expect(back.phase == .returned && self.policy.admitted(back) == 0)
    }

    @Test func aBadOneDoublesThePauseUpToTheLimit() {
        var state = self.policy.excluded
        var pauses: [Double] = []
        for round in 1...4 {
            pauses.append(state.pauseSeconds)
            state = self.after(
                [.rested(seconds: 5_000), .probeStarted(round: round), .probeBad(round: round)],
                from: state
            )
            #expect(state.phase == .resting && state.round == round + 1 && state.running == 0)
        }
        #expect(pauses == [600, 1_200, 2_000, 2_000])
    }

    @Test func goodOnesBeforeABadOneDoNotCount() {
        let state = self.after([
            .rested(seconds: 600), .probeGood(round: 1), .probeGood(round: 1), .probeBad(round: 1),
            .rested(seconds: 1_200), .probeGood(round: 2), .probeGood(round: 2),
        ])
        #expect(state.phase == .probing && state.goodInRow == 2)
    }

    @Test func whatBelongsToAnEarlierRoundSaysNothing() {
        let second = self.after([.rested(seconds: 600), .probeBad(round: 1), .rested(seconds: 1_200)])
        for event: ProbePolicy.Event in [
            .probeGood(round: 1), .probeBad(round: 1), .probeStarted(round: 1), .probeVoid(round: 1),
            .probeGood(round: 3),
        ] {
            #expect(self.after([event], from: second) == second)
        }
        let resting = self.policy.excluded
        for event: ProbePolicy.Event in [.probeGood(round: 1), .probeBad(round: 1), .probeStarted(round: 1)] {
            #expect(self.after([event], from: resting) == resting)
        }
    }

    @Test func aProbeThatSaysNothingFreesItsPlace() {
        let state = self.after([.rested(seconds: 600), .probeStarted(round: 1), .probeVoid(round: 1)])
        #expect(state.running == 0 && state.goodInRow == 0 && state.phase == .probing)
        let returned = self.after([
            .rested(seconds: 600), .probeGood(round: 1), .probeGood(round: 1), .probeGood(round: 1),
            .rested(seconds: 1),
        ])
        #expect(returned.phase == .returned)
    }
}
