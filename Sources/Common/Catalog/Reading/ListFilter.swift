import Domain
import Postgres

/// One way to narrow a listing. Its column is text known at compile time; its values only ever become parameters.
package struct ListFilter: Sendable {
    /// What the values of a filter must look like.
    package enum Form: String, Sendable {
        /// One text or several, separated by commas: any of them.
        case texts
        /// Whole numbers, likewise.
        case integers
        /// `true` or `false`.
        case flag
        /// The beginning of a text.
        case prefix
    }

    package let name: String
    package let form: Form
    private let condition: @Sendable (Values) -> SQL

    /// A checked value, on its way to a parameter.
    package enum Values: Sendable, Hashable {
        case texts([String])
        case integers([Int64])
        case flag(Bool)
        case prefix(String)
    }

    private init(_ name: String, _ form: Form, _ condition: @escaping @Sendable (Values) -> SQL) {
        self.name = name
        self.form = form
        self.condition = condition
    }

    static func texts(_ name: String, _ column: StaticString) -> ListFilter {
        ListFilter(name, .texts) { values in
            guard case .texts(let texts) = values else { return "false" }
            // One value alone leaves an index its order, so that a page of many rows needs no sort.
            if texts.count == 1 { return "\(unsafe: column) = \(texts[0])" }
            return "\(unsafe: column) = ANY(\(texts)::text[])"
        }
    }

    /// Texts whose condition is more than a comparison.
    static func texts(_ name: String, where condition: @escaping @Sendable ([String]) -> SQL) -> ListFilter {
        ListFilter(name, .texts) { values in
            guard case .texts(let texts) = values else { return "false" }
            return condition(texts)
        }
    }

    /// Numbers whose condition is more than a comparison.
    static func integers(_ name: String, where condition: @escaping @Sendable ([Int64]) -> SQL) -> ListFilter {
        ListFilter(name, .integers) { values in
            guard case .integers(let numbers) = values else { return "false" }
            return condition(numbers)
        }
    }

    static func integers(_ name: String, _ column: StaticString) -> ListFilter {
        ListFilter(name, .integers) { values in
            guard case .integers(let numbers) = values else { return "false" }
            if numbers.count == 1 { return "\(unsafe: column) = \(numbers[0])" }
            return "\(unsafe: column) = ANY(\(numbers)::bigint[])"
        }
    }

    /// A flag whose condition is more than the column.
    static func flag(_ name: String, where condition: @escaping @Sendable (Bool) -> SQL) -> ListFilter {
        ListFilter(name, .flag) { values in
            guard case .flag(let flag) = values else { return "false" }
            return condition(flag)
        }
    }

    static func flag(_ name: String, _ column: StaticString) -> ListFilter {
        ListFilter(name, .flag) { values in
            guard case .flag(let flag) = values else { return "false" }
            return "\(unsafe: column) = \(flag)"
        }
    }

    static func prefix(_ name: String, _ column: StaticString) -> ListFilter {
        ListFilter(name, .prefix) { values in
            guard case .prefix(let prefix) = values else { return "false" }
            return "starts_with(\(unsafe: column), \(prefix))"
        }
    }

    func sql(_ values: Values) -> SQL { self.condition(values) }

    /// Reads what a user wrote.
    ///
    /// - Throws: ``CatalogRefusal`` (invalid) for a value of the wrong form.
    package func values(_ text: String) throws(CatalogRefusal) -> Values {
        switch self.form {
        case .prefix: return .prefix(text)
        case .texts: return .texts(Self.parts(text))
        case .flag:
            guard text == "true" || text == "false" else { throw self.refusal(text, "true or false") }
            return .flag(text == "true")
        case .integers:
            var numbers: [Int64] = []
            for part in Self.parts(text) {
                guard let number = Int64(part) else { throw self.refusal(part, "a whole number") }
                numbers.append(number)
            }
            return .integers(numbers)
        }
    }

    private static func parts(_ text: String) -> [String] {
        text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    }

    private func refusal(_ text: String, _ wanted: String) -> CatalogRefusal {
        CatalogRefusal(.invalid, "filter \(self.name): \(Quoted.short(text)) is not \(wanted)")
    }

    /// A value of the right form, for the test that prepares every statement.
    var example: Values {
        switch self.form {
        case .texts: .texts(["x"])
        case .integers: .integers([1])
        case .flag: .flag(true)
        case .prefix: .prefix("x")
        }
    }
}

/// One column of the order of a listing; together they are unique.
package struct ListKey: Sendable {
    package enum Form: Sendable { case integer, text, moment }

    let column: StaticString
    let form: Form
    /// Of the first column of a key: a column of another table that always has the same value. What bounds the one is made to bound the
    /// other, so that a page deep in the order does not walk through the other table from its beginning.
    var twin: StaticString?

    static func integer(_ column: StaticString, twin: StaticString? = nil) -> ListKey {
        ListKey(column: column, form: .integer, twin: twin)
    }
    static func text(_ column: StaticString) -> ListKey { ListKey(column: column, form: .text) }
    static func moment(_ column: StaticString) -> ListKey { ListKey(column: column, form: .moment) }

    /// The column as text that ``parameter(_:)`` reads back exactly.
    var shown: SQL {
        switch self.form {
        case .integer, .text: "\(unsafe: self.column)"
        case .moment: "to_char(\(unsafe: self.column), 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"
        }
    }

    /// - Returns: nil if `text` is not what ``shown`` gives.
    func parameter(_ text: String) -> SQL? {
        switch self.form {
        case .integer: Int64(text).map { "\($0)::bigint" }
        case .text: "\(text)::text"
        case .moment: Moment(text).map { "\($0)::timestamptz" }
        }
    }
}

/// What a user wrote, in a message: not longer than a line.
enum Quoted {
    static func short(_ text: String) -> String {
        text.count <= 60 ? text : "\(text.prefix(60))..."
    }
}
