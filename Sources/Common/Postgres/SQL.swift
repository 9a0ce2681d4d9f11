/// A statement's text with `$1`...`$n` and the values of these parameters.
///
/// Written as a string literal. What is interpolated can only become a parameter, never text:
/// ```swift
/// let sql: SQL = "SELECT name FROM job WHERE id = \(id) AND \(fragment: filter)"
/// ```
/// The literal parts are `StaticString`, so a string made at run time cannot become SQL.
package struct SQL: Sendable, Hashable, ExpressibleByStringInterpolation {
    /// What is sent: the text around the parameters, with their numbers.
    package let text: String
    package let parameters: [PostgresValue]
    /// The text before, between and after the parameters: splicing needs no reading of `$1` out of text.
    private let chunks: [String]

    package init(stringLiteral value: StaticString) {
        self.init(Pieces(chunks: [value.description]))
    }

    package init(stringInterpolation: StringInterpolation) {
        self.init(stringInterpolation.pieces)
    }

    private init(_ pieces: Pieces) {
        self.chunks = pieces.chunks
        self.parameters = pieces.parameters
        var text = pieces.chunks[0]
        for (index, chunk) in pieces.chunks.dropFirst().enumerated() { text += "$\(index + 1)\(chunk)" }
        self.text = text
    }

    /// `fragments` one after the other with `separator` between them; parameters are renumbered.
    package static func joined(_ fragments: [SQL], separator: StaticString) -> SQL {
        var pieces = Pieces()
        for (index, fragment) in fragments.enumerated() {
            if index > 0 { pieces.append(text: separator.description) }
            pieces.append(fragment)
        }
        return SQL(pieces)
    }

    fileprivate struct Pieces {
        /// Always one more than there are parameters.
        var chunks = [""]
        var parameters: [PostgresValue] = []

        mutating func append(text: String) { self.chunks[self.chunks.count - 1] += text }

        mutating func append(_ value: PostgresValue) {
            self.parameters.append(value)
            self.chunks.append("")
        }

        mutating func append(_ other: SQL) {
            self.append(text: other.chunks[0])
            self.chunks += other.chunks.dropFirst()
            self.parameters += other.parameters
        }
    }

    package struct StringInterpolation: StringInterpolationProtocol {
        fileprivate var pieces = Pieces()

        package init(literalCapacity: Int, interpolationCount: Int) {}

        package mutating func appendLiteral(_ literal: StaticString) { self.pieces.append(text: literal.description) }

        /// A parameter.
        package mutating func appendInterpolation(_ value: some PostgresEncodable) {
            self.pieces.append(value.encode())
        }

        /// A parameter that may be NULL.
        package mutating func appendInterpolation<Value: PostgresEncodable>(_ value: Value?) {
            self.pieces.append(value.encode())
        }

        /// Another piece of SQL, with its parameters renumbered.
        package mutating func appendInterpolation(fragment: SQL) { self.pieces.append(fragment) }

        /// Text known at compile time, such as a column's name chosen among literals.
        package mutating func appendInterpolation(unsafe text: StaticString) {
            self.pieces.append(text: text.description)
        }
    }
}
