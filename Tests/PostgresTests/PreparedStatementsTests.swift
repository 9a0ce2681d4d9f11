import Testing
import TestSupport

@testable import Postgres

/// Which statements are prepared when: values in, values out.
@Suite struct PreparedStatementsTests {
    private static let key = PreparedStatements.Key("SELECT \(1)")
    private var prepared = PreparedStatements(maximumAge: .seconds(5))

    @Test mutating func whatComesASecondTimeIsPreparedOnce() {
        #expect(self.prepared.manner(of: Self.key) == .text)
        #expect(self.prepared.manner(of: Self.key) == .prepare(name: "s1"))
        // Not answered yet.
        #expect(self.prepared.manner(of: Self.key) == .text)
        self.prepared.prepared(Self.key, true)
        #expect(self.prepared.manner(of: Self.key) == .name("s1"))
        #expect(self.prepared.manner(of: Self.key) == .name("s1"))
    }

    @Test mutating func whatFailedIsPreparedAgainUnderAnotherName() {
        _ = self.prepared.manner(of: Self.key)
        _ = self.prepared.manner(of: Self.key)
        self.prepared.prepared(Self.key, false)
        #expect(self.prepared.manner(of: Self.key) == .prepare(name: "s2"))
        // A late word about a preparation that is not under way changes nothing.
        self.prepared.prepared(Self.key, true)
        self.prepared.prepared(Self.key, false)
        #expect(self.prepared.manner(of: Self.key) == .name("s2"))
    }

    @Test mutating func otherTypesAreAnotherStatement() {
        for _ in 1...2 { _ = self.prepared.manner(of: Self.key) }
        self.prepared.prepared(Self.key, true)
        #expect(self.prepared.manner(of: PreparedStatements.Key("SELECT \("one")")) == .text)
        #expect(self.prepared.manner(of: PreparedStatements.Key("SELECT \(2)")) == .name("s1"))
    }

    @Test mutating func whatIsForgottenIsSeenAnew() {
        for _ in 1...2 { _ = self.prepared.manner(of: Self.key) }
        self.prepared.prepared(Self.key, true)
        self.prepared.forget()
        #expect(self.prepared.manner(of: Self.key) == .text)
        #expect(self.prepared.manner(of: Self.key) == .prepare(name: "s2"))
    }

    @Test mutating func noMoreIsKeptThanTheLimit() {
        var text: [SQL] = []
        for count in 0...PreparedStatements.limit {
            text.append(SQL.joined(Array(repeating: "SELECT 1;", count: count + 1), separator: " "))
        }
        for sql in text { #expect(self.prepared.manner(of: .init(sql)) == .text) }
        #expect(self.prepared.manner(of: .init(text[0])) == .prepare(name: "s1"))
        #expect(self.prepared.manner(of: .init(text[PreparedStatements.limit])) == .text)
    }

    @Test mutating func plansAreDroppedOnceInEachAge() {
        let start = ContinuousClock.now
        #expect(!self.prepared.plansAreTooOld(at: start))
        #expect(!self.prepared.plansAreTooOld(at: start + .seconds(4.9)))
        #expect(self.prepared.plansAreTooOld(at: start + .seconds(5)))
        #expect(!self.prepared.plansAreTooOld(at: start + .seconds(9.9)))
        #expect(self.prepared.plansAreTooOld(at: start + .seconds(60)))
        #expect(!self.prepared.plansAreTooOld(at: start + .seconds(61)))
    }
}

/// The same on a real server.
@Suite struct PreparingTests {
    private static func options(age: Duration? = .seconds(3600)) -> PostgresOptions {
        var options = PostgresOptions()
        options.planAge = age
        options.poolSize = 1
        return options
    }

    private static func double(_ number: Int) -> Statement<Int> {
        Statement("double", "SELECT 2 * \(number)", returning: Int.self)
    }

    /// The texts that the shared connection's session has prepared. Its own text is sent anew each time.
    private static func texts(_ client: PostgresClient) async throws -> [String] {
        try await client.query(
            Statement(
                "prepared",
                "SELECT statement FROM pg_prepared_statements WHERE statement NOT LIKE '%pg_prepared%' ORDER BY name",
                returning: String.self
            )
        )
    }

    @Test func whatIsSentAgainIsPrepared() async throws {
        try await withDatabase(Self.options()) { client, _ in
            #expect(try await client.query(Self.double(1)) == [2])
            #expect(try await Self.texts(client) == [])
            for number in 2...10 { #expect(try await client.query(Self.double(number)) == [2 * number]) }
            #expect(try await Self.texts(client) == ["SELECT 2 * $1"])
        }
    }

    @Test func withoutAnAgeNothingIsPrepared() async throws {
        try await withDatabase(Self.options(age: nil)) { client, _ in
            for number in 1...10 { #expect(try await client.query(Self.double(number)) == [2 * number]) }
            #expect(try await Self.texts(client) == [])
        }
    }

    /// Many at once on one connection: what is sent before the preparation is answered does not rely on it.
    @Test func manyAtOnceGetTheirOwnAnswers() async throws {
        try await withDatabase(Self.options()) { client, _ in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 1...300 {
                    group.addTask { #expect(try await client.query(Self.double(number)) == [2 * number]) }
                }
                try await group.waitForAll()
            }
            #expect(try await Self.texts(client) == ["SELECT 2 * $1"])
        }
    }

    /// The preparation is skipped with the rest of its segment, or done although a statement behind it fails.
    @Test func anErrorBesideThePreparationHurtsNobodyElse() async throws {
        try await withDatabase(Self.options()) { client, _ in
            for order in [["fail", "double"], ["double", "fail"]] {
                #expect(try await client.query(Self.double(1)) == [2])
                let statements: [SQL] = order.map { $0 == "fail" ? "SELECT 1 / \(0)" : Self.double(3).sql }
                let error = await postgresError { try await client.execute(statements) }
                #expect(error?.sqlState == "22012")
                for number in 1...5 { #expect(try await client.query(Self.double(number)) == [2 * number]) }
            }
        }
    }

    /// What a pooler does to a session, and what a migration does to a result: transactions do not notice.
    @Test func whatTheServerForgotIsPreparedAgain() async throws {
        try await withDatabase(Self.options()) { client, _ in
            try await client.execute("CREATE TABLE t (x int)")
            try await client.execute("INSERT INTO t VALUES (\(7))")
            let read = Statement("read", "SELECT x FROM t WHERE x > \(Int32(0))", returning: Int32.self)
            func run() async throws {
                for _ in 1...3 { #expect(try await client.withTransaction { try await $0.query(read) } == [7]) }
            }
            try await run()
            try await client.withTransaction { try await $0.execute("DEALLOCATE ALL") }
            try await run()

            try await client.execute("ALTER TABLE t ALTER x TYPE bigint")
            let wide = Statement("read", read.sql, returning: Int64.self)
            for _ in 1...3 { #expect(try await client.withTransaction { try await $0.query(wide) } == [7]) }
        }
    }

    /// Plans that are too old are dropped between transactions, whatever isolation the next one has.
    @Test func plansAreDroppedBetweenTransactions() async throws {
        try await withDatabase(Self.options(age: .zero)) { client, _ in
            for number in 1...5 {
                let twice = try await client.withTransaction(.serializable) { transaction in
                    let first = try await transaction.query(Self.double(number))
                    return first + (try await transaction.query(Self.double(number)))
                }
                #expect(twice == [2 * number, 2 * number])
                #expect(try await client.query(Self.double(number)) == [2 * number])
            }
        }
    }
}
