/// One parameter: its type and its text form; nil is NULL.
package struct PostgresValue: Sendable, Hashable {
    package let type: PostgresType
    package let text: String?

    package init(_ type: PostgresType, _ text: String?) {
        self.type = type
        self.text = text
    }
}

/// What can be a parameter of a statement.
///
/// A type with a raw value of such a type needs no code of its own: `extension Colour: PostgresEncodable {}`.
package protocol PostgresEncodable: PostgresTyped {
    func encode() -> PostgresValue
    /// The array of `values`; the default writes an array literal.
    static func encodeArray(_ values: [Self]) -> PostgresValue
}

extension PostgresEncodable {
    package static func encodeArray(_ values: [Self]) -> PostgresValue {
        let quoted = self.postgresType.isQuotedInArrays
        var literal = ArrayLiteral.Writer(reserving: values.count)
        for value in values { literal.append(value.encode().text, quoted: quoted) }
        return PostgresValue(self.postgresArrayType, literal.finish())
    }
}

extension PostgresEncodable where Self: RawRepresentable, RawValue: PostgresEncodable {
    package func encode() -> PostgresValue { self.rawValue.encode() }
}

extension Optional: PostgresEncodable where Wrapped: PostgresEncodable {
    package func encode() -> PostgresValue { self?.encode() ?? PostgresValue(Wrapped.postgresType, nil) }
}

extension Array: PostgresEncodable where Element: PostgresEncodable {
    package func encode() -> PostgresValue { Element.encodeArray(self) }
}

extension Bool: PostgresEncodable {
    package static var postgresType: PostgresType { .bool }
    package func encode() -> PostgresValue { PostgresValue(.bool, self ? "t" : "f") }
}

extension Int16: PostgresEncodable {
    package static var postgresType: PostgresType { .int2 }
    package func encode() -> PostgresValue { PostgresValue(.int2, String(self)) }
}

extension Int32: PostgresEncodable {
    package static var postgresType: PostgresType { .int4 }
    package func encode() -> PostgresValue { PostgresValue(.int4, String(self)) }
}

extension Int64: PostgresEncodable {
    package static var postgresType: PostgresType { .int8 }
    package func encode() -> PostgresValue { PostgresValue(.int8, String(self)) }
}

extension Int: PostgresEncodable {
    package static var postgresType: PostgresType { .int8 }
    package func encode() -> PostgresValue { PostgresValue(.int8, String(self)) }
}

extension Double: PostgresEncodable {
    package static var postgresType: PostgresType { .float8 }

    package func encode() -> PostgresValue {
        // The shortest text that reads back as the same number; PostgreSQL spells the special ones its own way.
        if self.isNaN { return PostgresValue(.float8, "NaN") }
        if self.isInfinite { return PostgresValue(.float8, self < 0 ? "-Infinity" : "Infinity") }
        return PostgresValue(.float8, String(self))
    }
}

extension String: PostgresEncodable {
    package static var postgresType: PostgresType { .text }
    package func encode() -> PostgresValue { PostgresValue(.text, self) }
}

/// A single byte is a `smallint` (PostgreSQL has nothing smaller), an array of bytes is a `bytea`.
extension UInt8: PostgresEncodable {
    package static var postgresType: PostgresType { .int2 }
    package static var postgresArrayType: PostgresType { .bytea }
    package func encode() -> PostgresValue { PostgresValue(.int2, String(self)) }

    package static func encodeArray(_ values: [UInt8]) -> PostgresValue {
        let digits = Array("0123456789abcdef".utf8)
        var text = Array("\\x".utf8)
        text.reserveCapacity(2 + 2 * values.count)
        for value in values {
            text.append(digits[Int(value >> 4)])
            text.append(digits[Int(value & 15)])
        }
        return PostgresValue(.bytea, String(decoding: text, as: UTF8.self))
    }
}
