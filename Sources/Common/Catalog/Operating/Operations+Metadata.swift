package import Domain
import Messages
import Postgres

/// What people say of files: fields and their values.
extension Operations {
    /// A field that files can have a value of. The same again changes nothing.
    package func addField(_ name: String, type: MetadataType, description: String) async throws -> Outcome {
        try self.caller.need(.operator, to: "add a metadata field")
        guard QuerySchema.isFreeName(name) else {
            throw CatalogRefusal(
                .invalid,
                "field: \(Quoted.short(name)) is no name for a field: small letters, digits and _, a letter first, at most 63, and no "
                    + "word of the query language or field of every file"
            )
        }
        guard description.count <= 300, !description.contains(where: \.isNewline) else {
            throw CatalogRefusal(.invalid, "description is one line of at most 300 characters")
        }
        return try await self.change { transaction in
            let made = try await transaction.execute(
                MetadataStatements.insertField(name, type: type, description: description, who: self.caller.who)
            )
            guard let (_, known) = try await transaction.query(MetadataStatements.lockField(name)).first else {
                throw CatalogRefusal(.state, "field \(name) was changed meanwhile; try again")
            }
            guard known == type.rawValue else {
                throw CatalogRefusal(.state, "field \(name) exists and is of type \(known); choose another name")
            }
            if made == 1 {
                try await self.note("field:\(name)", .added, ["type": type.rawValue], in: transaction)
            }
            return Outcome(
                changed: made == 1,
                lines: [made == 1 ? "field \(name) added: \(type.rawValue)" : "field \(name) is there already"],
                result: try await self.object(MetadataStatements.field(name), in: transaction, "field \(name)")
            )
        }
    }

    /// A field that nothing has a value of goes. Locked before it is asked what uses it: an approval that names it has ended, or waits.
    package func removeField(_ name: String) async throws -> Outcome {
        try self.caller.need(.operator, to: "remove a metadata field")
        return try await self.change { transaction in
            guard let (id, type) = try await transaction.query(MetadataStatements.lockField(name)).first else {
                throw CatalogRefusal(.missing, "there is no field \(Quoted.short(name))")
            }
            let row = try await self.object(MetadataStatements.field(name), in: transaction, "field \(name)")
            let use = try await transaction.query(MetadataStatements.use(of: id, name: name)).first
            let users = [
                use?.0.map { "file \($0)" }, use?.1.map { "dataset \($0)" },
                use?.2.map { "task \($0), which looks for it" },
            ].compactMap { $0 }
            if !users.isEmpty {
                throw CatalogRefusal(.state, "field \(name) is in use, such as by \(users.joined(separator: " and "))")
            }
            try await transaction.execute(MetadataStatements.deleteField(id))
            try await self.note("field:\(name)", .removed, ["type": type], in: transaction)
            return Outcome(lines: ["field \(name) is gone"], result: row)
        }
    }

    /// Says something of a file: it outranks what its datasets say.
    ///
    /// - Parameters:
    ///   - values: field to value as written.
    ///   - remove: fields whose own value goes.
    package func tag(file: String, _ values: [String: String], remove: [String]) async throws -> Outcome {
        try self.caller.need(.physicist, to: "say something of a file")
        return try await self.change { transaction in
            let (tags, gone) = try await self.tags(values, remove: remove, in: transaction)
            guard let (id, _) = try await transaction.query(DataStatements.lock(file: file)).first else {
                throw CatalogRefusal(.missing, "there is no file \(Quoted.short(file))")
            }
            let counts = try await transaction.execute([
                MetadataStatements.tag(file: id, tags), MetadataStatements.untag(file: id, fields: gone),
            ])
            return try await self.tagged(
                "file:\(file)",
                "file \(file)",
                counts,
                values,
                remove,
                ObjectStatements.file(file),
                in: transaction
            )
        }
    }

    /// Says something of every file of a dataset, those to come among them; also when it is closed.
    package func tag(dataset: String, _ values: [String: String], remove: [String]) async throws -> Outcome {
        try self.caller.need(.physicist, to: "say something of a dataset")
        return try await self.change { transaction in
            let (tags, gone) = try await self.tags(values, remove: remove, in: transaction)
            guard let id = try await transaction.query(DataStatements.lock(dataset: dataset)).first?.0 else {
                throw CatalogRefusal(.missing, "there is no dataset \(Quoted.short(dataset))")
            }
            let counts = try await transaction.execute([
                MetadataStatements.tag(dataset: id, tags), MetadataStatements.untag(dataset: id, fields: gone),
            ])
            return try await self.tagged(
                "dataset:\(dataset)",
                "dataset \(dataset) and its files",
                counts,
                values,
                remove,
                ObjectStatements.dataset(dataset),
                in: transaction
            )
        }
    }

    // MARK: Steps

    private func tagged(
        _ subject: String,
        _ name: String,
        _ counts: [Int],
        _ values: [String: String],
        _ remove: [String],
        _ row: Statement<String>,
        in transaction: PostgresTransaction
    ) async throws -> Outcome {
        let changed = counts.reduce(0, +)
        if changed > 0 {
            var detail: [String: String?] = values.mapValues { $0 }
            for field in remove { detail[field] = .some(nil) }
            try await self.note(subject, .changed, detail, in: transaction)
        }
        let said = values.sorted { $0.key < $1.key }.map { "\($0.key) = \($0.value)" } + remove.map { "without \($0)" }
        return Outcome(
            changed: changed > 0,
            lines: [changed > 0 ? "\(name): \(said.joined(separator: ", "))" : "\(name): all of it was said already"],
            result: try await self.object(row, in: transaction, name)
        )
    }

    private func tags(
        _ values: [String: String],
        remove: [String],
        in transaction: PostgresTransaction
    ) async throws -> (values: [MetadataTag], remove: [Int32]) {
        guard !(values.isEmpty && remove.isEmpty) else {
            throw CatalogRefusal(.invalid, "nothing is said: give key=value, or a field to remove")
        }
        if let both = remove.first(where: { values[$0] != nil }) {
            throw CatalogRefusal(.invalid, "\(both) is to be set and to be removed")
        }
        let schema = try await MetadataStatements.schema(in: transaction)
        let tags = try Self.tags(values, schema)
        var gone: [Int32] = []
        for name in remove { gone.append(try Self.field(name, schema).id) }
        return (tags, gone)
    }

    /// Values as written, of the types of their fields.
    static func tags(_ values: [String: String], _ schema: QuerySchema) throws(CatalogRefusal) -> [MetadataTag] {
        var tags: [MetadataTag] = []
        for (name, text) in values.sorted(by: { $0.key < $1.key }) {
            let (id, type) = try Self.field(name, schema)
            do {
                tags.append(MetadataTag(field: id, value: try MetadataValue(text, as: type)))
            } catch {
                throw CatalogRefusal(.invalid, "metadata \(name): \(error.message)")
            }
        }
        return tags
    }

    private static func field(
        _ name: String,
        _ schema: QuerySchema
    ) throws(CatalogRefusal) -> (id: Int32, type: MetadataType) {
        guard let field = schema.field(name) else {
            throw CatalogRefusal(.missing, "metadata: \(schema.unknown(name)); millrace metadata add makes one")
        }
        guard case .metadata(let id) = field.kind else {
            throw CatalogRefusal(.invalid, "metadata: \(name) is what the books know of every file; it cannot be said")
        }
        return (id, field.type)
    }

    func note(
        _ subject: String,
        _ change: MetadataChange,
        _ detail: [String: String?],
        in transaction: PostgresTransaction
    ) async throws {
        let text = JSONText(try WireFormat.text(detail))
        try await transaction.execute(MetadataStatements.note(subject, change, text, who: self.caller.who))
    }
}
