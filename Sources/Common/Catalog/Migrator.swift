import Domain
package import Logging
import Postgres

/// Brings a database to this program's schema.
package enum Migrator {
    /// The advisory lock under which one program at a time migrates.
    private static let lock: Int64 = 7142

    /// Applies what is missing, each migration in a transaction of its own, and puts the first rules.
    ///
    /// - Returns: the names of what was applied; empty: the database was up to date.
    /// - Throws: ``CatalogRefusal`` for a database that is newer or was edited, ``PostgresError`` otherwise.
    package static func migrate(url: String, logger: Logger) async throws -> [String] {
        var options = PostgresOptions.patient
        options.applicationName = "millrace/migrate"
        return try await PostgresSession.with(url: url, options: options, logger: logger) { session in
            try await session.withAdvisoryLock(Self.lock) {
                try await session.executeScript(MigrationStatements.prepare)
                var applied: [String] = []
                for migration in try MigrationStatements.missing(
                    applied: try await session.query(MigrationStatements.applied)
                ) {
                    try await session.executeScript(migration.script)
                    logger.info("migrated", metadata: ["version": "\(migration.version)", "name": "\(migration.name)"])
                    applied.append(migration.name)
                }
                return applied
            }
        }
    }

    /// What the database lacks, without changing it.
    package static func pending(url: String, logger: Logger) async throws -> [String] {
        var options = PostgresOptions.patient
        options.applicationName = "millrace/migrate"
        return try await PostgresSession.with(url: url, options: options, logger: logger) { session in
            try await session.executeScript(MigrationStatements.prepare)
            return try MigrationStatements.missing(applied: try await session.query(MigrationStatements.applied)).map(
                \.name
            )
        }
    }
}

extension Migration {
    /// The migration and the row that records it, as one script: both happen, or neither. The name and the checksum are ours:
    /// letters and digits.
    var script: String {
        """
        SET LOCAL search_path = millrace, public;
        \(self.text)
        INSERT INTO millrace.schema_migration (version, name, checksum)
        VALUES (\(self.version), '\(self.name)', '\(self.checksum)');
        """
    }
}
