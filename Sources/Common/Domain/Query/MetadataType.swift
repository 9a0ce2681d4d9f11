/// What the values of a metadata field are. The catalogue refuses a value of another type by constraint.
package enum MetadataType: String, Sendable, CaseIterable, Codable {
    /// 64 bits.
    case integer
    /// A finite number of 64 bits.
    case number
    /// At most ``MetadataValue/longestText`` bytes, compared byte by byte.
    case text
    case boolean
    /// A moment in UTC, to the microsecond.
    case time
}

/// A typed value: of a metadata field, or what a query compares a field with.
package enum MetadataValue: Sendable, Hashable {
    case integer(Int64)
    case number(Double)
    case text(String)
    case boolean(Bool)
    case time(Timestamp)

    /// Bytes of a text, so that an index holds it.
    package static let longestText = 500

    package var type: MetadataType {
        switch self {
        case .integer: .integer
        case .number: .number
        case .text: .text
        case .boolean: .boolean
        case .time: .time
        }
    }

    /// Reads a value as people write it behind `key=`: text needs no quotes there.
    ///
    /// - Throws: ``QueryError`` at position 1, saying what the type wants.
    package init(_ text: String, as type: MetadataType) throws(QueryError) {
        switch type {
        case .text:
            guard (1...Self.longestText).contains(text.utf8.count), !text.utf8.contains(0) else {
                throw QueryError(1, "a text has 1 to \(Self.longestText) bytes")
            }
            self = .text(text)
        case .boolean:
            guard text == "true" || text == "false" else {
                throw QueryError(1, "\(QueryError.quoted(text)) is not true or false")
            }
            self = .boolean(text == "true")
        case .integer, .number, .time:
            guard let value = QueryLiteral.value(text, as: type) else {
                throw QueryError(1, "\(QueryError.quoted(text)) is not \(type.wanted)")
            }
            self = value
        }
    }
}

extension MetadataValue: CustomStringConvertible {
    /// As a query has it.
    package var description: String {
        switch self {
        case .integer(let value): String(value)
        case .number(let value): String(value)
        case .text(let value):
            "'\(value.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "''"))'"
        case .boolean(let value): value ? "true" : "false"
        case .time(let value): value.description
        }
    }
}

extension MetadataType {
    /// What a value of it looks like, with its article.
    package var wanted: String {
        switch self {
        case .integer: "a whole number"
        case .number: "a number"
        case .text: "a text such as 'this'"
        case .boolean: "true or false"
        case .time: "a time such as 2026-11-01 or 2026-11-01T12:00"
        }
    }
}
