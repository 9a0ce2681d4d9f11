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
    /// An offer younger than this may still be on its way.
    var graceSeconds = 20.0

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
                beats["\(site)/\(item.agent)"] = (site, item)
            }
            return .done
        }
        if !killed.isEmpty { try await self.parts.database.execute(SessionStatements.killed(killed)) }
        for (site, item) in beats.values.sorted(by: { $0.site < $1.site }) { try await self.answer(site, item) }
        return handled
    }

    private func answer(_ site: String, _ item: HeartbeatItem) async throws {
        guard let session = UUIDText(item.session) else { return }
        let beat = SessionStatements.Beat(
            site: site,
            agent: item.agent,
            session: session,
            held: item.held,
            staying: item.staying
        )
        // An agent that has never asked for work, or another session of it: it will ask.
        guard let known = try await self.parts.database.query(SessionStatements.beat([beat])).first else { return }
        var kills = try await self.parts.database.query(SessionStatements.kills(holders: [known.0])).map {
            KillOrder(attempt: AttemptKey(task: $0.1, index: $0.2, attempt: Int($0.3)), reason: $0.4)
        }
        let differs = known.4 != item.held.count || known.5 != item.held.hash
        if differs, let list = item.list {
            kills += try await self.parts.database.query(SessionStatements.foreign(holder: known.0, held: list)).map {
                KillOrder(
                    attempt: AttemptKey(task: $0.0, index: $0.1, attempt: Int($0.2)),
                    reason: "the centre has given this attempt up"
                )
            }
            let missing = try await self.parts.database.query(
                SessionStatements.missing(holder: known.0, held: list, olderThanSeconds: self.graceSeconds)
            )
            try await self.lost.lose(
                missing.map { (AttemptKey(task: $0.0, index: $0.1, attempt: Int($0.2)), $0.3) },
                because: Failure(.agentForgot, "agent \(item.agent) is alive and does not know the attempt")
            )
        }
        guard item.staying else { return }
        let answer = AnswerItem(
            agent: item.agent,
            session: item.session,
            kill: kills,
            drain: !known.3,
            wantsList: differs && item.list == nil,
            at: .now
        )
        try await self.parts.publisher.send(
            [answer],
            exchange: "",
            routingKey: item.replyTo,
            mandatory: false,
            persistent: false
        )
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
            _ = try await transaction.query(ReportStatements.lockJobs(jobs))
            let live = try await transaction.query(ReportStatements.lockLeases(jobs)).reduce(into: Set<AttemptKey>()) {
                $0.insert(AttemptKey(task: $1.0, index: $1.1, attempt: Int($1.2)))
            }
            return try await self.desk.fail(
                attempts.filter { live.contains($0.key) }.map {
                    FailureDesk.Failed(key: $0.key, site: $0.site, node: nil, failures: [failure], end: .lost)
                },
                in: transaction
            )
        }
        self.parts.outbox.send(messages)
        self.parts.bell.ring()
    }
}
