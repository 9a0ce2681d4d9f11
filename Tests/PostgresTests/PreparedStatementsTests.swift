import Testing
import TestSupport

@testable import Postgres

/// Which statements are prepared when: values in, values out.
@Suite struct PreparedStatementsTests {
    private static let key = PreparedStatements.Key("SELECT \(1)")

    /// What a connection keeps, as a reference: expectations change it.
    private final class Kept {
        var prepared = PreparedStatements(maximumAge: .seconds(5), prefix: "s")

        func manner(of key: PreparedStatements.Key = PreparedStatementsTests.key) -> PreparedStatements.Manner {
            self.prepared.manner(of: key)
        }

        func tooOld(at now: ContinuousClock.Instant) -> Bool { self.prepared.plansAreTooOld(at: now) }
    }

    private let kept = Kept()

    @Test func whatComesASecondTimeIsPreparedOnce() {
        #expect(self.kept.manner() == .text)
        #expect(self.kept.manner() == .prepare(name: "s.1"))
        // Not answered yet.
        #expect(self.kept.manner() == .text)
        self.kept.prepared.prepared(Self.key, as: "s.1", true)
        #expect(self.kept.manner() == .name("s.1"))
        #expect(self.kept.manner() == .name("s.1"))
    }

    @Test func whatFailedIsPreparedAgainUnderAnotherName() {
        _ = self.kept.manner()
        _ = self.kept.manner()
        self.kept.prepared.prepared(Self.key, as: "s.1", false)
        #expect(self.kept.manner() == .prepare(name: "s.2"))
        // A late word about another preparation changes nothing.
        self.kept.prepared.prepared(Self.key, as: "s.1", true)
        #expect(self.kept.manner() == .text)
        self.kept.prepared.prepared(Self.key, as: "s.2", true)
        self.kept.prepared.prepared(Self.key, as: "s.2", false)
        #expect(self.kept.manner() == .name("s.2"))
    }

    @Test func otherTypesAreAnotherStatement() {
        for _ in 1...2 { _ = self.kept.manner() }
        self.kept.prepared.prepared(Self.key, as: "s.1", true)
        #expect(self.kept.manner(of: .init("SELECT \("one")")) == .text)
        #expect(self.kept.manner(of: .init("SELECT \(2)")) == .name("s.1"))
    }

    @Test func whatIsForgottenIsSeenAnew() {
        for _ in 1...2 { _ = self.kept.manner() }
        self.kept.prepared.prepared(Self.key, as: "s.1", true)
        self.kept.prepared.forget()
        #expect(self.kept.manner() == .text)
        #expect(self.kept.manner() == .prepare(name: "s.2"))
    }

    @Test func noMoreIsKeptThanTheLimit() {
        let texts = (0...PreparedStatements.limit).map { count in
            PreparedStatements.Key(SQL.joined(Array(repeating: "SELECT 1;", count: count + 1), separator: " "))
        }
        for text in texts { #expect(self.kept.manner(of: text) == .text) }
        #expect(self.kept.manner(of: texts[0]) == .prepare(name: "s.1"))
        #expect(self.kept.manner(of: texts[PreparedStatements.limit]) == .text)
    }

    @Test func plansAreDroppedOnceInEachAge() {
        let start = ContinuousClock.now
        #expect(!self.kept.tooOld(at: start))
        #expect(!self.kept.tooOld(at: start + .seconds(4.9)))
        #expect(self.kept.tooOld(at: start + .seconds(5)))
        #expect(!self.kept.tooOld(at: start + .seconds(9.9)))
        #expect(self.kept.tooOld(at: start + .seconds(60)))
        #expect(!self.kept.tooOld(at: start + .seconds(61)))
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

    private static func expectDoubles(_ numbers: ClosedRange<Int>, _ client: PostgresClient) async throws {
        for number in numbers {
            let rows = try await client.query(Self.double(number))
            #expect(rows == [2 * number])
        }
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
            try await Self.expectDoubles(1...1, client)
            let before = try await Self.texts(client)
            #expect(before.isEmpty)
            try await Self.expectDoubles(2...10, client)
            let after = try await Self.texts(client)
            #expect(after == ["SELECT 2 * $1"])
        }
    }

    @Test func withoutAnAgeNothingIsPrepared() async throws {
        try await withDatabase(Self.options(age: nil)) { client, _ in
            try await Self.expectDoubles(1...10, client)
            let texts = try await Self.texts(client)
            #expect(texts.isEmpty)
        }
    }

    /// Many at once on one connection: what is sent before the preparation is answered does not rely on it.
    @Test func manyAtOnceGetTheirOwnAnswers() async throws {
        try await withDatabase(Self.options()) { client, _ in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 1...300 { group.addTask { try await Self.expectDoubles(number...number, client) } }
                try await group.waitForAll()
            }
            let texts = try await Self.texts(client)
            #expect(texts == ["SELECT 2 * $1"])
        }
    }

    /// The preparation is skipped with the rest of its segment, or done although a statement behind it fails.
    @Test(arguments: [true, false]) func anErrorBesideThePreparationHurtsNobodyElse(isBefore: Bool) async throws {
        try await withDatabase(Self.options()) { client, _ in
            try await Self.expectDoubles(1...1, client)
            let failing: SQL = "SELECT 1 / \(0)"
            let statements = isBefore ? [failing, Self.double(3).sql] : [Self.double(3).sql, failing]
            let error = await postgresError { try await client.execute(statements) }
            #expect(error?.sqlState == "22012")
            try await Self.expectDoubles(1...5, client)
        }
    }

    /// What a pooler does to a session, and what a migration does to a result: transactions do not notice.
    @Test func whatTheServerForgotIsPreparedAgain() async throws {
        try await withDatabase(Self.options()) { client, _ in
            try await client.execute("CREATE TABLE t (x int)")
            try await client.execute("INSERT INTO t VALUES (\(7))")
            let read = Statement("read", "SELECT x FROM t WHERE x > \(Int32(0))", returning: Int32.self)
            for turn in 1...6 {
                let rows = try await client.withTransaction { try await $0.query(read) }
                #expect(rows == [7])
                if turn == 3 { try await client.withTransaction { try await $0.execute("DEALLOCATE ALL") } }
            }
            // The same on the shared connection, whose statements are transactions of their own.
            for turn in 1...6 {
                let rows = try await client.query(read)
                #expect(rows == [7])
                if turn == 3 { try await client.execute("DEALLOCATE ALL") }
            }
            try await client.execute("ALTER TABLE t ALTER x TYPE bigint")
            let wide = Statement("read", read.sql, returning: Int64.self)
            for _ in 1...3 {
                let rows = try await client.withTransaction { try await $0.query(wide) }
                #expect(rows == [7])
                let single = try await client.query(wide)
                #expect(single == [7])
            }
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
                try await Self.expectDoubles(number...number, client)
            }
        }
    }
}
