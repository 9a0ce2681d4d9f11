/// A PostgreSQL type as the server numbers it (`pg_type.oid`; the numbers of built-in types never change).
package struct PostgresType: Sendable, Hashable, CustomStringConvertible {
    /// The name as `format_type` shows it: `bigint`, `text[]`.
    package let name: String
    /// What a parameter of this type is sent as.
    package let oid: UInt32
    /// The array of this type; 0 for what is an array already.
    package let arrayOID: UInt32
    /// Result columns of these types can be read without loss: the type itself and the narrower ones.
    package let accepted: [UInt32]
    let acceptedArrays: [UInt32]
    /// True where an array element may hold a character that array literals give a meaning.
    let isQuotedInArrays: Bool

    /// - Parameter narrower: other (type, array) numbers whose values this type can hold.
    init(_ name: String, _ oid: UInt32, array: UInt32, narrower: [(UInt32, UInt32)] = [], quoted: Bool = false) {
        self.name = name
        self.oid = oid
        self.arrayOID = array
        self.accepted = [oid] + narrower.map { $0.0 }
        self.acceptedArrays = [array] + narrower.map { $0.1 }
        self.isQuotedInArrays = quoted
    }

    private init(arrayOf element: PostgresType) {
        self.name = element.name + "[]"
        self.oid = element.arrayOID
        self.arrayOID = 0
        self.accepted = element.acceptedArrays
        self.acceptedArrays = []
        self.isQuotedInArrays = true
    }

    /// The array type of this type.
    package var array: PostgresType { PostgresType(arrayOf: self) }

    package var description: String { self.name }

    package static let bool = PostgresType("boolean", 16, array: 1000)
    package static let int2 = PostgresType("smallint", 21, array: 1005)
    package static let int4 = PostgresType("integer", 23, array: 1007, narrower: [(21, 1005)])
    package static let int8 = PostgresType("bigint", 20, array: 1016, narrower: [(23, 1007), (21, 1005)])
    package static let float8 = PostgresType("double precision", 701, array: 1022, narrower: [(700, 1021)])
    /// Also reads `varchar`, `char(n)` and `name`.
    package static let text = PostgresType(
        "text",
        25,
        array: 1009,
        narrower: [(1043, 1015), (1042, 1014), (19, 1003)],
        quoted: true
    )
    package static let bytea = PostgresType("bytea", 17, array: 1001, quoted: true)
    package static let uuid = PostgresType("uuid", 2950, array: 2951)
    package static let timestamptz = PostgresType("timestamp with time zone", 1184, array: 1185, quoted: true)
    /// Also reads `json`.
    package static let jsonb = PostgresType("jsonb", 3802, array: 3807, narrower: [(114, 199)], quoted: true)

    private static let known: [PostgresType] = [bool, int2, int4, int8, float8, text, bytea, uuid, timestamptz, jsonb]
    private static let others: [UInt32: String] = [
        19: "name", 114: "json", 700: "real", 705: "unknown", 1042: "character", 1043: "character varying",
        1082: "date", 1083: "time", 1114: "timestamp without time zone", 1186: "interval", 1700: "numeric",
        2278: "void", 26: "oid", 869: "inet",
    ]

    /// The name of a type number for messages; a type we do not know is shown by its number.
    package static func name(of oid: UInt32) -> String {
        for type in self.known {
            if type.oid == oid { return type.name }
            if type.arrayOID == oid { return type.name + "[]" }
        }
        return self.others[oid] ?? "type \(oid)"
    }
}

/// A Swift type that stands for one PostgreSQL type.
package protocol PostgresTyped: Sendable {
    /// What a value is sent as, and which result columns can be read.
    static var postgresType: PostgresType { get }
    /// What an array of this type is; only `UInt8` differs from `postgresType.array`: `[UInt8]` is `bytea`.
    static var postgresArrayType: PostgresType { get }
}

extension PostgresTyped {
    package static var postgresArrayType: PostgresType { self.postgresType.array }
}

extension PostgresTyped where Self: RawRepresentable, RawValue: PostgresTyped {
    package static var postgresType: PostgresType { RawValue.postgresType }
}

extension Optional: PostgresTyped where Wrapped: PostgresTyped {
    package static var postgresType: PostgresType { Wrapped.postgresType }
}

extension Array: PostgresTyped where Element: PostgresTyped {
    package static var postgresType: PostgresType { Element.postgresArrayType }
}
