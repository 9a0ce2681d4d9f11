/// One word of a diagnostic, reduced to what is the same in every attempt.
enum DiagnosticWord {
    /// Nil when nothing of it is left.
    static func normalise(_ scalars: ArraySlice<Unicode.Scalar>) -> String? {
        let trimmed = Self.trimmed(scalars)
        guard !trimmed.isEmpty else { return nil }
        let word = String(String.UnicodeScalarView(trimmed))
        if word.contains("/") { return Self.slashed(word) }
        if word.contains("@") { return "<name>" }
        if Self.isAddress(word) { return "<name>" }
        let digits = trimmed.count(where: Self.isDigit)
        if let name = Self.dotted(word) { return name }
        guard digits > 0 else { return word.lowercased() }
        if Self.isNumber(word) || Self.isIdentifier(trimmed, digits: digits) { return "#" }
        return Self.withoutNumbers(word)
    }

    static func isDigit(_ scalar: Unicode.Scalar) -> Bool { ("0"..."9").contains(scalar) }

    /// Without the punctuation around it.
    private static func trimmed(_ scalars: ArraySlice<Unicode.Scalar>) -> ArraySlice<Unicode.Scalar> {
        let around = "_-.:/@+%~*#".unicodeScalars
        var rest = scalars.drop { around.contains($0) }
        while let last = rest.last, around.contains(last) { rest.removeLast() }
        return rest
    }

    /// `input/output` and `read/write` are words; what has several slashes, digits or an ending is a path or a
    /// fraction.
    private static func slashed(_ word: String) -> String {
        let parts = word.split(separator: "/", omittingEmptySubsequences: false)
        if parts.allSatisfy({ $0.unicodeScalars.allSatisfy(Self.isDigit) && !$0.isEmpty }) { return "#" }
        let isWords = parts.count == 2 && parts.allSatisfy { !$0.isEmpty && $0.allSatisfy(\.isLetter) }
        return isWords ? word.lowercased() : "<path>"
    }

    /// IPv4 and IPv6, with a port or without.
    private static func isAddress(_ word: String) -> Bool {
        let isHex = word.unicodeScalars.allSatisfy { Self.isHexadecimal($0) || $0 == ":" || $0 == "." }
        guard isHex else { return false }
        let dots = word.split(separator: ":")[0].split(separator: ".", omittingEmptySubsequences: false)
        if dots.count == 4, dots.allSatisfy({ (1...3).contains($0.count) && Int($0) != nil }) { return true }
        let colons = word.count { $0 == ":" }
        // 11:40:13 is a time of day and `std::bad` is no address.
        let isClock = word.split(separator: ":").allSatisfy { Int($0) != nil || Double($0) != nil } && colons == 2
        return colons >= 2 && !isClock && (colons > 2 || word.contains("::"))
    }

    /// A host or a file name becomes a sign. A class in a package keeps its own name, and a library its name without
    /// the version: they say what is wrong. Nil: there is no dot that divides names.
    private static func dotted(_ word: String) -> String? {
        let host = word.split(separator: ":")[0]
        let labels = host.split(separator: ".", omittingEmptySubsequences: false)
        guard labels.count > 1, !word.contains("::"), let last = labels.last, let first = labels.first else {
            return nil
        }
        guard labels.allSatisfy({ !$0.isEmpty && $0.allSatisfy { $0.isLetter || $0.isNumber || "_-+%".contains($0) } })
        else { return nil }
        if labels.dropFirst().contains("so") { return Self.withoutNumbers(String(first)) + ".so" }
        // 3.5 and 11.2.p03 are numbers, GLIBC_2.34 is a name with a number.
        guard first.contains(where: \.isLetter), last.contains(where: \.isLetter) else { return nil }
        if first.first?.isNumber == true, Self.isNumber(String(host)) { return "#" }
        guard last.first?.isUppercase == true, last.contains(where: \.isLowercase), host.count == word.count else {
            return "<name>"
        }
        return last.lowercased()
    }

    private static func isHexadecimal(_ scalar: Unicode.Scalar) -> Bool {
        Self.isDigit(scalar) || ("a"..."f").contains(scalar) || ("A"..."F").contains(scalar)
    }

    /// What begins with a digit and holds only what numbers, dates, times, versions and hexadecimal numbers hold;
    /// also with a unit, as in `4711MB` and `1h23m4s`.
    private static func isNumber(_ word: String) -> Bool {
        guard let first = word.unicodeScalars.first, Self.isDigit(first) else { return false }
        let marks = "._:,-+%TZxpe*".unicodeScalars
        if word.unicodeScalars.allSatisfy({ Self.isHexadecimal($0) || marks.contains($0) }) { return true }
        let letters = word.split { $0.isNumber || "._:,-+%".contains($0) }
        return letters.map { $0.lowercased() }.allSatisfy {
            Fingerprint.units.contains($0) || Fingerprint.calendar.contains($0)
        }
    }

    /// A UUID, a hash, or letters and digits mixed as only machines mix them.
    private static func isIdentifier(_ scalars: ArraySlice<Unicode.Scalar>, digits: Int) -> Bool {
        let letters = scalars.filter { $0.properties.isAlphabetic }
        let isHash = scalars.allSatisfy { Self.isHexadecimal($0) || $0 == "-" || $0 == "_" }
        if isHash, scalars.count >= 7 { return true }
        var changes = 0
        var last: Bool?
        for scalar in scalars where Self.isDigit(scalar) || scalar.properties.isAlphabetic {
            if let last, last != Self.isDigit(scalar) { changes += 1 }
            last = Self.isDigit(scalar)
        }
        return changes >= 4 && scalars.count >= 8 && digits * 4 >= letters.count
    }

    /// `wn12` and `CMSSW_14_0_7` without their numbers: `wn#`, `cmssw_#`.
    private static func withoutNumbers(_ word: String) -> String {
        var result = ""
        var pending = ""
        for character in word.lowercased() {
            if character.isNumber {
                if !result.hasSuffix("#") { result += pending + "#" }
                pending = ""
            } else if "._:-+".contains(character) {
                pending.append(character)
            } else {
                result += pending
                result.append(character)
                pending = ""
            }
        }
        return result
    }
}
