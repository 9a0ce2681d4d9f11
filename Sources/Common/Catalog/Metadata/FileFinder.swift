import Domain
import Postgres

/// Where an index says which files a condition may hold for: numbers of files, all for which it does, and perhaps more. What it
/// finds is filtered with ``FileFilter``.
enum FileFinder {
    /// - Returns: nil when no index helps: every file would have to be looked at.
    static func sql(_ condition: FileCondition) -> SQL? {
        switch condition {
        case .compare(_, .unequal, _), .not: return nil
        case .compare(let field, let comparison, let value):
            if field.kind == .builtIn(.lost) {
                return comparison == .equal && value == .boolean(true)
                    ? "SELECT i.id AS file FROM file i WHERE i.lost" : nil
            }
            return Self.found(field) { FileFilter.test($0, comparison, value) }
        case .among(let field, let values):
            return Self.found(field) { FileFilter.among($0, values, field.type) }
        case .like(let field, let pattern):
            if field.kind == .builtIn(.lfn), pattern.prefix.isEmpty { return nil }
            return Self.found(field) { "\(fragment: $0) LIKE \(pattern.like)" }
        case .exists(let field):
            guard case .metadata = field.kind else { return nil }
            return Self.found(field) { "\(fragment: $0) IS NOT NULL" }
        case .all(let parts):
            return parts.lazy.compactMap(Self.sql).first
        case .any(let parts):
            let found = parts.compactMap(Self.sql)
            return found.count == parts.count ? SQL.joined(found, separator: " UNION ALL ") : nil
        }
    }

    private static func found(_ field: QueryField, _ test: (SQL) -> SQL) -> SQL? {
        switch field.kind {
        case .metadata(let id):
            let condition = test("m.\(unsafe: field.type.column)")
            return """
                SELECT m.file FROM file_metadata m
                WHERE m.field = \(id) AND m.\(unsafe: field.type.column) IS NOT NULL AND \(fragment: condition)
                UNION ALL
                SELECT x.file FROM dataset_metadata m JOIN dataset_file x ON x.dataset = m.dataset
                WHERE m.field = \(id) AND \(fragment: condition)
                """
        case .builtIn(.lfn): return "SELECT i.id AS file FROM file i WHERE \(fragment: test("i.lfn"))"
        case .builtIn(.task): return "SELECT i.id AS file FROM file i WHERE \(fragment: test("i.task"))"
        case .builtIn(.request):
            return "SELECT i.id AS file FROM task t JOIN file i ON i.task = t.id WHERE \(fragment: test("t.request"))"
        case .builtIn(.dataset):
            return
                "SELECT x.file FROM dataset d JOIN dataset_file x ON x.dataset = d.id WHERE \(fragment: test("d.name"))"
        case .builtIn(.container):
            return """
                SELECT x.file FROM container c JOIN container_member m ON m.container = c.id
                JOIN dataset_file x ON x.dataset = m.dataset WHERE \(fragment: test("c.name"))
                """
        case .builtIn: return nil
        }
    }
}
