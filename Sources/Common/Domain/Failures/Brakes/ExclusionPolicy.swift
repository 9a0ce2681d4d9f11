/// When a node or a site is excluded.
package struct ExclusionSettings: Sendable, Hashable, Codable {
    /// Nothing is decided on fewer failures.
    package var minFailures: Int
    /// This share of the attempts that would succeed elsewhere must fail: with a baseline of 0 the share itself.
    package var share: Double
    /// Never more than this share of the sites, and of their capacity, is excluded at once.
    package var mostSites: Double
    /// When more than this share of the nodes of a site fails, it is the site and not its nodes.
    package var mostNodes: Double
    /// When more than this share of all sites with traffic fails at once, it is a central fault and nobody is
    /// excluded.
    package var centralShare: Double

    package init(
        minFailures: Int = 10,
        share: Double = 0.8,
        mostSites: Double = 0.3,
        mostNodes: Double = 0.5,
        centralShare: Double = 0.5
    ) {
        self.minFailures = minFailures
        self.share = share
        self.mostSites = mostSites
        self.mostNodes = mostNodes
        self.centralShare = centralShare
    }
}

/// Finds black holes: nodes and sites whose failures stand out against the same tasks elsewhere.
package struct ExclusionPolicy: Sendable {
    /// A node or a site that is to be excluded.
    package struct Exclusion: Sendable, Hashable {
        package let site: String
        /// Nil: the whole site.
        package let node: String?
        /// One sentence with numbers.
        package let reason: String
    }

    package struct Decision: Sendable, Hashable {
        package var exclusions: [Exclusion] = []
        /// Why nobody is excluded although many fail; nil: there is no central fault.
        package var centralFault: String?
        /// What would have been excluded had not too much been excluded already.
        package var spared: [Exclusion] = []

        package init(centralFault: String? = nil) { self.centralFault = centralFault }
    }

    package let settings: ExclusionSettings

    package init(_ settings: ExclusionSettings = .init()) { self.settings = settings }

    /// - Parameter sites: every site that may get work, also those without traffic; not those that operators banned.
    package func decide(_ sites: [SiteCounts]) -> Decision {
        if let fault = self.centralFault(sites) { return Decision(centralFault: fault) }
        var decision = Decision()
        var candidates: [(exclusion: Exclusion, counts: SiteCounts)] = []
        for site in sites.sorted(by: { $0.site < $1.site }) where site.access != .excluded {
            let nodes = self.badNodes(site)
            decision.exclusions += nodes.map { self.exclusion(site.site, node: $0) }
            guard site.access == .open else { continue }
            // What bad nodes did is not held against the rest of the site.
            let rest = Self.without(nodes, site)
            if let reason = self.reason(rest.good, rest.failed, rest.fast, site.tasks, site.baseline) {
                candidates.append((Exclusion(site: site.site, node: nil, reason: reason), site))
            }
        }
        self.admit(candidates, of: sites, to: &decision)
        return decision
    }

    /// Takes the worst first, as far as the limits of sites and capacity go.
    private func admit(
        _ candidates: [(exclusion: Exclusion, counts: SiteCounts)],
        of sites: [SiteCounts],
        to decision: inout Decision
    ) {
        let excluded = sites.filter { $0.access == .excluded }
        let capacity = sites.reduce(0) { $0 + max(0, $1.capacity) }
        let mostCapacity = self.settings.mostSites * Double(capacity)
        var left = Int((self.settings.mostSites * Double(sites.count) + 1e-9).rounded(.down)) - excluded.count
        var gone = excluded.reduce(0) { $0 + max(0, $1.capacity) }
        let worstFirst = candidates.sorted {
            ($1.counts.fast, $1.counts.failed, $0.counts.site) < ($0.counts.fast, $0.counts.failed, $1.counts.site)
        }
        for (exclusion, counts) in worstFirst {
            guard left > 0, Double(gone + max(0, counts.capacity)) <= mostCapacity + 1e-9 else {
                decision.spared.append(exclusion)
                continue
            }
            left -= 1
            gone += max(0, counts.capacity)
            decision.exclusions.append(exclusion)
        }
    }

    /// The baseline says nothing here: when all fail, they fail elsewhere too.
    private func centralFault(_ sites: [SiteCounts]) -> String? {
        let busy = sites.filter { $0.good + $0.failed >= max(1, self.settings.minFailures) }
        let failing = busy.filter {
            $0.failed >= self.settings.minFailures
                && Double($0.failed) >= self.settings.share * Double($0.good + $0.failed)
        }
        // One site alone is no centre.
        guard failing.count > 1, Double(failing.count) > self.settings.centralShare * Double(busy.count) else {
            return nil
        }
        let names = failing.map(\.site).sorted().prefix(5).joined(separator: ", ")
        return
            "\(failing.count) of \(busy.count) sites with traffic fail at once (\(names)): "
            + "a central fault, nobody is excluded"
    }

    private func badNodes(_ site: SiteCounts) -> [NodeCounts] {
        // Those that are out already count among the bad: else a site that fails as a whole would lose its nodes one by one.
        let known = site.nodes.filter { $0.good + $0.failed > 0 || $0.access == .excluded }
        let bad = known.filter {
            $0.access == .excluded || self.reason($0.good, $0.failed, $0.fast, $0.tasks, $0.baseline) != nil
        }
        guard Double(bad.count) <= self.settings.mostNodes * Double(known.count) else { return [] }
        return bad.filter { $0.access == .open }.sorted { $0.node < $1.node }
    }

    private func exclusion(_ site: String, node: NodeCounts) -> Exclusion {
        let reason = self.reason(node.good, node.failed, node.fast, node.tasks, node.baseline)
        return Exclusion(site: site, node: node.node, reason: reason ?? "")
    }

    private static func without(_ nodes: [NodeCounts], _ site: SiteCounts) -> (good: Int, failed: Int, fast: Int) {
        nodes.reduce((site.good, site.failed, site.fast)) {
            (max(0, $0.0 - $1.good), max(0, $0.1 - $1.failed), max(0, $0.2 - $1.fast))
        }
    }

    /// Why a place with these counts is excluded; nil when it is not.
    private func reason(_ good: Int, _ failed: Int, _ fast: Int, _ tasks: Int, _ baseline: Double?) -> String? {
        guard failed >= max(1, self.settings.minFailures) else { return nil }
        // One task that runs nowhere else may be the fault itself.
        guard baseline != nil || tasks > 1 else { return nil }
        let elsewhere = min(1, max(0, baseline ?? 0))
        let share = Double(failed) / Double(good + failed)
        // Only what would have succeeded elsewhere can be the place's fault.
        guard elsewhere < 1, (share - elsewhere) / (1 - elsewhere) >= self.settings.share else { return nil }
        let quick = fast > 0 ? ", \(fast) of them fast" : ""
        let compared = baseline.map { "; elsewhere \(Share.text($0)) of the same tasks fail" } ?? ""
        return
            "\(failed) of \(good + failed) attempts failed (\(Share.text(share)))\(quick), of \(tasks) tasks\(compared)"
    }
}
