/// A named statement with its parameters and the columns its result has.
///
/// The name is for messages and metrics; the server never sees it.
package struct Statement<each Column: PostgresDecodable>: Sendable {
    package let name: String
    package let sql: SQL

    /// - Parameter columns: the types of the result's columns, in their order.
    package init(_ name: String, _ sql: SQL, returning columns: repeat (each Column).Type) {
        self.name = name
        self.sql = sql
    }

    /// The declared types of the result's columns.
    package var columns: [PostgresType] {
        var types: [PostgresType] = []
        repeat types.append((each Column).postgresType)
        return types
    }

    /// This statement without its static types, for checks over all statements.
    package var erased: AnyStatement { AnyStatement(name: self.name, sql: self.sql, columns: self.columns) }

    func decode(_ rows: PostgresRows) throws -> [(repeat each Column)] {
        try rows.check(columns: self.columns, statement: self.name)
        return try (0..<rows.count).map { row in
            var column = -1
            func next<Value: PostgresDecodable>(_ type: Value.Type) throws -> Value {
                column += 1
                do {
                    return try Value(postgres: PostgresCell(rows, row: row, column: column))
                } catch let problem as PostgresDecodingProblem {
                    throw rows.mismatch(column: column, expected: type.postgresType, problem.found, self.name)
                }
            }
            return (repeat try next((each Column).self))
        }
    }
}

/// A statement that returns no rows.
package typealias Command = Statement<>

/// A statement and its declared column types as values.
package struct AnyStatement: Sendable {
    package let name: String
    package let sql: SQL
    package let columns: [PostgresType]
}

extension AnyStatement {
    /// A statement whose rows nobody reads.
    init(unnamed sql: SQL) { self.init(name: "unnamed", sql: sql, columns: []) }
}
