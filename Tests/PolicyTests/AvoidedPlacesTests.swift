import Catalog
import Domain
import Testing

@testable import Scheduler

/// A job that keeps away from a site or a node it failed at goes back there when nobody else can have it.
@Suite struct AvoidedPlacesTests {
    private static let kept = AvoidedPlaces.Kept(class: 7, sites: ["DESY"], nodes: [])

    private static func offer(
        _ site: String,
        node: String? = nil,
        getsJobs: Bool = true,
        storage: [String] = ["DISK"]
    ) -> AvoidedPlaces.Offer {
        let capacity = Capacity(
            cores: 8,
            memoryMBPerCore: 2000,
            walltimeSeconds: 86_400,
            diskMB: 10_000,
            platform: "linux-x86_64",
            storage: storage
        )
        return AvoidedPlaces.Offer(site: site, node: node, getsJobs: getsJobs, capacity: capacity)
    }

    /// What is given back: nil: nothing; else whether it still keeps away from its sites.
    private static func lifted(
        _ need: Requirement,
        _ offers: [AvoidedPlaces.Offer],
        _ kept: AvoidedPlaces.Kept = Self.kept
    ) -> Bool? {
        let found = AvoidedPlaces.hopeless([kept], [7: need], offers)
        #expect(found.allSatisfy { $0.class == 7 && $0.sites == kept.sites && $0.nodes == kept.nodes })
        return found.first?.keepsSites
    }

    @Test func anotherSiteThatFitsIsEnough() {
        #expect(Self.lifted(Requirement(), [Self.offer("DESY"), Self.offer("KEK")]) == nil)
        #expect(Self.lifted(Requirement(sites: ["DESY", "KEK"]), [Self.offer("DESY"), Self.offer("KEK")]) == nil)
        // One agent of several is enough.
        let near = Requirement(storage: ["DISK"])
        #expect(Self.lifted(near, [Self.offer("DESY"), Self.offer("KEK", storage: []), Self.offer("KEK")]) == nil)
    }

    @Test func noOtherThatFitsIsHopeless() {
        #expect(Self.lifted(Requirement(), [Self.offer("DESY")]) == false)
        #expect(Self.lifted(Requirement(sites: ["DESY"]), [Self.offer("DESY"), Self.offer("KEK")]) == false)
        let near = Requirement(storage: ["DISK"])
        #expect(Self.lifted(near, [Self.offer("DESY"), Self.offer("KEK", storage: ["TAPE"])]) == false)
        let both = AvoidedPlaces.Kept(class: 7, sites: ["DESY", "KEK"], nodes: [])
        #expect(Self.lifted(Requirement(), [Self.offer("DESY"), Self.offer("KEK")], both) == false)
    }

    @Test func anotherNodeThatFitsIsEnough() {
        let kept = AvoidedPlaces.Kept(class: 7, sites: [], nodes: ["n1"])
        #expect(
            Self.lifted(Requirement(), [Self.offer("DESY", node: "n1"), Self.offer("DESY", node: "n2")], kept) == nil
        )
        // An agent with several nodes chooses another itself.
        #expect(Self.lifted(Requirement(), [Self.offer("DESY", node: "n1"), Self.offer("DESY")], kept) == nil)
        // A node of this name is avoided at every site.
        #expect(
            Self.lifted(Requirement(), [Self.offer("DESY", node: "n1"), Self.offer("KEK", node: "n1")], kept) == true
        )
        let small = Requirement(sites: ["DESY"])
        #expect(Self.lifted(small, [Self.offer("DESY", node: "n1"), Self.offer("KEK", node: "n2")], kept) == true)
    }

    /// First the nodes, and the sites only if that does not help.
    @Test func aSiteStaysAvoidedWhileAnotherHasNodes() {
        let kept = AvoidedPlaces.Kept(class: 7, sites: ["DESY"], nodes: ["n1"])
        let offers = [Self.offer("DESY", node: "n2"), Self.offer("KEK", node: "n1")]
        #expect(Self.lifted(Requirement(), offers, kept) == true)
        #expect(Self.lifted(Requirement(), [offers[0]], kept) == false)
        #expect(Self.lifted(Requirement(), offers + [Self.offer("KEK", node: "n3")], kept) == nil)
    }

    /// A node that rests, or is probed, is no help.
    @Test func whoGetsNoJobsServesNobody() {
        let kept = AvoidedPlaces.Kept(class: 7, sites: [], nodes: ["n2"])
        let offers = [Self.offer("DESY", node: "n1", getsJobs: false), Self.offer("DESY", node: "n2")]
        #expect(Self.lifted(Requirement(), offers, kept) == true)
        #expect(Self.lifted(Requirement(), [offers[0]], kept) == false, "nobody else is there at all")
        let site = [Self.offer("DESY"), Self.offer("KEK", getsJobs: false)]
        #expect(Self.lifted(Requirement(), site) == false)
    }

    /// Lifting it would help nobody.
    @Test func whereNobodyFitsNothingChanges() {
        #expect(Self.lifted(Requirement(), []) == nil)
        #expect(Self.lifted(Requirement(cores: 9), [Self.offer("DESY"), Self.offer("KEK")]) == nil)
        #expect(AvoidedPlaces.hopeless([Self.kept], [:], [Self.offer("DESY")]).isEmpty)
    }
}
