import Domain
import Testing

@testable import Monitor

@Suite struct PlacePictureTests {
    private let sites: [(String, String, Bool, Int64)] = [
        ("DESY", "allowed", false, 100), ("KEK", "allowed", false, 50), ("GONE", "banned", false, 10),
        ("BACK", "draining", true, 10),
    ]

    @Test func eachPlaceStandsBesideTheSameTasksElsewhere() {
        let picture = PlacePicture(
            tallies: [
                PlaceTally(site: "DESY", node: "n1", task: 1, good: 90, failed: 0, goodWall: 9000),
                PlaceTally(site: "DESY", node: "n3", task: 1, good: 0, failed: 20, failedWall: 20),
                PlaceTally(site: "KEK", node: "k1", task: 1, good: 10, failed: 10, goodWall: 1000, failedWall: 1000),
                PlaceTally(site: "KEK", node: "k1", task: 2, good: 5, failed: 0),
                PlaceTally(site: "GONE", node: "g", task: 1, good: 0, failed: 99),
            ],
            sites: self.sites,
            excluded: [("BACK", ""), ("KEK", "k1")]
        )
        #expect(picture.counts.map(\.site) == ["DESY", "KEK", "BACK"])
        #expect(picture.counts.map(\.access) == [.open, .open, .excluded])
        let desy = picture.counts[0]
        #expect((desy.good, desy.failed, desy.tasks, desy.capacity) == (90, 20, 1, 100))
        #expect(desy.nodes.map(\.node) == ["n1", "n3"])
        // 1 s instead of 100 s.
        #expect(desy.nodes[1].fast == 20 && desy.nodes[0].fast == 0)
        let kek = picture.counts[1]
        #expect(kek.tasks == 2 && kek.nodes[0].access == .excluded)
        #expect(kek.nodes[0].fast == 0)
    }

    @Test func aFarmWithoutTrafficIsEmpty() {
        let picture = PlacePicture(tallies: [], sites: self.sites, excluded: [])
        #expect(picture.counts.allSatisfy { $0.good == 0 && $0.failed == 0 && $0.baseline == nil && $0.nodes.isEmpty })
    }
}
