import AMQP
import Catalog
import CentralKit
import Domain
import Logging
import Messages
import Metrics
import Postgres
import ServiceKit

/// Takes the reports of agents, and the refusals of the books.
struct ReportHandler: Sendable {
    /// The content of one message of the queue.
    enum Content: Sendable {
        case reports([Report])
        case rejected([AttemptKey])
    }

    let parts: CentralParts
    let desk: FailureDesk

    @Sendable static func decode(_ message: ReceivedMessage) throws(MessageError) -> Content {
        switch message.type {
        case RunningItem.type: .reports(try message.items(of: RunningItem.self).map { .running($0) })
        case FailedItem.type: .reports(try message.items(of: FailedItem.self).map { .failed($0) })
        case CancelledItem.type: .reports(try message.items(of: CancelledItem.self).map { .cancelled($0) })
        case RejectedItem.type: .rejected(try message.items(of: RejectedItem.self).map(\.key))
        default: throw MessageError(type: message.type, reason: "is no report")
        }
    }

    @Sendable func handle(_ batch: [Received<Content>]) async throws -> [Handled] {
        var reports: [(site: String, report: Report)] = []
        var rejected: Set<AttemptKey> = []
        let handled = batch.map { received -> Handled in
            switch received.content {
            case .rejected(let keys):
                rejected.formUnion(keys)
            case .reports(let items):
                guard let site = received.message.site else {
                    return .reject("it did not come through a site's exchange")
                }
                reports += items.map { (site, $0) }
            }
            return .done
        }
        if !rejected.isEmpty { try await self.judge(rejected.sorted()) }
        if !reports.isEmpty { try await self.apply(reports) }
        return handled
    }

    // MARK: Reports

    private func apply(_ reports: [(site: String, report: Report)]) async throws {
        let (policy, messages) = try await self.parts.database.withTransaction { try await self.apply(reports, in: $0) }
        self.parts.outbox.send(messages)
        self.parts.bell.ring()
        self.parts.pulse.add(reports.count)
        if policy.ignored > 0 { Counter(label: "millrace.reports.ignored").increment(by: Int64(policy.ignored)) }
        if !policy.stale.isEmpty { await self.kill(policy.stale) }
        try await self.tellReaders(of: Set(policy.cancelled.map(\.item.name.key.task)).sorted())
    }

    /// Whoever reads what these tasks fill may have all of it now: an attempt that has not answered may have finished.
    private func tellReaders(of tasks: [Int64]) async throws {
        guard !tasks.isEmpty else { return }
        let read = try await self.parts.database.query(SettlingStatements.feeding(tasks))
        guard !read.isEmpty else { return }
        self.parts.outbox.send(try OutboxMessage.control("scheduler", .task, ids: read))
    }

    private func apply(
        _ reports: [(site: String, report: Report)],
        in transaction: PostgresTransaction
    ) async throws -> (ReportPolicy, [OutboxMessage]) {
        // Jobs before leases: only those that may end need their job's lock.
        let ending = Set(reports.compactMap { $0.report.isEnd ? $0.report.name.key.job : nil }).sorted()
        var locks = QueryBatch()
        if !ending.isEmpty { _ = locks.add(ReportStatements.lockJobs(ending)) }
        let rows = locks.add(ReportStatements.lockLeases(Set(reports.map { $0.report.name.key.job }).sorted()))
        let asked = ending.isEmpty ? nil : FailureFacts.Asked(ending, behind: &locks)
        let found = try await transaction.results(of: locks)
        let leases = try found.of(rows).reduce(into: [JobKey: LiveLease]()) {
            $0[JobKey(task: $1.0, index: $1.1)] = LiveLease(
                attempt: Int($1.2),
                token: $1.3.text,
                site: $1.7,
                sequence: $1.5
            )
        }
        let policy = ReportPolicy(reports: reports, leases: leases)
        let running = policy.running.sorted { $0.key < $1.key }.map { key, item in
            ReportStatements.Running(
                key: key,
                sequence: item.sequence,
                step: item.step,
                node: item.node,
                batchID: item.batchID,
                at: item.at
            )
        }
        if !running.isEmpty { try await transaction.execute(ReportStatements.running(running)) }
        let submitted = Self.submissions(reports)
        if !submitted.isEmpty { try await transaction.execute(ReportStatements.submitted(submitted)) }
        guard let asked else { return (policy, []) }
        try await self.cancel(policy.cancelled.map(\.item), in: transaction)
        let messages = try await self.desk.failAndCommit(
            try policy.failed.map { item, site in
                FailureDesk.Failed(
                    key: item.name.key,
                    site: site,
                    node: item.node,
                    failures: item.failures,
                    end: .failed,
                    steps: JSONText(item.steps.isEmpty ? "[]" : try WireFormat.text(item.steps)),
                    tail: item.tail,
                    usage: item.usage
                )
            },
            facts: (asked, found),
            in: transaction
        )
        return (policy, messages)
    }

    /// In which batch submission attempts went, of late reports too: that stays true. The last word of each, in their order.
    private static func submissions(
        _ reports: [(site: String, report: Report)]
    ) -> [ReportStatements.Submitted] {
        var words: [AttemptKey: ReportStatements.Submitted] = [:]
        for (_, report) in reports {
            let (submission, batchID) = report.batch
            guard let submission, !submission.isEmpty, let token = UUIDText(report.name.token) else { continue }
            words[report.name.key] = ReportStatements.Submitted(
                key: report.name.key,
                token: token,
                submission: String(submission.unicodeScalars.prefix(200)),
                batchID: batchID
            )
        }
        return words.sorted { $0.key < $1.key }.map(\.value)
    }

    /// Ended on request: the job is cancelled if its task is, and given up if that goes on without it.
    private func cancel(_ items: [CancelledItem], in transaction: PostgresTransaction) async throws {
        guard !items.isEmpty else { return }
        try await transaction.execute([
            ReportStatements.end(
                items.map {
                    ReportStatements.Ended(
                        key: $0.name.key,
                        state: .cancelled,
                        cpuSeconds: $0.usage.cpuSeconds,
                        wallSeconds: $0.usage.wallSeconds,
                        memoryPeak: $0.usage.memoryPeak,
                        cause: $0.reason
                    )
                }
            ), ReportStatements.cancelJobs(items.map { ($0.name.key, $0.reason) }),
            SessionStatements.killed(items.map(\.name.key)),
        ])
    }

    /// Tells agents to end what is no longer theirs. Best effort: their heartbeats say it again.
    private func kill(_ stale: [(site: String, agent: String, key: AttemptKey)]) async {
        for (agent, keys) in Dictionary(grouping: stale, by: { Queue.agent(site: $0.site, agent: $0.agent) }) {
            let answer = AnswerItem(
                agent: keys[0].agent,
                session: "",
                kill: keys.map { KillOrder(attempt: $0.key, reason: "the centre has given this attempt up") },
                drain: false,
                wantsList: false,
                at: .now
            )
            do {
                try await self.parts.publisher.send([answer], exchange: "", routingKey: agent, persistent: false)
            } catch {
                self.parts.logger.notice(
                    "agent not told to end stale attempts",
                    metadata: ["queue": "\(agent)", "error": "\(error)"]
                )
            }
        }
    }

    // MARK: Refused by the books

    /// Gives verdicts on attempts the Bookkeeper has ended: those that have one already are passed over.
    func judge(_ attempts: [AttemptKey]) async throws {
        let messages = try await self.parts.database.withTransaction { transaction -> [OutboxMessage] in
            let jobs = Set(attempts.map(\.job)).sorted()
            var locks = QueryBatch()
            _ = locks.add(ReportStatements.lockJobs(jobs))
            let open = locks.add(ReportStatements.withoutVerdict(attempts))
            let asked = FailureFacts.Asked(jobs, behind: &locks)
            let found = try await transaction.results(of: locks)
            return try await self.desk.failAndCommit(
                try found.of(open).map { row in
                    FailureDesk.Failed(
                        key: AttemptKey(task: row.0, index: row.1, attempt: Int(row.2)),
                        site: row.3,
                        node: row.4,
                        failures: try row.5.map { try WireFormat.value([Failure].self, from: $0.text) } ?? [],
                        end: nil
                    )
                },
                facts: (asked, found),
                in: transaction
            )
        }
        self.parts.outbox.send(messages)
        self.parts.bell.ring()
        self.parts.pulse.add(attempts.count)
    }
}

extension Report {
    var isEnd: Bool {
        switch self {
        case .running: false
        case .failed, .cancelled: true
        }
    }
}
