import Catalog
import Domain
import Logging
import NIOConcurrencyHelpers
import Testing

@testable import Monitor

@Suite struct RuleTableTests {
    private static let logger = Logger(label: "rules") { _ in SwiftLogNoOpLogHandler() }

    /// The rule that decides a failure.
    private static func rule(_ policy: VerdictPolicy) -> String {
        policy.decide(
            FailedAttempt(
                key: AttemptKey(task: 1, index: 0, attempt: 1),
                site: "DESY",
                taskKind: "generate",
                failures: [Failure(.payloadExit, "exit code 1")],
                countedBefore: 0,
                maxAttempts: 3,
                earlierFingerprints: [],
                otherSites: 1
            )
        ).rule
    }

    @Test func rulesAreReadOnceUntilTheyAreSaidToHaveChanged() async throws {
        let reads = NIOLockedValueBox(0)
        let table = RuleTable(logger: Self.logger) {
            reads.withLockedValue { $0 += 1 }
            return try StoredRule.rows(.defaults)
        }
        _ = try await table.policy()
        _ = try await table.policy()
        #expect(reads.withLockedValue { $0 } == 1)
        table.changed()
        _ = try await table.policy()
        _ = try await table.policy()
        #expect(reads.withLockedValue { $0 } == 2)
    }

    /// What is said to have changed while the rules are read may not be among those that are read.
    @Test func aChangeWhileTheRulesAreReadIsNotMissed() async throws {
        let reads = NIOLockedValueBox(0)
        let word = NIOLockedValueBox<(@Sendable () -> Void)?>(nil)
        let table = RuleTable(logger: Self.logger) {
            reads.withLockedValue { $0 += 1 }
            word.withLockedValue { $0 }?()
            return try StoredRule.rows(.defaults)
        }
        word.withLockedValue { $0 = { [weak table] in table?.changed() } }
        _ = try await table.policy()
        word.withLockedValue { $0 = nil }
        _ = try await table.policy()
        _ = try await table.policy()
        #expect(reads.withLockedValue { $0 } == 2)
    }

    /// Who began to read before the change ends after the one who read what is new.
    @Test func anOlderReadDoesNotReplaceANewerOne() async throws {
        let (begun, begin) = AsyncStream.makeStream(of: Void.self)
        let (ended, end) = AsyncStream.makeStream(of: Void.self)
        let reads = NIOLockedValueBox(0)
        let table = RuleTable(logger: Self.logger) {
            let number = reads.withLockedValue { reads in
                reads += 1
                return reads
            }
            guard number == 1 else { return [] }
            begin.finish()
            for await _ in ended {}
            return try StoredRule.rows(.defaults)
        }
        async let old = table.policy()
        for await _ in begun {}
        table.changed()
        let new = try await table.policy()
        end.finish()
        #expect(Self.rule(try await old) != Self.rule(new), "each has what it read")
        #expect(Self.rule(try await table.policy()) == Self.rule(new))
        #expect(reads.withLockedValue { $0 } == 2)
    }

    @Test func rulesThatAreOldAreReadAgain() async throws {
        let reads = NIOLockedValueBox(0)
        let table = RuleTable(logger: Self.logger, age: .zero) {
            reads.withLockedValue { $0 += 1 }
            return try StoredRule.rows(.defaults)
        }
        _ = try await table.policy()
        _ = try await table.policy()
        #expect(reads.withLockedValue { $0 } == 2)
    }
}
