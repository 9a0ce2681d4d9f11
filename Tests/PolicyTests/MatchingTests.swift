import Catalog
import Domain
import Postgres
import Storage
import Testing

@testable import Scheduler
@testable import Transfer

@Suite struct MatchingTests {
    private func demand(_ holder: Int32, site: String = "DESY", room: Int, tags: [String] = []) throws -> OpenDemand {
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
                )
            )
        )
    }

    private func range(
        _ task: Int64,
        _ first: Int64,
        _ last: Int64,
        class: Int32 = 1,
        priority: Int = 1,
        excluded: [String] = []
    ) -> Candidate {
        Candidate(
            class: `class`,
            waiting: WaitingRange(
                task: task,
                range: IndexRange(first: first, last: last),
                priority: priority,
                cores: 1
            ),
            excludedSites: excluded
        )
    }

    private let classes: [Int32: Requirement] = [1: Requirement(), 2: Requirement(tags: ["gpu"])]

    @Test func twoAgentsShareARangeWithoutAJobTwice() throws {
        let matching = Matching(
            demands: [try self.demand(1, room: 3), try self.demand(2, room: 4)],
            candidates: [self.range(1, 0, 9)],
            classes: self.classes,
            limit: 100
        )
        #expect(matching.assigned.map(\.job.index) == [0, 1, 2, 3, 4, 5, 6])
        #expect(matching.cuts == [Cut(task: 1, key: 0, rest: IndexRange(first: 7, last: 9))])
        #expect(!matching.wantsMore(limit: 100))
    }

    @Test func aClassAnAgentCannotRunIsNotForIt() throws {
        let matching = Matching(
            demands: [try self.demand(1, room: 3), try self.demand(2, room: 3, tags: ["gpu"])],
            candidates: [self.range(1, 0, 1, class: 2)],
            classes: self.classes,
            limit: 100
        )
        #expect(matching.assigned.map(\.holder) == [2, 2])
        #expect(matching.wantsMore(limit: 100) && matching.rooms[1] == 3)
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
}
