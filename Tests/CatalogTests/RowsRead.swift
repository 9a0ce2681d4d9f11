import Postgres

/// What a page costs.
enum RowsRead {
    /// Rows that this transaction has read so far of all tables, with those that it threw away.
    static let soFar = Statement<Int64>(
        "test.read",
        "SELECT coalesce(sum(seq_tup_read + coalesce(idx_tup_fetch, 0)), 0)::bigint FROM pg_stat_xact_user_tables",
        returning: Int64.self
    )
}
