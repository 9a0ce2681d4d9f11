package import Domain
package import Postgres

/// What the inputs of one job must share.
package enum InputKeys {
    /// The same files with the values of these fields as their keys; a file without a value shares its jobs with others without.
    ///
    /// - Throws: ``CatalogRefusal`` for a field that is there no more: without it, jobs would mix what is to be kept apart.
    package static func read(
        _ files: [InputFile],
        by fields: [String],
        in transaction: PostgresTransaction
    ) async throws -> [InputFile] {
        guard !fields.isEmpty, !files.isEmpty else { return files }
        let schema = try await MetadataStatements.schema(in: transaction)
        let known = try fields.map { name in
            guard let field = schema.field(name) else {
                throw CatalogRefusal(.state, "groupBy: \(schema.unknown(name))")
            }
            return field
        }
        let rows = try await transaction.query(Self.keys(files.map(\.file), known))
        let keys = Dictionary(rows.map { ($0.0, $0.1) }, uniquingKeysWith: { first, _ in first })
        return files.map { file in
            var keyed = file
            keyed.key = keys[file.file] ?? ""
            return keyed
        }
    }

    /// File, and its values as one text that differs when one of them does.
    static func keys(_ files: [Int64], _ fields: [QueryField]) -> Statement<Int64, String> {
        let values = SQL.joined(fields.map(FileFilter.text), separator: ", ")
        return Statement(
            "inputs.keys",
            """
            SELECT f.id, ARRAY[\(fragment: values)]::text[]::text
            FROM unnest(\(files)) i(id) CROSS JOIN LATERAL (SELECT * FROM file x WHERE x.id = i.id OFFSET 0) f
            """,
            returning: Int64.self,
            String.self
        )
    }

    static var examples: [AnyStatement] {
        let fields =
            BuiltInField.keys.map { QueryField($0) }
            + MetadataType.allCases.map { QueryField(metadata: "x", id: 1, type: $0) }
        return [Self.keys([], fields).erased]
    }
}
