package import Postgres

/// Something that must hold in the catalogue at every moment, whatever crashes.
package struct Invariant: Sendable {
    /// Short and stable: what scripts look for.
    package let name: String
    /// What must hold, in one sentence.
    package let text: String
    /// One row for each violation, with one text column `example`.
    let violations: SQL

    init(_ name: String, _ text: String, _ violations: SQL) {
        self.name = name
        self.text = text
        self.violations = violations
    }

    /// How often it is violated, and up to five examples.
    package var statement: Statement<Int64, [String]> {
        Statement(
            "doctor.\(self.name)",
            """
            WITH v AS MATERIALIZED (\(fragment: self.violations))
            SELECT (SELECT count(*) FROM v), ARRAY(SELECT example FROM v ORDER BY example LIMIT 5)
            """,
            returning: Int64.self,
            [String].self
        )
    }
}

/// What one invariant's query found.
package struct Diagnosis: Sendable, Hashable, Codable {
    package let invariant: String
    package let text: String
    package let violations: Int64
    /// At most five.
    package let examples: [String]

    package init(invariant: String, text: String, violations: Int64, examples: [String]) {
        self.invariant = invariant
        self.text = text
        self.violations = violations
        self.examples = examples
    }
}

/// The invariants of the catalogue, each a query.
///
/// Those that allow for what is under way do so by state where they can, and by time only where the next step belongs to
/// another process: a message that is being published is no violation, one that nobody took for minutes is.
package enum Doctor {
    package static var invariants: [Invariant] {
        self.jobs + self.tasks + self.books + self.data + self.history + self.cleanups + self.tallies + self.log
    }

    /// Asks every invariant in one snapshot, so that a catalogue at work looks the same to all of them.
    package static func examine(_ database: PostgresClient) async throws -> [Diagnosis] {
        try await database.withTransaction(.readOnlySnapshot) { transaction in
            var found: [Diagnosis] = []
            for invariant in Self.invariants {
                let row = try await transaction.query(invariant.statement).first
                found.append(
                    Diagnosis(
                        invariant: invariant.name,
                        text: invariant.text,
                        violations: row?.0 ?? 0,
                        examples: row?.1 ?? []
                    )
                )
            }
            return found
        }
    }

    static var examples: [AnyStatement] { self.invariants.map { $0.statement.erased } }
}
