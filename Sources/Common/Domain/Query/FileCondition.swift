/// Which files are wanted: a query whose names are known and whose values have the types of their fields.
///
/// Every part is true or false of a file, never unknown: a comparison with a field that the file has no value of is false, `!=` among
/// them, and `not` of it is true. With a field of several values a comparison holds when it does for one of them, `!=` when there is
/// one and it does for none.
package indirect enum FileCondition: Sendable, Hashable {
    case compare(QueryField, Comparison, MetadataValue)
    case among(QueryField, [MetadataValue])
    case like(QueryField, GlobPattern)
    case exists(QueryField)
    case all([FileCondition])
    case any([FileCondition])
    case not(FileCondition)

    /// Reads and checks a query.
    ///
    /// - Throws: ``QueryError`` for the first mistake.
    package init(_ text: String, schema: QuerySchema) throws(QueryError) {
        self = try QueryChecker(schema: schema).condition(QueryParser.parse(text))
    }

    /// Finds what is wrong with a query where the catalogue's metadata fields are not known: names that are no field of every file
    /// are taken for metadata of any type.
    package static func check(_ text: String) throws(QueryError) {
        _ = try QueryChecker(schema: QuerySchema(isOpen: true)).condition(QueryParser.parse(text))
    }

    /// The parts that must all hold.
    package var conjuncts: [FileCondition] {
        if case .all(let parts) = self { parts.flatMap(\.conjuncts) } else { [self] }
    }
}

extension FileCondition: CustomStringConvertible {
    /// A query that means the same.
    package var description: String {
        switch self {
        case .compare(let field, let comparison, let value): "\(field.name) \(comparison.rawValue) \(value)"
        case .among(let field, let values):
            "\(field.name) in (\(values.map(\.description).joined(separator: ", ")))"
        case .like(let field, let pattern): "\(field.name) like \(pattern)"
        case .exists(let field): "exists(\(field.name))"
        case .all(let parts): Self.joined(parts, " and ")
        case .any(let parts): Self.joined(parts, " or ")
        case .not(let part): "not (\(part))"
        }
    }

    private static func joined(_ parts: [FileCondition], _ word: String) -> String {
        parts.map { part in
            switch part {
            case .all, .any: "(\(part))"
            default: part.description
            }
        }.joined(separator: word)
    }
}
