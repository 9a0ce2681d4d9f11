import Catalog
import Domain
import NIOConcurrencyHelpers
import Postgres

/// The rules in force, compiled; read again when somebody says they changed, and now and then anyway.
final class RuleTable: Sendable {
    private struct Held {
        var policy: VerdictPolicy?
        var readAt: ContinuousClock.Instant?
    }

    private let database: PostgresClient
    private let held = NIOLockedValueBox(Held())
    private let age: Duration

    init(database: PostgresClient, age: Duration = .seconds(30)) {
        self.database = database
        self.age = age
    }

    func changed() { self.held.withLockedValue { $0.readAt = nil } }

    /// - Throws: ``RuleError`` for a rule that cannot be used.
    func policy() async throws -> VerdictPolicy {
        let known = self.held.withLockedValue { held -> VerdictPolicy? in
            guard let readAt = held.readAt, readAt.duration(to: .now) < self.age else { return nil }
            return held.policy
        }
        if let known { return known }
        let policy = try VerdictPolicy(StoredRule.ruleSet(try await RuleStatements.all(self.database)))
        self.held.withLockedValue { $0 = Held(policy: policy, readAt: .now) }
        return policy
    }
}
