/// A value in a header or in the arguments of a queue, an exchange, a binding or a consumer.
package enum AMQPValue: Equatable, Sendable {
    case string(String)
    case int(Int64)
    case bool(Bool)
    case double(Double)
    /// Whole seconds since 1970.
    case timestamp(Int64)
    case bytes([UInt8])
    case table(AMQPTable)
    case array([AMQPValue])
    case null
}

/// Named values: headers, arguments.
package typealias AMQPTable = [String: AMQPValue]

extension AMQPValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral {
    package init(stringLiteral value: String) { self = .string(value) }
    package init(integerLiteral value: Int64) { self = .int(value) }
    package init(booleanLiteral value: Bool) { self = .bool(value) }

    /// The text, if this is one.
    package var string: String? { if case .string(let value) = self { value } else { nil } }
    /// The number, if this is a whole one.
    package var int: Int64? { if case .int(let value) = self { value } else { nil } }

    /// Bytes this value takes on the wire, its kind included.
    var encodedSize: Int {
        switch self {
        case .string(let text): 5 + text.utf8.count
        case .int, .double, .timestamp: 9
        case .bool: 2
        case .bytes(let bytes): 5 + bytes.count
        case .table(let table): 1 + table.encodedSize
        case .array(let values): values.reduce(5) { $0 + $1.encodedSize }
        case .null: 1
        }
    }

    /// The first key, here or deeper, that is too long for the protocol.
    var oversizedKey: String? {
        switch self {
        case .table(let table): table.oversizedKey
        case .array(let values): values.lazy.compactMap(\.oversizedKey).first
        default: nil
        }
    }
}

extension AMQPTable {
    /// Bytes this table takes on the wire, its length included.
    var encodedSize: Int {
        self.reduce(4) { $0 + 1 + $1.key.utf8.count + $1.value.encodedSize }
    }

    var oversizedKey: String? {
        self.keys.first { $0.utf8.count > ShortString.limit } ?? self.values.lazy.compactMap(\.oversizedKey).first
    }
}

/// The protocol's short strings: names, routing keys, properties.
enum ShortString {
    /// Bytes. The library would cut the length to one byte and send a corrupt frame, so we refuse longer ones.
    static let limit = 255

    static func check(_ text: String?, _ what: String) throws(AMQPError) {
        guard let text, text.utf8.count > self.limit else { return }
        let start = String(text.prefix(40))
        throw AMQPError(
            .invalidArgument,
            "the \(what) \(start)... has \(text.utf8.count) bytes, at most 255 can be sent"
        )
    }

    static func check(_ table: AMQPTable, _ what: String) throws(AMQPError) {
        try self.check(table.oversizedKey, "key in the \(what)")
        guard table.encodedSize <= 65_536 else {
            throw AMQPError(.invalidArgument, "the \(what) take \(table.encodedSize) bytes, at most 65536 can be sent")
        }
    }
}
