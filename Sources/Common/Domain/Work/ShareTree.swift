/// How capacity is divided: a tree of shares, each with a weight among its siblings. What a share has no work for, its siblings take,
/// by their weights; what none of them has work for goes to the siblings of their parent.
///
/// A share is served before its siblings while it uses less for its weight than they do: what is used evens out as jobs end, and no
/// running job is ever stopped for it.
package struct ShareTree: Sendable, Hashable {
    package struct Share: Sendable, Hashable {
        package let name: String
        /// Nil: it is divided from the whole.
        package let parent: String?
        /// More than 0; only what it is beside its siblings' counts.
        package let weight: Double

        package init(name: String, parent: String?, weight: Double) {
            self.name = name
            self.parent = parent
            self.weight = weight
        }
    }

    /// Work of no share: it counts as a share of its own beside those at the top, with this weight.
    package static let others = ""
    package static let weightOfOthers = 1.0

    /// Of each share the shares above it, the topmost first, and itself.
    private let paths: [String: [String]]
    private let weights: [String: Double]
    /// Cores in use, of each share with those below it.
    private var used: [String: Double] = [:]

    /// - Parameters:
    ///   - shares: every one, in any order. One whose parent is not among them stands at the top.
    ///   - used: cores in use by jobs of each share itself.
    package init(_ shares: [Share], used: [String: Int] = [:]) {
        let parents = Dictionary(shares.map { ($0.name, $0.parent) }, uniquingKeysWith: { first, _ in first })
        var paths: [String: [String]] = [Self.others: [Self.others]]
        for share in shares {
            var path = [share.name]
            // A circle, which the catalogue refuses, ends where it comes round.
            while let name = path.first, let parent = parents[name] ?? nil, parents[parent] != nil,
                !path.contains(parent)
            {
                path.insert(parent, at: 0)
            }
            paths[share.name] = path
        }
        self.paths = paths
        self.weights = Dictionary(shares.map { ($0.name, $0.weight) }, uniquingKeysWith: { first, _ in first })
            .merging([Self.others: Self.weightOfOthers]) { $1 }
        for (share, cores) in used { self.use(share, cores: cores) }
    }

    private func path(_ share: String) -> [String] { self.paths[share] ?? [Self.others] }

    /// More cores of this share are in use, or fewer.
    package mutating func use(_ share: String, cores: Int) {
        for name in self.path(share) { self.used[name, default: 0] += Double(cores) }
    }

    /// The share to be served next of those that have work, itself one of them; nil: there is none.
    ///
    /// From the top down it is the one that uses least for its weight, and of equals the first by name.
    package func next(of wanting: Set<String>) -> String? {
        var left = wanting
        var depth = 0
        while left.count > 1 {
            let branches = Dictionary(grouping: left) { share -> String in
                let path = self.path(share)
                // Work of a share that has others below it counts beside them.
                return depth < path.count ? path[depth] : share
            }
            guard let best = branches.keys.min(by: { self.isBefore($0, $1) }), let inside = branches[best] else {
                break
            }
            left = Set(inside)
            if branches.count == 1 && left.allSatisfy({ self.path($0).count <= depth }) { break }
            depth += 1
        }
        return left.min()
    }

    private func isBefore(_ one: String, _ other: String) -> Bool {
        let (a, b) = (self.load(one), self.load(other))
        return a == b ? one < other : a < b
    }

    private func load(_ share: String) -> Double {
        (self.used[share] ?? 0) / (self.weights[share] ?? Self.weightOfOthers)
    }

    /// What part of the whole a share is to have when all have work, 0 to 1; nil: there is no such share.
    package func target(_ share: String) -> Double? {
        guard let path = self.paths[share] else { return nil }
        var part = 1.0
        for (depth, name) in path.enumerated() {
            let siblings = Set(
                self.paths.values.compactMap { other -> String? in
                    guard other.count > depth, other.prefix(depth) == path.prefix(depth) else { return nil }
                    return other[depth]
                }
            )
            let sum = siblings.reduce(0) { $0 + (self.weights[$1] ?? 0) }
            part *= (self.weights[name] ?? 0) / sum
        }
        return part
    }
}
