import Catalog
import Domain
import Logging
import NIOConcurrencyHelpers
import Testing

@testable import Monitor

@Suite struct RuleTableTests {
    private static let logger = Logger(label: "rules") { _ in SwiftLogNoOpLogHandler() }

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
