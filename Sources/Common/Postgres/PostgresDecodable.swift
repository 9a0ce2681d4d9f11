/// What a result column can be read as.
package protocol PostgresDecodable: PostgresTyped {
    /// - Throws: ``PostgresDecodingProblem`` for NULL (unless the type is an optional) and for what does not fit.
    init(postgres cell: PostgresCell) throws
    /// The elements of an array cell; the default reads an array literal.
    static func decodeArray(_ cell: PostgresCell) throws -> [Self]
}

extension PostgresDecodable {
    package static func decodeArray(_ cell: PostgresCell) throws -> [Self] {
        let elements = try cell.withBytes { try ArrayLiteral.parse($0) }
        return try elements.map { try Self(postgres: PostgresCell(bytes: $0)) }
    }
}

extension PostgresDecodable where Self: RawRepresentable, RawValue: PostgresDecodable {
    package init(postgres cell: PostgresCell) throws {
        guard let value = Self(rawValue: try RawValue(postgres: cell)) else {
            throw PostgresDecodingProblem("a value that \(Self.self) does not know")
        }
        self = value
    }
}

extension Optional: PostgresDecodable where Wrapped: PostgresDecodable {
    package init(postgres cell: PostgresCell) throws {
        self = cell.isNull ? nil : try Wrapped(postgres: cell)
    }
}

extension Array: PostgresDecodable where Element: PostgresDecodable {
    package init(postgres cell: PostgresCell) throws { self = try Element.decodeArray(cell) }
}

extension Bool: PostgresDecodable {
    package init(postgres cell: PostgresCell) throws {
        self = try cell.withBytes { $0.first == UInt8(ascii: "t") }
    }
}

extension FixedWidthInteger {
    fileprivate init(decimal cell: PostgresCell) throws {
        self = try cell.withBytes { text in
            guard let value = Self.parse(text) else {
                throw PostgresDecodingProblem("no whole number that fits \(Self.self)")
            }
            return value
        }
    }

    /// Digits with an optional minus; nil when it is anything else or out of range.
    private static func parse(_ text: UnsafeBufferPointer<UInt8>) -> Self? {
        let isNegative = text.first == UInt8(ascii: "-")
        let digits = text[(isNegative ? 1 : 0)...]
        guard !digits.isEmpty else { return nil }
        var value: Self = 0
        for byte in digits {
            guard byte >= 48, byte <= 57 else { return nil }
            let (shifted, tooLong) = value.multipliedReportingOverflow(by: 10)
            // Built downwards when negative, so that the least value is reached without overflow.
            let digit = Self(truncatingIfNeeded: byte &- 48)
            let (sum, tooLarge) =
                isNegative
                ? shifted.subtractingReportingOverflow(digit) : shifted.addingReportingOverflow(digit)
            if tooLong || tooLarge { return nil }
            value = sum
        }
        return value
    }
}

extension Int16: PostgresDecodable {
    package init(postgres cell: PostgresCell) throws { try self.init(decimal: cell) }
}

extension Int32: PostgresDecodable {
    package init(postgres cell: PostgresCell) throws { try self.init(decimal: cell) }
}

extension Int64: PostgresDecodable {
    package init(postgres cell: PostgresCell) throws { try self.init(decimal: cell) }
}

extension Int: PostgresDecodable {
    package init(postgres cell: PostgresCell) throws { try self.init(decimal: cell) }
}

extension Double: PostgresDecodable {
    package init(postgres cell: PostgresCell) throws {
        guard let value = Double(try cell.text()) else { throw PostgresDecodingProblem("no number") }
        self = value
    }
}

extension String: PostgresDecodable {
    package init(postgres cell: PostgresCell) throws { self = try cell.text() }
}

extension UInt8: PostgresDecodable {
    package init(postgres cell: PostgresCell) throws { try self.init(decimal: cell) }

    package static func decodeArray(_ cell: PostgresCell) throws -> [UInt8] {
        try cell.withBytes { text in
            guard text.count % 2 == 0, text.starts(with: "\\x".utf8) else {
                throw PostgresDecodingProblem("bytes that are not in hex form (bytea_output is not hex)")
            }
            return try stride(from: 2, to: text.count, by: 2).map { at in
                guard let high = Self.nibble(text[at]), let low = Self.nibble(text[at + 1]) else {
                    throw PostgresDecodingProblem("bytes that are not in hex form")
                }
                return high << 4 | low
            }
        }
    }

    private static func nibble(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        default: nil
        }
    }
}
