/// One word of a query.
struct QueryToken: Sendable, Hashable {
    enum Kind: Sendable, Hashable {
        /// A name, or a word of the language.
        case word(String)
        /// What stood in quotes.
        case text(String)
        /// A number or time, as written.
        case number(String)
        case symbol(String)
        case end
    }

    let kind: Kind
    /// Of its first character, from 1.
    let position: Int

    /// As a message has it.
    var shown: String {
        switch self.kind {
        case .word(let text), .number(let text), .symbol(let text): QueryError.quoted(text)
        case .text(let text): "'\(QueryError.quoted(text))'"
        case .end: "the end"
        }
    }
}

/// Cuts a query into words.
struct QueryLexer {
    static let keywords: Set<String> = ["and", "or", "not", "in", "like", "exists", "true", "false"]

    private let characters: [Character]
    private var next = 0

    /// - Throws: ``QueryError`` for a text that is too long, quotes that are not closed, and characters that mean nothing.
    static func tokens(_ text: String) throws(QueryError) -> [QueryToken] {
        guard text.utf8.count <= QueryLimits.length else {
            throw QueryError(1, "the query has \(text.utf8.count) bytes, the limit is \(QueryLimits.length)")
        }
        var lexer = QueryLexer(characters: Array(text))
        var tokens: [QueryToken] = []
        while let token = try lexer.token() { tokens.append(token) }
        return tokens + [QueryToken(kind: .end, position: lexer.characters.count + 1)]
    }

    private init(characters: [Character]) { self.characters = characters }

    private mutating func token() throws(QueryError) -> QueryToken? {
        while self.next < self.characters.count, self.characters[self.next].isWhitespace { self.next += 1 }
        guard self.next < self.characters.count else { return nil }
        let start = self.next
        let first = self.characters[start]
        switch first {
        case "'", "\"": return try self.quoted(first)
        case "(", ")", ",", "=":
            self.next += 1
            return QueryToken(kind: .symbol(String(first)), position: start + 1)
        case "<", ">", "!":
            self.next += 1
            let hasMore = self.next < self.characters.count && self.characters[self.next] == "="
            if hasMore { self.next += 1 }
            if first == "!" && !hasMore { throw QueryError(start + 1, "! means nothing; write != or not") }
            return QueryToken(kind: .symbol(hasMore ? "\(first)=" : String(first)), position: start + 1)
        default:
            if Self.isDigit(first) || first == "-" || first == "+" { return self.number() }
            guard first.isLetter || first == "_" else {
                throw QueryError(start + 1, "\(first) means nothing here; texts stand in quotes: 'this'")
            }
            let text = self.take { $0.isLetter || $0.isNumber || $0 == "_" }
            return QueryToken(kind: .word(text), position: start + 1)
        }
    }

    /// Two quotes of its kind in a quoted text are one.
    private mutating func quoted(_ quote: Character) throws(QueryError) -> QueryToken {
        let start = self.next
        var text = ""
        self.next += 1
        while self.next < self.characters.count {
            let character = self.characters[self.next]
            self.next += 1
            if character != quote {
                text.append(character)
            } else if self.next < self.characters.count, self.characters[self.next] == quote {
                text.append(quote)
                self.next += 1
            } else {
                return QueryToken(kind: .text(text), position: start + 1)
            }
        }
        throw QueryError(start + 1, "the text that begins here is not closed: \(quote) is missing")
    }

    private mutating func number() -> QueryToken {
        let start = self.next
        let text = self.take { Self.isDigit($0) || ($0.isASCII && $0.isLetter) || ".:+-_".contains($0) }
        return QueryToken(kind: .number(text), position: start + 1)
    }

    private mutating func take(while isPart: (Character) -> Bool) -> String {
        let start = self.next
        while self.next < self.characters.count, isPart(self.characters[self.next]) { self.next += 1 }
        return String(self.characters[start..<self.next])
    }

    private static func isDigit(_ character: Character) -> Bool { character >= "0" && character <= "9" }
}
