package import Postgres

/// The schema's history: forward only, in this order. A test compares the list with the folder.
package struct Migration: Sendable {
    package let version: Int
    package let name: String
    package let text: String

    /// FNV-1a 64 of the text, in hex: enough to notice that an applied file was edited.
    package var checksum: String {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in self.text.utf8 { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
        return String(hash, radix: 16)
    }

    package static let all: [Migration] = [
        Migration(1, "core", PackageResources.V0001_core_sql),
        Migration(2, "books", PackageResources.V0002_books_sql),
        Migration(3, "watch", PackageResources.V0003_watch_sql),
        Migration(4, "views", PackageResources.V0004_views_sql),
        Migration(5, "metadata", PackageResources.V0005_metadata_sql),
        Migration(6, "history", PackageResources.V0006_history_sql),
        Migration(7, "cleanup", PackageResources.V0007_cleanup_sql),
        Migration(8, "tallies", PackageResources.V0008_tallies_sql),
        Migration(9, "contention", PackageResources.V0009_contention_sql),
        Migration(10, "lookups", PackageResources.V0010_lookups_sql),
        Migration(11, "remedies", PackageResources.V0011_remedies_sql),
        Migration(12, "places", PackageResources.V0012_places_sql),
        Migration(13, "offers", PackageResources.V0013_offers_sql),
        Migration(14, "readers", PackageResources.V0014_readers_sql),
        Migration(15, "nodes", PackageResources.V0015_nodes_sql),
        Migration(16, "late", PackageResources.V0016_late_sql),
        Migration(17, "registration", PackageResources.V0017_registration_sql),
        Migration(18, "submissions", PackageResources.V0018_submissions_sql),
        Migration(19, "partitions", PackageResources.V0019_partitions_sql),
        Migration(20, "names", PackageResources.V0020_names_sql),
        Migration(21, "given_up", PackageResources.V0021_given_up_sql),
        Migration(22, "first_tasks", PackageResources.V0022_first_tasks_sql),
        Migration(23, "containers", PackageResources.V0023_containers_sql),
        Migration(24, "transfers", PackageResources.V0024_transfers_sql),
        Migration(25, "missing", PackageResources.V0025_missing_sql),
        Migration(26, "reservations", PackageResources.V0026_reservations_sql),
        Migration(27, "continued", PackageResources.V0027_continued_sql),
        Migration(28, "classes", PackageResources.V0028_classes_sql),
        Migration(29, "left_behind", PackageResources.V0029_left_behind_sql),
        Migration(30, "parents", PackageResources.V0030_parents_sql),
    ]

    private init(_ version: Int, _ name: String, _ bytes: [UInt8]) {
        self.version = version
        self.name = name
        self.text = String(decoding: bytes, as: UTF8.self)
    }
}

extension MigrationStatements {
    /// What a database lacks, given what it has.
    ///
    /// - Throws: ``CatalogRefusal`` when the database is newer than this program, or an applied migration was edited.
    package static func missing(applied: [(version: Int32, checksum: String)]) throws(CatalogRefusal) -> [Migration] {
        for row in applied {
            guard let known = Migration.all.first(where: { $0.version == Int(row.version) }) else {
                throw CatalogRefusal(
                    .state,
                    "the database is at schema version \(row.version), newer than this program's \(Migration.all.count): use a newer millrace"
                )
            }
            guard known.checksum == row.checksum else {
                throw CatalogRefusal(
                    .state,
                    "migration \(known.version) (\(known.name)) in the database is not the one in this program: do not edit applied migrations"
                )
            }
        }
        let present = Set(applied.map { Int($0.version) })
        return Migration.all.filter { !present.contains($0.version) }
    }
}

package enum MigrationStatements {
    /// Makes the schema and the table that says what was applied.
    package static let prepare = """
        CREATE SCHEMA IF NOT EXISTS millrace;
        CREATE TABLE IF NOT EXISTS millrace.schema_migration (
            version    int PRIMARY KEY,
            name       text NOT NULL,
            checksum   text NOT NULL,
            applied_at timestamptz NOT NULL DEFAULT now()
        );
        """

    package static let applied = Statement<Int32, String>(
        "migration.applied",
        "SELECT version, checksum FROM millrace.schema_migration ORDER BY version",
        returning: Int32.self,
        String.self
    )
}
