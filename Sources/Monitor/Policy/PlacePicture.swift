import Domain

/// How attempts of one task ended at one place.
struct PlaceTally: Sendable, Hashable {
    let site: String
    /// Empty: the agent named none.
    let node: String
    let task: Int64
    let good: Int
    let failed: Int
    /// Seconds.
    let goodWall: Double
    let failedWall: Double

    init(site: String, node: String, task: Int64, good: Int, failed: Int, goodWall: Double = 0, failedWall: Double = 0)
    {
        self.site = site
        self.node = node
        self.task = task
        self.good = good
        self.failed = failed
        self.goodWall = goodWall
        self.failedWall = failedWall
    }

    init(row: (String, String, Int64, Int64, Int64, Double, Double)) {
        self.init(
            site: row.0,
            node: row.1,
            task: row.2,
            good: Int(row.3),
            failed: Int(row.4),
            goodWall: row.5,
            failedWall: row.6
        )
    }
}

/// Tallies as ``ExclusionPolicy`` wants them: each place beside the same tasks elsewhere. Pure.
struct PlacePicture {
    private(set) var counts: [SiteCounts] = []

    /// - Parameters:
    ///   - sites: name, access, whether the Monitor set it, cores.
    ///   - excluded: site and node (empty: the site) that are excluded.
    init(
        tallies: [PlaceTally],
        sites: [(String, String, Bool, Int64)],
        excluded: [(String, String)]
    ) {
        let out = Set(excluded.map { "\($0.0)/\($0.1)" })
        let bySite = Dictionary(grouping: tallies, by: \.site)
        for (name, access, byMonitor, cores) in sites {
            // Banned by an operator: it has no traffic and is no part of the farm.
            guard access == "allowed" || byMonitor else { continue }
            let here = bySite[name] ?? []
            let elsewhere = tallies.filter { $0.site != name }
            let sum = Self.sum(here, against: elsewhere)
            var byNode = Dictionary(grouping: here.filter { !$0.node.isEmpty }, by: \.node)
            // What is excluded has no traffic, and is there all the same.
            for (_, node) in excluded.filter({ $0.0 == name && !$0.1.isEmpty }) where byNode[node] == nil {
                byNode[node] = []
            }
            let nodes = byNode.sorted { $0.key < $1.key }
            self.counts.append(
                SiteCounts(
                    site: name,
                    access: out.contains("\(name)/") ? .excluded : .open,
                    good: sum.good,
                    failed: sum.failed,
                    fast: sum.fast,
                    tasks: sum.tasks,
                    baseline: sum.baseline,
                    capacity: Int(cores),
                    nodes: nodes.map { node, rows in
                        let others = tallies.filter { $0.site != name || $0.node != node }
                        let sum = Self.sum(rows, against: others)
                        return NodeCounts(
                            node: node,
                            access: out.contains("\(name)/\(node)") ? .excluded : .open,
                            good: sum.good,
                            failed: sum.failed,
                            fast: sum.fast,
                            tasks: sum.tasks,
                            baseline: sum.baseline
                        )
                    }
                )
            )
        }
    }

    private typealias Sum = (good: Int, failed: Int, fast: Int, tasks: Int, baseline: Double?)

    /// A failure is fast when it took less than a fifth of what the same task takes elsewhere.
    private static func sum(_ rows: [PlaceTally], against others: [PlaceTally]) -> Sum {
        let tasks = Set(rows.map(\.task))
        let same = others.filter { tasks.contains($0.task) }
        let (good, failed) = (same.reduce(0) { $0 + $1.good }, same.reduce(0) { $0 + $1.failed })
        var fast = 0
        for (task, mine) in Dictionary(grouping: rows, by: \.task) {
            let lost = mine.reduce(0) { $0 + $1.failed }
            let theirs = same.filter { $0.task == task }
            let count = theirs.reduce(0) { $0 + $1.good }
            guard lost > 0, count > 0 else { continue }
            let usual = theirs.reduce(0) { $0 + $1.goodWall } / Double(count)
            if mine.reduce(0, { $0 + $1.failedWall }) / Double(lost) < usual / 5 { fast += lost }
        }
        return (
            rows.reduce(0) { $0 + $1.good }, rows.reduce(0) { $0 + $1.failed }, fast, tasks.count,
            good + failed > 0 ? Double(failed) / Double(good + failed) : nil
        )
    }
}
