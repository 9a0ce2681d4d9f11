package import Postgres

/// Datasets that people fill.
package enum DatasetStatements {
    /// Makes one; nothing when there is one of that name. Returns its number.
    static func insert(_ name: String, home: String, cause: String?, who: String) -> Statement<Int64> {
        Statement(
            "datasets.insert",
            """
            INSERT INTO dataset (name, home, cause, who) VALUES (\(name), \(home), \(cause), \(who)) ON CONFLICT (name) DO NOTHING RETURNING id
            """,
            returning: Int64.self
        )
    }

    /// A dataset as it is, not locked: id, state, the task that fills it, home.
    static func find(_ name: String) -> Statement<Int64, String, Int64?, String> {
        Statement(
            "datasets.find",
            "SELECT id, state, task, home FROM dataset WHERE name = \(name)",
            returning: Int64.self,
            String.self,
            Int64?.self,
            String.self
        )
    }

    /// Files of these names, locked against whoever takes them out, by number: file, lfn, whether it is lost, whether it has a good replica,
    /// a dataset that a task fills with it.
    static func lockFiles(_ lfns: [String]) -> Statement<Int64, String, Bool, Bool, Int64?> {
        Statement(
            "datasets.lockFiles",
            """
            SELECT f.id, f.lfn, f.lost, EXISTS (SELECT 1 FROM replica r WHERE r.file = f.id AND r.state = 'available'),
                   (SELECT min(d.id) FROM dataset_file m JOIN dataset d ON d.id = m.dataset WHERE m.file = f.id AND d.task IS NOT NULL)
            FROM file f WHERE f.lfn = ANY(\(lfns)) ORDER BY f.id FOR SHARE OF f
            """,
            returning: Int64.self,
            String.self,
            Bool.self,
            Bool.self,
            Int64?.self
        )
    }

    /// Locks datasets against a clean-up that begins, and refuses those that have one: also where files of it were taken before.
    static func needFiles(of sources: [Int64]) -> Statement<String> {
        Statement(
            "datasets.needFiles",
            """
            SELECT refuse_cleaned(ARRAY(SELECT d.name FROM dataset d WHERE d.id = ANY(\(sources))), 'put into another')::text
            """,
            returning: String.self
        )
    }

    /// That a dataset of people has files of these datasets.
    static func drawFrom(_ sources: [Int64], into dataset: Int64) -> SQL {
        """
        INSERT INTO dataset_source (dataset, source) SELECT \(dataset), i.source FROM unnest(\(sources)) AS i(source)
        WHERE i.source <> \(dataset) ORDER BY i.source ON CONFLICT DO NOTHING
        """
    }

    /// Puts files into datasets; what is in it stays, and a task that has read one through another dataset does not read it again.
    ///
    /// - Returns: the files that were not in theirs.
    static func enter(
        _ members: [(dataset: Int64, file: Int64)],
        in transaction: PostgresTransaction
    ) async throws -> [Int64] {
        let joined = try await transaction.query(Self.join(members))
        if !joined.isEmpty { try await transaction.execute(Self.forgetRead(joined)) }
        return joined
    }

    /// What has come once more for a task that has a job with it: what a job makes is in one dataset, what people add may be in several.
    private static func forgetRead(_ files: [Int64]) -> SQL {
        """
        DELETE FROM pending_input p WHERE p.file = ANY(\(files))
          AND EXISTS (SELECT 1 FROM unit_input u WHERE u.task = p.task AND u.file = p.file)
        """
    }

    /// Returns the files that were not in their datasets.
    private static func join(_ members: [(dataset: Int64, file: Int64)]) -> Statement<Int64> {
        Statement(
            "datasets.join",
            """
            INSERT INTO dataset_file (dataset, file)
            SELECT i.dataset, i.file FROM unnest(\(members.map(\.dataset)), \(members.map(\.file))) AS i(dataset, file)
            ORDER BY i.dataset, i.file ON CONFLICT DO NOTHING RETURNING file
            """,
            returning: Int64.self
        )
    }

    /// Queues what takes members to the homes of their datasets and to where these are subscribed, as far as they are not there or on
    /// their way; what was declared bad there is replaced, but for what a person registered. Returns the transfers, and their destinations.
    package static func carry(_ members: [(dataset: Int64, file: Int64)], who: String?) -> Statement<Int64, String> {
        Statement(
            "datasets.carry",
            """
            WITH i AS MATERIALIZED (
                SELECT * FROM unnest(\(members.map(\.dataset)), \(members.map(\.file))) AS i(dataset, file)
            ), d AS MATERIALIZED (
                SELECT d.id, d.home AS storage FROM dataset d WHERE d.id IN (SELECT dataset FROM i)
                UNION SELECT s.dataset, s.storage FROM subscription s WHERE s.dataset IN (SELECT dataset FROM i)
            ), missing AS MATERIALIZED (
                SELECT DISTINCT i.file, d.storage, g.storage AS source,
                       r.state IS NOT NULL AND NOT EXISTS (
                           SELECT 1 FROM file f JOIN registration n ON n.lfn = f.lfn WHERE f.id = i.file AND n.storage = d.storage) AS replaces
                FROM i JOIN d ON d.id = i.dataset
                LEFT JOIN LATERAL (SELECT r.state FROM replica r WHERE r.file = i.file AND r.storage = d.storage OFFSET 0) r ON true
                CROSS JOIN LATERAL (SELECT r.storage FROM replica r WHERE r.file = i.file AND r.state = 'available' ORDER BY r.storage LIMIT 1) g
                WHERE coalesce(r.state, 'bad') = 'bad'
            ), r AS (
                INSERT INTO replica AS r (file, storage, state) SELECT file, storage, 'copying' FROM missing ORDER BY file, storage
                ON CONFLICT (file, storage) DO UPDATE SET state = 'copying', at = now()
            )
            INSERT INTO transfer (file, source, destination, replaces, who)
            SELECT file, source, storage, replaces, \(who) FROM missing ORDER BY file, storage
            ON CONFLICT DO NOTHING RETURNING id, destination
            """,
            returning: Int64.self,
            String.self
        )
    }

    static var examples: [AnyStatement] {
        [
            Self.needFiles(of: []).erased, Self.insert("x", home: "y", cause: nil, who: "z").erased,
            Self.find("x").erased, Self.lockFiles([]).erased,
            Command("datasets.drawFrom", Self.drawFrom([], into: 1)).erased,
            Command("datasets.forgetRead", Self.forgetRead([])).erased, Self.join([]).erased,
            Self.carry([], who: nil).erased,
        ]
    }
}
