import Domain
import Testing

@testable import Scheduler

/// A job that keeps away from a site it failed at goes back there when nobody else can have it.
@Suite struct SiteExclusionsTests {
    private static let kept = SiteExclusions.Kept(class: 7, sites: ["DESY"])

    private static func offer(_ site: String, storage: [String] = ["DISK"]) -> (site: String, capacity: Capacity) {
        let capacity = Capacity(
            cores: 8,
            memoryMBPerCore: 2000,
            walltimeSeconds: 86_400,
            diskMB: 10_000,
            platform: "linux-x86_64",
            storage: storage
        )
        return (site, capacity)
    }

    private static func isHopeless(
        _ need: Requirement,
        _ offers: [(site: String, capacity: Capacity)],
        _ kept: SiteExclusions.Kept = Self.kept
    ) -> Bool {
        SiteExclusions.hopeless([kept], [7: need], offers) == [kept]
    }

    @Test func anotherSiteThatFitsIsEnough() {
        #expect(!Self.isHopeless(Requirement(), [Self.offer("DESY"), Self.offer("KEK")]))
        #expect(!Self.isHopeless(Requirement(sites: ["DESY", "KEK"]), [Self.offer("DESY"), Self.offer("KEK")]))
        // One agent of several is enough.
        let near = Requirement(storage: ["DISK"])
        #expect(!Self.isHopeless(near, [Self.offer("DESY"), Self.offer("KEK", storage: []), Self.offer("KEK")]))
    }

    @Test func noOtherThatFitsIsHopeless() {
        #expect(Self.isHopeless(Requirement(), [Self.offer("DESY")]))
        #expect(Self.isHopeless(Requirement(sites: ["DESY"]), [Self.offer("DESY"), Self.offer("KEK")]))
        let near = Requirement(storage: ["DISK"])
        #expect(Self.isHopeless(near, [Self.offer("DESY"), Self.offer("KEK", storage: ["TAPE"])]))
        let both = SiteExclusions.Kept(class: 7, sites: ["DESY", "KEK"])
        #expect(Self.isHopeless(Requirement(), [Self.offer("DESY"), Self.offer("KEK")], both))
    }

    /// Lifting it would help nobody.
    @Test func whereNobodyFitsNothingChanges() {
        #expect(!Self.isHopeless(Requirement(), []))
        #expect(!Self.isHopeless(Requirement(cores: 9), [Self.offer("DESY"), Self.offer("KEK")]))
        #expect(SiteExclusions.hopeless([Self.kept], [:], [Self.offer("DESY")]).isEmpty)
    }
}
