package import Postgres

/// The sums of failures (V0008) are added to behind what happens, so that no verdict waits for them: by the Monitor now and then, and by
/// whoever is about to read them.
package enum FailureSums {
    /// Failures that are added in one transaction.
    private static let lot = 2000

    /// Adds all failures that have a verdict by now: what is asked of the sums after this is exact.
    package static func complete(_ database: PostgresClient) async throws {
        while try await database.query(TallyStatements.countFailures(most: Self.lot)).first ?? 0 >= Self.lot {}
    }
}
