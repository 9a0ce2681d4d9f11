import Catalog
import Postgres
import Storage

/// A storage element, and how many transfers may go to it at once.
struct StoragePlace: Sendable {
    let element: StorageElement
    let limit: Int

    /// All of them, by name.
    static func all(in database: PostgresClient) async throws -> [String: StoragePlace] {
        try await database.query(TransferStatements.storages).reduce(into: [:]) { places, row in
            let element = StorageElement(name: row.0, kind: .posix, base: row.2)
            places[row.0] = StoragePlace(element: element, limit: Int(row.3))
        }
    }
}
