import Domain
import Postgres

/// Conditions on files as SQL about one row `f` of the table of files. Values only ever become parameters.
enum FileFilter {
    /// True or false for every file, never NULL. Each part is asked by key for the file at hand: the planner cannot make a join of it.
    static func sql(_ condition: FileCondition) -> SQL {
        switch condition {
        case .compare(let field, .unequal, let value) where field.isMany:
            let present = Self.sql(.exists(field))
            return "(\(fragment: present) AND NOT \(fragment: Self.sql(.compare(field, .equal, value))))"
        case .compare(let field, let comparison, let value):
            return Self.holds(field) { Self.test($0, comparison, value) }
        case .among(let field, let values):
            return Self.holds(field) { Self.among($0, values, field.type) }
        case .like(let field, let pattern):
            return Self.holds(field) { "\(fragment: $0) LIKE \(pattern.like)" }
        case .exists(let field):
            return Self.holds(field) { "\(fragment: $0) IS NOT NULL" }
        case .all(let parts): return "(\(fragment: SQL.joined(parts.map(Self.sql), separator: " AND ")))"
        case .any(let parts): return "(\(fragment: SQL.joined(parts.map(Self.sql), separator: " OR ")))"
        case .not(let part): return "NOT \(fragment: Self.sql(part))"
        }
    }

    /// The value of a field as text; of several, all of them.
    static func text(_ field: QueryField) -> SQL {
        switch field.kind {
        case .metadata(let id): "(\(fragment: Self.effective(id, field.type)))::text"
        case .builtIn(.dataset):
            """
            (SELECT string_agg(d.name, ' ' ORDER BY d.id) FROM dataset_file x JOIN dataset d ON d.id = x.dataset WHERE x.file = f.id)
            """
        case .builtIn(.task): "f.task::text"
        case .builtIn(.request): "(SELECT t.request::text FROM task t WHERE t.id = f.task)"
        case .builtIn(.site): "f.site"
        case .builtIn(.software): "f.software"
        case .builtIn(.stream): Self.stream
        case .builtIn: "f.lfn"
        }
    }

    /// Of the output it is; when that is in the archive, of the dataset that its task filled with it.
    private static let stream: SQL = """
        coalesce(
            (SELECT o.stream FROM output o
             WHERE o.task = f.task AND o.index = f.index AND o.attempt = f.attempt AND o.file = f.id LIMIT 1),
            (SELECT d.stream FROM dataset_file x JOIN dataset d ON d.id = x.dataset WHERE x.file = f.id AND d.task = f.task LIMIT 1))
        """

    // MARK: Tests of one column

    static func test(_ column: SQL, _ comparison: Comparison, _ value: MetadataValue) -> SQL {
        // Not every text column is ordered byte by byte.
        let left: SQL
        switch comparison {
        case .equal, .unequal: left = column
        case .less, .lessOrEqual, .greater, .greaterOrEqual:
            left = value.type == .text ? "\(fragment: column) COLLATE \"C\"" : column
        }
        return "\(fragment: left) \(unsafe: Self.sign(comparison)) \(fragment: Self.parameter(value))"
    }

    static func among(_ column: SQL, _ values: [MetadataValue], _ type: MetadataType) -> SQL {
        "\(fragment: column) = ANY(\(fragment: Self.array(values, type)))"
    }

    private static func sign(_ comparison: Comparison) -> StaticString {
        switch comparison {
        case .equal: "="
        case .unequal: "<>"
        case .less: "<"
        case .lessOrEqual: "<="
        case .greater: ">"
        case .greaterOrEqual: ">="
        }
    }

    private static func parameter(_ value: MetadataValue) -> SQL {
        switch value {
        case .integer(let value): "\(value)"
        case .number(let value): "\(value)"
        case .text(let value): "\(value)"
        case .boolean(let value): "\(value)"
        case .time(let value): "\(value)"
        }
    }

    private static func array(_ values: [MetadataValue], _ type: MetadataType) -> SQL {
        switch type {
        case .integer: "\(values.compactMap { if case .integer(let value) = $0 { value } else { nil } })"
        case .number: "\(values.compactMap { if case .number(let value) = $0 { value } else { nil } })"
        case .text: "\(values.compactMap { if case .text(let value) = $0 { value } else { nil } })"
        case .boolean: "\(values.compactMap { if case .boolean(let value) = $0 { value } else { nil } })"
        case .time: "\(values.compactMap { if case .time(let value) = $0 { value } else { nil } })"
        }
    }

    // MARK: Fields of a file

    private static func holds(_ field: QueryField, _ test: (SQL) -> SQL) -> SQL {
        switch field.kind {
        case .metadata(let id): "coalesce(\(fragment: test(Self.effective(id, field.type))), false)"
        case .builtIn(let known): Self.holds(known, test)
        }
    }

    /// The file's own value, else that of the oldest of its datasets that has one.
    private static func effective(_ field: Int32, _ type: MetadataType) -> SQL {
        let column = type.column
        return """
            coalesce(
                (SELECT m.\(unsafe: column) FROM file_metadata m WHERE m.file = f.id AND m.field = \(field)),
                (SELECT m.\(unsafe: column) FROM dataset_file x JOIN dataset_metadata m ON m.dataset = x.dataset AND m.field = \(field)
                 WHERE x.file = f.id ORDER BY x.dataset LIMIT 1))
            """
    }

    /// OFFSET 0: the planner would turn these into joins with all there is.
    private static func holds(_ field: BuiltInField, _ test: (SQL) -> SQL) -> SQL {
        switch field {
        case .lfn: return Self.known(test("f.lfn"))
        case .bytes: return Self.known(test("f.bytes"))
        case .events: return Self.known(test("f.events"))
        case .created: return Self.known(test("f.created"))
        case .lost: return Self.known(test("f.lost"))
        case .task: return Self.known(test("f.task"))
        case .site: return Self.known(test("f.site"))
        case .software: return Self.known(test("f.software"))
        case .request: return Self.known(test("(SELECT t.request FROM task t WHERE t.id = f.task)"))
        case .stream: return Self.known(test(Self.stream))
        case .storage:
            return """
                EXISTS (SELECT 1 FROM replica r WHERE r.file = f.id AND r.state = 'available' AND \(fragment: test("r.storage")) OFFSET 0)
                """
        case .dataset:
            return """
                EXISTS (SELECT 1 FROM dataset_file x WHERE x.file = f.id
                        AND x.dataset = ANY(ARRAY(SELECT d.id FROM dataset d WHERE \(fragment: test("d.name")))) OFFSET 0)
                """
        case .container:
            return """
                EXISTS (SELECT 1 FROM dataset_file x WHERE x.file = f.id AND x.dataset = ANY(ARRAY(
                            SELECT m.dataset FROM container c JOIN container_member m ON m.container = c.id
                            WHERE \(fragment: test("c.name")))) OFFSET 0)
                """
        }
    }

    private static func known(_ test: SQL) -> SQL { "coalesce(\(fragment: test), false)" }
}

extension MetadataType {
    /// The column that holds its values.
    var column: StaticString {
        switch self {
        case .integer: "integer_value"
        case .number: "number_value"
        case .text: "text_value"
        case .boolean: "boolean_value"
        case .time: "time_value"
        }
    }
}
