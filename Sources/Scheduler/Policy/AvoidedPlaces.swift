import Catalog
import Domain

/// Jobs that keep away from the sites and nodes they failed at, when nobody else can have them: pure.
///
/// A verdict sends a job elsewhere if there are other sites, and to another node. Whether one of them fits it is known here alone, and may
/// change while it waits: a task may name its site, its input may lie at one, the others may be drained, a farm may have one node. Tried
/// again where it failed it may fail again, and its rule has a limit; kept away for ever it would never end.
enum AvoidedPlaces {
    /// Jobs of a class that keep away from places.
    struct Kept: Hashable {
        let `class`: Int32
        let sites: [String]
        let nodes: [String]
    }

    /// What an agent offers.
    struct Offer: Hashable {
        let site: String
        /// The node that all its jobs run on; nil: it chooses among several, and can keep away from one itself.
        let node: String?
        /// False while its site or node is excluded: it is no help to others.
        let getsJobs: Bool
        let capacity: Capacity
    }

    /// So long a job keeps away from a node while others could have it, but have no room, seconds.
    static let longestSeconds = 600.0

    /// Those that no agent may have but where they keep away from: back to the nodes, if that is enough, or also to the sites.
    ///
    /// - Parameters:
    ///   - classes: what each class needs; jobs of an unknown one are left alone.
    ///   - offers: what agents offer that may get jobs.
    static func hopeless(
        _ kept: [Kept],
        _ classes: [Int32: Requirement],
        _ offers: [Offer]
    ) -> [AvoidedPlaceStatements.Lift] {
        let fitting = classes.filter { need in kept.contains { $0.class == need.key } }.mapValues { need in
            offers.filter { need.misfit(site: $0.site, capacity: $0.capacity) == nil }
        }
        return kept.compactMap { one in
            guard let fitting = fitting[one.class], !fitting.isEmpty else { return nil }
            let elsewhere = fitting.lazy.filter { $0.getsJobs && !one.sites.contains($0.site) }
            let isServed = elsewhere.contains { offer in offer.node.map { one.nodes.contains($0) } != true }
            guard !isServed else { return nil }
            return .init(class: one.class, sites: one.sites, nodes: one.nodes, keepsSites: !elsewhere.isEmpty)
        }
    }
}
