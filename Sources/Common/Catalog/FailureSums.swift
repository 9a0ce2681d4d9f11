package import Postgres

/// The sums of failures (V0008) are added to behind what happens, so that no verdict waits for them: by the Monitor now and then, and by
/// whoever is about to read them.
package enum FailureSums {
    /// Failures that are added in one transaction.
    private static let lot = 2000

    /// Adds all failures that have a verdict by now: what is asked of the sums after this is exact.
    ///
    /// A caller may wait for another: on a connection of its own, so that nobody's statements wait behind it.
    package static func complete(_ database: PostgresClient) async throws {
        guard try await database.query(TallyStatements.failuresWait).first == true else { return }
        while try await self.addLot(database) {}
    }

    /// - Returns: whether there may be more.
    private static func addLot(_ database: PostgresClient) async throws -> Bool {
        try await database.withTransaction { transaction in
            try await transaction.query(TallyStatements.countFailures(most: Self.lot)).first ?? 0 >= Self.lot
        }
    }
}
