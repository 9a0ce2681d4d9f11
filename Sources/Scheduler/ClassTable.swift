import Catalog
import Domain
import NIOConcurrencyHelpers
import Postgres

/// The requirement classes, kept in memory: a class never changes, so only a newer one makes the table be read again. There
/// are few: jobs with equal needs share one.
final class ClassTable: Sendable {
    private let database: PostgresClient
    private let held = NIOLockedValueBox<[Int32: Requirement]>([:])

    init(database: PostgresClient) { self.database = database }

    /// - Parameter newest: the greatest number of a class that the catalogue has now.
    func classes(upTo newest: Int32) async throws -> [Int32: Requirement] {
        let known = self.held.withLockedValue { $0 }
        if known[newest] != nil || newest == 0 { return known }
        var classes: [Int32: Requirement] = [:]
        for row in try await self.database.query(LeasingStatements.classes) {
            classes[row.0] = Requirement(
                cores: Int(row.1),
                memoryMB: Int(row.2),
                walltimeSeconds: Int(row.3),
                diskMB: Int(row.4),
                platform: row.5,
                tags: row.6,
                sites: row.7,
                storage: row.8,
                share: row.9
            )
        }
        self.held.withLockedValue { [classes] in $0 = classes }
        return classes
    }

    /// One class, read now if it is not known.
    func requirement(_ id: Int32) async throws -> Requirement? { try await self.classes(upTo: id)[id] }
}
