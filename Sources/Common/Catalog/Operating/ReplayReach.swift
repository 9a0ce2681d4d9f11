package import Domain
import Messages
package import Postgres

/// How far a rule was tried on the past: the newest failures are looked at, and none of what is archived.
package struct ReplayReach: Sendable, Hashable {
    /// So many failures were looked at, the newest.
    package let lookedAt: Int
    /// There are no more at hand.
    package let isComplete: Bool
    /// Of so many tasks that are archived, or on their way there or back, something ended in that time.
    package let archived: Int64

    package static func read(
        _ database: PostgresClient,
        since: Moment,
        lookedAt: Int
    ) async throws -> ReplayReach {
        let row = try await database.query(Self.beyond(lookedAt, since: since)).first
        return ReplayReach(lookedAt: lookedAt, isComplete: row?.0 ?? true, archived: row?.1 ?? 0)
    }

    /// For people; none when everything was looked at.
    package var lines: [String] {
        let cut =
            self.isComplete
            ? [] : ["only the newest \(self.lookedAt) failures were looked at: there are more in that time"]
        guard self.archived > 0 else { return cut }
        return cut + [
            self.archived == 1
                ? "1 archived task was not looked at" : "\(self.archived) archived tasks were not looked at"
        ]
    }

    /// Whether there is no failure beyond so many, and how many tasks are not at hand.
    private static func beyond(_ lookedAt: Int, since: Moment) -> Statement<Bool, Int64> {
        Statement(
            "failureHistory.beyond",
            """
            WITH \(fragment: TotalWindow.span(.moment(since))), \(fragment: TotalWindow.archived())
            SELECT NOT EXISTS (SELECT 1 FROM verdict v WHERE v.at >= \(since) AND \(fragment: TotalWindow.isAtHand("v"))
                               ORDER BY v.at DESC OFFSET \(lookedAt) LIMIT 1), (SELECT tasks FROM archived)
            """,
            returning: Bool.self,
            Int64.self
        )
    }

    static var examples: [AnyStatement] { [Self.beyond(1, since: Moment(microseconds: 0)).erased] }
}

extension Operations {
    private struct Replayed: Decodable {
        let failures: Int
    }

    /// ``testRule(_:_:since:)``, and how far it looked: `looked_at`, `complete` and `archived` in its result, and lines that say what
    /// was left out.
    package func tryRule(_ name: String, _ draft: RuleDraft?, since: Moment) async throws -> Outcome {
        var outcome = try await self.testRule(name, draft, since: since)
        let replayed = try WireFormat.value(Replayed.self, from: outcome.result)
        let reach = try await ReplayReach.read(self.database, since: since, lookedAt: replayed.failures)
        outcome.lines += reach.lines
        outcome.result = ObjectText.adding("looked_at", "\(reach.lookedAt)", to: outcome.result)
        outcome.result = ObjectText.adding("complete", "\(reach.isComplete)", to: outcome.result)
        outcome.result = ObjectText.adding("archived", "\(reach.archived)", to: outcome.result)
        return outcome
    }
}
