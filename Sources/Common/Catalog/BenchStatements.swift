package import Postgres

/// What only benchmarks ask.
package enum BenchStatements {
    /// Any agent that has asked at the benchmark's site.
    package static let holder = Statement<Int32>(
        "bench.holder",
        "SELECT id FROM agent_session WHERE site = 'BENCH' ORDER BY id LIMIT 1",
        returning: Int32.self
    )

    /// Rows of waiting work that these requests have.
    package static func waitingRows(of requests: [Int64]) -> Statement<Int64> {
        Statement(
            "bench.waitingRows",
            "SELECT count(*) FROM waiting w JOIN task t ON t.id = w.task WHERE t.request = ANY(\(requests))",
            returning: Int64.self
        )
    }

    /// How many tasks of these requests have waiting work.
    package static func waitingTasks(of requests: [Int64]) -> Statement<Int64> {
        Statement(
            "bench.waitingTasks",
            "SELECT count(DISTINCT w.task) FROM waiting w JOIN task t ON t.id = w.task WHERE t.request = ANY(\(requests))",
            returning: Int64.self
        )
    }

    /// Leases of the benchmark's site that have not reported so far yet.
    package static func behind(sequence: Int64) -> Statement<Int64> {
        Statement(
            "bench.behind",
            "SELECT count(*) FROM lease WHERE site = 'BENCH' AND sequence < \(sequence)",
            returning: Int64.self
        )
    }

    static let examples: [AnyStatement] = [
        Self.behind(sequence: 1).erased,
        Self.holder.erased, Self.waitingRows(of: []).erased, Self.waitingTasks(of: []).erased,
    ]
}
