import CLibPQ

/// A result of libpq, freed with the last reference.
///
/// `@unchecked Sendable`: a `PGresult` is read-only once made and may be read by any thread
/// (https://www.postgresql.org/docs/15/libpq-threading.html).
package final class PostgresRows: @unchecked Sendable {
    private let result: OpaquePointer

    /// Takes ownership.
    init(owning result: OpaquePointer) { self.result = result }

    deinit { PQclear(self.result) }

    var count: Int { Int(PQntuples(self.result)) }

    /// Rows changed, or returned by a SELECT; 0 for what changes none.
    var affected: Int { Int(String(cString: PQcmdTuples(self.result))) ?? 0 }

    /// Such as `COMMIT` or `INSERT 0 1`.
    var tag: String { String(cString: PQcmdStatus(self.result)) }

    var columns: [(name: String, oid: UInt32)] {
        (0..<PQnfields(self.result)).map { column in
            (PQfname(self.result, column).map { String(cString: $0) } ?? "?", PQftype(self.result, column))
        }
    }

    var parameterTypes: [UInt32] {
        (0..<PQnparams(self.result)).map { PQparamtype(self.result, $0) }
    }

    func isNull(row: Int, column: Int) -> Bool { PQgetisnull(self.result, CInt(row), CInt(column)) == 1 }

    func withBytes<Result>(
        row: Int,
        column: Int,
        _ body: (UnsafeBufferPointer<UInt8>) throws -> Result
    ) throws -> Result {
        let length = Int(PQgetlength(self.result, CInt(row), CInt(column)))
        guard let start = PQgetvalue(self.result, CInt(row), CInt(column)) else {
            throw PostgresDecodingProblem("no such cell")
        }
        defer { withExtendedLifetime(self) {} }
        return try start.withMemoryRebound(to: UInt8.self, capacity: length) {
            try body(UnsafeBufferPointer(start: $0, count: length))
        }
    }

    /// - Throws: `decoding` if the result does not have the declared columns.
    func check(columns declared: [PostgresType], statement: String?) throws {
        let found = self.columns
        guard found.count == declared.count else {
            throw PostgresError(
                .decoding,
                "\(declared.count) columns are declared, the result has \(found.count)",
                statement: statement
            )
        }
        for (column, type) in declared.enumerated() where !type.accepted.contains(found[column].oid) {
            let name = PostgresType.name(of: found[column].oid)
            throw self.mismatch(column: column, expected: type, name, statement)
        }
    }

    func mismatch(column: Int, expected: PostgresType, _ found: String, _ statement: String?) -> PostgresError {
        let name = self.columns[column].name
        return PostgresError(
            .decoding,
            "column \(column + 1), \(name): expected \(expected.name), found \(found)",
            statement: statement
        )
    }
}
