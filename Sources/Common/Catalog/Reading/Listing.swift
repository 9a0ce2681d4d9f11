import Domain
package import Postgres

/// One noun that can be listed: a view, its order, and the filters it knows. Rows travel as the JSON the server makes of
/// them, so their field names are the view's columns.
package struct Listing: Sendable {
    /// The path below `/api/v1`, such as `jobs`.
    package let name: String
    /// What follows FROM; the listed row is called `v` in it.
    private let source: SQL
    /// The same where no filter narrows the rows.
    private let whole: SQL
    private let key: [ListKey]
    package let filters: [ListFilter]

    /// The most rows of one page.
    package static let largestPage = 10_000
    /// The rows of a page when the caller does not say.
    package static let usualPage = 100

    /// - Parameter source: a view, or a query in brackets.
    init(_ name: String, from source: SQL, key: [ListKey], filters: [ListFilter]) {
        self.init(name, joined: "\(fragment: source) v", whole: "\(fragment: source) v", key: key, filters: filters)
    }

    /// - Parameters:
    ///   - joined: the view, called `v`, with what leads to its rows, for pages with a filter: the planner begins with what is rarer.
    ///   - whole: the same rows for pages without one, in which the rows are led to one by one in the order of the key.
    init(_ name: String, joined: SQL, whole: SQL, key: [ListKey], filters: [ListFilter]) {
        self.name = name
        self.source = joined
        self.whole = whole
        self.key = key
        self.filters = filters
    }

    /// What a caller wants of a listing.
    package struct Query: Sendable {
        /// Filter name to text as written.
        package var filters: [String: String] = [:]
        /// `next` of the page before.
        package var after: String?
        package var limit = Listing.usualPage
        /// The last first.
        package var isDescending = false

        package init() {}
    }

    /// A page of rows, each the text of a JSON object, and what to give as `after` for the next page.
    package struct Page: Sendable {
        package let rows: [String]
        package let next: String?
    }

    /// The statement for a page: key text and row. It asks for one row more than the page holds, to know whether there is a
    /// next one.
    ///
    /// - Parameter scope: a further condition of the caller, such as the dataset whose files are listed.
    /// - Throws: ``CatalogRefusal`` (invalid) naming the parameter that is wrong.
    package func statement(_ query: Query, scope: SQL? = nil) throws(CatalogRefusal) -> Statement<String, String> {
        guard (1...Self.largestPage).contains(query.limit) else {
            throw CatalogRefusal(.invalid, "limit: \(query.limit) is not from 1 to \(Self.largestPage)")
        }
        var conditions: [SQL] = scope.map { [$0] } ?? []
        for (name, text) in query.filters.sorted(by: { $0.key < $1.key }) {
            guard let filter = self.filters.first(where: { $0.name == name }) else {
                let known = self.filters.map(\.name).joined(separator: ", ")
                throw CatalogRefusal(
                    .invalid,
                    "\(Quoted.short(name)) is not a filter of \(self.name); known: \(known), and after, limit, order"
                )
            }
            conditions.append(filter.sql(try filter.values(text)))
        }
        if let after = query.after { conditions.append(try self.position(after, query.isDescending)) }
        return self.statement(
            query.filters.isEmpty ? self.whole : self.source,
            conditions,
            limit: query.limit + 1,
            isDescending: query.isDescending
        )
    }

    /// A page of the rows that ``statement(_:scope:)`` returned.
    package func page(_ rows: [(String, String)], limit: Int) -> Page {
        let kept = rows.prefix(limit)
        return Page(rows: kept.map(\.1), next: rows.count > limit ? kept.last?.0 : nil)
    }

    private func position(_ after: String, _ isDescending: Bool) throws(CatalogRefusal) -> SQL {
        let parts = after.split(separator: ",", maxSplits: self.key.count - 1, omittingEmptySubsequences: false)
        let parameters = zip(self.key, parts).compactMap { $0.parameter(String($1)) }
        guard parts.count == self.key.count, parameters.count == self.key.count else {
            throw CatalogRefusal(.invalid, "after: \(Quoted.short(after)) is not a next of \(self.name)")
        }
        return self.position(parameters, isDescending)
    }

    private func position(_ parameters: [SQL], _ isDescending: Bool) -> SQL {
        let columns = SQL.joined(self.key.map { "\(unsafe: $0.column)" }, separator: ", ")
        let values = SQL.joined(parameters, separator: ", ")
        let beyond: SQL =
            isDescending
            ? "(\(fragment: columns)) < (\(fragment: values))" : "(\(fragment: columns)) > (\(fragment: values))"
        guard let twin = self.key[0].twin else { return beyond }
        return isDescending
            ? "\(fragment: beyond) AND \(unsafe: twin) <= \(fragment: parameters[0])"
            : "\(fragment: beyond) AND \(unsafe: twin) >= \(fragment: parameters[0])"
    }

    private func statement(
        _ source: SQL,
        _ conditions: [SQL],
        limit: Int,
        isDescending: Bool
    ) -> Statement<String, String> {
        let order = SQL.joined(
            self.key.map { isDescending ? "\(unsafe: $0.column) DESC" : "\(unsafe: $0.column)" },
            separator: ", "
        )
        let shown = SQL.joined(self.key.map(\.shown), separator: ", ")
        let condition: SQL =
            conditions.isEmpty ? "" : "WHERE \(fragment: SQL.joined(conditions, separator: " AND "))"
        return Statement(
            "reading.\(self.name)",
            """
            SELECT concat_ws(',', \(fragment: shown)), row_to_json(v)::text FROM \(fragment: source)
            \(fragment: condition) ORDER BY \(fragment: order) LIMIT \(limit)
            """,
            returning: String.self,
            String.self
        )
    }

    /// The statement with every filter and a position, both ways.
    var examples: [AnyStatement] {
        let after = self.key.compactMap { key -> SQL? in
            switch key.form {
            case .integer: key.parameter("1")
            case .text: key.parameter("x")
            case .moment: key.parameter("2026-01-01T00:00:00.000000Z")
            }
        }
        let position = self.position(after, false)
        let conditions = self.filters.map { $0.sql($0.example) } + [position]
        return [
            self.statement(self.source, conditions, limit: 1, isDescending: false).erased,
            self.statement(self.whole, [position], limit: 1, isDescending: false).erased,
            self.statement(self.whole, [], limit: 1, isDescending: true).erased,
        ]
    }
}
