/// A query as it was written, before its names and values mean anything.
indirect enum QueryTree: Sendable, Hashable {
    case compare(field: QueryToken, Comparison, value: QueryToken)
    case among(field: QueryToken, values: [QueryToken])
    case like(field: QueryToken, pattern: QueryToken)
    case exists(field: QueryToken)
    /// A field alone: it is true.
    case flag(field: QueryToken)
    case all([QueryTree])
    case any([QueryTree])
    case not(QueryTree)
}

/// How two values are compared.
package enum Comparison: String, Sendable, CaseIterable {
    case equal = "="
    case unequal = "!="
    case less = "<"
    case lessOrEqual = "<="
    case greater = ">"
    case greaterOrEqual = ">="
}

/// Reads a query: `or` binds less than `and`, that less than `not`.
struct QueryParser {
    private let tokens: [QueryToken]
    private var next = 0
    private var depth = 0
    private var conditions = 0

    /// - Throws: ``QueryError`` saying where, and what was expected.
    static func parse(_ text: String) throws(QueryError) -> QueryTree {
        var parser = QueryParser(tokens: try QueryLexer.tokens(text))
        if parser.peek.kind == .end {
            throw QueryError(1, "the query is empty; expected a condition such as events > 1000")
        }
        let tree = try parser.alternatives()
        guard parser.peek.kind == .end else {
            throw parser.expected(parser.peek.kind == .symbol(")") ? "no more ): none is open" : "and, or, or the end")
        }
        return tree
    }

    private init(tokens: [QueryToken]) { self.tokens = tokens }

    private var peek: QueryToken { self.tokens[self.next] }

    private mutating func take() -> QueryToken {
        let token = self.tokens[self.next]
        if token.kind != .end { self.next += 1 }
        return token
    }

    private mutating func takes(_ word: String) -> Bool {
        guard Self.keyword(self.peek) == word else { return false }
        self.next += 1
        return true
    }

    private mutating func takes(symbol: String) -> Bool {
        guard self.peek.kind == .symbol(symbol) else { return false }
        self.next += 1
        return true
    }

    private func expected(_ what: String) -> QueryError {
        QueryError(self.peek.position, "expected \(what), found \(self.peek.shown)")
    }

    private static func keyword(_ token: QueryToken) -> String? {
        guard case .word(let word) = token.kind, QueryLexer.keywords.contains(word.lowercased()) else { return nil }
        return word.lowercased()
    }

    // MARK: The grammar

    private mutating func alternatives() throws(QueryError) -> QueryTree {
        var parts = [try self.conjunction()]
        while self.takes("or") { parts.append(try self.conjunction()) }
        return parts.count == 1 ? parts[0] : .any(parts)
    }

    private mutating func conjunction() throws(QueryError) -> QueryTree {
        var parts = [try self.negation()]
        while self.takes("and") { parts.append(try self.negation()) }
        return parts.count == 1 ? parts[0] : .all(parts)
    }

    private mutating func negation() throws(QueryError) -> QueryTree {
        let position = self.peek.position
        let isNegated = self.takes("not")
        guard isNegated || self.takes(symbol: "(") else { return try self.condition() }
        self.depth += 1
        guard self.depth <= QueryLimits.depth else {
            throw QueryError(position, "more than \(QueryLimits.depth) brackets and nots inside each other")
        }
        let inner: QueryTree
        if isNegated {
            inner = .not(try self.negation())
        } else {
            inner = try self.alternatives()
            guard self.takes(symbol: ")") else {
                throw self.expected("and, or, or the ) of the bracket at character \(position)")
            }
        }
        self.depth -= 1
        return inner
    }

    private mutating func condition() throws(QueryError) -> QueryTree {
        self.conditions += 1
        guard self.conditions <= QueryLimits.conditions else {
            throw QueryError(self.peek.position, "more than \(QueryLimits.conditions) conditions")
        }
        if self.takes("exists") {
            guard self.takes(symbol: "(") else { throw self.expected("( and a field after exists") }
            let field = try self.field()
            guard self.takes(symbol: ")") else { throw self.expected(") after the field of exists") }
            return .exists(field: field)
        }
        let field = try self.field()
        if self.takes("in") { return .among(field: field, values: try self.values()) }
        if self.takes("like") {
            guard case .text = self.peek.kind else { throw self.expected("a text such as 'run_*' after like") }
            return .like(field: field, pattern: self.take())
        }
        guard case .symbol(let symbol) = self.peek.kind, let comparison = Comparison(rawValue: symbol) else {
            if Self.keyword(self.peek) == "not" {
                throw QueryError(self.peek.position, "not stands before the field: not field in (...)")
            }
            switch self.peek.kind {
            case .end, .symbol(")"): return .flag(field: field)
            case .word where ["and", "or"].contains(Self.keyword(self.peek)): return .flag(field: field)
            default: throw self.expected("one of = != < <= > >= in like after field \(field.shown)")
            }
        }
        _ = self.take()
        return .compare(field: field, comparison, value: try self.value("after \(symbol)"))
    }

    private mutating func field() throws(QueryError) -> QueryToken {
        guard case .word = self.peek.kind, Self.keyword(self.peek) == nil else {
            throw self.expected("a field, not, exists or (")
        }
        return self.take()
    }

    private mutating func values() throws(QueryError) -> [QueryToken] {
        guard self.takes(symbol: "(") else { throw self.expected("( and values after in") }
        var values = [try self.value("in the list")]
        while self.takes(symbol: ",") { values.append(try self.value("in the list")) }
        guard values.count <= QueryLimits.values else {
            throw QueryError(self.peek.position, "more than \(QueryLimits.values) values in one list")
        }
        guard self.takes(symbol: ")") else { throw self.expected(", or ) after a value of the list") }
        return values
    }

    private mutating func value(_ place: String) throws(QueryError) -> QueryToken {
        switch self.peek.kind {
        case .text, .number: return self.take()
        case .word where ["true", "false"].contains(Self.keyword(self.peek)): return self.take()
        case .word: throw self.expected("a value \(place), texts in quotes: 'this'")
        case .symbol("="): throw self.expected("a value \(place); equality is one =")
        case .symbol(">") where place == "after <": throw self.expected("a value \(place); inequality is !=")
        default: throw self.expected("a value \(place)")
        }
    }
}
