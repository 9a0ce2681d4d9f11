import AMQP
import Catalog
import Domain
import Logging
import Messages
import Postgres
import ServiceKit

/// Tells agents at once which attempts to end. An agent that does not hear it is told again with every answer to its
/// heartbeats, until it says that it is done.
struct KillDesk: Sendable {
    let database: PostgresClient
    let publisher: MessagePublisher
    let logger: Logger

    func send() async throws {
        let holders = try await self.database.query(SessionStatements.holdersWithKills)
        guard !holders.isEmpty else { return }
        let kills = Dictionary(
            grouping: try await self.database.query(SessionStatements.kills(holders: holders)),
            by: \.0
        )
        for (holder, queue, agent, session) in try await self.database.query(
            SessionStatements.addresses(holders: holders)
        ) {
            let orders = (kills[holder] ?? []).map {
                KillOrder(attempt: AttemptKey(task: $0.1, index: $0.2, attempt: Int($0.3)), reason: $0.4)
            }
            let answer = AnswerItem(
                agent: agent,
                session: session.text,
                kill: orders,
                drain: false,
                wantsList: false,
                at: .now
            )
            try await self.publisher.send(
                [answer],
                exchange: "",
                routingKey: queue,
                mandatory: false,
                persistent: false
            )
        }
    }
}
