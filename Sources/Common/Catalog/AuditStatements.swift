package import Postgres

/// What the catalogue says about stored files, for checks against the storage itself.
package enum AuditStatements {
    /// A replica that should be there.
    package struct Replica: Sendable, Hashable {
        package let file: Int64
        package let lfn: String
        package let bytes: Int64
        package let adler32: String
    }

    /// Posix storage elements: name, base.
    package static let storages = Statement<String, String>(
        "audit.storages",
        "SELECT name, base FROM storage_element WHERE kind = 'posix' ORDER BY name",
        returning: String.self,
        String.self
    )

    /// Available replicas on a storage element after a file's id, in pages: file, lfn, bytes, adler32.
    package static func replicas(
        storage: String,
        after file: Int64,
        limit: Int
    ) -> Statement<Int64, String, Int64, String> {
        Statement(
            "audit.replicas",
            """
            SELECT f.id, f.lfn, f.bytes, f.adler32 FROM replica r JOIN file f ON f.id = r.file
            WHERE r.storage = \(storage) AND r.state = 'available' AND f.id > \(file) ORDER BY f.id LIMIT \(limit)
            """,
            returning: Int64.self,
            String.self,
            Int64.self,
            String.self
        )
    }

    /// Which of these names on a storage element nobody accounts for: neither a replica there, nor registered by a person
    /// (verified or not), nor on the way to be deleted, nor written by an attempt that has not ended. `attempts` are the attempts that the names say, as `task.index.attempt`.
    package static func unknown(storage: String, lfns: [String], attempts: [String]) -> Statement<String> {
        Statement(
            "audit.unknown",
            """
            SELECT i.lfn FROM unnest(\(lfns), \(attempts)) AS i(lfn, attempt)
            WHERE NOT EXISTS (SELECT 1 FROM file f JOIN replica r ON r.file = f.id WHERE f.lfn = i.lfn AND r.storage = \(storage))
              AND NOT EXISTS (SELECT 1 FROM garbage g WHERE g.lfn = i.lfn AND g.storage = \(storage))
              AND NOT EXISTS (SELECT 1 FROM registration n WHERE n.lfn = i.lfn AND n.storage = \(storage))
              AND NOT EXISTS (
                SELECT 1 FROM attempt a WHERE a.state IS NULL AND a.task || '.' || a.index || '.' || a.attempt = i.attempt)
            ORDER BY 1
            """,
            returning: String.self
        )
    }

    static var examples: [AnyStatement] {
        [
            Self.storages.erased, Self.replicas(storage: "x", after: 0, limit: 1).erased,
            Self.unknown(storage: "x", lfns: [], attempts: []).erased,
        ]
    }
}
