/// One thing that went wrong in an attempt. A failed attempt has a list of them; its cause is the one that explains
/// the others: see ``Swift/Sequence/cause``.
package struct Failure: Hashable, Sendable, Codable {
    /// 1000 ... 9999; the first digit says what broke. See ``FailureCode``.
    package let code: Int
    /// One line in the words of whoever noticed it; may be empty.
    package let diagnostic: String
    /// Who noticed it; nil in messages from before it was recorded.
    package let source: FailureSource?

    package init(code: Int, diagnostic: String, source: FailureSource? = nil) {
        self.code = code
        self.diagnostic = diagnostic
        self.source = source
    }

    package init(_ code: FailureCode, _ diagnostic: String, source: FailureSource? = nil) {
        self.init(code: code.rawValue, diagnostic: diagnostic, source: source)
    }

    /// Nil when the code is outside 1000 ... 9999.
    package var layer: FailureLayer? { FailureLayer(rawValue: self.code / 1000) }

    /// The lower explains the higher: the code's own rank, or its layer's for a code that is not in our list. A
    /// number that is no code at all explains nothing.
    package var rank: Int { FailureCode(rawValue: self.code)?.rank ?? self.layer?.rank ?? Int.max }
}

extension Sequence where Element == Failure {
    /// The failure that explains the others: the lowest rank; of equals the first reported. Nil for an empty list.
    package var cause: Failure? {
        // `min` keeps the first of equals.
        self.min { $0.rank < $1.rank }
    }
}
