import AMQP
import Catalog
import CentralKit
import Domain
import Logging
import Messages
import Postgres
import ServiceKit

/// Takes heartbeats and answers them: kills wished for, drain, and the question for the full list when agent and catalogue
/// differ.
struct HeartbeatHandler: Sendable {
    let parts: CentralParts
    let lost: LostDesk
    let pace = HeartbeatPace()
    /// An offer younger than this may still be on its way.
    var graceSeconds = LeasingStatements.offerSeconds

    @Sendable func handle(_ batch: [Received<[HeartbeatItem]>]) async throws -> [Handled] {
        var beats: [String: (site: String, item: HeartbeatItem)] = [:]
        var killed: [AttemptKey] = []
        let handled = batch.map { received -> Handled in
            guard let site = received.message.site else { return .reject("it did not come through a site's exchange") }
            for item in received.content {
                guard Queue.belongs(item.replyTo, to: site) else {
                    return .reject("reply queue \(item.replyTo) is not one of site \(site)")
                }
                guard UUIDText(item.session) != nil else { return .reject("session \(item.session) is not a UUID") }
                killed += item.killed ?? []
                // The last word of each agent, but a list that was asked for is not lost to a summary behind it.
                let name = "\(site)/\(item.agent)"
                if item.list == nil, let before = beats[name], before.item.list != nil,
                    before.item.session == item.session, item.staying
                {
                    continue
                }
                beats[name] = (site, item)
            }
            return .done
        }
        if !killed.isEmpty { try await self.parts.database.execute(SessionStatements.killed(killed)) }
        try await self.answer(beats)
        return handled
    }

    /// What the catalogue knows of an agent that beat.
    private struct Known {
        let holder: Int32
        let mayWork: Bool
        let held: HeldSummary
        let hasKills: Bool
        let lostAfterSeconds: Double
    }

    /// All of a batch at once: an agent whose summary agrees costs one row and one message, whatever it holds.
    private func answer(_ beats: [String: (site: String, item: HeartbeatItem)]) async throws {
        let known = try await self.known(beats.values.map { $0 })
        var kills: [Int32: [KillOrder]] = [:]
        let doomed = known.values.filter(\.hasKills).map(\.holder).sorted()
        if !doomed.isEmpty {
            for row in try await self.parts.database.query(SessionStatements.kills(holders: doomed)) {
                let key = AttemptKey(task: row.1, index: row.2, attempt: Int(row.3))
                kills[row.0, default: []].append(KillOrder(attempt: key, reason: row.4))
            }
        }
        var answers: [OutgoingMessage] = []
        for (name, (_, item)) in beats.sorted(by: { $0.key < $1.key }) {
            guard let agent = known[name] else { continue }
            let differs = agent.held != item.held
            var orders = kills[agent.holder] ?? []
            if differs, let list = item.list {
                orders += try await self.compare(agent.holder, item.agent, list, saidAt: item.at)
            }
            guard item.staying else { continue }
            let answer = AnswerItem(
                agent: item.agent,
                session: item.session,
                kill: orders,
                drain: !agent.mayWork,
                wantsList: differs && item.list == nil,
                lostAfterSeconds: agent.lostAfterSeconds,
                at: .now
            )
            answers.append(
                OutgoingMessage(
                    exchange: "",
                    routingKey: item.replyTo,
                    body: try Batch([answer]).encoded(),
                    mandatory: false,
                    persistent: false,
                    type: AnswerItem.type,
                    contentType: "application/json"
                )
            )
        }
        // Not mandatory: an agent that has gone does not need an answer.
        _ = try await self.parts.publisher.publish(answers)
    }

    private func known(_ beats: [(site: String, item: HeartbeatItem)]) async throws -> [String: Known] {
        let rows = try await self.parts.database.query(
            SessionStatements.beat(
                beats.compactMap { site, item in
                    UUIDText(item.session).map {
                        SessionStatements.Beat(
                            site: site,
                            agent: item.agent,
                            session: $0,
                            held: item.held,
                            staying: item.staying
                        )
                    }
                }
            )
        )
        return rows.reduce(into: [:]) {
            self.pace.hear(lostAfterSeconds: $1.7)
            let held = HeldSummary(count: $1.4, hash: $1.5)
            $0["\($1.1)/\($1.2)"] = Known(
                holder: $1.0,
                mayWork: $1.3,
                held: held,
                hasKills: $1.6,
                lostAfterSeconds: $1.7
            )
        }
    }

    /// What an agent says it holds beside what is leased to it.
    ///
    /// - Parameter moment: when it was so. The list may have waited for us: what was offered since, or shortly before, it cannot know.
    /// - Returns: what it is to end, since it is no longer its; what it does not know is lost.
    private func compare(
        _ holder: Int32,
        _ agent: String,
        _ list: [AttemptKey],
        saidAt moment: Moment?
    ) async throws -> [KillOrder] {
        let age = max(0, moment.map { Moment.now.seconds(since: $0) } ?? 0)
        let foreign = try await self.parts.database.query(SessionStatements.foreign(holder: holder, held: list))
        let missing = try await self.parts.database.query(
            SessionStatements.missing(holder: holder, held: list, olderThanSeconds: self.graceSeconds + age)
        )
        try await self.lost.lose(
            missing.map { (AttemptKey(task: $0.0, index: $0.1, attempt: Int($0.2)), $0.3) },
            because: Failure(.agentForgot, "agent \(agent) is alive and does not know the attempt")
        )
        return foreign.map {
            KillOrder(
                attempt: AttemptKey(task: $0.0, index: $0.1, attempt: Int($0.2)),
                reason: "the centre has given this attempt up"
            )
        }
    }
}

/// Attempts that are lost: their agent is silent, or does not know them.
struct LostDesk: Sendable {
    let parts: CentralParts
    let desk: FailureDesk

    /// Gives up those that are still live.
    func lose(_ attempts: [(key: AttemptKey, site: String)], because failure: Failure) async throws {
        guard !attempts.isEmpty else { return }
        let messages = try await self.parts.database.withTransaction { transaction -> [OutboxMessage] in
            let jobs = Set(attempts.map(\.key.job)).sorted()
            var locks = QueryBatch()
            _ = locks.add(ReportStatements.lockJobs(jobs))
            let leases = locks.add(ReportStatements.lockLeases(jobs))
            let asked = FailureFacts.Asked(jobs, behind: &locks)
            let found = try await transaction.results(of: locks)
            let live = try found.of(leases).reduce(into: Set<AttemptKey>()) {
                $0.insert(AttemptKey(task: $1.0, index: $1.1, attempt: Int($1.2)))
            }
            return try await self.desk.failAndCommit(
                attempts.filter { live.contains($0.key) }.map {
                    FailureDesk.Failed(key: $0.key, site: $0.site, node: nil, failures: [failure], end: .lost)
                },
                facts: (asked, found),
                in: transaction
            )
        }
        self.parts.outbox.send(messages)
        self.parts.bell.ring()
    }
}
