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
    /// For which class the rest of an agent's room is kept.
    private(set) var reserved: [Int32: Int32] = [:]
    /// What must be known before others may keep some (``Reservations``).
    private(set) var questions: Set<Reservations.Question> = []
    /// Whether an agent keeps its room without having seen a job of a class of which there are more: one of those might come first.
    private(set) var isBlind = false
    /// The most jobs an agent may get: fewer than an offer has room for where a place is probed.
    private var limits: [Int32: Int] = [:]
    /// How many more probes a site may have.
    private var probes: [String: Int] = [:]

    /// Whether an agent would take more than it got: it has room that is kept for nobody, and may have more jobs.
    var wantsMore: Bool {
        let counts = Dictionary(grouping: self.assigned, by: \.holder).mapValues(\.count)
        return self.rooms.contains { holder, room in
            room > 0 && self.reserved[holder] == nil && counts[holder, default: 0] < self.limits[holder] ?? 0
        }
    }

    /// - Parameters:
    ///   - demands: agents with room, in the order in which they are served.
    ///   - candidates: locked ranges; those that fit an agent are taken by priority, then task, then index.
    ///   - classes: the requirement of every class among the candidates.
    ///   - limit: the most jobs one agent gets at once.
    ///   - shares: whose turn it is among the shares of the candidates; within a share it goes by priority.
    ///   - reservations: which agents keep what they have for jobs that need more.
    ///   - unseen: agents that keep on doing so whatever is among the candidates: what they wait for is held by another Scheduler.
    init(
        demands: [OpenDemand],
        candidates: [Candidate],
        classes: [Int32: Requirement],
        limit: Int,
        shares: ShareTree = ShareTree([]),
        reservations: Reservations = Reservations(ReservationPolicy(part: 0)),
        unseen: Set<Int32> = []
    ) {
        var left: [IndexRange?] = candidates.map(\.waiting.range)
        var (shares, reservations) = (shares, reservations)
        for open in demands {
            guard !unseen.contains(open.holder) else {
                self.rooms[open.holder] = open.demand.room
                self.reserved[open.holder] = open.reserved
                continue
            }
            let fitting = Self.classes(fitting: open, classes)
            let places = candidates.indices.filter { place in
                left[place] != nil && fitting.contains(candidates[place].class)
                    && candidates[place].isAllowed(open.demand)
            }
            let ranges = places.compactMap { place in
                left[place].map { range in
                    WaitingRange(
                        task: candidates[place].waiting.task,
                        range: range,
                        priority: candidates[place].waiting.priority,
                        cores: candidates[place].waiting.cores,
                        class: candidates[place].class
                    )
                }
            }
            let most = self.most(open, limit)
            let position = Dictionary(zip(ranges, places), uniquingKeysWith: { first, _ in first })
            let plan = LeasePlan(
                ranges: ranges,
                room: open.demand.room,
                limit: most,
                shares: &shares,
                owner: { classes[$0.class]?.share ?? ShareTree.others },
                reserves: { reservations.reserves(open, for: $0) }
            )
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
            self.limits[open.holder] = most
            self.probes[open.demand.site]? -= plan.jobs
            self.reserved[open.holder] = plan.reserved?.class
            reservations.served(open.holder, keepsFor: self.reserved[open.holder])
            if plan.reserved != nil {
                let unseen = reservations.longer.intersection(fitting).subtracting(places.map { candidates[$0].class })
                self.isBlind = self.isBlind || !unseen.isEmpty
            }
        }
        self.questions = reservations.questions
        for (candidate, rest) in zip(candidates, left) where rest != candidate.waiting.range {
            self.cuts.append(Cut(task: candidate.waiting.task, key: candidate.waiting.range.first, rest: rest))
        }
    }

    /// The most jobs that an agent may get now. What is probed gets so many in all, however many agents a site has.
    private mutating func most(_ open: OpenDemand, _ limit: Int) -> Int {
        if let site = open.siteProbes {
            let left = min(self.probes[open.demand.site] ?? site, site)
            self.probes[open.demand.site] = left
        }
        return max(0, min(limit, self.probes[open.demand.site] ?? limit, open.nodeProbes ?? limit))
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

    /// What is left of the rooms of agents, as the catalogue is to have it.
    func roomsLeft(_ open: [OpenDemand]) -> [LeasingStatements.RoomLeft] {
        open.compactMap { one in
            self.rooms[one.holder].map { room in
                LeasingStatements.RoomLeft(
                    holder: one.holder,
                    room: room,
                    offered: max(0, one.demand.room - room),
                    reserved: self.reserved[one.holder]
                )
            }
        }
    }

    /// The classes of which an agent would take another job: only that for which it keeps its room, if it does; none if as many are under
    /// way as a place that is probed may have.
    func wanted(by open: OpenDemand, _ classes: [Int32: Requirement]) -> Set<Int32> {
        if let left = self.probes[open.demand.site], left <= 0 { return [] }
        if let node = open.nodeProbes, self.assigned.count(where: { $0.holder == open.holder }) >= node { return [] }
        let room = self.rooms[open.holder] ?? 0
        let kept = self.reserved[open.holder]
        return Self.classes(fitting: open, classes).filter { one in
            (classes[one]?.cores ?? 1) <= room && (kept == nil || kept == one)
        }
    }

    /// The classes whose jobs an agent can run.
    static func classes(fitting open: OpenDemand, _ classes: [Int32: Requirement]) -> Set<Int32> {
        Set(classes.filter { $0.value.misfit(site: open.demand.site, capacity: open.demand.capacity) == nil }.keys)
    }
}
