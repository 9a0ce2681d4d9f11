import Messages
package import Postgres

/// Verified files on their way into the books: file, replica, metadata, membership and what takes them to where their datasets belong.
package enum RegisteredFiles {
    /// Those whose lease is the caller's still. One whose name is taken meanwhile by something else fails, and is as it was.
    ///
    /// - Returns: words to be written to the outbox in this transaction, and to be sent after it.
    package static func enter(
        _ found: [RegistrationStatements.Found],
        in transaction: PostgresTransaction
    ) async throws -> [OutboxMessage] {
        let held = Set(try await transaction.query(RegistrationStatements.hold(found.map { ($0.id, $0.token) })))
        let own = found.filter { held.contains($0.id) }
        guard !own.isEmpty else { return [] }
        try await transaction.execute(RegistrationStatements.makeFiles(own))
        let files = try await transaction.query(RegistrationStatements.files(own))
        let verified = files.filter { $0.2 == nil }.map { (id: $0.0, file: $0.1) }
        let reasons = Dictionary(files.compactMap { row in row.2.map { (row.0, $0) } }) { $1 }
        let refused = own.compactMap { one in reasons[one.id].map { (one.id, one.token, true, 0.0, $0) } }
        let datasets = Dictionary(
            try await transaction.query(RegistrationStatements.datasets(verified.map(\.id))).map { ($0.0, $0.1) }
        ) { $1 }
        let members = verified.compactMap { one in datasets[one.id].map { (dataset: $0, file: one.file) } }
        try await transaction.execute(
            RegistrationStatements.finish(verified) + [RegistrationStatements.failed(refused)]
        )
        _ = try await DatasetStatements.enter(members, in: transaction)
        let transfers = try await transaction.query(DatasetStatements.carry(members, who: nil))
        return verified.isEmpty ? [] : try OutboxMessage.arrived(transfers)
    }
}

extension OutboxMessage {
    /// Files have come into datasets: the Scheduler looks at what they feed, Transfer at what is to be copied.
    ///
    /// - Parameter transfers: that were queued, with their destinations.
    static func arrived(_ transfers: [(Int64, String)]) throws -> [OutboxMessage] {
        var messages = try OutboxMessage.control("scheduler", .dataset)
        for (destination, rows) in Dictionary(grouping: transfers, by: \.1).sorted(by: { $0.key < $1.key }) {
            messages += try OutboxMessage.messages(
                rows.prefix(1).map { TransferItem(transfer: $0.0) },
                routingKey: RoutingKey.transfer(destination)
            )
        }
        return messages
    }
}
