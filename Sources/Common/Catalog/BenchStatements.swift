package import Postgres

/// What only benchmarks ask.
package enum BenchStatements {
    /// Any agent that has asked at the benchmark's site.
    package static let holder = Statement<Int32>(
        "bench.holder",
        "SELECT id FROM agent_session WHERE site = 'BENCH' ORDER BY id LIMIT 1",
        returning: Int32.self
    )

    static let examples: [AnyStatement] = [Self.holder.erased]
}
