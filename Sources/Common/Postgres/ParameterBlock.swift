import CLibPQ
import Glibc

/// Puts the parameters of a statement into the form libpq takes.
enum ParameterBlock {
    /// The protocol counts parameters in 16 bits.
    static let limit = 65_535

    /// - Throws: `encoding` for what libpq would cut off or refuse, before anything is sent.
    static func check(_ statement: AnyStatement) throws {
        let parameters = statement.sql.parameters
        guard parameters.count <= Self.limit else {
            throw PostgresError(
                .encoding,
                "\(parameters.count) parameters, at most \(Self.limit) are possible: send arrays",
                statement: statement.name
            )
        }
        for (index, parameter) in parameters.enumerated() {
            guard let text = parameter.text, Self.holdsNUL(text) else { continue }
            throw PostgresError(
                .encoding,
                "parameter \(index + 1) holds a NUL character, which PostgreSQL cannot store",
                statement: statement.name
            )
        }
    }

    /// Looked for by the C library: parameters of a batch are long.
    private static func holdsNUL(_ text: String) -> Bool {
        text.utf8.withContiguousStorageIfAvailable { bytes in
            bytes.baseAddress.map { memchr($0, 0, bytes.count) != nil } ?? false
        } ?? text.utf8.contains(0)
    }

    /// - Parameter name: under which the statement was prepared; nil: it is sent with its text.
    /// - Returns: false if libpq could not queue it.
    static func send(_ sql: SQL, preparedAs name: String?, on handle: OpaquePointer) -> Bool {
        self.with(sql) { count, types, values in
            if let name { return PQsendQueryPrepared(handle, name, count, values, nil, nil, 0) == 1 }
            return PQsendQueryParams(handle, sql.text, count, types, values, nil, nil, 0) == 1
        }
    }

    /// - Returns: false if libpq could not queue it.
    static func prepare(_ sql: SQL, as name: String, on handle: OpaquePointer) -> Bool {
        let types = sql.parameters.map { Oid($0.type.oid) }
        return PQsendPrepare(handle, name, sql.text, CInt(types.count), types) == 1
    }

    /// As one piece of memory, where the text is one.
    private static func append(_ text: String, to bytes: inout [CChar]) {
        let isOnePiece = text.utf8.withContiguousStorageIfAvailable { piece in
            piece.withMemoryRebound(to: CChar.self) { bytes.append(contentsOf: $0) }
            return true
        }
        if isOnePiece != true { bytes.append(contentsOf: text.utf8.lazy.map { CChar(bitPattern: $0) }) }
    }

    private static func with(
        _ sql: SQL,
        _ body: (CInt, UnsafePointer<Oid>?, UnsafePointer<UnsafePointer<CChar>?>?) -> Bool
    ) -> Bool {
        let parameters = sql.parameters
        if parameters.isEmpty { return body(0, nil, nil) }
        var bytes: [CChar] = []
        bytes.reserveCapacity(parameters.reduce(0) { $0 + ($1.text?.utf8.count ?? 0) + 1 })
        var starts: [Int?] = []
        for parameter in parameters {
            guard let text = parameter.text else {
                starts.append(nil)
                continue
            }
            starts.append(bytes.count)
            Self.append(text, to: &bytes)
            bytes.append(0)
        }
        let types = parameters.map { Oid($0.type.oid) }
        return bytes.withUnsafeBufferPointer { buffer in
            let values = starts.map { start in start.flatMap { buffer.baseAddress?.advanced(by: $0) } }
            return body(CInt(parameters.count), types, values)
        }
    }
}
