package import Domain
package import Postgres

/// A query on files, and how it is answered: by the conditions whose indexes find few files, or else by looking at every file in
/// the order of names.
///
/// Which of them finds few is counted beforehand, each only as far as needed: the planner knows how common a value is among all
/// fields together, not in its field, and would read whole tables.
package struct FileSearch: Sendable {
    /// Up to how many files an index may find to be worth using: if some condition finds at most the first number, nothing else is
    /// looked at; else the second, and the third.
    package struct Limits: Sendable {
        package var few: Int64 = 1000
        package var more: Int64 = 20_000
        /// Of all files, for a page: when each condition finds more, 100 that fit are sooner found by name.
        package var share = 0.05
        package var most: Int64 = 1_000_000
        /// Among the neighbours of another condition.
        package var near: Int64 = 2000
        /// Files that are filtered in no time worth saving.
        package var soonFiltered: Int64 = 1000

        package init() {}
    }

    /// What is wanted of the files that are found.
    package enum Aim: Sendable {
        /// The next so many by name.
        case page
        /// All of them, as sums or as inputs.
        case all
    }

    package let condition: FileCondition
    /// Conditions with an index, as written.
    package let indexed: [String]
    /// Those without.
    package let unindexed: [String]
    /// What the answer is taken from: the files that all of these find. None: every file is looked at.
    private let finders: [SQL]

    private init(_ condition: FileCondition, finders: [SQL]) {
        self.condition = condition
        self.finders = finders
        let parts = condition.conjuncts
        self.indexed = parts.filter { FileFinder.sql($0) != nil }.map(\.description)
        self.unindexed = parts.filter { FileFinder.sql($0) == nil }.map(\.description)
    }

    /// Reads the query and decides how to answer it. Afterwards the transaction's planner prefers indexes.
    ///
    /// - Throws: ``CatalogRefusal`` (invalid) with what is wrong in the query.
    package static func prepare(
        _ text: String,
        for aim: Aim,
        limits: Limits = Limits(),
        in transaction: PostgresTransaction
    ) async throws -> FileSearch {
        let condition = try await Self.condition(text, in: transaction)
        let finders = FileFinder.found(ofAll: condition.conjuncts)
        // A page without an index is read in the order of names, all files in any.
        if !finders.isEmpty || aim == .page { try await transaction.execute(FileSearchStatements.preferIndexes) }
        if !finders.isEmpty {
            for limit in [limits.few, limits.more] {
                let counts = try await transaction.query(
                    FileSearchStatements.counts(finders.map(\.sql), upTo: limit + 1)
                )
                if let near = try await Self.neighbours(finders, counts, limit, limits, in: transaction) {
                    return FileSearch(condition, finders: [near])
                }
                let narrow = try await Self.narrow(finders, limit, limits, counts, in: transaction)
                if !narrow.isEmpty { return FileSearch(condition, finders: narrow) }
            }
            var limit = limits.most
            if aim == .page {
                let files = try await transaction.query(FileSearchStatements.size).first ?? 0
                limit = min(limit, Int64(Double(files) * limits.share))
            }
            if limit > limits.more {
                let counts = try await transaction.query(
                    FileSearchStatements.counts(finders.map(\.sql), upTo: limit + 1)
                )
                if let near = try await Self.neighbours(finders, counts, limit, limits, in: transaction) {
                    return FileSearch(condition, finders: [near])
                }
                let narrow = try await Self.narrow(finders, limit, limits, counts, in: transaction)
                if !narrow.isEmpty { return FileSearch(condition, finders: narrow) }
            }
            if aim == .all { try await transaction.execute(FileSearchStatements.readAll) }
        }
        return FileSearch(condition, finders: [])
    }

    /// Those that find at most so many files; if there are any but they find thousands, also those that find up to ten times as many:
    /// to filter a file costs more than to read ten entries of an index.
    ///
    /// - Parameters:
    ///   - limits: how many are filtered soon.
    ///   - known: how many each finds, counted up to one more than the limit.
    private static func narrow(
        _ finders: [FileFinder.Found],
        _ limit: Int64,
        _ limits: Limits,
        _ known: [(Int32, Int64, Int64?, Int64?)],
        in transaction: PostgresTransaction
    ) async throws -> [SQL] {
        var counts = known
        guard let fewest = counts.map(\.1).min(), fewest <= limit else { return [] }
        let beside = max(limit, 10 * fewest)
        if fewest > limits.soonFiltered, counts.contains(where: { $0.1 > limit }) {
            counts = try await transaction.query(FileSearchStatements.counts(finders.map(\.sql), upTo: beside + 1))
            return counts.filter { $0.1 <= beside }.map { finders[Int($0.0)].sql }
        }
        return counts.filter { $0.1 <= limit }.map { finders[Int($0.0)].sql }
    }

    /// What is made together has neighbouring numbers: among those of the narrowest condition, another may find few. Then it is enough
    /// to look at these, instead of comparing everything that each finds.
    ///
    /// - Parameters:
    ///   - counts: of each, counted up to one more than the limit. One that finds more is tried only if it gives them in their order:
    ///     another would be read to its end.
    ///   - limits: how many are filtered soon, and how many neighbours are few.
    private static func neighbours(
        _ finders: [FileFinder.Found],
        _ counts: [(Int32, Int64, Int64?, Int64?)],
        _ limit: Int64,
        _ limits: Limits,
        in transaction: PostgresTransaction
    ) async throws -> SQL? {
        // Few that each find are soon compared.
        guard counts.contains(where: { $0.1 > limits.more }) else { return nil }
        let usable = counts.filter { $0.1 <= limit || finders[Int($0.0)].isByFile }.sorted { $0.1 < $1.1 }
        guard let (_, count, first, last) = usable.first, count <= limit, count > limits.soonFiltered, let first,
            let last, usable.count > 1
        else {
            return nil
        }
        let near = usable.dropFirst().map { other -> SQL in
            "SELECT y.file FROM (\(fragment: finders[Int(other.0)].sql)) y WHERE y.file >= \(first) AND y.file <= \(last)"
        }
        let found = try await transaction.query(FileSearchStatements.counts(near, upTo: limits.near + 1))
        guard let fewest = found.min(by: { $0.1 < $1.1 }), fewest.1 <= limits.near else { return nil }
        return near[Int(fewest.0)]
    }

    /// Reads and checks a query against the fields of the catalogue.
    package static func condition(_ text: String, in transaction: PostgresTransaction) async throws -> FileCondition {
        let schema = try await MetadataStatements.schema(in: transaction)
        do {
            return try FileCondition(text, schema: schema)
        } catch {
            throw CatalogRefusal(.invalid, "query, \(error.description)")
        }
    }

    /// Whether every file must be looked at.
    package var readsAll: Bool { self.finders.isEmpty }

    /// What to do about a slow answer; nil: nothing.
    package var advice: String? {
        guard self.readsAll else { return nil }
        if self.indexed.isEmpty {
            return
                "no index for \(self.unindexed.joined(separator: "; ")): every file is looked at. Add, with and, a condition on lfn, "
                + "task, request, dataset, container or a metadata field by =, <, <=, >, >=, in or like"
        }
        return
            "\(self.indexed.joined(separator: "; ")) find so many files that every file is looked at. Add, with and, a narrower condition"
    }

    // MARK: Statements

    /// A page of the listing of files: those the query finds, by name.
    ///
    /// - Parameter query: without filters: the query says it all.
    package func page(_ query: Listing.Query) throws(CatalogRefusal) -> Statement<String, String> {
        if let name = query.filters.keys.sorted().first {
            throw CatalogRefusal(.invalid, "\(Quoted.short(name)) cannot go with where: write it into the query")
        }
        let order: SQL = query.isDescending ? "f.lfn DESC" : "f.lfn"
        var position: SQL = ""
        if let after = query.after { position = query.isDescending ? "AND f.lfn < \(after)" : "AND f.lfn > \(after)" }
        let names: SQL = """
            v.lfn = ANY(ARRAY(SELECT f.lfn FROM \(fragment: self.source) WHERE \(fragment: FileFilter.sql(self.condition))
                              \(fragment: position) ORDER BY \(fragment: order) LIMIT \(query.limit + 1)))
            """
        return try Listings.files.statement(query, scope: names)
    }

    /// How many files, their bytes and events.
    package var count: Statement<Int64, Int64, Int64> {
        Statement(
            "search.count",
            """
            SELECT count(*), coalesce(sum(f.bytes), 0)::bigint, coalesce(sum(f.events), 0)::bigint
            FROM \(fragment: self.source) WHERE \(fragment: FileFilter.sql(self.condition))
            """,
            returning: Int64.self,
            Int64.self,
            Int64.self
        )
    }

    /// What a task reads of it: files that have a good replica.
    package var inputs: InputFiles.Statement {
        InputFiles.statement(
            "search.inputs",
            from: self.source,
            where: """
                \(fragment: FileFilter.sql(self.condition))
                AND EXISTS (SELECT 1 FROM replica r WHERE r.file = f.id AND r.state = 'available' OFFSET 0)
                """
        )
    }

    /// The files to filter, as `f`.
    private var source: SQL {
        guard let first = self.finders.first else { return "file f" }
        let found: SQL =
            self.finders.count == 1
            ? "SELECT DISTINCT file FROM (\(fragment: first)) one"
            : "(\(fragment: SQL.joined(self.finders, separator: ") INTERSECT (")))"
        return "(\(fragment: found)) found CROSS JOIN LATERAL (SELECT * FROM file i WHERE i.id = found.file OFFSET 0) f"
    }

    /// Every kind of condition, both ways, for the test that prepares all statements.
    static var examples: [AnyStatement] {
        let fields =
            BuiltInField.allCases.map { QueryField($0) }
            + MetadataType.allCases.map { QueryField(metadata: "x", id: 1, type: $0) }
        let conditions = fields.flatMap { field -> [FileCondition] in
            let value = field.type.example
            let compared = Comparison.allCases.map { FileCondition.compare(field, $0, value) }
            let like = GlobPattern("a*b").map { [FileCondition.like(field, $0)] } ?? []
            return compared + [.among(field, [value]), .exists(field)] + (field.type == .text ? like : [])
        }
        let found = conditions.compactMap(FileFinder.sql)
        let all = FileSearch(.any([.not(.all(conditions)), .any(conditions)]), finders: [])
        let some = FileSearch(.any(conditions), finders: found)
        return [all.count.erased, some.count.erased, all.inputs.erased, some.inputs.erased]
    }
}

extension MetadataType {
    fileprivate var example: MetadataValue {
        switch self {
        case .integer: .integer(1)
        case .number: .number(1)
        case .text: .text("x")
        case .boolean: .boolean(true)
        case .time: .time(Moment(microseconds: 0))
        }
    }
}

/// How a search is prepared.
enum FileSearchStatements {
    /// An estimate of the planner must not make it read a whole table for what an index finds; nor read all that an index finds where
    /// the first would do.
    /// And a plan is for the values that are asked for: how common they are decides.
    static let preferIndexes: [SQL] = [
        "SET LOCAL enable_seqscan = off", "SET LOCAL enable_bitmapscan = off",
        "SET LOCAL plan_cache_mode = force_custom_plan",
    ]

    static let readAll: [SQL] = ["SET LOCAL enable_seqscan = on"]

    /// How many files each finds, counted up to a limit, and between which numbers these are: position, count, the smallest and the
    /// largest number; NULL: none is found.
    static func counts(_ finders: [SQL], upTo limit: Int64) -> Statement<Int32, Int64, Int64?, Int64?> {
        let counts = finders.enumerated().map { position, finder -> SQL in
            """
            SELECT \(Int32(position)), count(*), min(x.file), max(x.file)
            FROM (SELECT file FROM (\(fragment: finder)) y LIMIT \(limit)) x
            """
        }
        return Statement(
            "search.counts",
            SQL.joined(counts, separator: " UNION ALL "),
            returning: Int32.self,
            Int64.self,
            Int64?.self,
            Int64?.self
        )
    }

    /// Files in the catalogue, as of its last analysis.
    static let size = Statement<Int64>(
        "search.size",
        "SELECT greatest(reltuples, 0)::bigint FROM pg_class WHERE oid = 'file'::regclass",
        returning: Int64.self
    )

    static var examples: [AnyStatement] {
        [
            Self.counts(["SELECT 1::bigint AS file"], upTo: 1).erased, Self.size.erased,
        ] + FileSearch.examples
    }
}
