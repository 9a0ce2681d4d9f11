import Logging
import NIOConcurrencyHelpers
import Postgres
import PrivateServers
import Testing
import TestSupport

@Suite struct FailureTests {
    private static let ids = Statement("ids", "SELECT id FROM t ORDER BY id", returning: Int.self)

    /// Writers go on while their server is killed and started again; every acknowledged row must be there, once.
    @Test func aKilledServerLosesNothingThatWasAcknowledged() async throws {
        let server = try TestDatabase.makeServer()
        try await server.start()
        try await withClient(url: server.url()) { client in
            try await client.execute("CREATE TABLE t (id bigint PRIMARY KEY, writes bigint NOT NULL)")
            let acknowledged = Gathered()
            let isOver = NIOLockedValueBox(false)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for writer in 0..<12 {
                    group.addTask {
                        var number = writer
                        while !isOver.withLockedValue({ $0 }) {
                            try await Self.write(number, client, inTransaction: writer % 2 == 0)
                            acknowledged.insert([number])
                            number += 12
                        }
                    }
                }
                for _ in 0..<3 {
                    await acknowledged.more(than: acknowledged.count + 200)
                    await server.kill9()
                    try await server.start()
                }
                await acknowledged.more(than: acknowledged.count + 200)
                isOver.withLockedValue { $0 = true }
                try await group.waitForAll()
            }
            let present = Set(try await client.query(Self.ids))
            let promised = acknowledged.all
            #expect(promised.count >= 800)
            #expect(promised.subtracting(present).isEmpty)
        }
        await server.stop()
    }

    /// The caller's side of an unknown outcome: the key makes the write idempotent, so it is simply done again.
    private static func write(_ number: Int, _ client: PostgresClient, inTransaction: Bool) async throws {
        let insert: SQL = "INSERT INTO t VALUES (\(number), 1) ON CONFLICT (id) DO UPDATE SET writes = t.writes + 1"
        while true {
            do {
                if inTransaction {
                    try await client.withTransaction { _ = try await $0.execute(insert) }
                } else {
                    try await client.execute(insert)
                }
                return
            } catch let error as PostgresError where error.code == .commitUnknown || error.code == .connectionLost {
                continue
            }
        }
    }

    @Test func endedSessionsAreReplacedUnderLoad() async throws {
        try await withDatabase { client, url in
            try await client.execute("CREATE TABLE t (id bigint PRIMARY KEY, writes bigint NOT NULL)")
            try await withClient(url: url) { killer in
                let endOthers = Statement(
                    "end others",
                    """
                    SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                    WHERE datname = current_database() AND pid <> pg_backend_pid()
                    """,
                    returning: Int.self
                )
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for writer in 0..<8 {
                        group.addTask {
                            for number in 0..<100 {
                                let id = writer * 1000 + number
                                try await Self.write(id, client, inTransaction: writer % 2 == 0)
                                guard number % 25 == 24, writer == 0 else { continue }
                                // Ends the client's sessions, not the one that asks.
                                let ended = try await killer.query(endOthers)
                                #expect(ended[0] >= 1)
                            }
                        }
                    }
                    try await group.waitForAll()
                }
            }
            // The last end of the sessions may reach the client only now.
            var rows: [Int] = []
            while let error = await postgresError({ rows = try await client.query(Self.ids) }) {
                #expect(error.code == .connectionLost)
            }
            #expect(rows.count == 800)
        }
    }

    @Test func aSessionEndedInATransactionMakesTheBodyRunAgain() async throws {
        try await withDatabase { client, url in
            try await client.execute("CREATE TABLE t (id bigint PRIMARY KEY)")
            let attempts = NIOLockedValueBox(0)
            try await client.withTransaction { transaction in
                let attempt = attempts.withLockedValue { attempts in
                    attempts += 1
                    return attempts
                }
                try await transaction.execute("INSERT INTO t VALUES (1)")
                let pid = try await transaction.query(
                    Statement("pid", "SELECT pg_backend_pid()", returning: Int32.self)
                )
                if attempt == 1 { try await client.execute("SELECT pg_terminate_backend(\(pid[0]), 60000)") }
                try await transaction.execute("INSERT INTO t VALUES (2)")
            }
            let rows = try await client.query(Self.ids)
            #expect(rows == [1, 2] && attempts.withLockedValue { $0 } == 2)
        }
    }

    @Test func aConnectionLostDuringCommitIsAnUnknownOutcome() async throws {
        try await withDatabase { client, _ in
            try await client.executeScript(
                """
                CREATE TABLE t (id bigint PRIMARY KEY);
                CREATE FUNCTION end_session() RETURNS trigger LANGUAGE plpgsql AS
                    $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$;
                CREATE CONSTRAINT TRIGGER at_commit AFTER INSERT ON t DEFERRABLE INITIALLY DEFERRED
                    FOR EACH ROW EXECUTE FUNCTION end_session();
                """
            )
            let attempts = NIOLockedValueBox(0)
            let error = await postgresError {
                try await client.withTransaction { transaction in
                    attempts.withLockedValue { $0 += 1 }
                    try await transaction.execute("INSERT INTO t VALUES (1)")
                }
            }
            #expect(error?.code == .commitUnknown && attempts.withLockedValue { $0 } == 1)
        }
    }

    @Test func aStatementLostOnItsWayIsNotRepeated() async throws {
        try await withDatabase { client, _ in
            let error = await postgresError {
                // The session must not end well before it is ended.
                try await client.execute("SELECT pg_terminate_backend(pg_backend_pid()), pg_sleep(60)")
            }
            #expect(error?.code == .connectionLost && error?.sqlState == "57P01")
            let rows = try await client.query(Statement("one", "SELECT 1", returning: Int32.self))
            #expect(rows == [1])
        }
    }

    @Test func workWaitsForADatabaseThatIsDown() async throws {
        let server = try TestDatabase.makeServer()
        try await server.start()
        let url = try await server.url()
        await server.stop()
        try await withClient(url: url) { client in
            async let single = client.query(Statement("one", "SELECT 1", returning: Int32.self))
            async let grouped = client.withTransaction { try await $0.execute("SELECT 1") }
            try await server.start()
            let rows = try await single
            let count = try await grouped
            #expect(rows == [1] && count == 1)
        }
        await server.stop()
    }

    // MARK: One clear line

    @Test func aDatabaseThatIsDownIsOneClearLine() async throws {
        var options = PostgresOptions.public
        // Long enough for the refusal to arrive on a busy machine.
        options.acquireTimeout = .seconds(3)
        try await withClient(url: "postgresql://someone:s3cret@127.0.0.1:1/nothing", options) { client in
            for error in [
                await postgresError { try await client.execute("SELECT 1") },
                await postgresError { try await client.withTransaction { _ = try await $0.execute("SELECT 1") } },
            ] {
                #expect(error?.code == .unavailable)
                let line = try #require(error?.description)
                #expect(line.contains("127.0.0.1:1/nothing as someone") && line.contains("Connection refused"))
                #expect(!line.contains("s3cret") && !line.contains("\n"))
            }
        }
    }

    @Test func aWrongPasswordOrDatabaseIsToldAtOnce() async throws {
        let url = try await TestDatabase.make()
        let parts = url.split(separator: "@", maxSplits: 1)
        let wrongPassword = "postgresql://millrace:s3cret@\(parts[1])"
        for (url, words) in [(wrongPassword, "password authentication failed"), (url + "x", "does not exist")] {
            // The default time-out is long: the answer does not wait for it.
            try await withClient(url: url) { client in
                let error = await postgresError { try await client.execute("SELECT 1") }
                #expect(error?.code == .refused && error?.message.contains(words) == true)
                #expect(error?.description.contains("s3cret") == false)
            }
        }
    }

    @Test(arguments: [
        "postgresql://u:s3cret@host:notaport/db", "postgresql://u:s3cret%zz@host/db", "s3cret",
        "host=x s3cret", "postgresql://u:s3cret@[::1/db", "postgresql://u@h/db?s3cret=1",
    ])
    func aBadURLIsOneLineWithoutThePassword(url: String) async throws {
        let client = PostgresClient(url: url, logger: quiet)
        let running = await postgresError { try await client.run() }
        let calling = await postgresError { try await client.execute("SELECT 1") }
        for error in [running, calling] {
            #expect(error?.code == .configuration)
            #expect(error?.description.contains("s3cret") == false && error?.description.contains("\n") == false)
        }
    }

    @Test func aClientThatDoesNotRunSaysSo() async throws {
        var options = PostgresOptions()
        options.acquireTimeout = .milliseconds(20)
        let client = PostgresClient(url: "postgresql://127.0.0.1:1/x", options: options, logger: quiet)
        let error = await postgresError { try await client.execute("SELECT 1") }
        #expect(error?.message.contains("not running") == true)
    }

    @Test func aClosedClientRefusesWork() async throws {
        let url = try await TestDatabase.make()
        let client = PostgresClient(url: url, options: .public, logger: quiet)
        let running = Task { try await client.run() }
        try await client.execute("SELECT 1")
        try await client.withTransaction { _ = try await $0.execute("SELECT 1") }
        running.cancel()
        try await running.value
        for error in [
            await postgresError { try await client.execute("SELECT 1") },
            await postgresError { try await client.withTransaction { _ = $0 } },
        ] {
            #expect(error?.code == .closed)
        }
        let again = await postgresError { try await client.run() }
        #expect(again?.code == .configuration)
    }

    @Test func theSessionHasOurSettings() async throws {
        let url = try await TestDatabase.make()
        var options = PostgresOptions()
        options.applicationName = "a name with spaces"
        options.searchPath = "millrace, public"
        let client = PostgresClient(url: url, options: options, logger: quiet)
        let running = Task { try await client.run() }
        let names = ["application_name", "search_path", "jit", "statement_timeout", "TimeZone", "client_encoding"]
        let rows = try await client.query(
            Statement("settings", "SELECT current_setting(n) FROM unnest(\(names)) n", returning: String.self)
        )
        #expect(rows == ["a name with spaces", "millrace, public", "off", "30s", "UTC", "UTF8"])
        running.cancel()
        try await running.value
    }
}
