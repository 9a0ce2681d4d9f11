import AMQP
import Catalog
import Domain
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
    var batch = 2000

    /// Publishes what can be published. Returns whether there is more.
    func turn() async throws -> PeriodicSweep.Result {
        guard
            let (published, term) = try await self.database.query(
                FeedStatements.lease(holder: self.holder, seconds: 15)
            ).first
        else { return .done }
        let last = try await self.database.query(FeedStatements.lastID).first ?? 0
        guard last > published else { return .done }
        guard let horizon = try await self.database.query(FeedStatements.horizon).first else { return .done }
        while try await self.database.query(FeedStatements.isPassed(horizon: horizon)).first != true {
            // A transaction that was open when the horizon was drawn: milliseconds, as a rule.
            try await Task.sleep(for: .milliseconds(2))
        }
        let through = min(last, published + Int64(self.batch))
        let rows = try await self.database.query(FeedStatements.rows(after: published, through: through))
        // Ids that were drawn and rolled back leave holes: the end of the range is what is done.
        try await self.publish(rows)
        try await self.database.execute(FeedStatements.published(through, holder: self.holder, term: term))
        return through < last ? .more : .done
    }

    /// One message for consecutive events of one routing key: order across keys is kept as well.
    private func publish(
        _ rows: [(Int64, String?, String, Int64, String?, String, String?, String, Moment, JSONText?)]
    ) async throws {
        var messages: [OutgoingMessage] = []
        var route = ""
        var items: [EventItem] = []
        func close() throws {
            guard !items.isEmpty else { return }
            messages.append(
                OutgoingMessage(
                    exchange: Exchange.event,
                    routingKey: route,
                    body: try Batch(items).encoded(),
                    mandatory: false,
                    type: EventItem.type,
                    messageID: "event-\(items[0].id)",
                    timestamp: items[0].at.microseconds / 1_000_000,
                    contentType: "application/json"
                )
            )
            items = []
        }
        for row in rows {
            guard let key = row.1 else { continue }
            if key != route || items.count == Batch<EventItem>.limit { try close() }
            route = key
            items.append(
                EventItem(
                    id: row.0,
                    entity: row.2,
                    version: row.3,
                    from: row.4,
                    to: row.5,
                    cause: row.6,
                    who: row.7,
                    at: row.8,
                    detail: try row.9.map { try WireFormat.value([String: DetailValue].self, from: $0.text) }
                )
            )
        }
        try close()
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
