import Domain
import Testing

/// What a clean-up may delete: every combination of what can hold a dataset.
@Suite struct CleanupPolicyTests {
    private static let bits: [Bool] = [false, true]

    @Test func everyCombinationHasOneAnswer() {
        let reader = CleanupFacts.Reader(request: 9, task: 12)
        var counts: [String: Int] = [:]
        for case let (isRead, isClosed) in Self.bits.flatMap({ one in Self.bits.map { (one, $0) } }) {
            for case let (includes, forced) in Self.bits.flatMap({ one in Self.bits.map { (one, $0) } }) {
                for case let (contained, subscribed) in Self.bits.flatMap({ one in Self.bits.map { (one, $0) } }) {
                    for case let (live, later) in [Int64(0), 3].flatMap({ one in [Int64?.none, 8].map { (one, $0) } }) {
                        var facts = CleanupFacts()
                        (facts.isClosed, facts.includesClosed, facts.isForced) = (isClosed, includes, forced)
                        facts.reader = isRead ? reader : nil
                        facts.container = contained ? "study" : nil
                        facts.subscription = subscribed ? "KEK" : nil
                        (facts.liveAttempts, facts.continuation) = (live, later)
                        let wanted: CleanupObstacle? =
                            if isRead {
                                .reader(reader)
                            } else if isClosed && !includes {
                                .closed
                            } else if let later, !forced {
                                .continuation(later)
                            } else if contained && !forced {
                                .container("study")
                            } else if subscribed && !forced {
                                .subscription("KEK")
                            } else {
                                live > 0 ? .attempts(live) : nil
                            }
                        let found = CleanupPolicy.obstacle(facts)
                        #expect(found == wanted, "\(facts)")
                        counts[found.map { "\($0)".prefix { $0 != "(" }.description } ?? "none", default: 0] += 1
                    }
                }
            }
        }
        // Each of them decides somewhere.
        #expect(counts.count == 7 && counts.values.reduce(0, +) == 256, "\(counts)")
    }

    /// While the request of a derive task is open nobody can force it; afterwards it is as with a request that goes on with this one.
    @Test func whatADeriveTaskLeavesOutOutranksPlacesAndForceWhileItIsOpen() {
        let live = CleanupFacts.Deriver(request: 9, task: 12, hasEnded: false)
        let ended = CleanupFacts.Deriver(request: 9, task: 12, hasEnded: true)
        for case let (includes, forced) in Self.bits.flatMap({ one in Self.bits.map { (one, $0) } }) {
            var facts = CleanupFacts()
            (facts.isClosed, facts.includesClosed, facts.isForced) = (true, includes, forced)
            (facts.container, facts.liveAttempts) = ("study", 3)
            facts.deriver = live
            #expect(CleanupPolicy.obstacle(facts) == .deriver(live))
            facts.deriver = ended
            let wanted: CleanupObstacle = !includes ? .closed : forced ? .attempts(3) : .deriver(ended)
            #expect(CleanupPolicy.obstacle(facts) == wanted)
            let reader = CleanupFacts.Reader(request: 8, task: 11)
            (facts.reader, facts.deriver) = (reader, live)
            #expect(CleanupPolicy.obstacle(facts) == .reader(reader))
        }
        #expect(
            CleanupObstacle.deriver(live).text
                == "holds what task 12 of request 9, which has not ended, leaves out as made"
        )
        #expect(
            CleanupObstacle.deriver(ended).text
                == "holds what task 12 of request 9 left out as made: only both together have all events"
        )
    }

    @Test func obstaclesAreOneLineThatNamesWhatHoldsIt() {
        let reader = CleanupObstacle.reader(.init(request: 9, task: 12))
        #expect(reader.text == "is read by task 12 of request 9, which has not ended")
        #expect(CleanupObstacle.attempts(1).text == "waits for 1 attempt that has not answered yet")
        #expect(CleanupObstacle.attempts(2).text.contains("2 attempts"))
        #expect(CleanupObstacle.container("study").text == "is in container study")
        #expect(CleanupObstacle.subscription("KEK").text == "is subscribed to KEK")
        #expect(
            CleanupObstacle.continuation(8).text
                == "is half of what request 8 goes on with, which is neither rejected nor cancelled"
        )
        #expect(CleanupObstacle.closed.text.contains("operator"))
    }

    @Test func theRoleGrowsWithWhatIsDeleted() {
        #expect(CleanupPolicy.role(closed: false, force: false) == .physicist)
        #expect(CleanupPolicy.role(closed: true, force: false) == .operator)
        #expect(CleanupPolicy.role(closed: false, force: true) == .administrator)
        #expect(CleanupPolicy.role(closed: true, force: true) == .administrator)
    }
}
