package import Messages
package import Postgres

/// A command that goes out once the transaction that wrote it has committed.
package struct OutboxMessage: Sendable, Hashable {
    /// The message id, the same in every try.
    package let id: UUIDText
    package let exchange: String
    package let routingKey: String
    package let type: String
    package let body: String
    /// See ``TraceContext``.
    package let traceparent: String

    /// - Parameter traceparent: nil: as the task says in which this is made.
    package init(
        id: UUIDText = .random(),
        exchange: String,
        routingKey: String,
        type: String,
        body: String,
        traceparent: String? = nil
    ) {
        self.id = id
        self.exchange = exchange
        self.routingKey = routingKey
        self.type = type
        self.body = body
        self.traceparent = traceparent ?? TraceContext.header(messageID: id.text)
    }

    /// The items of one routing key, cut into messages of the allowed size.
    package static func messages<Item: MessageItem>(
        _ items: [Item],
        exchange: String = Exchange.command,
        routingKey: String
    ) throws -> [OutboxMessage] {
        try Batch.cut(items).map {
            OutboxMessage(exchange: exchange, routingKey: routingKey, type: Item.type, body: try WireFormat.text($0))
        }
    }

    /// One control word to a service.
    package static func control(
        _ service: String,
        _ subject: ControlItem.Subject,
        ids: [Int64] = []
    ) throws -> [OutboxMessage] {
        try self.messages([ControlItem(subject, ids: ids)], routingKey: RoutingKey.control(service))
    }
}

/// Commands to be sent: written in the transaction of their effect, published right after it, and again by a sweep.
package enum OutboxStatements {
    package static func insert(_ messages: [OutboxMessage]) -> SQL {
        """
        INSERT INTO outbox (id, exchange, routing_key, type, body, traceparent)
        SELECT * FROM unnest(\(messages.map(\.id)), \(messages.map(\.exchange)), \(messages.map(\.routingKey)),
                             \(messages.map(\.type)), \(messages.map(\.body)), \(messages.map(\.traceparent)))
        """
    }

    /// Takes out what the broker has. Not waited for on the disk: a row that comes back after a crash is sent again with the same
    /// message id, which harms nothing.
    package static func forget(_ ids: [UUIDText]) -> [SQL] {
        ["SET LOCAL synchronous_commit = off", "DELETE FROM outbox WHERE id = ANY(\(ids))"]
    }

    /// What has waited longer than `seconds`: its publisher died, or the broker was away.
    package static func overdue(
        seconds: Double,
        limit: Int
    ) -> Statement<UUIDText, String, String, String, String, String> {
        Statement(
            "outbox.overdue",
            """
            SELECT id, exchange, routing_key, type, body, traceparent FROM outbox
            WHERE created_at < clock_timestamp() - make_interval(secs => \(seconds))
            ORDER BY created_at LIMIT \(limit)
            """,
            returning: UUIDText.self,
            String.self,
            String.self,
            String.self,
            String.self,
            String.self
        )
    }

    static let examples: [AnyStatement] = [
        Command("outbox.insert", Self.insert([])).erased,
        Command("outbox.forget.1", Self.forget([])[1]).erased,
        Self.overdue(seconds: 5, limit: 1).erased,
    ]
}
