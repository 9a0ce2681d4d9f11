import AMQP
import Catalog
import CentralKit
import Domain
import Logging
import Messages
import Postgres
import ServiceKit

/// What an offer says of one leased job.
struct LeasedJob: Sendable {
    let job: OfferedJob
    let token: UUIDText
    let holder: Int32
}

/// Makes offers of leased jobs and sends them; takes jobs back whose offer reached nobody.
struct OfferDesk: Sendable {
    let database: PostgresClient
    let publisher: MessagePublisher
    let tasks: TaskTable
    let signer: OfferSigner
    let bell: FeedBell
    let pulse: Pulse
    let logger: Logger
    /// How long an agent may take an offer after it asked, seconds.
    var validSeconds = 60.0

    /// The jobs of an offer, from the rows just written.
    func jobs(
        _ rows: [(Int64, Int64, Int32, Int64, Int64?)],
        _ wanted: [NewLease],
        _ needs: [JobKey: Matching.Need],
        in transaction: PostgresTransaction
    ) async throws -> [LeasedJob] {
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
            let need = needs[job]
            let asked = entry.description.requirement
            return LeasedJob(
                job: OfferedJob(
                    name: AttemptName(task: row.0, index: row.1, attempt: Int(row.2), token: lease.token.text),
                    seed: JobSeed.seed(
                        request: entry.description.requestSeed,
                        task: entry.description.name,
                        index: row.1
                    ),
                    events: row.3,
                    firstEvent: entry.hasInputs
                        ? (read.count == 1 ? read[0].first : 0)
                        : row.4 ?? entry.firstEvent + row.1 * (entry.eventsPerJob ?? 0),
                    inputs: read.map(\.input),
                    memoryMB: need.flatMap {
                        $0.requirement.memoryMB == asked.memoryMB ? nil : $0.requirement.memoryMB
                    },
                    walltimeSeconds: need.flatMap {
                        $0.requirement.walltimeSeconds == asked.walltimeSeconds ? nil : $0.requirement.walltimeSeconds
                    },
                    avoidNodes: need.flatMap { $0.avoidNodes.isEmpty ? nil : $0.avoidNodes }
                ),
                token: lease.token,
                holder: lease.holder
            )
        }
    }

    /// What became of offers.
    enum Fate {
        case allSent
        /// Some reached nobody: their jobs wait again.
        case someCameBack
    }

    /// Sends each agent its offer, signed.
    func send(_ leased: [LeasedJob], to demands: [OpenDemand]) async throws -> Fate {
        guard !leased.isEmpty else { return .allSent }
        self.bell.ring()
        self.pulse.add(leased.count)
        let byHolder = Dictionary(grouping: leased, by: \.holder)
        let answered = demands.filter { byHolder[$0.holder] != nil }
        let entries = try await self.tasks.entries(Set(leased.map(\.job.name.task)))
        let resting = try await self.database.query(BrakeStatements.restingNodes).reduce(into: [String: [String]]()) {
            $0[$1.0, default: []].append($1.1)
        }
        let messages = try answered.map { open -> OutgoingMessage in
            let jobs = (byHolder[open.holder] ?? []).map(\.job)
            let offer = Offer(
                site: open.demand.site,
                agent: open.demand.agent,
                session: open.demand.session.text,
                question: open.demand.question,
                validSeconds: self.validSeconds,
                tasks: Set(jobs.map(\.name.task)).sorted().compactMap { entries[$0]?.description },
                jobs: jobs,
                avoidNodes: resting[open.demand.site],
                through: open.offered
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
        let outcomes = try await self.publisher.publish(messages)
        let lost = zip(answered, outcomes).filter { $0.1 != .confirmed }.map(\.0.holder)
        guard !lost.isEmpty else { return .allSent }
        try await self.takeBack(lost.flatMap { byHolder[$0] ?? [] }, from: lost)
        return .someCameBack
    }

    /// Offers that reached nobody: their jobs wait again at once, uncounted.
    private func takeBack(_ leased: [LeasedJob], from holders: [Int32]) async throws {
        self.logger.notice("offers came back", metadata: ["jobs": "\(leased.count)", "agents": "\(holders.count)"])
        try await self.database.withTransaction { transaction in
            try await transaction.execute(LeasingStatements.sessionGone(holders: holders))
            let back = try await transaction.query(
                LeasingStatements.giveBack(leased.map { ($0.job.name.key, $0.token) })
            )
            // Their ranges are as their tasks and requests were before somebody held or released these at the same moment.
            for task in Set(back.map(\.0)).sorted() {
                try await transaction.execute(TaskControlStatements.hold(task: task))
            }
        }
        self.bell.ring()
    }
}
