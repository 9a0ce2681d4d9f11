import Catalog
import Domain
import Postgres

/// Who gets what: pure.
struct Matching {
    /// One job for one agent.
    struct Assigned: Hashable {
        let job: JobKey
        let holder: Int32
    }

    /// What one job may use, and which nodes are to leave it alone.
    struct Need {
        let requirement: Requirement
        let avoidNodes: [String]
    }

    private(set) var assigned: [Assigned] = []
    /// The class of each assigned job, and the nodes it avoids.
    private var origins: [JobKey: (class: Int32, avoid: [String])] = [:]
    private(set) var cuts: [Cut] = []
    /// What is left of each agent's room.
    private(set) var rooms: [Int32: Int] = [:]

    /// Whether an agent would take more than it got: it has room, and its offer is not full.
    func wantsMore(limit: Int) -> Bool {
        let counts = Dictionary(grouping: self.assigned, by: \.holder).mapValues(\.count)
        return self.rooms.contains { $0.value > 0 && counts[$0.key, default: 0] < limit }
    }

    /// - Parameters:
    ///   - demands: agents with room, in the order in which they are served.
    ///   - candidates: locked ranges; those that fit an agent are taken by priority, then task, then index.
    ///   - classes: the requirement of every class among the candidates.
    ///   - limit: the most jobs one agent gets at once.
    ///   - shares: whose turn it is among the shares of the candidates; within a share it goes by priority.
    init(
        demands: [OpenDemand],
        candidates: [Candidate],
        classes: [Int32: Requirement],
        limit: Int,
        shares: ShareTree = ShareTree([])
    ) {
        var left: [IndexRange?] = candidates.map(\.waiting.range)
        var shares = shares
        for open in demands {
            let fitting = Self.classes(fitting: open, classes)
            let places = candidates.indices.filter { place in
                left[place] != nil && fitting.contains(candidates[place].class)
                    && !candidates[place].excludedSites.contains(open.demand.site)
                    && open.demand.node.map { candidates[place].excludedNodes.contains($0) } != true
            }
            let ranges = places.compactMap { place in
                left[place].map { range in
                    WaitingRange(
                        task: candidates[place].waiting.task,
                        range: range,
                        priority: candidates[place].waiting.priority,
                        cores: candidates[place].waiting.cores
                    )
                }
            }
            let owners = Dictionary(
                zip(ranges, places.map { classes[candidates[$0].class]?.share ?? ShareTree.others }),
                uniquingKeysWith: { first, _ in first }
            )
            let plan = LeasePlan.divided(ranges: ranges, room: open.demand.room, limit: limit, shares: &shares) {
                owners[$0] ?? ShareTree.others
            }
            let position = Dictionary(zip(ranges, places), uniquingKeysWith: { first, _ in first })
            for piece in plan.pieces {
                guard let place = position[piece.from] else { continue }
                left[place] = piece.rest
                for index in piece.taken.first...piece.taken.last {
                    let job = JobKey(task: piece.from.task, index: index)
                    self.assigned.append(Assigned(job: job, holder: open.holder))
                    self.origins[job] = (candidates[place].class, candidates[place].excludedNodes)
                }
            }
            self.rooms[open.holder] = plan.room
        }
        for (candidate, rest) in zip(candidates, left) where rest != candidate.waiting.range {
            self.cuts.append(Cut(task: candidate.waiting.task, key: candidate.waiting.range.first, rest: rest))
        }
    }

    /// How many ranges jobs were taken from, in the class with the most of them.
    func usedRanges(of candidates: [Candidate]) -> Int {
        let cut = Set(self.cuts.map { JobKey(task: $0.task, index: $0.key) })
        let used = candidates.filter { one in
            cut.contains(JobKey(task: one.waiting.task, index: one.waiting.range.first))
        }
        return Dictionary(grouping: used, by: \.class).values.map(\.count).max() ?? 0
    }

    /// Cores of the assigned jobs by share.
    func cores(_ classes: [Int32: Requirement]) -> [String: Int] {
        self.origins.values.reduce(into: [:]) { sums, origin in
            guard let need = classes[origin.class] else { return }
            sums[need.share ?? ShareTree.others, default: 0] += need.cores
        }
    }

    /// What the assigned jobs need.
    func needs(_ classes: [Int32: Requirement]) -> [JobKey: Need] {
        self.origins.compactMapValues { origin in
            classes[origin.class].map { Need(requirement: $0, avoidNodes: origin.avoid) }
        }
    }

    /// The classes whose jobs an agent can run.
    static func classes(fitting open: OpenDemand, _ classes: [Int32: Requirement]) -> Set<Int32> {
        Set(classes.filter { $0.value.misfit(site: open.demand.site, capacity: open.demand.capacity) == nil }.keys)
    }
}
