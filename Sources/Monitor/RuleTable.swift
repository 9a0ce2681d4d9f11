import Catalog
import Domain
import Logging
import Metrics
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
    private let logger: Logger
    private let age: Duration

    init(database: PostgresClient, logger: Logger, age: Duration = .seconds(30)) {
        self.database = database
        self.logger = logger
        self.age = age
    }

    func changed() { self.held.withLockedValue { $0.readAt = nil } }

    /// A rule that cannot be used is left out, and said so: the others decide.
    func policy() async throws -> VerdictPolicy {
        let known = self.held.withLockedValue { held -> VerdictPolicy? in
            guard let readAt = held.readAt, readAt.duration(to: .now) < self.age else { return nil }
            return held.policy
        }
        if let known { return known }
        let (rules, refused) = StoredRule.usable(try await RuleStatements.all(self.database))
        for error in refused {
            self.logger.error("a failure rule cannot be used", metadata: ["reason": "\(error)"])
            Counter(label: "millrace.rules.refused").increment()
        }
        let policy = try VerdictPolicy(rules)
        self.held.withLockedValue { $0 = Held(policy: policy, readAt: .now) }
        return policy
    }
}
