import Catalog
import CentralKit
import Domain
import Logging
import NIOConcurrencyHelpers
import Postgres

/// Serves demand: leases waiting jobs to agents with room, in one transaction, and has them offered.
///
/// One turn after the other (``LeaseTurns``). Two Schedulers share the work: each passes by the rows that the other holds. Before an
/// agent goes away empty while jobs wait for it, those rows are waited for, in a transaction of its own that holds no others: no two
/// can block each other.
struct LeaseDesk: Sendable {
    private struct Served: Sendable {
        var demands: [OpenDemand] = []
        var leased: [LeasedJob] = []
        /// Agents with room left, and the classes of which they may have jobs.
        var wanting: [(agent: OpenDemand, class: Int32)] = []
        /// Agents with room whom another Scheduler is serving.
        var passedBy: [Int32] = []
    }

    /// How a transaction looks for jobs.
    enum Manner {
        /// Passing by what another Scheduler holds.
        case quick
        /// Waiting for it, for the agents of one site.
        case patient
    }

    let database: PostgresClient
    let offers: OfferDesk
    let classes: ClassTable
    let shares: ShareTable
    /// The most jobs in one offer.
    var offerLimit = 250
    /// Agents served by one transaction.
    var pageSize = 200
    /// Which agents keep free cores for jobs that need more of them.
    var reservations = ReservationPolicy()
    /// How many ranges of a class the next look takes in.
    let reach = NIOLockedValueBox(shortLook)

    /// Takes in new demand, and leases: to those who ask, to those who did not get enough before; to everybody who has room, if there
    /// is new work or it is time for it.
    ///
    /// - Returns: who has room left for which jobs are still waiting.
    func serve(_ turn: LeaseTurns.Turn) async throws -> LeaseTurns.Hungry {
        var hungry = LeaseTurns.Hungry()
        var (asking, others) = (turn.demands, turn.hungry.quick)
        var after: Int32? = turn.isForAll ? 0 : nil
        while !asking.isEmpty || !others.isEmpty || after != nil {
            let (demands, known, from) = (asking, others, after)
            let (served, last) = try await self.settingAside { transaction -> (Served, Int32?) in
                var holders = known
                if !demands.isEmpty {
                    holders.formUnion(try await transaction.query(LeasingStatements.takeDemand(demands)))
                }
                var page: [Int32] = []
                if let from {
                    page = try await transaction.query(LeasingStatements.withRoom(after: from, limit: self.pageSize))
                    holders.formUnion(page)
                }
                let served = try await self.serve(holders.sorted(), .quick, in: transaction)
                return (served, page.count == self.pageSize ? page.last : nil)
            }
            try await self.offer(served, &hungry)
            (asking, others, after) = ([], [], last)
        }
        for (_, holders) in turn.hungry.patient.sorted(by: { $0.key < $1.key }) {
            let served = try await self.settingAside { try await self.serve(holders.sorted(), .patient, in: $0) }
            try await self.offer(served, &hungry)
        }
        return hungry
    }

    private func offer(_ served: Served, _ hungry: inout LeaseTurns.Hungry) async throws {
        if try await self.offers.send(served.leased, to: served.demands) == .someCameBack { hungry.isEverybody = true }
        hungry.add(passedBy: served.passedBy)
        let fed = Set(served.leased.map(\.holder))
        for agent in try await self.hungry(served) {
            hungry.add(agent.holder, site: agent.demand.site, gotSome: fed.contains(agent.holder))
        }
        // The last job that somebody keeps cores for may have been leased elsewhere.
        if !served.leased.isEmpty {
            hungry.add(reservedInVain: try await self.database.query(LeasingStatements.reservedInVain))
        }
    }

    // MARK: One transaction

    /// Runs a transaction, and again without the tasks that this version turns out not to be able to read: they are paused for an
    /// operator, and hold up nobody else.
    private func settingAside<Value: Sendable>(
        _ body: @escaping @Sendable (PostgresTransaction) async throws -> Value
    ) async throws -> Value {
        var setAside: Set<Int64> = []
        while true {
            do {
                return try await self.database.withTransaction { try await body($0) }
            } catch let unreadable as UnreadableTasks where setAside.isDisjoint(with: unreadable.reasons.keys) {
                try await unreadable.pause(
                    by: "scheduler",
                    in: self.database,
                    bell: self.offers.bell,
                    logger: self.offers.logger
                )
                setAside.formUnion(unreadable.reasons.keys)
            }
        }
    }

    private func serve(
        _ holders: [Int32],
        _ manner: Manner,
        in transaction: PostgresTransaction
    ) async throws -> Served {
        guard !holders.isEmpty else { return Served() }
        let rows = try await transaction.query(LeasingStatements.openDemand(holders))
        // Who comes first gets what little there is: it is another in each turn, or one that loses its jobs would get them all again.
        var open = rows.map(Self.demand(row:)).shuffled()
        let others = Set(holders).subtracting(open.map(\.holder)).sorted()
        // It may have looked for jobs before those came that this turn is for.
        let passedBy = others.isEmpty ? [] : try await transaction.query(LeasingStatements.stillOpen(others))
        let classes = try await self.classes.classes(upTo: rows.first?.14 ?? 0)
        let fitting = open.reduce(into: Set<Int32>()) { $0.formUnion(Matching.classes(fitting: $1, classes)) }.sorted()
        guard !fitting.isEmpty else { return Served(passedBy: passedBy) }
        let matching = try await self.match(open, fitting, classes, manner, in: transaction)
        var leased: [LeasedJob] = []
        if !matching.assigned.isEmpty {
            let byHolder = Dictionary(uniqueKeysWithValues: open.map { ($0.holder, $0.demand) })
            let wanted = matching.assigned.compactMap { one in
                byHolder[one.holder].map {
                    NewLease(job: one.job, holder: one.holder, site: $0.site, agent: $0.agent, token: .random())
                }
            }
            let needs = matching.needs(classes)
            var writes = QueryBatch()
            for cut in LeasingStatements.cut(matching.cuts) { writes.add(cut) }
            writes.add(LeasingStatements.setRoom(matching.roomsLeft(open)))
            for place in open.indices {
                guard let room = matching.rooms[open[place].holder] else { continue }
                open[place].offered += Int64(max(0, open[place].demand.room - room))
            }
            let made = writes.add(LeasingStatements.lease(wanted))
            let rows = try await transaction.results(of: writes).of(made)
            leased = try await self.offers.jobs(rows, wanted, needs, in: transaction)
            // Last of all: what is made again must not count twice.
            self.shares.use(matching.cores(classes))
        } else if open.contains(where: { matching.reserved[$0.holder] != $0.reserved }) {
            try await transaction.execute(LeasingStatements.setRoom(matching.roomsLeft(open)))
        }
        return Served(
            demands: open,
            leased: leased,
            wanting: open.flatMap { one in matching.wanted(by: one, classes).map { (one, $0) } },
            passedBy: passedBy
        )
    }

    /// Agents that have room for a job of a class in which jobs wait: whether they wait freely or are held by another Scheduler.
    ///
    /// Asked when what was written is to be seen by all: jobs that came before are seen here, and whoever brings some later sees the room.
    private func hungry(_ served: Served) async throws -> [OpenDemand] {
        guard !served.wanting.isEmpty else { return [] }
        struct Wanted: Hashable {
            let site: String
            let node: String?
            let `class`: Int32
        }
        func wanted(_ one: (agent: OpenDemand, class: Int32)) -> Wanted {
            Wanted(site: one.agent.demand.site, node: one.agent.demand.node, class: one.class)
        }
        let waiting = try await self.database.query(
            LeasingStatements.stillWaiting(
                Set(served.wanting.map(wanted)).map { (site: $0.site, class: $0.class, node: $0.node) }
            )
        ).reduce(into: Set<Wanted>()) { $0.insert(Wanted(site: $1.0, node: $1.2, class: $1.1)) }
        let holders = Set(served.wanting.filter { waiting.contains(wanted($0)) }.map(\.agent.holder))
        return served.demands.filter { holders.contains($0.holder) }
    }

    private static func demand(
        row: (
            Int32, String, String, UUIDText, Int64, String, Int32, Int32, Int32, Int32, Int32, String, [String],
            [String], Int32, Int64, String?, Int64?, Int64?, Int32?, Int64
        )
    ) -> OpenDemand {
        var open = OpenDemand(
            holder: row.0,
            demand: Demand(
                site: row.1,
                agent: row.2,
                session: row.3,
                question: row.4,
                replyTo: row.5,
                room: Int(row.6),
                capacity: Capacity(
                    cores: Int(row.7),
                    memoryMBPerCore: Int(row.8),
                    walltimeSeconds: Int(row.9),
                    diskMB: Int(row.10),
                    platform: row.11,
                    tags: row.12,
                    storage: row.13
                ),
                node: row.16
            ),
            offered: row.15
        )
        open.siteProbes = row.17.map { Int($0) }
        open.nodeProbes = row.18.map { Int($0) }
        open.reserved = row.19
        open.earlier = Int(row.20)
        return open
    }
}
