import AMQP
import Catalog
import CentralKit
import Domain
import Logging
import Messages
import Postgres
import ServiceKit

/// Serves demand: leases waiting jobs to agents with room, in one transaction, and offers them.
struct LeaseDesk: Sendable {
    /// What an offer says of one leased job.
    private struct Leased: Sendable {
        let job: OfferedJob
        let token: UUIDText
        let holder: Int32
    }

    private struct Served: Sendable {
        var demands: [OpenDemand] = []
        var leased: [Leased] = []
        var hasMore = false
    }

    let database: PostgresClient
    let publisher: MessagePublisher
    let classes: ClassTable
    let tasks: TaskTable
    let signer: OfferSigner
    let bell: FeedBell
    let pulse: Pulse
    let logger: Logger
    /// The most jobs in one offer.
    var offerLimit = 250
    /// How long an agent may take an offer after it asked.
    var validSeconds = 60.0

    /// Takes in new demand, and serves every agent that has room.
    func serve(_ demands: [Demand]) async throws {
        var demands = demands
        var more = true
        while more {
            let taking = demands
            let classes = try await self.classes.current()
            let served = try await self.database.withTransaction { try await self.serve(taking, classes, in: $0) }
            try await self.offer(served)
            demands = []
            more = served.hasMore
        }
    }

    // MARK: One transaction

    private func serve(
        _ demands: [Demand],
        _ classes: [Int32: Requirement],
        in transaction: PostgresTransaction
    ) async throws -> Served {
        if !demands.isEmpty { try await transaction.execute(LeasingStatements.takeDemand(demands)) }
        let open = try await transaction.query(LeasingStatements.openDemand(limit: 200)).map(Self.demand(row:))
        guard !open.isEmpty, let matching = try await self.match(open, classes, in: transaction) else {
            return Served()
        }
        guard !matching.assigned.isEmpty else { return Served() }
        let byHolder = Dictionary(uniqueKeysWithValues: open.map { ($0.holder, $0.demand) })
        let wanted = matching.assigned.compactMap { one in
            byHolder[one.holder].map {
                NewLease(job: one.job, holder: one.holder, site: $0.site, agent: $0.agent, token: .random())
            }
        }
        try await transaction.execute(LeasingStatements.cut(matching.cuts))
        let rows = try await transaction.query(LeasingStatements.lease(wanted))
        let leased = try await self.offered(rows, wanted, in: transaction)
        try await transaction.executeAndCommit([
            LeasingStatements.setRoom(matching.rooms.map { (holder: $0.key, room: $0.value) })
        ])
        let hungry = matching.rooms.contains { $0.value > 0 } && matching.cuts.contains { $0.rest == nil }
        return Served(demands: open, leased: leased, hasMore: hungry || open.count == 200)
    }

    /// Passing by what another Scheduler holds, and waiting for it before an agent goes away empty.
    private func match(
        _ open: [OpenDemand],
        _ classes: [Int32: Requirement],
        in transaction: PostgresTransaction
    ) async throws -> Matching? {
        let fitting = open.reduce(into: Set<Int32>()) { $0.formUnion(Matching.classes(fitting: $1, classes)) }.sorted()
        guard !fitting.isEmpty else { return nil }
        let sites = Set(open.map(\.demand.site))
        let site = sites.count == 1 ? sites.first : nil
        func matching(site: String?, patient: Bool) async throws -> Matching {
            let statement = LeasingStatements.candidates(classes: fitting, site: site, perClass: 64, patient: patient)
            let candidates = try await transaction.query(statement).map { row in
                Candidate(
                    class: row.3,
                    waiting: WaitingRange(
                        task: row.0,
                        range: IndexRange(first: row.1, last: row.2),
                        priority: Int(row.4),
                        cores: classes[row.3]?.cores ?? 1
                    ),
                    excludedSites: row.5
                )
            }
            return Matching(demands: open, candidates: candidates, classes: classes, limit: self.offerLimit)
        }
        let quick = try await matching(site: site, patient: false)
        guard let hungry = quick.unserved.first, quick.assigned.isEmpty || site == nil else { return quick }
        let unserved = open.first { $0.holder == hungry }
        let patient = try await matching(site: unserved?.demand.site, patient: true)
        return patient.assigned.count > quick.assigned.count ? patient : quick
    }

    /// The jobs of an offer, from the rows just written.
    private func offered(
        _ rows: [(Int64, Int64, Int32, Int64)],
        _ wanted: [NewLease],
        in transaction: PostgresTransaction
    ) async throws -> [Leased] {
        let entries = try await self.tasks.entries(Set(rows.map(\.0)))
        let withInputs = rows.filter { entries[$0.0]?.hasInputs == true }.map { JobKey(task: $0.0, index: $0.1) }
        var inputs: [JobKey: [(input: OfferedInput, first: Int64)]] = [:]
        if !withInputs.isEmpty {
            for row in try await transaction.query(LeasingStatements.inputs(withInputs)) {
                let input = OfferedInput(lfn: row.2, bytes: row.3, adler32: row.4, events: row.5, storage: row.7)
                inputs[JobKey(task: row.0, index: row.1), default: []].append((input, row.6))
            }
        }
        let leases = Dictionary(uniqueKeysWithValues: wanted.map { ($0.job, $0) })
        return rows.compactMap { row in
            let job = JobKey(task: row.0, index: row.1)
            guard let lease = leases[job], let entry = entries[row.0] else { return nil }
            let read = inputs[job] ?? []
            return Leased(
                job: OfferedJob(
                    name: AttemptName(task: row.0, index: row.1, attempt: Int(row.2), token: lease.token.text),
                    seed: JobSeed.seed(
                        request: entry.description.requestSeed,
                        task: entry.description.name,
                        index: row.1
                    ),
                    events: row.3,
                    firstEvent: entry.hasInputs
                        ? (read.count == 1 ? read[0].first : 0) : row.1 * (entry.eventsPerJob ?? 0),
                    inputs: read.map(\.input)
                ),
                token: lease.token,
                holder: lease.holder
            )
        }
    }

    private static func demand(
        row: (
            Int32, String, String, UUIDText, Int64, String, Int32, Int32, Int32, Int32, Int32, String, [String],
            [String]
        )
    ) -> OpenDemand {
        OpenDemand(
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
                )
            )
        )
    }

    // MARK: Offers

    private func offer(_ served: Served) async throws {
        guard !served.leased.isEmpty else { return }
        self.bell.ring()
        self.pulse.add(served.leased.count)
        let byHolder = Dictionary(grouping: served.leased, by: \.holder)
        let answered = served.demands.filter { byHolder[$0.holder] != nil }
        let entries = try await self.tasks.entries(Set(served.leased.map(\.job.name.task)))
        let messages = try answered.map { open -> OutgoingMessage in
            let jobs = (byHolder[open.holder] ?? []).map(\.job)
            let offer = Offer(
                site: open.demand.site,
                agent: open.demand.agent,
                session: open.demand.session.text,
                question: open.demand.question,
                validSeconds: self.validSeconds,
                tasks: Set(jobs.map(\.name.task)).sorted().compactMap { entries[$0]?.description },
                jobs: jobs
            )
            return OutgoingMessage(
                exchange: "",
                routingKey: open.demand.replyTo,
                body: try Batch([try self.signer.sign(offer)]).encoded(),
                persistent: false,
                type: OfferItem.type,
                contentType: "application/json"
            )
        }
        let outcomes = try await self.publisher.broker.publish(messages)
        let lost = zip(answered, outcomes).filter { $0.1 != .confirmed }.map(\.0.holder)
        if !lost.isEmpty { try await self.takeBack(lost.flatMap { byHolder[$0] ?? [] }, from: lost) }
    }

    /// Offers that reached nobody: their jobs wait again at once, uncounted.
    private func takeBack(_ leased: [Leased], from holders: [Int32]) async throws {
        self.logger.notice("offers came back", metadata: ["jobs": "\(leased.count)", "agents": "\(holders.count)"])
        try await self.database.withTransaction { transaction in
            try await transaction.execute(LeasingStatements.sessionGone(holders: holders))
            _ = try await transaction.query(LeasingStatements.giveBack(leased.map { ($0.job.name.key, $0.token) }))
        }
        self.bell.ring()
    }
}
