import AMQP
import Catalog
import Logging
import Messages
import Postgres
import ServiceKit

/// Publishes the transition log as events, in the order of its ids, so that the events of each entity are in order.
///
/// One Monitor leads, by a lease on a row. Ids are drawn before their transaction commits, so a later id may be visible
/// earlier: rows up to the last drawn id are published only when every transaction that could hold one of them has ended.
struct Relay: Sendable {
    let database: PostgresClient
    let publisher: MessagePublisher
    let holder: String
    let logger: Logger
    var batch = 4000
    private static let leaseSeconds = 15.0

    /// Publishes what can be published. Returns whether there is more.
    func turn() async throws -> PeriodicSweep.Result {
        guard
            let (published, term) = try await self.database.query(
                FeedStatements.lease(holder: self.holder, seconds: Self.leaseSeconds)
            ).first
        else { return .done }
        let last = try await self.database.query(FeedStatements.lastID).first ?? 0
        guard last > published else { return .done }
        guard let horizon = try await self.database.query(FeedStatements.horizon).first else { return .done }
        while try await self.database.query(FeedStatements.isPassed(horizon: horizon)).first != true {
            // A transaction that was open when the horizon was drawn: milliseconds, as a rule.
            try await Task.sleep(for: .milliseconds(2))
        }
        // All up to the last id can be published now, however many batches that takes.
        var done = published
        while done < last {
            let through = min(last, done + Int64(self.batch))
            try await self.publish(try await self.database.query(FeedStatements.rows(after: done, through: through)))
            // Ids that were drawn and rolled back leave holes: the end of the range is what is done.
            let kept = try await self.database.execute(
                FeedStatements.published(
                    through,
                    after: done,
                    holder: self.holder,
                    term: term,
                    seconds: Self.leaseSeconds
                )
            )
            // Another Monitor leads, or the feed was wound back: whoever leads begins where the row says.
            guard kept == 1 else { return .more }
            done = through
        }
        return .more
    }

    /// One message for consecutive events of one routing key: order across keys is kept as well.
    private func publish(_ rows: [(Int64, String, String, Int64)]) async throws {
        var messages: [OutgoingMessage] = []
        var start = rows.startIndex
        while start < rows.endIndex {
            let route = rows[start].1
            let run = rows[start...].prefix(Batch<EventItem>.limit).prefix { $0.1 == route }
            messages.append(
                OutgoingMessage(
                    exchange: Exchange.event,
                    routingKey: route,
                    body: Batch<EventItem>.body(ofEncoded: run.map(\.2)),
                    mandatory: false,
                    type: EventItem.type,
                    messageID: "event-\(rows[start].0)",
                    timestamp: rows[start].3,
                    contentType: "application/json"
                )
            )
            start = run.endIndex
        }
        guard !messages.isEmpty else { return }
        let outcomes = try await self.publisher.publish(messages)
        if let bad = outcomes.first(where: { $0 != .confirmed }) {
            throw RelayError(description: "the broker did not take events: \(bad)")
        }
    }
}

struct RelayError: Error, CustomStringConvertible {
    let description: String
}
