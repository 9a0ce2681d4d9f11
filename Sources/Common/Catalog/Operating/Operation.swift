package import Domain
package import Postgres

/// Who asks for a change.
package struct Caller: Sendable, Hashable {
    /// The name that the log keeps.
    package let who: String
    package let role: Role

    package init(who: String, role: Role) {
        self.who = who
        self.role = role
    }

    /// - Throws: ``CatalogRefusal`` (permission) unless the caller has this role or a greater one.
    package func need(_ role: Role, to action: String) throws(CatalogRefusal) {
        guard self.role >= role else {
            throw CatalogRefusal(
                .permission,
                "\(self.who) is a \(self.role.rawValue); to \(action) one must be \(role.rawValue) or more"
            )
        }
    }
}

/// What a change did, or in a dry run would do.
package struct Outcome: Sendable {
    package var changed: Bool
    /// One line for each thing done, for people.
    package var lines: [String]
    /// The text of a JSON value: the thing as it is now.
    package var result: String
    /// Already in the outbox: to be sent now, and taken out of it when the broker has confirmed them. Empty after a dry run.
    package var messages: [OutboxMessage]

    package init(changed: Bool = true, lines: [String], result: String, messages: [OutboxMessage] = []) {
        self.changed = changed
        self.lines = lines
        self.result = result
        self.messages = messages
    }
}

/// The changes people make, each in one transaction.
///
/// A dry run does all of it and rolls back, so that it meets the same refusals as the real run; only the numbers it shows for new
/// things are not reserved.
package struct Operations: Sendable {
    let database: PostgresClient
    let caller: Caller
    let isDryRun: Bool

    package init(_ database: PostgresClient, caller: Caller, isDryRun: Bool = false) {
        self.database = database
        self.caller = caller
        self.isDryRun = isDryRun
    }

    /// Ends a dry run: the transaction is rolled back, the outcome lives.
    private struct DryRun: Error {
        let outcome: Outcome
    }

    /// Runs one change.
    ///
    /// - Throws: ``CatalogRefusal``, also for what a constraint refused; ``PostgresError``.
    func change(_ body: @Sendable (PostgresTransaction) async throws -> Outcome) async throws -> Outcome {
        do {
            return try await self.database.withTransaction { transaction in
                let outcome = try await body(transaction)
                if self.isDryRun { throw DryRun(outcome: outcome) }
                if !outcome.messages.isEmpty {
                    try await transaction.execute(OutboxStatements.insert(outcome.messages))
                }
                return outcome
            }
        } catch let dry as DryRun {
            var outcome = dry.outcome
            outcome.messages = []
            return outcome
        } catch let error as PostgresError {
            throw Self.refusal(error) ?? error
        }
    }

    /// What a constraint says, in words; nil: no constraint, a failure.
    static func refusal(_ error: PostgresError) -> (any Error)? {
        guard error.code == .server, let state = error.sqlState else { return nil }
        let table = error.table ?? "the catalogue"
        switch state {
        case "23505": return CatalogRefusal(.state, "\(table): there is one already (\(error.constraint ?? "unique"))")
        case "23503":
            return CatalogRefusal(
                .missing,
                "\(table): it names something that does not exist (\(error.constraint ?? "reference"))"
            )
        case "23514", "23502":
            return CatalogRefusal(.invalid, "\(table): a value is not allowed (\(error.constraint ?? "check"))")
        case "22003", "22P02", "22021", "22P05":
            return CatalogRefusal(.invalid, "a value cannot be stored: \(error.description)")
        case "MR001", "MR003", "MR004": return CatalogRefusal(.state, error.message)
        default: return nil
        }
    }

    /// The one row of a statement that reads an object.
    func object(
        _ statement: Statement<String>,
        in transaction: PostgresTransaction,
        _ name: String
    ) async throws -> String {
        guard let row = try await transaction.query(statement).first else {
            throw CatalogRefusal(.missing, "there is no \(name)")
        }
        return row
    }
}

/// Small JSON texts.
package enum ObjectText {
    /// The object with one more member. `value` is the text of a JSON value.
    package static func adding(_ key: StaticString, _ value: String, to object: String) -> String {
        let open = object.dropLast()
        return "\(open)\(open.count > 1 ? "," : "")\"\(key)\":\(value)}"
    }
}
