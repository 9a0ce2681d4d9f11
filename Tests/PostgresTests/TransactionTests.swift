import NIOConcurrencyHelpers
import Postgres
import Testing
import TestSupport

@Suite struct TransactionTests {
    private struct Stop: Error {}

    private static let ids = Statement("ids", "SELECT id FROM t ORDER BY id", returning: Int.self)

    private func withTable(_ body: @Sendable (PostgresClient) async throws -> Void) async throws {
        try await withDatabase { client, _ in
            try await client.execute("CREATE TABLE t (id bigint PRIMARY KEY, n bigint NOT NULL DEFAULT 0)")
            try await body(client)
        }
    }

    @Test func aBodyThatThrowsLeavesNothing() async throws {
        try await self.withTable { client in
            await #expect(throws: Stop.self) {
                try await client.withTransaction { transaction in
                    try await transaction.execute("INSERT INTO t VALUES (1)")
                    throw Stop()
                }
            }
            try await client.withTransaction { try await $0.execute("INSERT INTO t VALUES (2)") }
            let result1 = try await client.query(Self.ids)
            #expect(result1 == [2])
        }
    }

    @Test func aBatchInATransactionIsOneRoundTrip() async throws {
        try await self.withTable { client in
            let counts = try await client.withTransaction { transaction in
                let first = try await transaction.execute(["INSERT INTO t VALUES (1), (2)", "UPDATE t SET n = 1"])
                return first + (try await transaction.executeAndCommit(["DELETE FROM t WHERE id = 1"]))
            }
            #expect(counts == [2, 2, 1])
            let result2 = try await client.query(Self.ids)
            #expect(result2 == [2])
        }
    }

    @Test func queriesOfABatchRunInTheirOrder() async throws {
        try await self.withTable { client in
            let found = try await client.withTransaction { transaction in
                var batch = QueryBatch()
                let made = batch.add(
                    Statement("made", "INSERT INTO t VALUES (3), (4) RETURNING id", returning: Int.self)
                )
                let pairs = batch.add(
                    Statement(
                        "pairs",
                        "SELECT id, id::text AS label FROM t ORDER BY id",
                        returning: Int.self,
                        String.self
                    )
                )
                let results = try await transaction.results(of: batch)
                return (try results.of(pairs).map { "\($0.0)=\($0.1)" }, try results.of(made).count)
            }
            #expect(found == (["3=3", "4=4"], 2))
        }
    }

    @Test func anErrorInABatchEndsTheTransaction() async throws {
        try await self.withTable { client in
            let error = await postgresError {
                try await client.withTransaction { transaction in
                    var batch = QueryBatch()
                    _ = batch.add(Statement("first", "INSERT INTO t VALUES (5) RETURNING id", returning: Int.self))
                    _ = batch.add(Statement("second", "SELECT 1 / 0", returning: Int.self))
                    _ = try await transaction.results(of: batch)
                }
            }
            #expect(error?.sqlState == "22012")
            let left = try await client.query(Self.ids)
            #expect(left == [])
        }
    }

    @Test func aHiddenErrorIsNotCommitted() async throws {
        try await self.withTable { client in
            let error = await postgresError {
                try await client.withTransaction { transaction in
                    try await transaction.execute("INSERT INTO t VALUES (1)")
                    let hidden = await postgresError { try await transaction.execute("INSERT INTO t VALUES (1)") }
                    #expect(hidden?.sqlState == "23505")
                }
            }
            #expect(error?.code == .transactionAborted)
            let result3 = try await client.query(Self.ids)
            #expect(result3 == [])
        }
    }

    @Test func aDeferredConstraintFailsAtCommit() async throws {
        try await self.withTable { client in
            try await client.execute("CREATE TABLE c (id bigint REFERENCES t DEFERRABLE INITIALLY DEFERRED)")
            let error = await postgresError {
                _ = try await client.withTransaction { try await $0.execute("INSERT INTO c VALUES (99)") }
            }
            #expect(error?.sqlState == "23503" && error?.constraint == "c_id_fkey")
            try await client.withTransaction { try await $0.execute("INSERT INTO t VALUES (1)") }
            let result4 = try await client.query(Self.ids)
            #expect(result4 == [1])
        }
    }

    @Test func aTransactionCannotBeUsedAfterItsEnd() async throws {
        try await self.withTable { client in
            let kept = try await client.withTransaction { $0 }
            let error = await postgresError { try await kept.execute("INSERT INTO t VALUES (1)") }
            #expect(error?.code == .closed)
        }
    }

    @Test func serialisationFailuresAreTriedAgain() async throws {
        try await self.withTable { client in
            try await client.execute("INSERT INTO t VALUES (1, 0)")
            let attempts = NIOLockedValueBox(0)
            let read = Statement("read", "SELECT n FROM t WHERE id = 1", returning: Int.self)
            let both = Rendezvous(2)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<2 {
                    group.addTask {
                        try await client.withTransaction(.serializable) { transaction in
                            attempts.withLockedValue { $0 += 1 }
                            let n = try await transaction.query(read)[0]
                            // Both have read before either writes: one must fail.
                            await both.arrive()
                            try await transaction.execute("UPDATE t SET n = \(n + 1) WHERE id = 1")
                        }
                    }
                }
                try await group.waitForAll()
            }
            let result5 = try await client.query(read)
            #expect(result5 == [2])
            #expect(attempts.withLockedValue { $0 } >= 3)
        }
    }

    @Test func aDeadlockIsBrokenAndTriedAgain() async throws {
        try await self.withTable { client in
            try await client.execute("INSERT INTO t VALUES (1, 0), (2, 0)")
            let attempts = NIOLockedValueBox(0)
            let both = Rendezvous(2)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for (first, second) in [(1, 2), (2, 1)] {
                    group.addTask {
                        try await client.withTransaction { transaction in
                            attempts.withLockedValue { $0 += 1 }
                            try await transaction.execute("UPDATE t SET n = n + 1 WHERE id = \(first)")
                            await both.arrive()
                            try await transaction.execute("UPDATE t SET n = n + 1 WHERE id = \(second)")
                        }
                    }
                }
                try await group.waitForAll()
            }
            let sums = try await client.query(Statement("n", "SELECT n FROM t ORDER BY id", returning: Int.self))
            #expect(sums == [2, 2] && attempts.withLockedValue { $0 } >= 3)
        }
    }

    @Test func triesEndAtTheirBound() async throws {
        var options = PostgresOptions()
        options.transactionAttempts = 3
        try await withDatabase(options) { client, _ in
            let attempts = NIOLockedValueBox(0)
            let error = await postgresError {
                try await client.withTransaction { transaction in
                    attempts.withLockedValue { $0 += 1 }
                    try await transaction.execute("DO $$ BEGIN RAISE SQLSTATE '40001'; END $$")
                }
            }
            #expect(error?.sqlState == "40001" && attempts.withLockedValue { $0 } == 3)
        }
    }

    /// A sequence keeps what an undone transaction drew of it: it counts the tries.
    @Test(arguments: ["40P01", "40001"])
    func aSingleStatementThatWasUndoneIsTriedAgain(state: String) async throws {
        var options = PostgresOptions()
        options.transactionAttempts = 3
        try await withDatabase(options) { client, _ in
            try await client.executeScript(
                """
                CREATE TABLE done (try bigint);
                CREATE SEQUENCE tries;
                CREATE FUNCTION once_undone(undone int, code text) RETURNS bigint LANGUAGE plpgsql AS $$
                DECLARE try bigint := nextval('tries');
                BEGIN
                    INSERT INTO done VALUES (try);
                    IF try <= undone THEN RAISE EXCEPTION 'undone' USING ERRCODE = code; END IF;
                    RETURN try;
                END $$;
                """
            )
            func call(_ undone: Int32) -> Statement<Int64> {
                Statement("call", "SELECT once_undone(\(undone), \(state))", returning: Int64.self)
            }
            let done = Statement("done", "SELECT try FROM done ORDER BY try", returning: Int64.self)
            #expect(try await client.query(call(2)) == [3])
            #expect(try await client.query(done) == [3])
            let error = await postgresError { _ = try await client.query(call(100)) }
            #expect(error?.sqlState == state)
            #expect(try await client.query(call(0)) == [7], "three tries, and no more")
            #expect(try await client.query(done) == [3, 7])
        }
    }

    @Test func aScriptIsAllOrNothingAndNamesTheLine() async throws {
        try await withDatabase { client, _ in
            let error = await postgresError {
                try await client.executeScript("CREATE TABLE a (id int);\nCREATE TABLE b (id int);\nSELECT nothing;")
            }
            #expect(error?.sqlState == "42703" && error?.message.contains("line 3") == true)
            let own = await postgresError { try await client.executeScript("CREATE TABLE a (id int); COMMIT;") }
            #expect(own?.code == .transactionAborted)
            try await client.executeScript("CREATE TABLE b (id int); INSERT INTO b VALUES (1), (2);")
            let count = try await client.query(Statement("count", "SELECT count(*) FROM b", returning: Int.self))
            #expect(count == [2])
        }
    }

    @Test func anAdvisoryLockKeepsOthersOut() async throws {
        try await withDatabase { client, _ in
            let inside = NIOLockedValueBox((now: 0, most: 0))
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<4 {
                    group.addTask {
                        try await client.withSession { session in
                            try await session.withAdvisoryLock(42) {
                                inside.withLockedValue { $0 = ($0.now + 1, max($0.most, $0.now + 1)) }
                                try await session.executeScript("SELECT 1")
                                inside.withLockedValue { $0.now -= 1 }
                            }
                        }
                    }
                }
                try await group.waitForAll()
            }
            #expect(inside.withLockedValue { $0.most } == 1)
        }
    }
}

/// Lets tasks go on once a number of them have come; later ones pass.
actor Rendezvous {
    private var missing: Int
    private var waiting: [CheckedContinuation<Void, Never>] = []

    init(_ count: Int) { self.missing = count }

    func arrive() async {
        self.missing -= 1
        if self.missing <= 0 {
            for continuation in self.waiting { continuation.resume() }
            self.waiting = []
        } else {
            await withCheckedContinuation { self.waiting.append($0) }
        }
    }
}
