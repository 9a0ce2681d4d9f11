import Domain
import Postgres

/// What people say of files that are there already.
enum RegisteringStatements {
    /// What was said of these names at a storage element before, locked by number: whoever verifies one waits, or is waited for.
    static func lock(_ lfns: [String], at storage: String) -> Statement<Int64> {
        Statement(
            "registering.lock",
            """
            SELECT id FROM registration WHERE lfn = ANY(\(lfns)) AND storage = \(storage) ORDER BY id FOR NO KEY UPDATE
            """,
            returning: Int64.self
        )
    }

    /// What was said before: place in the list, id, state, bytes, adler32, crc32c, events, dataset.
    static func earlier(
        _ lfns: [String],
        at storage: String
    ) -> Statement<Int64, Int64, String, Int64, String?, String?, Int64, Int64> {
        Statement(
            "registering.earlier",
            """
            SELECT i.place, r.id, r.state, r.bytes, r.adler32, r.crc32c, r.events, r.dataset
            FROM unnest(\(lfns)) WITH ORDINALITY AS i(lfn, place) JOIN registration r ON r.lfn = i.lfn AND r.storage = \(storage)
            """,
            returning: Int64.self,
            Int64.self,
            String.self,
            Int64.self,
            String?.self,
            String?.self,
            Int64.self,
            Int64.self
        )
    }

    /// What the books know: place in the list, file, bytes, adler32, crc32c, events, lost, task, replica at the storage element, whether it
    /// is in the dataset.
    static func books(
        _ lfns: [String],
        at storage: String,
        dataset: Int64
    ) -> Statement<Int64, Int64, Int64, String, String, Int64, Bool, Int64?, String?, Bool> {
        Statement(
            "registering.books",
            """
            SELECT i.place, f.id, f.bytes, f.adler32, f.crc32c, f.events, f.lost, f.task,
                   (SELECT r.state FROM replica r WHERE r.file = f.id AND r.storage = \(storage)),
                   EXISTS (SELECT 1 FROM dataset_file m WHERE m.dataset = \(dataset) AND m.file = f.id)
            FROM unnest(\(lfns)) WITH ORDINALITY AS i(lfn, place) JOIN file f ON f.lfn = i.lfn ORDER BY f.id FOR SHARE OF f
            """,
            returning: Int64.self,
            Int64.self,
            Int64.self,
            String.self,
            String.self,
            Int64.self,
            Bool.self,
            Int64?.self,
            String?.self,
            Bool.self
        )
    }

    /// Returns number and name of each.
    static func insert(
        _ entries: [FileEntry],
        at storage: String,
        into dataset: Int64,
        measured: Bool,
        reason: String?,
        who: String
    ) -> Statement<Int64, String> {
        Statement(
            "registering.insert",
            """
            INSERT INTO registration (dataset, storage, lfn, bytes, adler32, crc32c, events, measured, reason, who)
            SELECT \(dataset), \(storage), i.lfn, i.bytes, i.adler32, i.crc32c, i.events,
                   \(measured) AND num_nonnulls(i.adler32, i.crc32c) = 0, \(reason), \(who)
            FROM \(fragment: Self.rows(entries)) ORDER BY i.lfn RETURNING id, lfn
            """,
            returning: Int64.self,
            String.self
        )
    }

    /// What was said before was wrong, or could not be verified: these are said instead.
    static func again(
        _ entries: [(id: Int64, entry: FileEntry)],
        into dataset: Int64,
        measured: Bool,
        reason: String?,
        who: String
    ) -> [SQL] {
        [
            """
            UPDATE registration r SET state = 'queued', version = version + 1, dataset = \(dataset), bytes = i.bytes, adler32 = i.adler32,
                crc32c = i.crc32c, events = i.events, measured = \(measured) AND num_nonnulls(i.adler32, i.crc32c) = 0, tries = 0,
                not_before = '-infinity', worker = NULL, reason = \(reason), who = \(who), updated = now()
            FROM \(fragment: Self.rows(entries.map(\.entry))) WHERE r.id = ANY(\(entries.map(\.id))) AND r.lfn = i.lfn
            """,
            "DELETE FROM registration_metadata WHERE registration = ANY(\(entries.map(\.id)))",
        ]
    }

    private static func rows(_ entries: [FileEntry]) -> SQL {
        """
        unnest(\(entries.map(\.lfn)), \(entries.map(\.bytes)), \(entries.map(\.adler32)), \(entries.map(\.crc32c)), \(entries.map(\.events)))
            AS i(lfn, bytes, adler32, crc32c, events)
        """
    }

    /// What is said of registrations. Returns those of which something else was said before.
    static func say(_ tags: [(owner: Int64, tag: MetadataTag)]) -> Statement<Int64> {
        Statement(
            "registering.say",
            """
            INSERT INTO registration_metadata AS m
                (registration, field, type, integer_value, number_value, text_value, boolean_value, time_value)
            SELECT * FROM \(fragment: MetadataStatements.rows(tags)) ORDER BY 1, 2
            ON CONFLICT (registration, field) DO UPDATE SET \(fragment: MetadataStatements.change) RETURNING registration
            """,
            returning: Int64.self
        )
    }

    /// The same of files that are in the books.
    static func sayOfFiles(_ tags: [(owner: Int64, tag: MetadataTag)]) -> Statement<Int64> {
        Statement(
            "registering.sayOfFiles",
            """
            INSERT INTO file_metadata AS m (file, field, type, integer_value, number_value, text_value, boolean_value, time_value)
            SELECT * FROM \(fragment: MetadataStatements.rows(tags)) ORDER BY 2, 1
            ON CONFLICT (field, file) DO UPDATE SET \(fragment: MetadataStatements.change) RETURNING file
            """,
            returning: Int64.self
        )
    }

    static var examples: [AnyStatement] {
        let tags = [(owner: Int64(1), tag: MetadataTag(field: 1, value: .integer(1)))]
        return [
            Self.lock([], at: "x").erased, Self.earlier([], at: "x").erased,
            Self.books([], at: "x", dataset: 1).erased,
            Self.insert([], at: "x", into: 1, measured: false, reason: nil, who: "x").erased, Self.say(tags).erased,
            Self.sayOfFiles(tags).erased,
        ]
            + Self.again([], into: 1, measured: false, reason: nil, who: "x").enumerated().map {
                Command("registering.again.\($0)", $1).erased
            }
    }
}
