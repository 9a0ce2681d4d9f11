/// What a job needs. Jobs with equal needs share one class.
package struct Requirement: Hashable, Sendable, Codable {
    package var cores: Int
    /// For the whole job.
    package var memoryMB: Int
    package var walltimeSeconds: Int
    package var diskMB: Int
    /// Such as `linux-x86_64`; `any` runs everywhere.
    package var platform: String
    /// Every one must be among the agent's.
    package var tags: [String]
    /// Only these sites; empty: any.
    package var sites: [String]
    /// Storage elements the agent must reach to read the inputs: every one of them.
    package var storage: [String]
    /// Whose part of the capacity they count for (``ShareTree``); nil: no share's. Not a matter of where they can run.
    package var share: String?

    package init(
        cores: Int = 1,
        memoryMB: Int = 2000,
        walltimeSeconds: Int = 86_400,
        diskMB: Int = 1000,
        platform: String = "any",
        tags: [String] = [],
        sites: [String] = [],
        storage: [String] = [],
        share: String? = nil
    ) {
        self.cores = cores
        self.memoryMB = memoryMB
        self.walltimeSeconds = walltimeSeconds
        self.diskMB = diskMB
        self.platform = platform
        self.tags = tags.sorted()
        self.sites = sites.sorted()
        self.storage = storage.sorted()
        self.share = share
    }
}

/// What an agent offers, as it says in its `work` message.
package struct Capacity: Hashable, Sendable, Codable {
    /// The most cores one job may use.
    package var cores: Int
    package var memoryMBPerCore: Int
    package var walltimeSeconds: Int
    package var diskMB: Int
    package var platform: String
    package var tags: [String]
    package var storage: [String]

    package init(
        cores: Int,
        memoryMBPerCore: Int,
        walltimeSeconds: Int,
        diskMB: Int,
        platform: String,
        tags: [String] = [],
        storage: [String] = []
    ) {
        self.cores = cores
        self.memoryMBPerCore = memoryMBPerCore
        self.walltimeSeconds = walltimeSeconds
        self.diskMB = diskMB
        self.platform = platform
        self.tags = tags
        self.storage = storage
    }
}

/// The first reason why a class does not fit an agent: what `job why` counts.
package enum Misfit: Hashable, Sendable, CustomStringConvertible {
    case site(String)
    case cores(needed: Int, offered: Int)
    case memory(neededMB: Int, offeredMB: Int)
    case walltime(neededSeconds: Int, offeredSeconds: Int)
    case disk(neededMB: Int, offeredMB: Int)
    case platform(needed: String, offered: String)
    case tag(String)
    case storage(String)

    package var description: String {
        switch self {
        case .site(let site): "the job may not run at \(site)"
        case .cores(let needed, let offered): "needs \(needed) cores, the agent gives one job \(offered)"
        case .memory(let needed, let offered): "needs \(needed) MB of memory, the agent has \(offered) MB"
        case .walltime(let needed, let offered): "needs \(needed) s of wall time, the agent allows \(offered) s"
        case .disk(let needed, let offered): "needs \(needed) MB of disk, the agent has \(offered) MB"
        case .platform(let needed, let offered): "needs platform \(needed), the agent is \(offered)"
        case .tag(let tag): "needs tag \(tag), which the agent does not have"
        case .storage(let name): "its input is on \(name), which the agent cannot read"
        }
    }
}

extension Requirement {
    /// Why an agent at `site` cannot run jobs of this class; nil: it can.
    package func misfit(site: String, capacity: Capacity) -> Misfit? {
        if !self.sites.isEmpty && !self.sites.contains(site) { return .site(site) }
        if self.cores > capacity.cores { return .cores(needed: self.cores, offered: capacity.cores) }
        let memory = capacity.memoryMBPerCore * self.cores
        if self.memoryMB > memory { return .memory(neededMB: self.memoryMB, offeredMB: memory) }
        if self.walltimeSeconds > capacity.walltimeSeconds {
            return .walltime(neededSeconds: self.walltimeSeconds, offeredSeconds: capacity.walltimeSeconds)
        }
        if self.diskMB > capacity.diskMB { return .disk(neededMB: self.diskMB, offeredMB: capacity.diskMB) }
        if self.platform != "any" && self.platform != capacity.platform {
            return .platform(needed: self.platform, offered: capacity.platform)
        }
        if let tag = self.tags.first(where: { !capacity.tags.contains($0) }) { return .tag(tag) }
        if let name = self.storage.first(where: { !capacity.storage.contains($0) }) { return .storage(name) }
        return nil
    }
}
