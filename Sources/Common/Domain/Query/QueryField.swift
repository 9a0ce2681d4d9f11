/// What the catalogue knows of every file, whatever else people say of it.
package enum BuiltInField: String, Sendable, CaseIterable {
    /// The logical name.
    case lfn
    case bytes
    case events
    /// When the books took it.
    case created
    /// A dataset that it is in.
    case dataset
    /// A container that one of its datasets is in.
    case container
    /// The number of the task that made it.
    case task
    case request
    /// The stream of that task that it is of.
    case stream
    /// Where it was made.
    case site
    /// What it was made with.
    case software
    /// A storage element with a good replica of it.
    case storage
    case lost

    /// Those that inputs can be grouped by: many files share a value.
    package static let keys: [BuiltInField] = [.dataset, .task, .request, .stream, .site, .software]

    static func isKey(_ name: String) -> Bool { self.keys.contains { $0.rawValue == name } }

    package var type: MetadataType {
        switch self {
        case .bytes, .events, .task, .request: .integer
        case .created: .time
        case .lost: .boolean
        case .lfn, .dataset, .container, .stream, .site, .software, .storage: .text
        }
    }

    /// Whether a file may have several values: then a comparison holds when it does for any of them.
    package var isMany: Bool { self == .dataset || self == .container || self == .storage }
}

/// A field of a query.
package struct QueryField: Sendable, Hashable {
    package enum Kind: Sendable, Hashable {
        case builtIn(BuiltInField)
        /// With its number in the catalogue.
        case metadata(Int32)
    }

    package let name: String
    package let type: MetadataType
    package let kind: Kind

    package init(_ field: BuiltInField) {
        self.name = field.rawValue
        self.type = field.type
        self.kind = .builtIn(field)
    }

    package init(metadata name: String, id: Int32, type: MetadataType) {
        self.name = name
        self.type = type
        self.kind = .metadata(id)
    }

    package var isMany: Bool {
        if case .builtIn(let field) = self.kind { field.isMany } else { false }
    }
}

/// The fields that a query can name.
package struct QuerySchema: Sendable {
    private let fields: [String: QueryField]
    /// Whether names that are not known are taken for fields of any type: where the catalogue cannot be asked.
    package let isOpen: Bool

    package init(metadata: [QueryField] = [], isOpen: Bool = false) {
        self.fields = Dictionary(
            (BuiltInField.allCases.map { QueryField($0) } + metadata).map { ($0.name, $0) },
            uniquingKeysWith: { first, _ in first }
        )
        self.isOpen = isOpen
    }

    package func field(_ name: String) -> QueryField? { self.fields[name] }

    /// Why a name is no field, with what may have been meant.
    package func unknown(_ name: String) -> String {
        let near = NearNames.near(name, among: Array(self.fields.keys))
        let names = near.isEmpty ? self.fields.keys.sorted() : near
        let hint =
            near.isEmpty
            ? "known: \(names.joined(separator: ", "))" : "did you mean \(names.joined(separator: " or "))?"
        return "there is no field \(QueryError.quoted(name)); \(hint)"
    }

    /// What a metadata field may be called: not like a part of the language.
    package static func isFreeName(_ name: String) -> Bool {
        self.isName(name) && BuiltInField(rawValue: name) == nil && !QueryLexer.keywords.contains(name)
    }

    /// Small letters, digits and `_`, a letter first, at most 63.
    package static func isName(_ name: String) -> Bool {
        guard let first = name.utf8.first, (97...122).contains(first), name.utf8.count <= 63 else { return false }
        return name.utf8.allSatisfy { (97...122).contains($0) || (48...57).contains($0) || $0 == 95 }
    }
}
