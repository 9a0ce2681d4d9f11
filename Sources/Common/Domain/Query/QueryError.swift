/// What is wrong with a query: where, and what was expected.
package struct QueryError: Error, Sendable, Hashable, CustomStringConvertible {
    /// Of the character, from 1.
    package let position: Int
    package let message: String

    package init(_ position: Int, _ message: String) {
        self.position = position
        self.message = message
    }

    package var description: String { "at character \(self.position): \(self.message)" }

    /// What somebody wrote, in a message: not longer than a line.
    static func quoted(_ text: some StringProtocol) -> String {
        text.count <= 40 ? String(text) : "\(text.prefix(40))..."
    }
}

/// How large a query may be.
package enum QueryLimits {
    /// Bytes of its text.
    package static let length = 4000
    /// Brackets and `not` inside each other.
    package static let depth = 50
    /// Values of one `in (...)`.
    package static let values = 500
    /// Comparisons in all.
    package static let conditions = 200
}
