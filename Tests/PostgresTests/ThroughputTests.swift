import Glibc
import Postgres
import Testing
import TestSupport

/// A measurement, not a check: `MILLRACE_MEASURE=1 swift test -c release --filter ThroughputTests`.
@Suite(.serialized, .enabled(if: getenv("MILLRACE_MEASURE") != nil)) struct ThroughputTests {
    @Test(arguments: [1, 10, 100]) func selectsByKeyASecond(tasks: Int) async throws {
        try await withDatabase { client, _ in
            try await client.execute("CREATE TABLE t (id bigint PRIMARY KEY, name text NOT NULL)")
            try await client.execute("INSERT INTO t SELECT n, 'name ' || n FROM generate_series(1, 10000) n")
            try await client.execute("ANALYZE t")
            let total = 60_000
            let clock = ContinuousClock()
            let spent = try await clock.measure {
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for task in 0..<tasks {
                        group.addTask {
                            for turn in 0..<(total / tasks) {
                                let id = (task * 7919 + turn) % 10_000 + 1
                                let rows = try await client.query(
                                    Statement(
                                        "by key",
                                        "SELECT id, name FROM t WHERE id = \(id)",
                                        returning: Int.self,
                                        String.self
                                    )
                                )
                                #expect(rows.count == 1)
                            }
                        }
                    }
                    try await group.waitForAll()
                }
            }
            print("\(tasks) tasks: \(Int(Double(total) / (spent / .seconds(1)))) selects by key a second")
        }
    }
}
