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
        /// How often they were said to have changed.
        var changes = 0
    }

    private let read: @Sendable () async throws -> [StoredRule]
    private let held = NIOLockedValueBox(Held())
    private let logger: Logger
    private let age: Duration

    convenience init(database: PostgresClient, logger: Logger) {
        self.init(logger: logger) { try await RuleStatements.all(database) }
    }

    /// - Parameter read: gives all rules there are.
    init(logger: Logger, age: Duration = .seconds(30), read: @escaping @Sendable () async throws -> [StoredRule]) {
        self.read = read
        self.logger = logger
        self.age = age
    }

    func changed() {
        self.held.withLockedValue { held in
            held.readAt = nil
            held.changes += 1
        }
    }

    /// A rule that cannot be used is left out, and said so: the others decide.
    func policy() async throws -> VerdictPolicy {
        let known = self.held.withLockedValue { held -> VerdictPolicy? in
            guard let readAt = held.readAt, readAt.duration(to: .now) < self.age else { return nil }
            return held.policy
        }
        if let known { return known }
        let changes = self.held.withLockedValue { $0.changes }
        let (rules, refused) = StoredRule.usable(try await self.read())
        for error in refused {
            self.logger.error("a failure rule cannot be used", metadata: ["reason": "\(error)"])
            Counter(label: "millrace.rules.refused").increment()
        }
        let policy = try VerdictPolicy(rules)
        self.held.withLockedValue { held in
            // What was said to have changed while they were read may not be among them; who reads them now knows better.
            if held.changes == changes { (held.policy, held.readAt) = (policy, .now) }
        }
        return policy
    }
}
