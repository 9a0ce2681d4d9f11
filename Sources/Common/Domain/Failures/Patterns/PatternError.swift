/// Why a text is not a pattern that is taken.
package struct PatternError: Error, Sendable, Hashable, CustomStringConvertible {
    /// One clear line; begins in lower case so that it can follow a colon.
    package let reason: String

    package var description: String { self.reason }

    init(_ reason: String) { self.reason = reason }
}
