import Testing
import TestSupport

@testable import Postgres

/// Which statements are prepared when: values in, values out.
@Suite struct PreparedStatementsTests {
    private static let key = PreparedStatements.Key("SELECT \(1)")

    /// What a connection keeps, as a reference: expectations change it.
    private final class Kept {
        var prepared = PreparedStatements(maximumAge: .seconds(5))

        func manner(of key: PreparedStatements.Key = PreparedStatementsTests.key) -> PreparedStatements.Manner {
            self.prepared.manner(of: key)
        }

        func tooOld(at now: ContinuousClock.Instant) -> Bool { self.prepared.plansAreTooOld(at: now) }
    }

    private let kept = Kept()

    @Test func whatComesASecondTimeIsPreparedOnce() {
        #expect(self.kept.manner() == .text)
        #expect(self.kept.manner() == .prepare(name: "s1"))
        // Not answered yet.
        #expect(self.kept.manner() == .text)
        self.kept.prepared.prepared(Self.key, true)
        #expect(self.kept.manner() == .name("s1"))
        #expect(self.kept.manner() == .name("s1"))
    }

    @Test func whatFailedIsPreparedAgainUnderAnotherName() {
        _ = self.kept.manner()
        _ = self.kept.manner()
        self.kept.prepared.prepared(Self.key, false)
        #expect(self.kept.manner() == .prepare(name: "s2"))
        self.kept.prepared.prepared(Self.key, true)
        // A late word about a preparation that is not under way changes nothing.
        self.kept.prepared.prepared(Self.key, false)
        #expect(self.kept.manner() == .name("s2"))
    }

    @Test func otherTypesAreAnotherStatement() {
        for _ in 1...2 { _ = self.kept.manner() }
        self.kept.prepared.prepared(Self.key, true)
        #expect(self.kept.manner(of: .init("SELECT \("one")")) == .text)
        #expect(self.kept.manner(of: .init("SELECT \(2)")) == .name("s1"))
    }

    @Test func whatIsForgottenIsSeenAnew() {
        for _ in 1...2 { _ = self.kept.manner() }
        self.kept.prepared.prepared(Self.key, true)
        self.kept.prepared.forget()
        #expect(self.kept.manner() == .text)
        #expect(self.kept.manner() == .prepare(name: "s2"))
    }

    @Test func noMoreIsKeptThanTheLimit() {
        let texts = (0...PreparedStatements.limit).map { count in
            PreparedStatements.Key(SQL.joined(Array(repeating: "SELECT 1;", count: count + 1), separator: " "))
        }
        for text in texts { #expect(self.kept.manner(of: text) == .text) }
        #expect(self.kept.manner(of: texts[0]) == .prepare(name: "s1"))
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
