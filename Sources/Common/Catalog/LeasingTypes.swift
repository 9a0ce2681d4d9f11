package import Domain
package import Postgres

/// The demand of one agent, as its `work` message says it.
package struct Demand: Sendable, Hashable {
    package var site: String
    package var agent: String
    package var session: UUIDText
    package var question: Int64
    package var replyTo: String
    package var room: Int
    package var capacity: Capacity
    /// The node that all its jobs run on; nil: not one alone.
    package var node: String?
    /// What ``Offer/through`` said in the last offer that had come when the agent counted its room; nil: it does not say.
    package var taken: Int64?
    /// The number of its reply queue in this session; nil: it does not say.
    package var queue: Int64?

    package init(
        site: String,
        agent: String,
        session: UUIDText,
        question: Int64,
        replyTo: String,
        room: Int,
        capacity: Capacity,
        node: String? = nil,
        taken: Int64? = nil,
        queue: Int64? = nil
    ) {
        self.site = site
        self.agent = agent
        self.session = session
        self.question = question
        self.replyTo = replyTo
        self.room = room
        self.capacity = capacity
        self.node = node
        self.taken = taken
        self.queue = queue
    }
}

/// A session with room, locked, as the Scheduler serves it.
package struct OpenDemand: Sendable, Hashable {
    package let holder: Int32
    package let demand: Demand
    /// Cores of all jobs offered in this session.
    package var offered: Int64
    /// The most jobs that all agents of its site may have, because that is probed; nil: any number.
    package var siteProbes: Int?
    /// The most jobs that it may have, because its node is probed; nil: any number.
    package var nodeProbes: Int?
    /// The class for whose jobs its free cores are kept; nil: none.
    package var reserved: Int32?
    /// How many other agents have kept cores for jobs of that class for longer.
    package var earlier = 0

    package var isProbed: Bool { self.siteProbes != nil || self.nodeProbes != nil }

    package init(holder: Int32, demand: Demand, offered: Int64 = 0) {
        self.holder = holder
        self.demand = demand
        self.offered = offered
    }
}

/// A range that can be leased now, locked.
package struct Candidate: Sendable, Hashable {
    package let waiting: WaitingRange
    package let excludedSites: [String]
    /// Nodes that are not to have them, at whatever site.
    package let excludedNodes: [String]

    package var `class`: Int32 { self.waiting.class }

    package init(waiting: WaitingRange, excludedSites: [String], excludedNodes: [String] = []) {
        self.waiting = waiting
        self.excludedSites = excludedSites
        self.excludedNodes = excludedNodes
    }

    /// Whether its jobs do not keep away from where this agent is.
    package func isAllowed(_ demand: Demand) -> Bool {
        !self.excludedSites.contains(demand.site) && demand.node.map(self.excludedNodes.contains) != true
    }
}

/// One piece cut from a waiting range for one agent.
package struct Cut: Sendable, Hashable {
    package let task: Int64
    /// Where the waiting range began: its key.
    package let key: Int64
    package let rest: IndexRange?

    package init(task: Int64, key: Int64, rest: IndexRange?) {
        self.task = task
        self.key = key
        self.rest = rest
    }
}

/// One job to be leased to one agent.
package struct NewLease: Sendable, Hashable {
    package let job: JobKey
    package let holder: Int32
    package let site: String
    package let agent: String
    package let token: UUIDText

    package init(job: JobKey, holder: Int32, site: String, agent: String, token: UUIDText) {
        self.job = job
        self.holder = holder
        self.site = site
        self.agent = agent
        self.token = token
    }
}
