/// Makes what a stranger's program wrote fit for a diagnostic.
enum Diagnostic {
    /// One line of at most `limit` characters: white space becomes single spaces, control characters are left out.
    static func line(_ text: String, limit: Int = 500) -> String {
        var line = ""
        var count = 0
        for word in text.unicodeScalars.split(whereSeparator: { $0.properties.isWhitespace }) {
            if count > 0 { line.unicodeScalars.append(" ") }
            for scalar in word where scalar.value >= 32 && !(127...159).contains(scalar.value) {
                guard count < limit else { return line + " …" }
                line.unicodeScalars.append(scalar)
                count += 1
            }
        }
        return line
    }
}
