import Catalog
import Domain
import Postgres
import Storage
import Testing

@testable import Scheduler
@testable import Transfer

@Suite struct MatchingTests {
    private func demand(
        _ holder: Int32,
        site: String = "DESY",
        room: Int,
        tags: [String] = [],
        node: String? = nil
    ) throws -> OpenDemand {
        OpenDemand(
            holder: holder,
            demand: Demand(
                site: site,
                agent: "a\(holder)",
                session: try #require(UUIDText("0b9a3f0e-0000-4000-8000-000000000001")),
                question: 1,
                replyTo: "site.\(site).a\(holder)",
                room: room,
                capacity: Capacity(
                    cores: 8,
                    memoryMBPerCore: 4000,
                    walltimeSeconds: 100_000,
                    diskMB: 10_000,
                    platform: "linux-x86_64",
                    tags: tags
                ),
                node: node
            )
        )
    }

    private func range(
        _ task: Int64,
        _ first: Int64,
        _ last: Int64,
        class: Int32 = 1,
        priority: Int = 1,
        excluded: [String] = [],
        nodes: [String] = []
    ) -> Candidate {
        Candidate(
            waiting: WaitingRange(
                task: task,
                range: IndexRange(first: first, last: last),
                priority: priority,
                cores: 1,
                class: `class`
            ),
            excludedSites: excluded,
            excludedNodes: nodes
        )
    }

    private let classes: [Int32: Requirement] = [1: Requirement(), 2: Requirement(tags: ["gpu"])]

    @Test func rangesThatJobsWereTakenFromAreCountedByClass() throws {
        let candidates = [
            self.range(1, 0, 0), self.range(1, 1, 1), self.range(1, 2, 9), self.range(1, 10, 10),
            self.range(2, 0, 5, class: 2),
        ]
        let matching = Matching(
            demands: [try self.demand(1, room: 3), try self.demand(2, room: 1, tags: ["gpu"])],
            candidates: candidates,
            classes: self.classes,
            limit: 100
        )
        #expect(matching.assigned.count == 4)
        #expect(matching.usedRanges(of: candidates) == 3)
        let none = Matching(demands: [], candidates: candidates, classes: self.classes, limit: 100)
        #expect(none.usedRanges(of: candidates) == 0)
    }

    /// Class 1 is of no share, 3 of `a` with weight 3, 4 of `b` with weight 1.
    @Test func sharesAreServedInTurnAndWithinThemPriorityCounts() throws {
        var a = Requirement()
        a.share = "a"
        var b = Requirement()
        b.share = "b"
        let classes: [Int32: Requirement] = [3: a, 4: b]
        let tree = ShareTree([.init(name: "a", parent: nil, weight: 3), .init(name: "b", parent: nil, weight: 1)])
        func served(_ candidates: [Candidate], _ rooms: [Int], _ tree: ShareTree, limit: Int = 1000) throws -> Matching
        {
            Matching(
                demands: try rooms.enumerated().map { try self.demand(Int32($0 + 1), room: $1) },
                candidates: candidates,
                classes: classes,
                limit: limit,
                shares: tree
            )
        }
        // b's priority is higher, and changes nothing among shares.
        let both = [
            self.range(1, 0, 999, class: 3), self.range(2, 0, 999, class: 4, priority: 9),
            self.range(3, 0, 4, class: 3, priority: 5),
        ]
        let matching = try served(both, [40, 60], tree)
        let byTask = Dictionary(grouping: matching.assigned, by: \.job.task).mapValues(\.count)
        #expect(byTask == [1: 70, 2: 25, 3: 5])
        #expect(Set(matching.assigned.map(\.job)).count == 100 && matching.rooms == [1: 0, 2: 0])
        #expect(matching.cores(classes) == ["a": 75, "b": 25])
        #expect(
            Set(matching.cuts.map { "\($0.task) \($0.rest.map { "\($0.first)-\($0.last)" } ?? "gone")" }) == [
                "1 70-999", "2 25-999", "3 gone",
            ]
        )
        // b alone has work: it gets everything, and a, which has used nothing, is ahead afterwards.
        #expect(try served([self.range(2, 0, 999, class: 4)], [50], tree).cores(classes) == ["b": 50])
        var used = tree
        used.use("b", cores: 50)
        #expect(try served(both, [40], used).cores(classes) == ["a": 40])
        // The limit of an offer holds over all shares.
        #expect(try served(both, [40], tree, limit: 8).cores(classes) == ["a": 6, "b": 2])
    }

    @Test func aShareWhoseJobsDoNotFitLeavesItsTurn() throws {
        var wide = Requirement(cores: 8, memoryMB: 100)
        wide.share = "a"
        var narrow = Requirement()
        narrow.share = "b"
        let candidates = [
            Candidate(
                waiting: WaitingRange(task: 1, range: IndexRange(first: 0, last: 9), priority: 1, cores: 8, class: 3),
                excludedSites: []
            ), self.range(2, 0, 99, class: 4),
        ]
        let shares = ShareTree([.init(name: "a", parent: nil, weight: 9), .init(name: "b", parent: nil, weight: 1)])
        let matching = Matching(
            demands: [try self.demand(1, room: 20)],
            candidates: candidates,
            classes: [3: wide, 4: narrow],
            limit: 100,
            shares: shares
        )
        // Two jobs of eight cores; what is left of the room is too small for a third.
        #expect(matching.cores([3: wide, 4: narrow]) == ["a": 16, "b": 4] && matching.rooms == [1: 0])
    }

    @Test func twoAgentsShareARangeWithoutAJobTwice() throws {
        let matching = Matching(
            demands: [try self.demand(1, room: 3), try self.demand(2, room: 4)],
            candidates: [self.range(1, 0, 9)],
            classes: self.classes,
            limit: 100
        )
        #expect(matching.assigned.map(\.job.index) == [0, 1, 2, 3, 4, 5, 6])
        #expect(matching.cuts == [Cut(task: 1, key: 0, rest: IndexRange(first: 7, last: 9))])
        #expect(!matching.wantsMore)
    }

    @Test func aClassAnAgentCannotRunIsNotForIt() throws {
        let matching = Matching(
            demands: [try self.demand(1, room: 3), try self.demand(2, room: 3, tags: ["gpu"])],
            candidates: [self.range(1, 0, 1, class: 2)],
            classes: self.classes,
            limit: 100
        )
        #expect(matching.assigned.map(\.holder) == [2, 2])
        #expect(matching.wantsMore && matching.rooms[1] == 3)
    }

    @Test func anExcludedSiteIsPassedOver() throws {
        let matching = Matching(
            demands: [try self.demand(1, room: 3)],
            candidates: [self.range(1, 0, 0, priority: 9, excluded: ["DESY"]), self.range(2, 0, 0)],
            classes: self.classes,
            limit: 100
        )
        #expect(matching.assigned.map(\.job.task) == [2])
        #expect(matching.cuts.map(\.task) == [2])
    }

    /// By an agent that has this node only; another is told, and chooses.
    @Test func anExcludedNodeIsPassedOver() throws {
        let candidates = [self.range(1, 0, 0, priority: 9, nodes: ["n1"]), self.range(2, 0, 0)]
        func served(_ node: String?) throws -> Matching {
            Matching(
                demands: [try self.demand(1, room: 1, node: node)],
                candidates: candidates,
                classes: self.classes,
                limit: 100
            )
        }
        #expect(try served("n1").assigned.map(\.job.task) == [2])
        #expect(try served("n2").assigned.map(\.job.task) == [1])
        let several = try served(nil)
        #expect(several.assigned.map(\.job.task) == [1])
        #expect(several.needs(self.classes).values.map(\.avoidNodes) == [["n1"]])
    }

    @Test func nothingToGiveChangesNothing() throws {
        let matching = Matching(demands: [try self.demand(1, room: 3)], candidates: [], classes: self.classes, limit: 9)
        #expect(matching.cuts.isEmpty && matching.assigned.isEmpty)
        #expect(matching.rooms == [1: 3])
    }

    @Test func aTransferIsTriedAfterAGrowingPauseAndGivenUpInTheEnd() {
        let policy = TransferPolicy(pauseSeconds: 10, longestPauseSeconds: 60, attempts: 5)
        func error(_ scope: StorageError.Scope, _ kind: StorageError.Class) -> StorageError {
            StorageError(scope: scope, phase: .publish, class: kind, description: "x", isRetryable: true)
        }
        #expect(policy.step(after: 1, error(.source, .missing)) == .again(pauseSeconds: 10))
        #expect(policy.step(after: 2, error(.source, .corrupt)) == .again(pauseSeconds: 20))
        #expect(policy.step(after: 4, error(.destination, .full)) == .again(pauseSeconds: 60))
        #expect(policy.step(after: 5, error(.source, .missing)) == .giveUp)
        #expect(policy.step(after: 1, error(.destination, .exists)) == .giveUp)
    }

    @Test func whatIsNotAsItWasSaidIsReadOnceAndWhatCannotBeReadAgain() {
        let policy = TransferPolicy(pauseSeconds: 10, longestPauseSeconds: 60, attempts: 3)
        func error(_ phase: StorageError.Phase, _ kind: StorageError.Class, _ isRetryable: Bool) -> StorageError {
            StorageError(scope: .source, phase: phase, class: kind, description: "x", isRetryable: isRetryable)
        }
        #expect(policy.registrationStep(after: 1, error(.verify, .corrupt, true)) == .giveUp)
        #expect(policy.registrationStep(after: 1, error(.verify, .missing, false)) == .giveUp)
        #expect(policy.registrationStep(after: 1, error(.open, .denied, false)) == .giveUp)
        // The base is not there; the disk does not answer.
        #expect(policy.registrationStep(after: 1, error(.open, .missing, false)) == .again(pauseSeconds: 10))
        #expect(policy.registrationStep(after: 2, error(.read, .other, true)) == .again(pauseSeconds: 20))
        #expect(policy.registrationStep(after: 3, error(.read, .other, true)) == .giveUp)
    }
}
