package import Postgres

/// Files as tasks read them.
package enum InputFiles {
    /// File, events, task, index and stream (of the output it is), bytes.
    package typealias Statement = Postgres.Statement<Int64, Int64, Int64?, Int64?, String?, Int64>

    /// Those that are not lost, in a stable order.
    ///
    /// - Parameters:
    ///   - with: what stands before SELECT.
    ///   - source: tables, among them `file f`, each file once.
    static func statement(
        _ name: String,
        with: SQL = "",
        from source: SQL,
        where condition: SQL = "true"
    ) -> Statement {
        Statement(
            name,
            """
            \(fragment: with)
            SELECT f.id, f.events, o.task, o.index, o.stream, f.bytes
            FROM \(fragment: source) LEFT JOIN output o ON o.file = f.id
            WHERE NOT f.lost AND (\(fragment: condition))
            ORDER BY f.task, f.index, f.lfn
            """,
            returning: Int64.self,
            Int64.self,
            Int64?.self,
            Int64?.self,
            String?.self,
            Int64.self
        )
    }
}
