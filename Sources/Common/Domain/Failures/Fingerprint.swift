/// What two failures have in common when they are the same failure: the code, and the diagnostic without numbers, paths, ids
/// and host names.
package enum Fingerprint {
    package static func of(_ failure: Failure) -> String {
        "\(failure.code):\(self.normalise(failure.diagnostic))"
    }

    /// Words that hold a digit, a slash, or look like a host name become one sign each; the rest stays. At most 120 characters.
    package static func normalise(_ diagnostic: String) -> String {
        let words = diagnostic.split(whereSeparator: \.isWhitespace).map { word -> String in
            if word.contains("/") { return "<path>" }
            if word.contains(where: \.isNumber) { return "#" }
            if word.dropLast().contains("."), word.allSatisfy({ $0.isLetter || $0 == "." || $0 == "-" }) {
                return "<name>"
            }
            return word.lowercased()
        }
        return String(words.joined(separator: " ").prefix(120))
    }
}
