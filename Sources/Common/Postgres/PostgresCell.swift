/// Why a cell could not be read; the client adds the statement and the column.
package struct PostgresDecodingProblem: Error {
    /// What was found instead, without the value itself: `NULL`, `a number out of range`.
    package let found: String

    package init(_ found: String) { self.found = found }
}

/// One value of a result: NULL or the server's text form.
package struct PostgresCell {
    private enum Source {
        case null
        case result(PostgresRows, row: Int, column: Int)
        case bytes([UInt8])
    }

    private let source: Source

    init(_ rows: PostgresRows, row: Int, column: Int) {
        self.source = rows.isNull(row: row, column: column) ? .null : .result(rows, row: row, column: column)
    }

    /// An array's element, or a value made by a test; nil is NULL.
    package init(bytes: [UInt8]?) {
        self.source = bytes.map(Source.bytes) ?? .null
    }

    package var isNull: Bool {
        if case .null = self.source { true } else { false }
    }

    /// The value's text, valid during `body` only.
    ///
    /// - Throws: ``PostgresDecodingProblem`` if the cell is NULL, and what `body` throws.
    package func withBytes<Result>(_ body: (UnsafeBufferPointer<UInt8>) throws -> Result) throws -> Result {
        switch self.source {
        case .null: throw PostgresDecodingProblem("NULL")
        case .result(let rows, let row, let column): return try rows.withBytes(row: row, column: column, body)
        case .bytes(let bytes): return try bytes.withUnsafeBufferPointer(body)
        }
    }

    /// - Throws: ``PostgresDecodingProblem`` if the cell is NULL.
    package func text() throws -> String {
        try self.withBytes { String(decoding: $0, as: UTF8.self) }
    }
}
