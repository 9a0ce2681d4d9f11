package import Postgres

/// Files that were there before, on their way into the books: leased by a worker of Transfer, fenced by its token.
package enum RegistrationStatements {
    /// Leases queued registrations at a storage element: id, lfn, bytes, adler32, crc32c, token, tries. As many as may be read at once, and
    /// more as long as they are small together.
    package static func lease(
        storage: String,
        worker: String,
        seconds: Double,
        limit: Int,
        bytes: Int64
    ) -> Statement<Int64, String, Int64, String?, String?, UUIDText, Int32> {
        Statement(
            "registrations.lease",
            """
            WITH next AS MATERIALIZED (
                SELECT id, bytes FROM registration
                WHERE state = 'queued' AND storage = \(storage) AND not_before <= clock_timestamp()
                ORDER BY not_before, id LIMIT 500 FOR NO KEY UPDATE SKIP LOCKED
            ), picked AS (
                SELECT id FROM (SELECT id, row_number() OVER w AS place, sum(bytes) OVER w AS total FROM next WINDOW w AS (ORDER BY id)) n
                WHERE place <= \(limit) OR total <= \(bytes)
            )
            UPDATE registration r SET state = 'active', version = version + 1, token = gen_random_uuid(), worker = \(worker),
                lease_until = clock_timestamp() + make_interval(secs => \(seconds)), tries = tries + 1, updated = now(), reason = NULL
            FROM picked p WHERE r.id = p.id
            RETURNING r.id, r.lfn, r.bytes, r.adler32, r.crc32c, r.token, r.tries
            """,
            returning: Int64.self,
            String.self,
            Int64.self,
            String?.self,
            String?.self,
            UUIDText.self,
            Int32.self
        )
    }

    /// Storage elements with queued registrations that are due.
    package static let dueStorages = Statement<String>(
        "registrations.dueStorages",
        """
        SELECT s.name FROM storage_element s WHERE EXISTS (
            SELECT 1 FROM registration r WHERE r.storage = s.name AND r.state = 'queued' AND r.not_before <= clock_timestamp())
        ORDER BY s.name
        """,
        returning: String.self
    )

    /// Keeps leases of files that are still being read. Returns the tokens of those that are the caller's still.
    package static func renew(_ leases: [(id: Int64, token: UUIDText)], seconds: Double) -> Statement<UUIDText> {
        Statement(
            "registrations.renew",
            """
            UPDATE registration r SET lease_until = clock_timestamp() + make_interval(secs => \(seconds))
            FROM unnest(\(leases.map(\.id)), \(leases.map(\.token))) AS i(id, token)
            WHERE r.id = i.id AND r.token = i.token AND r.state = 'active'
            RETURNING r.token
            """,
            returning: UUIDText.self
        )
    }

    /// Leases that ran out: their worker died. Queued again.
    package static let expire: SQL = """
        UPDATE registration SET state = 'queued', version = version + 1, token = NULL, lease_until = NULL, reason = 'its worker was lost',
            updated = now()
        WHERE state = 'active' AND lease_until < clock_timestamp()
        """

    // MARK: Into the books

    /// What was found of a file.
    package typealias Found = (id: Int64, token: UUIDText, adler32: String, crc32c: String)

    /// Those that are the caller's still, locked.
    package static func hold(_ leases: [(id: Int64, token: UUIDText)]) -> Statement<Int64> {
        Statement(
            "registrations.hold",
            """
            SELECT r.id FROM registration r JOIN unnest(\(leases.map(\.id)), \(leases.map(\.token))) AS i(id, token) ON r.id = i.id
            WHERE r.token = i.token AND r.state = 'active' ORDER BY r.id FOR NO KEY UPDATE OF r
            """,
            returning: Int64.self
        )
    }

    /// Files of names that no file has yet. One that was brought in from another storage element at this moment is waited for.
    package static func makeFiles(_ found: [Found]) -> SQL {
        """
        INSERT INTO file (lfn, bytes, adler32, crc32c, events)
        SELECT r.lfn, r.bytes, i.adler32, i.crc32c, r.events
        FROM \(fragment: Self.rows(found)) CROSS JOIN LATERAL (SELECT * FROM registration r WHERE r.id = i.id OFFSET 0) r
        ORDER BY r.lfn ON CONFLICT (lfn) DO NOTHING
        """
    }

    /// The files of these names now: registration, file, and why it is not the one that was read; nil: it is.
    package static func files(_ found: [Found]) -> Statement<Int64, Int64, String?> {
        Statement(
            "registrations.files",
            """
            SELECT r.id, f.id, CASE
                WHEN f.lost THEN 'a file of this name was declared lost'
                WHEN f.task IS NOT NULL THEN 'a job has made a file of this name'
                WHEN (f.bytes, f.events, f.adler32, f.crc32c) IS DISTINCT FROM (r.bytes, r.events, i.adler32, i.crc32c)
                    THEN 'another file of this name is in the catalogue: it has ' || f.bytes || ' bytes, ' || f.events || ' events and adler32 '
                         || f.adler32 || ', this one ' || r.bytes || ', ' || r.events || ' and ' || i.adler32
                WHEN p.state IN ('bad', 'deleting') THEN 'its replica there is ' || p.state END
            FROM \(fragment: Self.rows(found)) CROSS JOIN LATERAL (SELECT * FROM registration r WHERE r.id = i.id OFFSET 0) r
            JOIN file f ON f.lfn = r.lfn LEFT JOIN replica p ON p.file = f.id AND p.storage = r.storage
            ORDER BY f.id FOR SHARE OF f
            """,
            returning: Int64.self,
            Int64.self,
            String?.self
        )
    }

    /// They are what was said: a good replica each, with what is said of them. Membership follows with ``DatasetStatements/enter(_:in:)``.
    package static func finish(_ verified: [(id: Int64, file: Int64)]) -> [SQL] {
        let rows: SQL = "unnest(\(verified.map(\.id)), \(verified.map(\.file))) AS i(id, file)"
        return [
            """
            INSERT INTO replica AS p (file, storage, state)
            SELECT i.file, r.storage, 'available' FROM \(fragment: rows) JOIN registration r ON r.id = i.id ORDER BY i.file, r.storage
            ON CONFLICT (file, storage) DO UPDATE SET state = 'available', at = now(), who = NULL, cause = NULL WHERE p.state = 'copying'
            """,
            """
            INSERT INTO file_metadata (file, field, type, integer_value, number_value, text_value, boolean_value, time_value)
            SELECT i.file, m.field, m.type, m.integer_value, m.number_value, m.text_value, m.boolean_value, m.time_value
            FROM \(fragment: rows) JOIN registration_metadata m ON m.registration = i.id ORDER BY m.field, i.file ON CONFLICT DO NOTHING
            """,
            "DELETE FROM registration_metadata WHERE registration = ANY(\(verified.map(\.id)))",
            """
            UPDATE registration r SET state = 'done', version = version + 1, token = NULL, lease_until = NULL, file = i.file,
                reason = 'read and verified', updated = now()
            FROM \(fragment: rows) WHERE r.id = i.id
            """,
        ]
    }

    /// The datasets of these registrations: registration, dataset.
    package static func datasets(_ ids: [Int64]) -> Statement<Int64, Int64> {
        Statement(
            "registrations.datasets",
            "SELECT id, dataset FROM registration WHERE id = ANY(\(ids)) ORDER BY id",
            returning: Int64.self,
            Int64.self
        )
    }

    /// What could not be read, or is not what was said: looked at again after a pause, or an operator has to say something else.
    package static func failed(
        _ problems: [(id: Int64, token: UUIDText, final: Bool, pauseSeconds: Double, reason: String)]
    ) -> SQL {
        """
        UPDATE registration r SET state = CASE WHEN i.final THEN 'failed' ELSE 'queued' END, version = version + 1, token = NULL,
            lease_until = NULL, not_before = clock_timestamp() + make_interval(secs => i.pause), reason = i.reason, updated = now()
        FROM unnest(\(problems.map(\.id)), \(problems.map(\.token)), \(problems.map(\.final)), \(problems.map(\.pauseSeconds)),
                    \(problems.map(\.reason))) AS i(id, token, final, pause, reason)
        WHERE r.id = i.id AND r.token = i.token AND r.state = 'active'
        """
    }

    /// Files that go out of the books have no replica any more where a person registered their names: what lies there is never deleted.
    static func release(_ files: [Int64]) -> SQL {
        """
        DELETE FROM replica r USING (
            SELECT f.id AS file, n.storage FROM unnest(\(files)) AS i(file)
            CROSS JOIN LATERAL (SELECT f.id, f.lfn FROM file f WHERE f.id = i.file OFFSET 0) f
            CROSS JOIN LATERAL (SELECT n.storage FROM registration n WHERE n.lfn = f.lfn OFFSET 0) n
        ) x WHERE r.file = x.file AND r.storage = x.storage
        """
    }

    private static func rows(_ found: [Found]) -> SQL {
        "unnest(\(found.map(\.id)), \(found.map(\.adler32)), \(found.map(\.crc32c))) AS i(id, adler32, crc32c)"
    }

    static var examples: [AnyStatement] {
        let changes =
            [Self.expire, Self.makeFiles([]), Self.failed([]), Self.release([])]
            + Self.finish([])
        return [
            Self.lease(storage: "x", worker: "w", seconds: 1, limit: 1, bytes: 1).erased, Self.dueStorages.erased,
            Self.renew([], seconds: 1).erased, Self.hold([]).erased, Self.files([]).erased, Self.datasets([]).erased,
        ] + changes.enumerated().map { Command("registrations.change.\($0)", $1).erased }
    }
}
