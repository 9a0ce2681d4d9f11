/// Cuts a diagnostic into words and replaces those that differ from one attempt to the next by signs: see
/// ``Fingerprint``.
struct DiagnosticScanner {
    private let text: [Unicode.Scalar]
    private var position = 0

    /// Only the beginning is looked at, as far as rules look.
    init(_ diagnostic: String) { self.text = Array(diagnostic.unicodeScalars.prefix(DiagnosticPattern.reach)) }

    /// The next word or sign; nil at the end.
    mutating func next() -> String? {
        while self.position < self.text.count {
            if let sign = self.quoted() ?? self.path() { return sign }
            guard Self.isPart(self.text[self.position]) else {
                self.position += 1
                continue
            }
            let begin = self.position
            while self.position < self.text.count, Self.isPart(self.text[self.position]) {
                if self.startsURL(from: begin) { return self.rest("<path>") }
                self.position += 1
            }
            if let word = DiagnosticWord.normalise(self.text[begin..<self.position]) { return word }
        }
        return nil
    }

    /// Characters of a word; everything else divides words.
    private static func isPart(_ scalar: Unicode.Scalar) -> Bool {
        scalar.properties.isAlphabetic || ("0"..."9").contains(scalar) || "_-.:/@+%~*#".unicodeScalars.contains(scalar)
    }

    private static func isSpace(_ scalar: Unicode.Scalar) -> Bool { scalar.properties.isWhitespace }

    private func at(_ offset: Int) -> Unicode.Scalar? {
        let index = self.position + offset
        return self.text.indices.contains(index) ? self.text[index] : nil
    }

    private func follows(_ words: String) -> Bool { self.text[self.position...].starts(with: words.unicodeScalars) }

    /// Whether `://` stands here, after letters.
    private func startsURL(from begin: Int) -> Bool {
        self.text[self.position] == ":" && self.position > begin && self.follows("://")
    }

    /// A short text in quotes is a name. A sentence in quotes is read like any other.
    private mutating func quoted() -> String? {
        let open = self.text[self.position]
        guard "\"'`\u{2018}\u{201C}".unicodeScalars.contains(open) else { return nil }
        // An apostrophe within a word quotes nothing.
        if let before = self.at(-1), before.properties.isAlphabetic || ("0"..."9").contains(before) { return nil }
        let closing: String.UnicodeScalarView =
            switch open {
            case "`": "`'".unicodeScalars
            case "\u{2018}": "\u{2019}".unicodeScalars
            case "\u{201C}": "\u{201D}".unicodeScalars
            default: String(open).unicodeScalars
            }
        let after = self.text[(self.position + 1)...].prefix(200)
        guard let end = after.firstIndex(where: { closing.contains($0) }), end > self.position + 1 else { return nil }
        guard self.text[(self.position + 1)..<end].count(where: Self.isSpace) < 2 else { return nil }
        self.position = end + 1
        return "<name>"
    }

    /// What begins like a path, up to white space or what encloses it.
    private mutating func path() -> String? {
        guard ["/", "./", "../", "~/"].contains(where: self.follows) else { return nil }
        // A slash between two words divides them.
        if let before = self.at(-1), Self.isPart(before), before != ":" { return nil }
        guard let next = self.at(1), !Self.isSpace(next) else { return nil }
        return self.rest("<path>")
    }

    private mutating func rest(_ sign: String) -> String {
        while self.position < self.text.count {
            let here = self.text[self.position]
            if Self.isSpace(here) || "\"'`()[]{}<>;|\u{2019}\u{201D}".unicodeScalars.contains(here) { break }
            // A comma or a colon ends a path only before white space: both are allowed in names.
            if ",:=".unicodeScalars.contains(here), self.at(1).map(Self.isSpace) ?? true { break }
            self.position += 1
        }
        return sign
    }
}
