import Catalog
import Domain
import Postgres
import TestSupport
import Testing

@testable import Scheduler

/// Agents on which jobs begin and end, served by ``Matching`` whenever one has free cores: time, and nothing else, is made up.
struct SimulatedFarm {
    /// Jobs that wait, more than ever begin.
    struct Work {
        let task: Int64
        var share: String
        var cores: Int
        /// How long a job takes.
        let seconds: ClosedRange<Int>
        var priority = 1
        var next: Int64 = 0

        var `class`: Int32 { Int32(self.task) }
    }

    private struct Running {
        let work: Int
        let ends: Int
    }

    let cores: Int
    let shares: [ShareTree.Share]
    let policy: ReservationPolicy
    private(set) var works: [Work]
    private var running: [[Running]]
    private var reserved: [Int32?]
    private var random: SeededRandom
    private(set) var now = 0
    /// Core seconds of each work, and of nobody, since the last call of ``forget()``.
    private(set) var used: [Int64: Int] = [:]
    private(set) var idle = 0
    /// The most agents that have kept room at the same time.
    private(set) var mostReserving = 0

    init(
        agents: Int,
        cores: Int,
        works: [Work],
        shares: [ShareTree.Share] = [],
        policy: ReservationPolicy,
        seed: UInt64 = 7
    ) {
        self.cores = cores
        self.random = SeededRandom(seed: seed)
        self.works = works
        self.shares = shares
        self.policy = policy
        self.running = Array(repeating: [], count: agents)
        self.reserved = Array(repeating: nil, count: agents)
    }

    mutating func add(_ work: Work) { self.works.append(work) }

    /// Begins to count anew.
    mutating func forget() { (self.used, self.idle) = ([:], 0) }

    /// Lets so many seconds pass.
    mutating func run(seconds: Int) throws {
        let end = self.now + seconds
        while self.now < end {
            self.running = self.running.map { $0.filter { $0.ends > self.now } }
            try self.serve()
            for agent in self.running {
                let busy = agent.reduce(0) { $0 + self.works[$1.work].cores }
                for one in agent { self.used[self.works[one.work].task, default: 0] += self.works[one.work].cores }
                self.idle += self.cores - busy
            }
            self.now += 1
        }
    }

    private mutating func serve() throws {
        let open = try self.running.indices.compactMap { place -> OpenDemand? in
            let room = self.cores - self.running[place].reduce(0) { $0 + self.works[$1.work].cores }
            guard room > 0 else { return nil }
            var agent = try Self.agent(Int32(place), room: room)
            agent.reserved = self.reserved[place]
            return agent
        }
        guard !open.isEmpty else { return }
        var (matching, facts) = (self.match(open, nil), self.facts)
        for _ in 1...3 where !matching.questions.isEmpty {
            // Nobody knows what was not asked for.
            for case .running(let holder) in matching.questions { facts.running[holder] = self.running(on: holder) }
            matching = self.match(open, facts)
        }
        for one in open { self.reserved[Int(one.holder)] = matching.reserved[one.holder] }
        self.mostReserving = max(self.mostReserving, self.reserved.count { $0 != nil })
        for one in matching.assigned {
            let place = self.works.firstIndex { $0.task == one.job.task }
            let work = try #require(place)
            let length = Int.random(in: self.works[work].seconds, using: &self.random)
            self.running[Int(one.holder)].append(Running(work: work, ends: self.now + length))
            self.works[work].next += 1
        }
    }

    private func match(_ open: [OpenDemand], _ facts: Reservations.Facts?) -> Matching {
        var tree = ShareTree(self.shares)
        for one in self.running.joined() { tree.use(self.works[one.work].share, cores: self.works[one.work].cores) }
        return Matching(
            demands: open,
            candidates: self.works.map { work in
                Self.candidate(
                    task: work.task,
                    first: work.next,
                    jobs: 1000,
                    cores: work.cores,
                    priority: work.priority,
                    class: work.class
                )
            },
            classes: Dictionary(
                uniqueKeysWithValues: self.works.map {
                    ($0.class, Requirement(cores: $0.cores, memoryMB: 100, share: $0.share.isEmpty ? nil : $0.share))
                }
            ),
            limit: 250,
            shares: tree,
            reservations: Reservations(self.policy, facts: facts)
        )
    }

    private var facts: Reservations.Facts {
        var held: [Int32: Int32] = [:]
        for place in self.running.indices { held[Int32(place)] = self.reserved[place] }
        return Reservations.Facts(agents: self.running.count, held: held)
    }

    private func running(on holder: Int32) -> [Int: Int] {
        self.running[Int(holder)].reduce(into: [:]) {
            $0[self.works[$1.work].cores, default: 0] += self.works[$1.work].cores
        }
    }

    static func agent(_ holder: Int32, room: Int) throws -> OpenDemand {
        OpenDemand(
            holder: holder,
            demand: Demand(
                site: "DESY",
                agent: "a\(holder)",
                session: try #require(UUIDText("0b9a3f0e-0000-4000-8000-000000000001")),
                question: 1,
                replyTo: "site.DESY.a\(holder)",
                room: room,
                capacity: Capacity(
                    cores: 64,
                    memoryMBPerCore: 4000,
                    walltimeSeconds: 100_000,
                    diskMB: 10_000,
                    platform: "linux-x86_64"
                )
            )
        )
    }

    static func candidate(
        task: Int64,
        first: Int64 = 0,
        jobs: Int64,
        cores: Int,
        priority: Int,
        class: Int32
    ) -> Candidate {
        Candidate(
            waiting: WaitingRange(
                task: task,
                range: IndexRange(first: first, last: first + jobs - 1),
                priority: priority,
                cores: cores,
                class: `class`
            ),
            excludedSites: []
        )
    }
}
