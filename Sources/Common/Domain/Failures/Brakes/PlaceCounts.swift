/// Who decided on a node's or a site's access.
package enum PlaceAccess: String, Sendable, CaseIterable, Codable {
    /// It gets work, and nobody decided otherwise.
    case open
    /// Excluded automatically: it waits or is probed.
    case excluded
    /// An operator decided, one way or the other: never changed automatically.
    case byOperator
}

/// What happened on a node within the window that is looked at.
package struct NodeCounts: Sendable, Hashable {
    package var node: String
    package var access: PlaceAccess
    /// Attempts that ended well.
    package var good: Int
    /// Attempts that failed and were blamed on the site.
    package var failed: Int
    /// Those of them that failed faster than the task's jobs run elsewhere: what makes a black hole.
    package var fast: Int
    /// Different tasks among all of them.
    package var tasks: Int
    /// The share, 0 ... 1, of attempts of the same tasks that fail elsewhere; nil: they run nowhere else.
    package var baseline: Double?

    package init(
        node: String,
        access: PlaceAccess = .open,
        good: Int,
        failed: Int,
        fast: Int = 0,
        tasks: Int = 1,
        baseline: Double? = nil
    ) {
        self.node = node
        self.access = access
        self.good = good
        self.failed = failed
        self.fast = fast
        self.tasks = tasks
        self.baseline = baseline
    }
}

/// What happened at a site within the window that is looked at; its totals include its nodes.
package struct SiteCounts: Sendable, Hashable {
    package var site: String
    package var access: PlaceAccess
    package var good: Int
    package var failed: Int
    package var fast: Int
    package var tasks: Int
    package var baseline: Double?
    /// Cores it offers; 0: not known.
    package var capacity: Int
    package var nodes: [NodeCounts]

    package init(
        site: String,
        access: PlaceAccess = .open,
        good: Int,
        failed: Int,
        fast: Int = 0,
        tasks: Int = 1,
        baseline: Double? = nil,
        capacity: Int = 0,
        nodes: [NodeCounts] = []
    ) {
        self.site = site
        self.access = access
        self.good = good
        self.failed = failed
        self.fast = fast
        self.tasks = tasks
        self.baseline = baseline
        self.capacity = capacity
        self.nodes = nodes
    }
}
