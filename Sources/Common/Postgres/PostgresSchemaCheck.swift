package import Logging

extension PostgresClient {
    /// What the server makes of a statement, by a connection of its own; independent of ``run()``.
    package func describe(_ sql: SQL) async throws -> PostgresDescription {
        try await self.withSession { try await $0.describe(sql) }
    }

    /// Runs a text of several statements in one transaction, by a connection of its own; independent of ``run()``.
    package func executeScript(_ script: String) async throws {
        try await self.withSession { try await $0.executeScript(script) }
    }

    /// Gives `body` a connection without pipeline and without statement time-out; independent of ``run()``.
    package func withSession<Result: Sendable>(
        isolation: isolated (any Actor)? = #isolation,
        _ body: (PostgresSession) async throws -> Result
    ) async throws -> Result {
        try await PostgresSession.with(url: self.url, options: self.options, logger: self.logger, body)
    }
}

/// Compares the declared types of statements with what a database with the real schema says.
package enum PostgresSchemaCheck {
    /// One line for each fault: a text the server refuses, another number of columns, a column of another type.
    package static func mismatches(
        statements: [AnyStatement],
        url: String,
        options: PostgresOptions = .init(),
        logger: Logger
    ) async throws -> [String] {
        try await PostgresSession.with(url: url, options: options, logger: logger) { session in
            var found: [String] = []
            for statement in statements {
                do {
                    found += Self.mismatches(of: statement, described: try await session.describe(statement.sql))
                } catch let error as PostgresError where error.code == .server {
                    found.append("\(statement.name): \(error.message) (SQLSTATE \(error.sqlState ?? "?"))")
                }
            }
            return found
        }
    }

    static func mismatches(of statement: AnyStatement, described: PostgresDescription) -> [String] {
        let sent = statement.sql.parameters.map(\.type)
        var found: [String] = []
        for (index, (type, oid)) in zip(sent, described.parameters).enumerated() where type.oid != oid {
            let name = PostgresType.name(of: oid)
            found.append("\(statement.name): parameter \(index + 1) is sent as \(type.name), the server takes \(name)")
        }
        guard statement.columns.count == described.columns.count else {
            let counts =
                "\(statement.columns.count) columns are declared, the server returns \(described.columns.count)"
            return found + ["\(statement.name): \(counts)"]
        }
        for (index, (type, column)) in zip(statement.columns, described.columns).enumerated()
        where !type.accepted.contains(column.oid) {
            let name = PostgresType.name(of: column.oid)
            found.append(
                "\(statement.name): column \(index + 1), \(column.name), is declared \(type.name), the server returns \(name)"
            )
        }
        return found
    }
}
