import Testing

@testable import Postgres

/// When a statement is prepared.
@Suite struct PreparedStatementsTests {
    private typealias Key = PreparedStatements.Key
    private static let hot = Key("SELECT \(1)")

    @Test func whatIsRunOftenIsPreparedAndRunByItsName() {
        var prepared = PreparedStatements(runs: 3)
        let now = ContinuousClock.now
        #expect(prepared.use(of: Self.hot, at: now) == .once)
        #expect(prepared.use(of: Self.hot, at: now) == .once)
        #expect(prepared.use(of: Self.hot, at: now) == .prepare("s1", replacing: nil))
        // Until the server has answered.
        #expect(prepared.use(of: Self.hot, at: now) == .once)
        prepared.isReady(Self.hot, as: "s1", at: now)
        #expect(prepared.use(of: Self.hot, at: now) == .run("s1"))
    }

    @Test func whatIsRunNowAndThenIsNot() {
        var prepared = PreparedStatements(runs: 3)
        var now = ContinuousClock.now
        for _ in 1...10 {
            #expect(prepared.use(of: Self.hot, at: now) == .once)
            now += PreparedStatements.often / 2
        }
    }

    @Test func otherTypesAreAnotherStatement() {
        #expect(Key("SELECT \(1)") == Key("SELECT \(2)"))
        #expect(Key("SELECT \(1)") != Key("SELECT \(Int32(1))"))
    }

    @Test func noPlanIsOlderThanItsLifetime() {
        var prepared = PreparedStatements(runs: 1)
        let now = ContinuousClock.now
        _ = prepared.use(of: Self.hot, at: now)
        #expect(prepared.use(of: Self.hot, at: now) == .prepare("s1", replacing: nil))
        prepared.isReady(Self.hot, as: "s1", at: now)
        let later = now + PreparedStatements.lifetime
        #expect(prepared.use(of: Self.hot, at: later) == .prepare("s2", replacing: "s1"))
        prepared.isReady(Self.hot, as: "s2", at: later)
        #expect(prepared.use(of: Self.hot, at: later) == .run("s2"))
    }

    @Test func whatFailedBeginsAnew() {
        var prepared = PreparedStatements(runs: 2)
        let now = ContinuousClock.now
        for name in ["s1", "s2"] {
            #expect(prepared.use(of: Self.hot, at: now) == .once)
            #expect(prepared.use(of: Self.hot, at: now) == .prepare(name, replacing: nil))
            prepared.failed(Self.hot)
        }
        // What was not prepared cannot fail to be.
        prepared.failed(Self.hot)
        #expect(prepared.use(of: Self.hot, at: now) == .once)
    }

    @Test func soManyAreKeptAndNoMore() {
        var prepared = PreparedStatements(runs: 2)
        let now = ContinuousClock.now
        var count = 0
        var text: SQL = "SELECT 1"
        for _ in 0..<2 * PreparedStatements.limit {
            text = "\(fragment: text) + 1"
            let key = Key(text)
            _ = prepared.use(of: key, at: now)
            guard case .prepare(let name, _) = prepared.use(of: key, at: now) else { continue }
            count += 1
            prepared.isReady(key, as: name, at: now)
        }
        #expect(count == PreparedStatements.limit)
        // One that fails makes room.
        prepared.failed(Key("SELECT 1 + 1"))
        _ = prepared.use(of: Self.hot, at: now)
        #expect(prepared.use(of: Self.hot, at: now) == .prepare("s\(PreparedStatements.limit + 1)", replacing: nil))
    }
}
