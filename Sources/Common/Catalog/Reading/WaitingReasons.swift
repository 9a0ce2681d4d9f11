package import Domain

/// A job that waits, against every agent: pure.
package struct WaitingReasons: Sendable {
    package var state: String
    package var taskState: String
    package var requestState: String
    package var taskCause: String?
    /// The requirement class of the job.
    package var `class`: Int32
    /// Its range; nil: it is in none.
    package var range: Range?

    package init(
        state: String,
        taskState: String,
        requestState: String,
        taskCause: String?,
        class: Int32,
        range: Range?
    ) {
        self.class = `class`
        self.state = state
        self.taskState = taskState
        self.requestState = requestState
        self.taskCause = taskCause
        self.range = range
    }

    /// What the range it waits in says.
    package struct Range: Sendable {
        /// Until it is due; 0: now.
        package var dueSeconds: Double
        package var dueAt: Moment?
        package var excludedSites: [String]
        package var excludedNodes: [String]
        package var isHeld: Bool
        /// Jobs of its class that are served before it.
        package var ahead: Int64

        package init(
            dueSeconds: Double = 0,
            dueAt: Moment? = nil,
            excludedSites: [String] = [],
            excludedNodes: [String] = [],
            isHeld: Bool = false,
            ahead: Int64 = 0
        ) {
            self.dueSeconds = dueSeconds
            self.dueAt = dueAt
            self.excludedSites = excludedSites
            self.excludedNodes = excludedNodes
            self.isHeld = isHeld
            self.ahead = ahead
        }
    }

    /// That an agent keeps its free cores.
    package struct Reservation: Sendable {
        /// For jobs of this requirement class.
        package var `class`: Int32
        /// What one of them needs.
        package var cores: Int
        package var since: Moment

        package init(class: Int32, cores: Int, since: Moment) {
            self.class = `class`
            self.cores = cores
            self.since = since
        }
    }

    /// One agent as the question sees it.
    package struct Agent: Sendable {
        package var site: String
        package var agent: String
        package var state: String
        package var lastSeen: Moment
        package var access: String
        package var accessReason: String?
        package var accessUntil: Moment?
        package var room: Int
        package var capacity: Capacity
        /// The node that all its jobs run on; nil: it chooses among several.
        package var node: String?
        /// That node and why it gets no jobs at present; nil: it may have some.
        package var restingNode: String?
        /// For whom its free cores are kept; nil: for nobody.
        package var reservation: Reservation?
        /// How many more jobs it may have because its site or node is probed; nil: any number.
        package var probes: Int64?

        package init(
            site: String,
            agent: String,
            state: String,
            lastSeen: Moment,
            access: String,
            accessReason: String? = nil,
            accessUntil: Moment? = nil,
            room: Int,
            capacity: Capacity,
            node: String? = nil,
            restingNode: String? = nil,
            reservation: Reservation? = nil,
            probes: Int64? = nil
        ) {
            self.site = site
            self.agent = agent
            self.state = state
            self.lastSeen = lastSeen
            self.access = access
            self.accessReason = accessReason
            self.accessUntil = accessUntil
            self.room = room
            self.capacity = capacity
            self.node = node
            self.restingNode = restingNode
            self.reservation = reservation
            self.probes = probes
        }
    }

    /// Why one agent does not get the job.
    package struct Reason: Sendable, Hashable {
        /// What kind of reason: agents are counted by it.
        package let kind: String
        /// In words, with numbers.
        package let text: String
        /// When that may change.
        package let changes: String
    }

    /// The first reason why this agent does not get the job; nil: it could, now.
    package func misfit(_ agent: Agent, need: Requirement) -> Reason? {
        if agent.state != "here" {
            let change = agent.state == "gone" ? "when it is started again" : "when it is heard again"
            return Reason(
                kind: "agent \(agent.state)",
                text: "the agent is \(agent.state), last seen \(agent.lastSeen)",
                changes: change
            )
        }
        if agent.access != "allowed" { return Self.access(agent) }
        if let node = agent.restingNode {
            return Reason(
                kind: "node excluded",
                text: "the agent's node is excluded, \(node)",
                changes: "when it has rested, with probes; or at once: millrace site allow \(agent.site)"
            )
        }
        if self.range?.excludedSites.contains(agent.site) == true {
            return Reason(
                kind: "excluded",
                text: "the job keeps away from \(agent.site) after a failure there",
                changes: "when another site takes it, or in some seconds if none can"
            )
        }
        if let node = agent.node, self.range?.excludedNodes.contains(node) == true {
            return Reason(
                kind: "excluded",
                text: "the job keeps away from node \(node) after a failure there",
                changes: "when another node takes it, in some seconds if none can, or after ten minutes"
            )
        }
        if let misfit = need.misfit(site: agent.site, capacity: agent.capacity) { return Reason(misfit) }
        if let probes = agent.probes, probes <= 0 {
            return Reason(
                kind: "probed",
                text: "the agent's site or node is probed after failures, and as many probes run as may",
                changes: "when they have ended well; or at once: millrace site allow \(agent.site)"
            )
        }
        return self.room(agent, need)
    }

    private func room(_ agent: Agent, _ need: Requirement) -> Reason? {
        let free = agent.room == 1 ? "1 free core" : "\(agent.room) free cores"
        if let kept = agent.reservation, kept.class != self.class {
            return Reason(
                kind: "cores kept",
                text:
                    "the agent has \(free) and keeps \(agent.room == 1 ? "it" : "them") since \(kept.since) for a job of \(kept.cores) cores, whose turn it is",
                changes: "when that job has been leased"
            )
        }
        guard agent.room < need.cores else { return nil }
        let kept =
            agent.reservation == nil
            ? "" : ", and \(agent.room == 1 ? "it is" : "they are") kept for a job of its class"
        let wanted = need.cores == 1 ? "1" : "\(need.cores) at once"
        return Reason(
            kind: "room",
            text: "the agent has \(free), the job needs \(wanted)\(kept)",
            changes: "when jobs of the agent end"
        )
    }

    private static func access(_ agent: Agent) -> Reason {
        Reason(
            kind: "site \(agent.access)",
            text: "the site is \(agent.access)" + (agent.accessReason.map { ": \($0)" } ?? ""),
            changes: agent.accessUntil.map { "at \($0), or when it is allowed before" }
                ?? "when it is allowed: millrace site allow \(agent.site)"
        )
    }

    /// Agents that share a reason.
    package struct Count: Sendable {
        package let reason: Reason
        package var agents: Int
        package var sites: [String]
    }

    /// The reasons of agents by kind, those of most agents first; the reason given is that of the first agent of its
    /// kind.
    package static func counts(_ agents: [Agent], _ misfits: [Reason?]) -> [Count] {
        var counts: [Count] = []
        for (agent, misfit) in zip(agents, misfits) {
            guard let misfit else { continue }
            guard let place = counts.firstIndex(where: { $0.reason.kind == misfit.kind }) else {
                counts.append(Count(reason: misfit, agents: 1, sites: [agent.site]))
                continue
            }
            counts[place].agents += 1
            if !counts[place].sites.contains(agent.site) { counts[place].sites.append(agent.site) }
        }
        return counts.sorted { ($1.agents, $0.reason.kind) < ($0.agents, $1.reason.kind) }
    }
}

extension WaitingReasons.Reason {
    init(_ misfit: Misfit) {
        let kind: String
        let changes: String
        switch misfit {
        case .site: (kind, changes) = ("site", "never: its task names its sites")
        case .cores: (kind, changes) = ("cores", "when an agent gives one job more cores")
        case .memory: (kind, changes) = ("memory", "when an agent offers more memory")
        case .walltime: (kind, changes) = ("walltime", "when an agent allows more wall time")
        case .disk: (kind, changes) = ("disk", "when an agent offers more disk")
        case .platform: (kind, changes) = ("platform", "when an agent of that platform comes")
        case .tag: (kind, changes) = ("tag", "when an agent offers the tag")
        case .storage: (kind, changes) = ("storage", "when the agent can read it, or the input is copied")
        }
        self.init(kind: kind, text: misfit.description, changes: changes)
    }
}
