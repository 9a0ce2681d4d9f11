/// Queries that travel together, in one round trip, and are run in the order in which they were added: each sees what those
/// before it have locked.
package struct QueryBatch: Sendable {
    /// One query of a batch, to read its rows with.
    package struct Query<each Column: PostgresDecodable>: Sendable {
        fileprivate let number: Int
        fileprivate let statement: Statement<repeat each Column>
    }

    /// What the queries of a batch found.
    package struct Results: Sendable {
        fileprivate let rows: [PostgresRows]

        /// The rows of one query of the batch.
        package func of<each Column>(_ query: Query<repeat each Column>) throws -> [(repeat each Column)] {
            try query.statement.decode(self.rows[query.number])
        }
    }

    private(set) var statements: [AnyStatement] = []

    package init() {}

    package mutating func add<each Column>(
        _ statement: Statement<repeat each Column>
    ) -> Query<repeat each Column> {
        defer { self.statements.append(statement.erased) }
        return Query(number: self.statements.count, statement: statement)
    }

    /// A statement whose rows nobody reads.
    package mutating func add(_ sql: SQL) { self.statements.append(AnyStatement(unnamed: sql)) }
}

extension PostgresTransaction {
    /// Runs the queries of a batch. After an error the transaction can only be rolled back.
    package func results(of batch: QueryBatch) async throws -> QueryBatch.Results {
        QueryBatch.Results(rows: batch.statements.isEmpty ? [] : try await self.run(batch.statements))
    }
}
