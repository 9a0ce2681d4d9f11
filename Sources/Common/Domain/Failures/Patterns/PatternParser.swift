/// Reads a pattern: literals, `.`, classes, groups, `|`, `* + ? {n,m}` (greedy or lazy, which is the same for a
/// search that only says yes or no), `^ $ \A \z \b \B`, and `(?i)`, `(?s)` at the beginning. Back references and
/// looking around are refused: they cannot be searched in time that grows with the text only.
struct PatternParser {
    private let text: [Unicode.Scalar]
    private var position = 0
    private var foldsCase = false
    private var dotTakesNewline = false
    private var depth = 0

    private init(_ text: String) { self.text = Array(text.unicodeScalars) }

    static func parse(_ text: String) throws(PatternError) -> PatternNode {
        var parser = PatternParser(text)
        try parser.flags()
        let node = try parser.choice()
        guard parser.position == parser.text.count else { throw PatternError("a ) has no ( before it") }
        return node
    }

    private var next: Unicode.Scalar? { self.position < self.text.count ? self.text[self.position] : nil }

    private func follows(_ words: String) -> Bool { self.text[self.position...].starts(with: words.unicodeScalars) }

    private mutating func take(_ words: String) -> Bool {
        guard self.follows(words) else { return false }
        self.position += words.unicodeScalars.count
        return true
    }

    private mutating func flags() throws(PatternError) {
        let known = ["(?i)": (true, false), "(?s)": (false, true), "(?is)": (true, true), "(?si)": (true, true)]
        for (words, flags) in known where self.take(words) {
            (self.foldsCase, self.dotTakesNewline) = flags
            return
        }
    }

    private mutating func choice() throws(PatternError) -> PatternNode {
        var parts = [try self.sequence()]
        while self.take("|") { parts.append(try self.sequence()) }
        return parts.count == 1 ? parts[0] : .choice(parts)
    }

    private mutating func sequence() throws(PatternError) -> PatternNode {
        var parts: [PatternNode] = []
        while let next = self.next, next != "|", next != ")" {
            let atom = try self.atom()
            parts.append(try self.quantified(atom))
        }
        switch parts.count {
        case 0: return .nothing
        case 1: return parts[0]
        default: return .sequence(parts)
        }
    }

    private mutating func atom() throws(PatternError) -> PatternNode {
        guard let next = self.next else { return .nothing }
        switch next {
        case "(": return try self.group()
        case "[": return .set(self.folded(try self.bracket()))
        case "\\": return try self.escape()
        case "*", "+", "?": throw PatternError("\(next) has nothing before it to repeat")
        default: break
        }
        self.position += 1
        switch next {
        case ".": return .set(self.dotTakesNewline ? .all : .notNewline)
        case "^": return .start
        case "$": return .end
        default: return .set(self.folded(PatternSet(next)))
        }
    }

    private func folded(_ set: PatternSet) -> PatternSet { self.foldsCase ? set.foldingCase : set }

    private mutating func group() throws(PatternError) -> PatternNode {
        for words in ["(?=", "(?!", "(?<=", "(?<!"] where self.follows(words) {
            throw PatternError("looking around with \(words) is not taken")
        }
        guard self.depth < 20 else { throw PatternError("more than 20 groups inside each other") }
        if self.take("(?<") || self.take("(?P<") {
            while let next = self.next, next != ">" {
                self.position += next.properties.isAlphabetic ? 1 : self.text.count
            }
            guard self.take(">") else { throw PatternError("the name of a group has no end") }
        } else if !self.take("(?:") {
            _ = self.take("(")
            if self.next == "?" { throw PatternError("(? may only begin (?: or, first of all, (?i) and (?s)") }
        }
        self.depth += 1
        let inside = try self.choice()
        self.depth -= 1
        guard self.take(")") else { throw PatternError("a ( has no ) after it") }
        return inside
    }

    private mutating func quantified(_ atom: PatternNode) throws(PatternError) -> PatternNode {
        guard let (least, most) = try self.quantifier() else { return atom }
        if case .start = atom { throw PatternError("^ cannot be repeated") }
        if case .end = atom { throw PatternError("$ cannot be repeated") }
        if case .wordEdge = atom { throw PatternError("\\b cannot be repeated") }
        if self.take("+") { throw PatternError("repetitions that keep what they took (such as a++) are not taken") }
        _ = self.take("?")
        if let again = self.next, "*+?".unicodeScalars.contains(again) {
            throw PatternError("\(again) has nothing before it to repeat")
        }
        return .repeated(atom, least: least, most: most)
    }

    /// Least and most; nil when no quantifier stands here.
    private mutating func quantifier() throws(PatternError) -> (Int, Int?)? {
        if self.take("*") { return (0, nil) }
        if self.take("+") { return (1, nil) }
        if self.take("?") { return (0, 1) }
        let begin = self.position
        guard self.take("{"), let least = self.number() else {
            // As in most languages a brace that begins no count is a brace.
            self.position = begin
            return nil
        }
        var most: Int? = least
        if self.take(",") { most = self.number() }
        guard self.take("}") else {
            self.position = begin
            return nil
        }
        guard least <= 1000, most ?? 0 <= 1000 else { throw PatternError("a count of more than 1000") }
        if let most, most < least { throw PatternError("the count {\(least),\(most)} is empty") }
        return (least, most)
    }

    private mutating func number() -> Int? {
        let begin = self.position
        while let next = self.next, ("0"..."9").contains(next), self.position - begin < 6 { self.position += 1 }
        return Int(String(String.UnicodeScalarView(self.text[begin..<self.position])))
    }

    private mutating func escape() throws(PatternError) -> PatternNode {
        guard self.position + 1 < self.text.count else { throw PatternError("a \\ at the end") }
        switch self.text[self.position + 1] {
        case "b", "B":
            self.position += 2
            return .wordEdge(self.text[self.position - 1] == "b")
        case "A":
            self.position += 2
            return .start
        case "z", "Z":
            self.position += 2
            return .end
        case "1"..."9", "k": throw PatternError("back references are not taken")
        default: return .set(self.folded(try self.escapedSet()))
        }
    }

    /// An escape that stands for characters, inside and outside of brackets.
    private mutating func escapedSet() throws(PatternError) -> PatternSet {
        guard self.position + 1 < self.text.count else { throw PatternError("a \\ at the end") }
        let letter = self.text[self.position + 1]
        self.position += 2
        switch letter {
        case "d": return .digits
        case "D": return PatternSet.digits.inverted
        case "w": return .word
        case "W": return PatternSet.word.inverted
        case "s": return .spaces
        case "S": return PatternSet.spaces.inverted
        case "n": return PatternSet("\n")
        case "t": return PatternSet("\t")
        case "r": return PatternSet("\r")
        case "f": return PatternSet("\u{C}")
        case "v": return PatternSet("\u{B}")
        case "e": return PatternSet("\u{1B}")
        case "x": return try self.hexadecimal(2)
        case "u": return try self.hexadecimal(4)
        default:
            guard !letter.properties.isAlphabetic, !("0"..."9").contains(letter) else {
                throw PatternError("\\\(letter) is not known")
            }
            return PatternSet(letter)
        }
    }

    private mutating func hexadecimal(_ digits: Int) throws(PatternError) -> PatternSet {
        let end = self.position + digits
        guard end <= self.text.count,
            let value = UInt32(String(String.UnicodeScalarView(self.text[self.position..<end])), radix: 16),
            let scalar = Unicode.Scalar(value)
        else { throw PatternError("\\x takes 2 and \\u takes 4 hexadecimal digits") }
        self.position = end
        return PatternSet(scalar)
    }

    private mutating func bracket() throws(PatternError) -> PatternSet {
        self.position += 1
        let inverted = self.take("^")
        var set = PatternSet.empty
        var isFirst = true
        while let next = self.next, next != "]" || isFirst {
            isFirst = false
            let item = try self.bracketItem(next)
            guard self.next == "-", self.position + 1 < self.text.count, self.text[self.position + 1] != "]" else {
                set = set.union(item)
                continue
            }
            self.position += 1
            let last = try self.bracketItem(self.text[self.position])
            guard let low = item.single, let high = last.single else {
                throw PatternError("a range in [ ] needs one character on each side")
            }
            guard low <= high else { throw PatternError("a range in [ ] is the wrong way round") }
            set = set.union(PatternSet([low...high]))
        }
        guard self.take("]") else { throw PatternError("a [ has no ] after it") }
        return inverted ? self.folded(set).inverted : set
    }

    private mutating func bracketItem(_ next: Unicode.Scalar) throws(PatternError) -> PatternSet {
        if next == "\\" { return try self.escapedSet() }
        for (name, set) in Self.classes where self.take("[:\(name):]") { return set }
        self.position += 1
        return PatternSet(next)
    }

    private static let classes: [(String, PatternSet)] = [
        ("digit", .digits), ("space", .spaces), ("alpha", PatternSet([65...90, 97...122])),
        ("alnum", PatternSet([48...57, 65...90, 97...122])), ("upper", PatternSet([65...90])),
        ("lower", PatternSet([97...122])), ("xdigit", PatternSet([48...57, 65...70, 97...102])),
        ("punct", PatternSet([33...47, 58...64, 91...96, 123...126])),
    ]
}

extension PatternSet {
    /// The one scalar it holds; nil if it holds none or several.
    fileprivate var single: UInt32? {
        guard self.ranges.count == 1, let range = self.ranges.first, range.count == 1 else { return nil }
        return range.lowerBound
    }
}
