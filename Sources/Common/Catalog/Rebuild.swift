import Domain
import Messages
package import Postgres

/// Everything the broker has to hold so that work goes on, from the catalogue alone: what is published after a purge.
///
/// Every message is one the services bear to get twice: most are bells that make them look at the catalogue.
package enum Rebuild {
    /// What there is to declare: the sites and the storage elements.
    package static func places(_ database: PostgresClient) async throws -> (sites: [String], storages: [String]) {
        (try await database.query(RebuildStatements.sites), try await database.query(AcceptStatements.storages))
    }

    /// The messages to be published. Those that were in the outbox keep their ids, so that they can be taken out of it.
    package static func messages(_ database: PostgresClient) async throws -> [OutboxMessage] {
        var messages = try await database.query(OutboxStatements.overdue(seconds: 0, limit: 10_000)).map {
            OutboxMessage(id: $0.0, exchange: $0.1, routingKey: $0.2, type: $0.3, body: $0.4, traceparent: $0.5)
        }
        for (service, subjects) in Self.bells {
            let items = subjects.map { ControlItem($0) }
            messages += try OutboxMessage.messages(items, routingKey: RoutingKey.control(service))
        }
        let rejected = try await database.query(ReportStatements.forgottenRejections(seconds: 0)).map {
            RejectedItem(AttemptKey(task: $0.0, index: $0.1, attempt: Int($0.2)))
        }
        if !rejected.isEmpty { messages += try OutboxMessage.messages(rejected, routingKey: RoutingKey.rejected) }
        let settled = try await database.query(SettlingStatements.open).map { BooksItem(kind: .settled, id: $0) }
        let books = RoutingKey.books(BooksItem.Kind.settled.rawValue)
        if !settled.isEmpty { messages += try OutboxMessage.messages(settled, routingKey: books) }
        let transfers = Dictionary(grouping: try await database.query(RebuildStatements.transfers), by: \.1)
        for (destination, rows) in transfers.sorted(by: { $0.key < $1.key }) {
            let items = rows.map { TransferItem(transfer: $0.0) }
            messages += try OutboxMessage.messages(items, routingKey: RoutingKey.transfer(destination))
        }
        return messages
    }

    /// Makes the relay publish again everything since a moment. - Returns: how many transitions that are.
    package static func rewindFeed(to moment: Moment, in database: PostgresClient) async throws -> Int64 {
        try await database.query(RebuildStatements.rewind(moment)).first ?? 0
    }

    /// What each service is told to look at.
    private static let bells: [(String, [ControlItem.Subject])] = [
        ("scheduler", [.request, .task, .dataset, .work]), ("monitor", [.rules, .feed]), ("bookkeeper", [.storage]),
        ("transfer", [.storage, .registration]),
    ]
}

enum RebuildStatements {
    static let sites = Statement<String>("rebuild.sites", "SELECT name FROM site ORDER BY name", returning: String.self)

    static let transfers = Statement<Int64, String>(
        "rebuild.transfers",
        "SELECT id, destination FROM transfer WHERE state = 'queued' ORDER BY id",
        returning: Int64.self,
        String.self
    )

    /// Back to before the first transition at or after the moment; never forward.
    static func rewind(_ moment: Moment) -> Statement<Int64> {
        Statement(
            "rebuild.rewind",
            """
            WITH target AS (
                SELECT coalesce(min(id) - 1, (SELECT published FROM relay)) AS id FROM transition WHERE at >= \(moment)
            ), moved AS (
                UPDATE relay SET published = least(published, target.id) FROM target
            )
            SELECT count(*) FROM transition, target WHERE transition.id > target.id
            """,
            returning: Int64.self
        )
    }

    static var examples: [AnyStatement] {
        [Self.sites.erased, Self.transfers.erased, Self.rewind(Moment(microseconds: 0)).erased]
    }
}
