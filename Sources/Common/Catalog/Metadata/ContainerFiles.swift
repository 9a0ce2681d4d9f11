import Domain
package import Postgres

/// Pages of the files of a container: dataset by dataset, the oldest first, and in each the files in the order in which they came into
/// the books. A file that several of its datasets hold comes once, with the oldest of them.
///
/// A page goes through the datasets one after the other, each by its membership from where the page begins, until it is full: it costs what
/// it holds, however many files the container, its datasets and the catalogue have. Only what came before with another dataset is read
/// without being shown.
package enum ContainerFiles {
    /// The last row of the page before: its dataset and its file.
    private struct Position {
        let dataset: Int64
        let file: Int64

        /// - Returns: nil if `text` is not what ``page(of:_:)`` gives as key.
        init?(_ text: String) {
            let parts = text.split(separator: ",", omittingEmptySubsequences: false).map { Int64($0) }
            guard parts.count == 2, let dataset = parts[0], let file = parts[1], (1..<Int64.max).contains(dataset)
            else { return nil }
            (self.dataset, self.file) = (dataset, file)
        }
    }

    /// The statement for a page: key text and row, as of ``Listing/statement(_:scope:)``, with one row more than the page holds.
    ///
    /// - Parameter query: without filters.
    /// - Throws: ``CatalogRefusal`` (invalid) naming the parameter that is wrong.
    package static func page(
        of container: String,
        _ query: Listing.Query
    ) throws(CatalogRefusal) -> Statement<String, String> {
        guard (1...Listing.largestPage).contains(query.limit) else {
            throw CatalogRefusal(.invalid, "limit: \(query.limit) is not from 1 to \(Listing.largestPage)")
        }
        var position: Position?
        if let after = query.after {
            position = Position(after)
            guard position != nil else {
                throw CatalogRefusal(
                    .invalid,
                    "after: \(Quoted.short(after)) is not a next of the files of a container"
                )
            }
        }
        return Self.statement(container, position, limit: query.limit + 1, isDescending: query.isDescending)
    }

    private static func statement(
        _ container: String,
        _ position: Position?,
        limit: Int,
        isDescending: Bool
    ) -> Statement<String, String> {
        let beyond: SQL = isDescending ? "<" : ">"
        let order: SQL = isDescending ? "DESC" : "ASC"
        // The dataset in which the page before ended is looked at again.
        let first: Int64 =
            position.map { isDescending ? $0.dataset + 1 : $0.dataset - 1 } ?? (isDescending ? Int64.max : 0)
        let from: Int64 = isDescending ? Int64.max : 0
        return Statement(
            "containers.files",
            """
            WITH RECURSIVE page AS (
                SELECT c.id AS container, \(first)::bigint AS dataset, '{}'::bigint[] AS files, \(limit)::bigint AS wanted
                FROM container c WHERE c.name = \(container)
                UNION ALL
                SELECT p.container, m.dataset, x.files, p.wanted - cardinality(x.files)
                FROM page p CROSS JOIN LATERAL (
                    SELECT m.dataset FROM container_member m
                    WHERE m.container = p.container AND m.dataset \(fragment: beyond) p.dataset
                    ORDER BY m.dataset \(fragment: order) LIMIT 1
                ) m CROSS JOIN LATERAL (
                    SELECT ARRAY(
                        SELECT x.file FROM dataset_file x
                        WHERE x.dataset = m.dataset
                          AND x.file \(fragment: beyond) CASE WHEN m.dataset = \(position?.dataset ?? 0)::bigint
                                                              THEN \(position?.file ?? 0)::bigint ELSE \(from)::bigint END
                          AND (SELECT NOT EXISTS (
                              SELECT 1 FROM (SELECT w.dataset FROM dataset_file w WHERE w.file = x.file OFFSET 0) y
                              WHERE y.dataset < m.dataset AND (SELECT EXISTS (
                                  SELECT 1 FROM container_member o WHERE o.container = p.container AND o.dataset = y.dataset))))
                        ORDER BY x.file \(fragment: order) LIMIT p.wanted
                    ) AS files OFFSET 0
                ) x WHERE p.wanted > 0
            )
            SELECT concat_ws(',', p.dataset, i.file), row_to_json(v)::text
            FROM page p CROSS JOIN LATERAL unnest(p.files) AS i(file)
            CROSS JOIN LATERAL (SELECT * FROM file_view f WHERE f.file = i.file OFFSET 0) v
            ORDER BY p.dataset \(fragment: order), i.file \(fragment: order) LIMIT \(limit)
            """,
            returning: String.self,
            String.self
        )
    }

    static var examples: [AnyStatement] {
        [
            Self.statement("x", nil, limit: 1, isDescending: false).erased,
            Self.statement("x", Position("1,1"), limit: 1, isDescending: true).erased,
        ]
    }
}
