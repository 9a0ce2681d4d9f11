/// A UUID by its canonical text: 36 characters, lower case.
package struct UUIDText: Sendable, Hashable, CustomStringConvertible, PostgresEncodable, PostgresDecodable {
    package let text: String

    /// - Returns: nil unless `text` is 8-4-4-4-12 hexadecimal digits, in either case.
    package init?(_ text: String) {
        let bytes = Array(text.utf8)
        guard bytes.count == 36 else { return nil }
        for (index, byte) in bytes.enumerated() {
            let isDash = index == 8 || index == 13 || index == 18 || index == 23
            let isHex = Character(UnicodeScalar(byte)).isHexDigit
            guard isDash ? byte == UInt8(ascii: "-") : isHex else { return nil }
        }
        self.text = text.lowercased()
    }

    package var description: String { self.text }
    package static var postgresType: PostgresType { .uuid }
    package func encode() -> PostgresValue { PostgresValue(.uuid, self.text) }

    package init(postgres cell: PostgresCell) throws {
        guard let value = UUIDText(try cell.text()) else { throw PostgresDecodingProblem("no UUID") }
        self = value
    }
}

/// A JSON document by its text; a `jsonb` column, so spaces and the order of keys may change on the way.
package struct JSONText: Sendable, Hashable, CustomStringConvertible, PostgresEncodable, PostgresDecodable {
    package let text: String

    /// The server, not this type, checks that `text` is JSON.
    package init(_ text: String) { self.text = text }

    package var description: String { self.text }
    package static var postgresType: PostgresType { .jsonb }
    package func encode() -> PostgresValue { PostgresValue(.jsonb, self.text) }
    package init(postgres cell: PostgresCell) throws { self.text = try cell.text() }
}
