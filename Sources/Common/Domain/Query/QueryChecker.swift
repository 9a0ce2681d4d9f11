/// Gives names and values of a query their meaning.
struct QueryChecker {
    let schema: QuerySchema

    func condition(_ tree: QueryTree) throws(QueryError) -> FileCondition {
        switch tree {
        case .compare(let token, let comparison, let value):
            guard let field = try self.field(token) else {
                try self.unbound(value)
                return self.open(token)
            }
            guard comparison == .equal || comparison == .unequal || self.isOrdered(field) else {
                throw QueryError(
                    token.position,
                    "\(field.name) \(self.nature(field)): it can be compared with = and !=, not \(comparison.rawValue)"
                )
            }
            return .compare(field, comparison, try self.value(value, of: field))
        case .among(let token, let values):
            guard let field = try self.field(token) else {
                for value in values { try self.unbound(value) }
                return self.open(token)
            }
            guard field.type != .boolean else {
                throw QueryError(token.position, "\(field.name) is true or false: in is for fields of other types")
            }
            var checked: [MetadataValue] = []
            for value in values { checked.append(try self.value(value, of: field)) }
            return .among(field, checked)
        case .like(let token, let pattern):
            guard case .text(let text) = pattern.kind, let glob = GlobPattern(text), !text.utf8.contains(0) else {
                throw QueryError(pattern.position, "the \\ at the end takes nothing as it is; write \\\\")
            }
            guard let field = try self.field(token) else { return self.open(token) }
            guard field.type == .text else {
                throw QueryError(token.position, "\(field.name) \(self.nature(field)): like is for texts")
            }
            return .like(field, glob)
        case .exists(let token):
            guard let field = try self.field(token) else { return self.open(token) }
            return .exists(field)
        case .flag(let token):
            guard let field = try self.field(token) else { return self.open(token) }
            guard field.type == .boolean else {
                throw QueryError(
                    token.position,
                    "\(field.name) \(self.nature(field)): expected one of = != < <= > >= in like after it, or exists(\(field.name))"
                )
            }
            return .compare(field, .equal, .boolean(true))
        case .all(let parts): return .all(try self.conditions(parts))
        case .any(let parts): return .any(try self.conditions(parts))
        case .not(let part): return .not(try self.condition(part))
        }
    }

    private func conditions(_ parts: [QueryTree]) throws(QueryError) -> [FileCondition] {
        var checked: [FileCondition] = []
        for part in parts { checked.append(try self.condition(part)) }
        return checked
    }

    /// Nil: a name that may be a field, in an open schema.
    private func field(_ token: QueryToken) throws(QueryError) -> QueryField? {
        guard case .word(let name) = token.kind else {
            throw QueryError(token.position, "expected a field, found \(token.shown)")
        }
        if let field = self.schema.field(name) { return field }
        guard self.schema.isOpen, QuerySchema.isName(name) else {
            throw QueryError(token.position, self.schema.unknown(name))
        }
        return nil
    }

    /// Stands for a condition that cannot be checked further.
    private func open(_ token: QueryToken) -> FileCondition {
        .exists(QueryField(metadata: token.shown, id: 0, type: .text))
    }

    private func isOrdered(_ field: QueryField) -> Bool { field.type != .boolean && !field.isMany }

    private func nature(_ field: QueryField) -> String {
        if field.isMany { return "may have several values" }
        switch field.type {
        case .integer: return "is a whole number"
        case .number: return "is a number"
        case .text: return "is a text"
        case .boolean: return "is true or false"
        case .time: return "is a time"
        }
    }

    private func value(_ token: QueryToken, of field: QueryField) throws(QueryError) -> MetadataValue {
        switch (token.kind, field.type) {
        case (.text(let text), .text):
            guard !text.utf8.contains(0) else { throw QueryError(token.position, "a text cannot hold a NUL character") }
            return .text(text)
        case (.word(let word), .boolean):
            return .boolean(word.lowercased() == "true")
        case (.number(let text), .integer), (.number(let text), .number), (.number(let text), .time):
            guard let value = QueryLiteral.value(text, as: field.type) else { break }
            return value
        default: break
        }
        throw QueryError(
            token.position,
            "\(field.name) \(self.nature(field)): expected \(field.type.wanted), found \(token.shown)"
        )
    }

    /// A value of a field that is not known: a number must at least be one.
    private func unbound(_ token: QueryToken) throws(QueryError) {
        guard case .number(let text) = token.kind else { return }
        guard [.number, .time].contains(where: { QueryLiteral.value(text, as: $0) != nil }) else {
            throw QueryError(
                token.position,
                "\(token.shown) is neither a number nor a time; texts stand in quotes: 'this'"
            )
        }
    }
}
