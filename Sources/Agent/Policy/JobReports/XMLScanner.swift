/// Reads a small part of XML: elements, attributes, text, CDATA; comments and instructions are skipped, document types and
/// with them entities of one's own are refused. Work and memory are bounded by the size of the text.
///
/// Not Foundation's XMLParser: it takes a file that was cut off for a whole one, and it would make every site install
/// libxml2.
struct XMLScanner: Sendable {
    enum Event: Sendable, Equatable {
        case start(String, [String: String])
        case end(String)
        case text(String)
    }

    static let depthLimit = 100

    private let bytes: [UInt8]
    private var place: Int
    private var open: [String] = []
    private var hasRoot = false
    /// `<a/>` is a start and an end.
    private var pendingEnd: String?
    /// Of the place that has been read, from 1.
    private(set) var line = 1

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
        self.place = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
    }

    /// - Returns: nil after the end of a whole document.
    mutating func next() throws(XMLProblem) -> Event? {
        if let name = self.pendingEnd {
            self.pendingEnd = nil
            return try self.close(name)
        }
        while self.place < self.bytes.count {
            if self.bytes[self.place] != UInt8(ascii: "<") {
                let text = try self.take(until: "<", orEnd: true)
                guard self.open.isEmpty else { return .text(try self.decode(text)) }
                guard text.allSatisfy(Self.isSpace) else { throw self.problem("text outside of the root element") }
            } else if self.skip("<!--") {
                _ = try self.take(through: "-->")
            } else if self.skip("<![CDATA[") {
                let text = try self.take(through: "]]>")
                guard !self.open.isEmpty else { throw self.problem("text outside of the root element") }
                return .text(String(decoding: text, as: UTF8.self))
            } else if self.skip("<?") {
                _ = try self.take(through: "?>")
            } else if self.skip("<!") {
                throw self.problem("document types are not read")
            } else if self.skip("</") {
                return try self.close(self.endName())
            } else {
                return try self.start()
            }
        }
        if let name = self.open.last { throw self.problem("it ends inside of \(name)") }
        guard self.hasRoot else { throw self.problem("it has no element") }
        return nil
    }

    private mutating func start() throws(XMLProblem) -> Event {
        self.place += 1
        let name = try self.name()
        guard !self.open.isEmpty || !self.hasRoot else { throw self.problem("a second root element, \(name)") }
        guard self.open.count < Self.depthLimit else { throw self.problem("more than \(Self.depthLimit) levels") }
        self.hasRoot = true
        self.open.append(name)
        var attributes: [String: String] = [:]
        while true {
            let hadSpace = self.skipSpaces()
            if self.skip(">") { return .start(name, attributes) }
            if self.skip("/>") {
                self.pendingEnd = name
                return .start(name, attributes)
            }
            guard hadSpace else { throw self.problem("the tag \(name) is not closed") }
            let (key, value) = try self.attribute()
            guard attributes.updateValue(value, forKey: key) == nil else {
                throw self.problem("the attribute \(key) is there twice")
            }
        }
    }

    private mutating func attribute() throws(XMLProblem) -> (String, String) {
        let key = try self.name()
        self.skipSpaces()
        guard self.skip("=") else { throw self.problem("the attribute \(key) has no value") }
        self.skipSpaces()
        let quote: Character? = self.skip("\"") ? "\"" : self.skip("'") ? "'" : nil
        guard let quote else { throw self.problem("the value of \(key) is not quoted") }
        let raw = try self.take(until: quote)
        self.place += 1
        guard !raw.contains(UInt8(ascii: "<")) else { throw self.problem("the value of \(key) holds a <") }
        return (key, try self.decode(raw))
    }

    private mutating func endName() throws(XMLProblem) -> String {
        let name = try self.name()
        self.skipSpaces()
        guard self.skip(">") else { throw self.problem("the end of \(name) is not closed") }
        return name
    }

    private mutating func close(_ name: String) throws(XMLProblem) -> Event {
        guard let last = self.open.popLast(), last == name else {
            throw self.problem("\(name) ends and was not begun last")
        }
        return .end(name)
    }

    private mutating func name() throws(XMLProblem) -> String {
        let rest = self.bytes[self.place...]
        let name = rest.prefix { byte in
            !Self.isSpace(byte) && !#"<>/="'&"#.utf8.contains(byte)
        }
        guard let first = name.first, first > UInt8(ascii: "9") else { throw self.problem("a name is missing") }
        self.place += name.count
        return String(decoding: name, as: UTF8.self)
    }

    /// Replaces `&amp;` and the like.
    private func decode(_ raw: ArraySlice<UInt8>) throws(XMLProblem) -> String {
        guard raw.contains(UInt8(ascii: "&")) else { return String(decoding: raw, as: UTF8.self) }
        var decoded: [UInt8] = []
        var rest = raw
        while let and = rest.firstIndex(of: UInt8(ascii: "&")) {
            decoded += rest[..<and]
            // The longest that is known is `&#x10FFFF;`.
            guard let end = rest[and...].prefix(12).firstIndex(of: UInt8(ascii: ";")) else {
                throw self.problem("a & that begins nothing")
            }
            let name = String(decoding: rest[(and + 1)..<end], as: UTF8.self)
            guard let character = Self.character(name) else { throw self.problem("&\(name); is not known") }
            decoded += Array(String(character).utf8)
            rest = rest[(end + 1)...]
        }
        return String(decoding: decoded + rest, as: UTF8.self)
    }

    private static func character(_ name: String) -> Unicode.Scalar? {
        if let known: Unicode.Scalar = ["amp": "&", "lt": "<", "gt": ">", "quot": "\"", "apos": "'"][name] {
            return known
        }
        guard name.hasPrefix("#") else { return nil }
        let isHex = name.hasPrefix("#x")
        return UInt32(name.dropFirst(isHex ? 2 : 1), radix: isHex ? 16 : 10).flatMap(Unicode.Scalar.init)
    }
}

extension XMLScanner {
    private func problem(_ reason: String) -> XMLProblem { XMLProblem(reason, line: self.line) }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == 32 || byte == 10 || byte == 13 || byte == 9 }

    @discardableResult
    private mutating func skipSpaces() -> Bool {
        let spaces = self.bytes[self.place...].prefix(while: Self.isSpace)
        self.line += spaces.count { $0 == 10 }
        self.place += spaces.count
        return !spaces.isEmpty
    }

    private mutating func skip(_ text: String) -> Bool {
        guard self.bytes[self.place...].starts(with: text.utf8) else { return false }
        self.place += text.utf8.count
        return true
    }

    /// Up to a character, which is left.
    private mutating func take(until mark: Character, orEnd: Bool = false) throws(XMLProblem) -> ArraySlice<UInt8> {
        let rest = self.bytes[self.place...]
        let end = rest.firstIndex { $0 == mark.asciiValue }
        guard let end = end ?? (orEnd ? rest.endIndex : nil) else { throw self.problem("a \(mark) is missing") }
        self.line += rest[..<end].count { $0 == 10 }
        self.place = end
        return rest[..<end]
    }

    /// Up to a mark, which is read, too.
    private mutating func take(through mark: String) throws(XMLProblem) -> ArraySlice<UInt8> {
        let (rest, wanted) = (self.bytes[self.place...], Array(mark.utf8))
        var start = rest.startIndex
        while let found = rest[start...].firstIndex(of: wanted[0]) {
            if rest[found...].starts(with: wanted) {
                self.line += rest[..<found].count { $0 == 10 }
                self.place = found + wanted.count
                return rest[..<found]
            }
            start = found + 1
        }
        throw self.problem("\(mark) is missing")
    }
}
