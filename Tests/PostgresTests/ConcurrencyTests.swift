import NIOConcurrencyHelpers
import Postgres
import Testing
import TestSupport

@Suite struct ConcurrencyTests {
    @Test func aHundredTasksShareOneConnection() async throws {
        try await withDatabase { client, _ in
            let sessions = try await withThrowingTaskGroup(of: Set<Int32>.self) { group in
                for task in 0..<100 {
                    group.addTask {
                        var sessions: Set<Int32> = []
                        for turn in 0..<20 {
                            let number = task * 1000 + turn
                            let row = try await client.query(
                                Statement("echo", "SELECT \(number), pg_backend_pid()", returning: Int.self, Int32.self)
                            )
                            #expect(row.map(\.0) == [number])
                            sessions.formUnion(row.map(\.1))
                        }
                        return sessions
                    }
                }
                return try await group.reduce(into: Set<Int32>()) { $0.formUnion($1) }
            }
            #expect(sessions.count == 1)
        }
    }

    @Test func anErrorHurtsOnlyItsOwnStatement() async throws {
        try await withDatabase { client, _ in
            let outcomes = await withTaskGroup(of: (Int, Bool).self) { group in
                for number in 0..<100 {
                    group.addTask {
                        let divisor = number % 3
                        let error = await postgresError { try await client.execute("SELECT 1 / \(divisor)") }
                        #expect(error == nil || error?.sqlState == "22012")
                        return (number, error == nil)
                    }
                }
                return await group.reduce(into: [(Int, Bool)]()) { $0.append($1) }
            }
            #expect(outcomes.count == 100 && outcomes.allSatisfy { $0.1 == ($0.0 % 3 != 0) })
        }
    }

    @Test func aCancelledStatementLeavesTheConnectionUsable() async throws {
        try await withDatabase { client, url in
            let first = try await client.query(Statement("pid", "SELECT pg_backend_pid()", returning: Int32.self))
            try await withClient(url: url) { other in
                // Holds the lock that the statement to be cancelled waits for.
                try await other.withTransaction { transaction in
                    try await transaction.execute("SELECT pg_advisory_xact_lock(1)")
                    let waiting = Task { try await client.execute("SELECT pg_advisory_xact_lock(1)") }
                    try await Self.untilSomebodyWaits(other)
                    waiting.cancel()
                    await #expect(throws: CancellationError.self) { try await waiting.value }
                }
            }
            let second = try await client.query(Statement("pid", "SELECT pg_backend_pid()", returning: Int32.self))
            #expect(first == second)
        }
    }

    @Test func aCancelledTransactionEndsItsStatementOnTheServer() async throws {
        try await withDatabase { client, url in
            try await withClient(url: url) { other in
                try await other.withTransaction { transaction in
                    try await transaction.execute("SELECT pg_advisory_xact_lock(1)")
                    let waiting = Task {
                        try await client.withTransaction { try await $0.execute("SELECT pg_advisory_xact_lock(1)") }
                    }
                    try await Self.untilSomebodyWaits(other)
                    waiting.cancel()
                    await #expect(throws: CancellationError.self) { try await waiting.value }
                    let left = try await other.query(
                        Statement(
                            "left",
                            "SELECT count(*) FROM pg_locks WHERE NOT granted AND \(fragment: Self.ours)",
                            returning: Int.self
                        )
                    )
                    #expect(left == [0])
                }
            }
            // The connection went back to the pool in order.
            let one = try await client.withTransaction {
                try await $0.query(Statement("one", "SELECT 1::int8", returning: Int.self))
            }
            #expect(one == [1])
        }
    }

    /// Locks of this test's database: other tests use the same server.
    private static let ours: SQL = "database = (SELECT oid FROM pg_database WHERE datname = current_database())"

    private static func untilSomebodyWaits(_ client: PostgresClient) async throws {
        let waiting = Statement(
            "waiting",
            "SELECT count(*) FROM pg_locks WHERE NOT granted AND \(fragment: Self.ours)",
            returning: Int.self
        )
        while try await client.query(waiting) == [0] { await Task.yield() }
    }

    @Test func theStatementTimeOutIsAnError() async throws {
        var options = PostgresOptions()
        options.statementTimeout = .milliseconds(50)
        try await withDatabase(options) { client, _ in
            // The statement is what the time-out has to end.
            let error = await postgresError { try await client.execute("SELECT pg_sleep(600)") }
            #expect(error?.code == .server && error?.sqlState == "57014")
            let result1 = try await client.query(Statement("one", "SELECT 1", returning: Int32.self))
            #expect(result1 == [1])
        }
    }

    @Test func thePoolNeverHasMoreConnectionsThanItMay() async throws {
        var options = PostgresOptions()
        options.poolSize = 3
        try await withDatabase(options) { client, _ in
            let inside = NIOLockedValueBox((now: 0, most: 0))
            let sessions = try await withThrowingTaskGroup(of: Int32.self) { group in
                for _ in 0..<60 {
                    group.addTask {
                        try await client.withTransaction { transaction in
                            inside.withLockedValue { inside in
                                inside.now += 1
                                inside.most = max(inside.most, inside.now)
                            }
                            defer { inside.withLockedValue { $0.now -= 1 } }
                            return try await transaction.query(
                                Statement("pid", "SELECT pg_backend_pid()", returning: Int32.self)
                            )[0]
                        }
                    }
                }
                return try await group.reduce(into: Set<Int32>()) { $0.insert($1) }
            }
            #expect(sessions.count <= 3 && inside.withLockedValue { $0.most } <= 3)
        }
    }

    @Test func anExhaustedPoolSaysSoAfterTheTimeOut() async throws {
        var options = PostgresOptions()
        options.poolSize = 1
        options.acquireTimeout = .milliseconds(50)
        try await withDatabase(options) { client, _ in
            // Opening the connection may take longer than this time-out, and goes on after it.
            while await postgresError({ try await client.withTransaction { _ = $0 } }) != nil { await Task.yield() }
            try await client.withTransaction { _ in
                let error = await postgresError { try await client.withTransaction { _ = $0 } }
                #expect(error?.code == .unavailable && error?.message.contains("all 1 connections") == true)
            }
        }
    }
}
