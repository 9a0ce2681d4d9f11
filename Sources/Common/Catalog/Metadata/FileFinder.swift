import Domain
import Postgres

/// Where an index says which files conditions may hold for: numbers of files, all for which they do, and perhaps more. What it
/// finds is filtered with ``FileFilter``.
enum FileFinder {
    /// The numbers of files that an index finds.
    struct Found {
        let sql: SQL
        /// It gives them in their order, so that those between two numbers are read alone, however many it finds; of what is said of
        /// datasets, once for each dataset.
        let isByFile: Bool
    }

    /// A condition on one field that its index answers.
    private struct Test {
        let field: QueryField
        /// One value is wanted.
        let isEqual: Bool
        let sql: (_ column: SQL) -> SQL
    }

    /// One for each condition of those that must all hold, as far as they have an index; the conditions on one field with one value
    /// together: each alone, the two ends of a range find nearly everything.
    static func found(ofAll conditions: [FileCondition]) -> [Found] {
        var finders: [Found] = []
        var fields: [QueryField] = []
        var tests: [QueryField: [Test]] = [:]
        for condition in conditions {
            if let test = Self.test(condition), !test.field.isMany {
                if tests[test.field] == nil { fields.append(test.field) }
                tests[test.field, default: []].append(test)
            } else if let finder = Self.sql(condition) {
                finders.append(Found(sql: finder, isByFile: false))
            }
        }
        return fields.map { field in
            let tests = tests[field] ?? []
            let sql = Self.found(field) { column in SQL.joined(tests.map { $0.sql(column) }, separator: " AND ") }
            // The index of a metadata field goes by value, then file.
            let isByFile = if case .metadata = field.kind { tests.contains(where: \.isEqual) } else { false }
            return Found(sql: sql, isByFile: isByFile)
        } + finders
    }

    /// - Returns: nil when no index helps: every file would have to be looked at.
    static func sql(_ condition: FileCondition) -> SQL? {
        if let test = Self.test(condition) { return Self.found(test.field, test.sql) }
        switch condition {
        case .all(let parts): return Self.found(ofAll: parts).first?.sql
        case .any(let parts):
            let found = parts.compactMap(Self.sql)
            return found.count == parts.count ? SQL.joined(found, separator: " UNION ALL ") : nil
        case .compare, .among, .like, .exists, .not: return nil
        }
    }

    private static func test(_ condition: FileCondition) -> Test? {
        switch condition {
        case .compare(_, .unequal, _), .not, .all, .any: return nil
        case .compare(let field, let comparison, let value):
            guard Self.isIndexed(field) else { return nil }
            if field.kind == .builtIn(.lost), comparison != .equal || value != .boolean(true) { return nil }
            return Test(field: field, isEqual: comparison == .equal) { FileFilter.test($0, comparison, value) }
        case .among(let field, let values):
            guard Self.isIndexed(field) else { return nil }
            return Test(field: field, isEqual: false) { FileFilter.among($0, values, field.type) }
        case .like(let field, let pattern):
            guard Self.isIndexed(field), field.kind != .builtIn(.lfn) || !pattern.prefix.isEmpty else { return nil }
            return Test(field: field, isEqual: false) { "\(fragment: $0) LIKE \(pattern.like)" }
        case .exists(let field):
            guard case .metadata = field.kind else { return nil }
            return Test(field: field, isEqual: false) { "\(fragment: $0) IS NOT NULL" }
        }
    }

    private static func isIndexed(_ field: QueryField) -> Bool {
        switch field.kind {
        case .metadata, .builtIn(.lfn), .builtIn(.task), .builtIn(.request), .builtIn(.dataset), .builtIn(.container),
            .builtIn(.lost):
            true
        case .builtIn: false
        }
    }

    /// What the index of a field finds. - Precondition: it has one.
    private static func found(_ field: QueryField, _ test: (SQL) -> SQL) -> SQL {
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
        case .builtIn(.lost): return "SELECT i.id AS file FROM file i WHERE i.lost"
        case .builtIn: return "SELECT i.id AS file FROM file i WHERE \(fragment: test("i.lfn"))"
        }
    }
}
