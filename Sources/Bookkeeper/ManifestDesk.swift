import AMQP
import Catalog
import CentralKit
import Domain
import Logging
import Messages
import Metrics
import NIOConcurrencyHelpers
import Postgres
import ServiceKit

/// Takes finished reports: every one of a batch is accepted, refused or found stale, in one transaction. Those of a task that this
/// version cannot read go to the dead letters, and the task is paused.
struct ManifestDesk: Sendable {
    private struct Outcome: Sendable {
        var accepted: [Acceptance] = []
        var rejected: [AttemptKey] = []
        var late: [(key: AttemptKey, failure: Failure)] = []
        /// Accepted or refused before, or of an attempt that is archived.
        var again = 0
        /// What nobody was asked for, and why.
        var strangers: [(site: String, reason: String)] = []
        /// Files that did not win.
        var garbage: [(lfn: String, storage: String)] = []
        var messages: [OutboxMessage] = []
    }

    /// Of two reports of one attempt the later counts, if both are of one sender: another's must not take its place.
    private struct Sender: Hashable {
        let key: AttemptKey
        let site: String
        let token: String
    }

    let parts: CentralParts
    let tasks: TaskFacts
    /// How long files of attempts that did not win are kept.
    var graceSeconds = 3600.0
    /// Manifests in one transaction.
    var batchSize = 1000

    @Sendable func handle(_ batch: [Received<[FinishedItem]>]) async throws -> [Handled] {
        var items: [Sender: FinishedItem] = [:]
        let (known, unreadable) = try await self.tasks.facts(Set(batch.flatMap { $0.content.map(\.name.task) }))
        if !unreadable.isEmpty {
            try await UnreadableTasks(reasons: unreadable).pause(
                by: "bookkeeper",
                in: self.parts.database,
                bell: self.parts.bell,
                logger: self.parts.logger
            )
        }
        let handled = batch.map { received -> Handled in
            guard let site = received.message.site else { return .reject("it did not come through a site's exchange") }
            for item in received.content where unreadable[item.name.task] == nil {
                let sender = Sender(key: item.name.key, site: site, token: item.name.token.lowercased())
                if let known = items[sender], known.sequence >= item.sequence { continue }
                items[sender] = item
            }
            guard
                let (task, reason) = received.content.lazy.compactMap({ item in
                    unreadable[item.name.task].map { (item.name.task, $0) }
                }).first
            else { return .done }
            return .reject("this version cannot read the description of task \(task): \(reason)")
        }
        guard !items.isEmpty else { return handled }
        let reports = items.map { (site: $0.key.site, item: $0.value) }.sorted { $0.item.name.key < $1.item.name.key }
        var stuck: PostgresError?
        // A backlog may bring thousands at once: locks are held for a bounded time.
        for first in stride(from: 0, to: reports.count, by: self.batchSize) {
            do {
                try await self.take(reports[first..<min(first + self.batchSize, reports.count)], known)
            } catch let error as PostgresError where error.isOf(classes: Self.refusals) {
                stuck = error
            }
        }
        if let stuck { throw stuck }
        return handled
    }

    /// A value that no column takes, a constraint, and the catalogue's own rules: trying again would not help.
    private static let refusals: Set = ["22", "23", "MR"]

    private typealias Reports = ArraySlice<(site: String, item: FinishedItem)>

    /// One transaction for all of them. What the catalogue refuses of one must keep no other out: halves, until that one is alone, and is
    /// refused itself.
    ///
    /// - Throws: what one met that could not even be refused. Those behind it have been taken: it comes again, and they are known then.
    private func take(_ reports: Reports, _ known: BooksFacts) async throws {
        let outcome: Outcome
        do {
            outcome = try await self.parts.database.withTransaction { try await self.judge(reports, known, in: $0) }
        } catch let error as PostgresError where error.isOf(classes: Self.refusals) {
            guard reports.count > 1, let only = reports.first?.item.name.key else {
                return try await self.refuse(reports, known, error)
            }
            self.parts.logger.notice(
                "manifests are taken in halves",
                metadata: ["first": "\(only)", "manifests": "\(reports.count)", "error": "\(error)"]
            )
            let middle = reports.startIndex + reports.count / 2
            do {
                try await self.take(reports[..<middle], known)
            } catch {
                try await self.take(reports[middle...], known)
                throw error
            }
            return try await self.take(reports[middle...], known)
        }
        await self.follow(outcome)
    }

    /// No policy of ours saw what is wrong with it, but a rule of the catalogue does. What it used is not written: that may be what is wrong.
    private func refuse(_ reports: Reports, _ known: BooksFacts, _ error: PostgresError) async throws {
        let keys = reports.map { "\($0.item.name.key)" }.joined(separator: " ")
        self.parts.logger.warning("a manifest is refused", metadata: ["attempt": "\(keys)", "error": "\(error)"])
        let failure = Failure(.registration, "the catalogue refuses it: \(error)")
        let outcome = try await self.parts.database.withTransaction {
            try await self.judge(reports, known, refusing: failure, in: $0)
        }
        await self.follow(outcome)
    }

    /// - Parameters:
    ///   - known: what never changes about their tasks.
    ///   - refusing: what is wrong with those that would be accepted, of which less is written then; nil: nothing.
    private func judge(
        _ reports: Reports,
        _ known: BooksFacts,
        refusing: Failure? = nil,
        in transaction: PostgresTransaction
    ) async throws -> Outcome {
        let policy = AcceptancePolicy(facts: try await self.facts(reports, known, in: transaction))
        var outcome = Outcome()
        var ended: [ReportStatements.Ended] = []
        var stale: [(site: String, item: FinishedItem)] = []
        for (site, item) in reports {
            switch policy.judge(item, site: site).refused(for: refusing) {
            case .accept(let acceptance): outcome.accepted.append(acceptance)
            case .stale: stale.append((site, item))
            case .reject(let failures):
                outcome.rejected.append(item.name.key)
                outcome.garbage += policy.ownFiles(item)
                ended.append(try Self.refusal(item, failures, usage: refusing == nil ? item.usage : nil))
            }
        }
        if !stale.isEmpty { try await self.putAside(stale, policy.facts, &outcome, in: transaction) }
        if !outcome.accepted.isEmpty {
            let moves = try await transaction.query(AcceptStatements.accept(outcome.accepted))
            for (destination, rows) in Dictionary(grouping: moves, by: \.1).sorted(by: { $0.key < $1.key }) {
                outcome.messages += try OutboxMessage.messages(
                    rows.map { TransferItem(transfer: $0.0) },
                    routingKey: RoutingKey.transfer(destination)
                )
            }
        }
        outcome.messages += try OutboxMessage.messages(
            outcome.rejected.map { RejectedItem($0) },
            routingKey: RoutingKey.rejected
        )
        var last: [SQL] = []
        if !ended.isEmpty { last.append(ReportStatements.end(ended)) }
        if !outcome.late.isEmpty { last.append(LateStatements.note(outcome.late)) }
        if !outcome.messages.isEmpty { last.append(OutboxStatements.insert(outcome.messages)) }
        if !outcome.garbage.isEmpty {
            last.append(
                AcceptStatements.discard(
                    outcome.garbage,
                    graceSeconds: self.graceSeconds,
                    reason: "its attempt did not win"
                )
            )
        }
        try await transaction.executeAndCommit(last)
        return outcome
    }

    /// Those whose attempt is not live. The jobs are locked: nothing about their attempts changes meanwhile.
    private func putAside(
        _ stale: [(site: String, item: FinishedItem)],
        _ known: BooksFacts,
        _ outcome: inout Outcome,
        in transaction: PostgresTransaction
    ) async throws {
        var facts = known
        for row in try await transaction.query(LateStatements.ends(Set(stale.map(\.item.name.key)).sorted())) {
            facts.ends[AttemptKey(task: row.0, index: row.1, attempt: Int(row.2))] = .init(
                token: row.3.text,
                site: row.4,
                state: row.5.flatMap(AttemptState.init(rawValue:)),
                code: row.6.map(Int.init),
                isRefused: row.7,
                isArchived: row.8
            )
        }
        let policy = AcceptancePolicy(facts: facts)
        for (site, item) in stale {
            switch policy.late(item, site: site) {
            case .again: outcome.again += 1
            case .late(let failure): outcome.late.append((item.name.key, failure))
            case .stranger(let reason):
                outcome.strangers.append((site, reason))
                continue
            }
            outcome.garbage += policy.ownFiles(item)
        }
    }

    private func facts(
        _ reports: Reports,
        _ known: BooksFacts,
        in transaction: PostgresTransaction
    ) async throws -> BooksFacts {
        let jobs = Set(reports.map(\.item.name.key.job)).sorted()
        var facts = known
        var batch = QueryBatch()
        let locked = batch.add(ReportStatements.lockJobs(jobs))
        let leases = batch.add(ReportStatements.lockLeases(jobs))
        let firsts = batch.add(
            AcceptStatements.firstEvents(reports.compactMap { $0.item.firstEvent == nil ? nil : $0.item.name.key.job })
        )
        let ranged = Set(reports.compactMap { $0.item.ranges == nil ? nil : $0.item.name.key.job }).sorted()
        let slices = ranged.isEmpty ? nil : batch.add(AcceptStatements.slices(ranged))
        let taken = batch.add(AcceptStatements.taken(reports.flatMap { $0.item.outputs.compactMap(\.lfn) }))
        // One may have been added a moment ago, and told to another Bookkeeper.
        let storages = batch.add(AcceptStatements.storages)
        let found = try await transaction.results(of: batch)

        for row in try found.of(locked) {
            guard let state = JobState(rawValue: row.2) else { continue }
            facts.jobs[JobKey(task: row.0, index: row.1)] = .init(state: state, eventsExpected: row.4)
        }
        for row in try found.of(firsts) { facts.jobs[JobKey(task: row.0, index: row.1)]?.firstEvent = row.2 }
        if let slices {
            for (job, rows) in Dictionary(grouping: try found.of(slices), by: { JobKey(task: $0.0, index: $0.1) }) {
                facts.jobs[job]?.slices = rows.map { JobSlice(lfn: $0.2, first: $0.3, count: $0.4) }
            }
        }
        for row in try found.of(leases) {
            facts.leases[JobKey(task: row.0, index: row.1)] = .init(attempt: Int(row.2), token: row.3.text, site: row.7)
        }
        facts.takenNames = Set(try found.of(taken))
        facts.storages = Set(try found.of(storages))
        return facts
    }

    /// - Parameter usage: what is written of what it used; nil: nothing.
    private static func refusal(
        _ item: FinishedItem,
        _ failures: [Failure],
        usage: Usage?
    ) throws -> ReportStatements.Ended {
        let cause = failures.cause ?? Failure(.specification, "refused")
        return ReportStatements.Ended(
            key: item.name.key,
            state: .failed,
            node: item.node,
            code: cause.code,
            blame: Blame(code: cause.code).rawValue,
            diagnostic: cause.diagnostic,
            failures: JSONText(try WireFormat.text(failures)),
            steps: JSONText(try WireFormat.text(item.steps)),
            cpuSeconds: usage?.cpuSeconds,
            wallSeconds: usage?.wallSeconds,
            memoryPeak: usage?.memoryPeak,
            cause: LateStatements.refused
        )
    }

    /// What follows the commit. Nothing here is needed for the books to be right: sweeps do it as well.
    private func follow(_ outcome: Outcome) async {
        self.parts.outbox.send(outcome.messages)
        self.parts.bell.ring()
        self.parts.pulse.add(outcome.accepted.count + outcome.rejected.count)
        Counter(label: "millrace.books.accepted").increment(by: Int64(outcome.accepted.count))
        Counter(label: "millrace.books.rejected").increment(by: Int64(outcome.rejected.count))
        let stale = outcome.late.count + outcome.again + outcome.strangers.count
        Counter(label: "millrace.books.stale").increment(by: Int64(stale))
        for (site, reason) in outcome.strangers {
            self.parts.logger.notice("a manifest was put aside", metadata: ["site": "\(site)", "reason": "\(reason)"])
        }
        do {
            let words = try await Settlement.settle(
                Set(outcome.accepted.map(\.key.task)).sorted(),
                in: self.parts.database
            )
            self.parts.outbox.send(words)
            if !words.isEmpty { self.parts.bell.ring() }
        } catch {
            self.parts.logger.warning("tasks not settled, the sweep will", metadata: ["error": "\(error)"])
        }
    }
}

/// What never changes about tasks, kept in memory: streams and descriptions.
final class TaskFacts: Sendable {
    private let database: PostgresClient
    private let held = NIOLockedValueBox(BooksFacts())
    private let limit = 2000

    init(database: PostgresClient) { self.database = database }

    /// What is known of these tasks, and perhaps of others; and those whose stored description this version cannot read, with what is
    /// wrong with it.
    func facts(_ tasks: Set<Int64>) async throws -> (known: BooksFacts, unreadable: [Int64: String]) {
        let known = self.held.withLockedValue { $0 }
        let missing = tasks.filter { known.descriptions[$0] == nil }.sorted()
        guard !missing.isEmpty else { return (known, [:]) }
        let streams = try await self.database.query(AcceptStatements.streams(missing))
        var specs: [Int64: JobDescription] = [:]
        var unreadable: [Int64: String] = [:]
        for row in try await self.database.query(LeasingStatements.specs(missing)) {
            do {
                specs[row.0] = try WireFormat.value(JobDescription.self, from: row.1.text)
            } catch {
                unreadable[row.0] = WireFormat.explain(error)
            }
        }
        var read = BooksFacts()
        for row in streams { read.streams[row.0, default: [:]][row.1] = row.2 }
        read.descriptions = specs
        // Others may have made it forget some meanwhile.
        read.addTasks(of: known, where: tasks.contains)
        let all = self.held.withLockedValue { [read] held in
            held.learn(read, limit: self.limit)
            return held
        }
        return (all, unreadable)
    }
}
