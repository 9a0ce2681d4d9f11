import Domain
package import Postgres

/// The fields of metadata, and their values.
package enum MetadataStatements {
    /// id, name, type.
    static let fields = Statement<Int32, String, String>(
        "metadata.fields",
        "SELECT id, name, type FROM metadata_field ORDER BY name",
        returning: Int32.self,
        String.self,
        String.self
    )

    /// What a query can name.
    static func schema(in transaction: PostgresTransaction) async throws -> QuerySchema {
        QuerySchema(
            metadata: try await transaction.query(Self.fields).compactMap { row in
                MetadataType(rawValue: row.2).map { QueryField(metadata: row.1, id: row.0, type: $0) }
            }
        )
    }

    static func insertField(_ name: String, type: MetadataType, description: String, who: String) -> SQL {
        """
        INSERT INTO metadata_field (name, type, description, who) VALUES (\(name), \(type.rawValue), \(description), \(who))
        ON CONFLICT (name) DO NOTHING
        """
    }

    /// A field, locked against new values: id, type.
    static func lockField(_ name: String) -> Statement<Int32, String> {
        Statement(
            "metadata.lockField",
            "SELECT id, type FROM metadata_field WHERE name = \(name) FOR UPDATE",
            returning: Int32.self,
            String.self
        )
    }

    /// Holds the fields of these names, and those that these queries name in the eyes of ``use(of:name:)``: whoever removes one waits, and
    /// then finds what uses it by now.
    package static func keepFields(_ names: [String], in queries: [String]) -> Statement<String> {
        Statement(
            "metadata.keepFields",
            """
            SELECT f.name FROM metadata_field f
            WHERE f.name = ANY(\(names)) OR EXISTS (SELECT 1 FROM unnest(\(queries)) AS q(query) WHERE q.query ~ ('\\m' || f.name || '\\M'))
            ORDER BY f.name FOR SHARE
            """,
            returning: String.self
        )
    }

    /// What uses a field: a file with a value of it, or one that is being registered, a dataset, a task that has yet to begin and whose query names it, or
    /// one that groups by it.
    static func use(of field: Int32, name: String) -> Statement<String?, String?, Int64?> {
        Statement(
            "metadata.use",
            """
            SELECT coalesce((SELECT f.lfn FROM file_metadata m JOIN file f ON f.id = m.file WHERE m.field = \(field) LIMIT 1),
                            (SELECT r.lfn FROM registration_metadata m JOIN registration r ON r.id = m.registration
                             WHERE m.field = \(field) LIMIT 1)),
                   (SELECT d.name FROM dataset_metadata m JOIN dataset d ON d.id = m.dataset WHERE m.field = \(field) LIMIT 1),
                   (SELECT t.id FROM task t WHERE t.state IN ('waiting', 'scouting', 'running', 'finishing', 'paused')
                       AND (\(name) = ANY(t.group_by) OR t.state = 'waiting' AND EXISTS (
                           SELECT 1 FROM task_input i WHERE i.task = t.id AND i.query ~ ('\\m' || \(name) || '\\M'))) LIMIT 1)
            """,
            returning: String?.self,
            String?.self,
            Int64?.self
        )
    }

    static func deleteField(_ field: Int32) -> SQL { "DELETE FROM metadata_field WHERE id = \(field)" }

    static func field(_ name: String) -> Statement<String> {
        Statement(
            "metadata.field",
            """
            SELECT json_build_object('field', name, 'type', type, 'description', description, 'who', who, 'created', created)::text
            FROM metadata_field WHERE name = \(name)
            """,
            returning: String.self
        )
    }

    // MARK: Values

    /// Sets values of a file. Affects the rows that were not so before.
    static func tag(file: Int64, _ values: [MetadataTag]) -> SQL {
        """
        INSERT INTO file_metadata AS m (file, field, type, integer_value, number_value, text_value, boolean_value, time_value)
        SELECT \(file), * FROM \(fragment: Self.rows(values)) i
        ON CONFLICT (field, file) DO UPDATE SET \(fragment: Self.change)
        """
    }

    /// The same of a dataset.
    static func tag(dataset: Int64, _ values: [MetadataTag]) -> SQL {
        """
        INSERT INTO dataset_metadata AS m (dataset, field, type, integer_value, number_value, text_value, boolean_value, time_value)
        SELECT \(dataset), * FROM \(fragment: Self.rows(values)) i
        ON CONFLICT (dataset, field) DO UPDATE SET \(fragment: Self.change)
        """
    }

    static let change: SQL = """
        integer_value = excluded.integer_value, number_value = excluded.number_value, text_value = excluded.text_value,
        boolean_value = excluded.boolean_value, time_value = excluded.time_value
        WHERE (m.integer_value, m.number_value, m.text_value, m.boolean_value, m.time_value) IS DISTINCT FROM
              (excluded.integer_value, excluded.number_value, excluded.text_value, excluded.boolean_value, excluded.time_value)
        """

    private static func rows(_ values: [MetadataTag]) -> SQL {
        "unnest(\(values.map(\.field)), \(values.map(\.value.type.rawValue)), \(fragment: Self.columns(values)))"
    }

    /// Values of several things, each with the number of what it is said of.
    static func rows(_ values: [(owner: Int64, tag: MetadataTag)]) -> SQL {
        let tags = values.map(\.tag)
        return """
            unnest(\(values.map(\.owner)), \(tags.map(\.field)), \(tags.map(\.value.type.rawValue)), \(fragment: Self.columns(tags)))
            """
    }

    private static func columns(_ values: [MetadataTag]) -> SQL {
        """
        \(values.map { if case .integer(let value) = $0.value { value } else { Int64?.none } }),
        \(values.map { if case .number(let value) = $0.value { value } else { Double?.none } }),
        \(values.map { if case .text(let value) = $0.value { value } else { String?.none } }),
        \(values.map { if case .boolean(let value) = $0.value { value } else { Bool?.none } }),
        \(values.map { if case .time(let value) = $0.value { value } else { Moment?.none } })
        """
    }

    static func untag(file: Int64, fields: [Int32]) -> SQL {
        "DELETE FROM file_metadata WHERE file = \(file) AND field = ANY(\(fields))"
    }

    static func untag(dataset: Int64, fields: [Int32]) -> SQL {
        "DELETE FROM dataset_metadata WHERE dataset = \(dataset) AND field = ANY(\(fields))"
    }

    /// The dataset that a stream of a task fills.
    static func dataset(task: Int64, stream: String) -> Statement<Int64> {
        Statement(
            "metadata.dataset",
            "SELECT id FROM dataset WHERE task = \(task) AND stream = \(stream)",
            returning: Int64.self
        )
    }

    /// What people said of a thing.
    static func note(_ subject: String, _ change: MetadataChange, _ detail: JSONText, who: String) -> SQL {
        """
        INSERT INTO metadata_change (subject, change, detail, who)
        VALUES (\(subject), \(change.rawValue), \(detail), \(who))
        """
    }

    /// The values of a file, its own and those of its datasets, as a JSON object.
    static let ofFile: SQL = """
        (SELECT coalesce(json_object_agg(w.name, w.value ORDER BY w.name), '{}') FROM (
            SELECT DISTINCT ON (n.name) n.name, k.value FROM (
                SELECT m.field, 0::bigint AS rank,
                       metadata_json(m.integer_value, m.number_value, m.text_value, m.boolean_value, m.time_value) AS value
                FROM file f CROSS JOIN metadata_field n JOIN file_metadata m ON m.field = n.id AND m.file = f.id WHERE f.lfn = v.lfn
                UNION ALL
                SELECT m.field, m.dataset,
                       metadata_json(m.integer_value, m.number_value, m.text_value, m.boolean_value, m.time_value)
                FROM file f JOIN dataset_file x ON x.file = f.id JOIN dataset_metadata m ON m.dataset = x.dataset WHERE f.lfn = v.lfn
            ) k JOIN metadata_field n ON n.id = k.field ORDER BY n.name, k.rank) w)
        """

    static func ofDataset(_ name: String) -> Statement<String> {
        Statement(
            "metadata.ofDataset",
            """
            SELECT row_to_json(r)::text FROM (
                SELECT v.*, (SELECT coalesce(json_object_agg(n.name, metadata_json(m.integer_value, m.number_value, m.text_value,
                                        m.boolean_value, m.time_value) ORDER BY n.name), '{}')
                             FROM dataset d JOIN dataset_metadata m ON m.dataset = d.id JOIN metadata_field n ON n.id = m.field
                             WHERE d.name = v.dataset) AS metadata,
                       ARRAY(SELECT c.name FROM dataset d JOIN container_member m ON m.dataset = d.id JOIN container c ON c.id = m.container
                             WHERE d.name = v.dataset ORDER BY c.name) AS containers,
                       (SELECT json_build_object('waiting', count(*) FILTER (WHERE r.state IN ('queued', 'active')),
                                                 'failed', count(*) FILTER (WHERE r.state = 'failed'))
                        FROM registration r JOIN dataset d ON d.id = r.dataset
                        WHERE d.name = v.dataset AND r.state IN ('queued', 'active', 'failed')) AS registrations
                FROM dataset_view v WHERE v.dataset = \(name)
            ) r
            """,
            returning: String.self
        )
    }

    static var examples: [AnyStatement] {
        let tags = [MetadataTag(field: 1, value: .integer(1))]
        let changes = [
            Self.insertField("x", type: .text, description: "", who: "x"), Self.deleteField(1), Self.tag(file: 1, tags),
            Self.tag(dataset: 1, tags), Self.untag(file: 1, fields: []), Self.untag(dataset: 1, fields: []),
            Self.note("x", .added, JSONText("{}"), who: "x"),
        ]
        return [
            Self.fields.erased, Self.lockField("x").erased, Self.keepFields([], in: []).erased,
            Self.use(of: 1, name: "x").erased, Self.field("x").erased,
            Self.dataset(task: 1, stream: "x").erased, Self.ofDataset("x").erased,
        ] + changes.enumerated().map { Command("metadata.change.\($0)", $1).erased } + FileSearchStatements.examples
            + ContainerStatements.examples + InputKeys.examples
    }
}

/// One value of one field.
struct MetadataTag: Sendable, Hashable {
    let field: Int32
    let value: MetadataValue
}

/// What people did to a thing that the books keep for them.
enum MetadataChange: String, Sendable {
    case added
    case changed
    case removed
    case closed
}
