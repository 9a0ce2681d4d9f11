import CLibPQ
import Glibc

/// What libpq is given: the keywords of the URL and ours.
struct ConnectionInfo: Sendable {
    let keywords: [(name: String, value: String)]
    /// Host, port, user and database without the password, for messages.
    let summary: String

    /// - Throws: `configuration`; libpq's own words are not used, for they may quote the password.
    init(url: String, options: PostgresOptions, statementTimeout: Duration? = nil) throws {
        var given = try Self.parse(url)
        var settings = [
            "statement_timeout=\(Self.milliseconds(statementTimeout ?? options.statementTimeout))",
            "idle_in_transaction_session_timeout=\(Self.milliseconds(options.idleInTransactionTimeout))",
            "jit=off", "enable_seqscan=\(options.avoidsTableScans ? "off" : "on")",
            "search_path=\(options.searchPath)",
            // The text forms that we read.
            "datestyle=ISO", "timezone=UTC", "bytea_output=hex", "extra_float_digits=1",
        ]
        if options.searchPath.isEmpty { settings.removeAll { $0.hasPrefix("search_path") } }
        let ours = settings.map { "-c " + Self.escapedOption($0) }.joined(separator: " ")
        given["options"] = given["options"].map { "\(ours) \($0)" } ?? ours
        given["client_encoding"] = "UTF8"
        let defaults = [
            "application_name": options.applicationName,
            "connect_timeout": String(max(1, Self.milliseconds(options.connectTimeout) / 1000)),
            "keepalives": "1", "keepalives_idle": "30", "keepalives_interval": "10", "keepalives_count": "3",
            // A peer that no longer acknowledges is given up after this many milliseconds.
            "tcp_user_timeout": "30000",
        ]
        let all = defaults.merging(given) { _, given in given }
        self.keywords = all.sorted { $0.key < $1.key }.map { (name: $0.key, value: $0.value) }
        let host = all["host"] ?? all["hostaddr"] ?? "the local socket"
        let port = all["port"].map { ":\($0)" } ?? ""
        self.summary = "\(host)\(port)/\(all["dbname"] ?? "") as \(all["user"] ?? "the default user")"
    }

    private static func parse(_ url: String) throws -> [String: String] {
        var problem: UnsafeMutablePointer<CChar>?
        let parsed = PQconninfoParse(url, &problem)
        PQfreemem(problem)
        let unreadable = PostgresError(
            .configuration,
            "the database URL cannot be read: write postgresql://user:password@host:port/database, "
                + "with special characters of the password as %XX"
        )
        guard let parsed else { throw unreadable }
        defer { PQconninfoFree(parsed) }
        var given: [String: String] = [:]
        var option = parsed
        while let name = option.pointee.keyword {
            if let value = option.pointee.val { given[String(cString: name)] = String(cString: value) }
            option += 1
        }
        // libpq looks at the ports only when it connects, and would then be tried for ever.
        let ports = given["port"]?.split(separator: ",") ?? []
        guard ports.allSatisfy({ UInt16($0).map { $0 > 0 } ?? false }) else { throw unreadable }
        return given
    }

    /// In `options`, spaces and backslashes are escaped by a backslash.
    private static func escapedOption(_ text: String) -> String {
        var escaped = ""
        for character in text {
            if character == " " || character == "\\" { escaped.append("\\") }
            escaped.append(character)
        }
        return escaped
    }

    private static func milliseconds(_ duration: Duration) -> Int64 {
        let (seconds, attoseconds) = duration.components
        return seconds * 1000 + attoseconds / 1_000_000_000_000_000
    }

    /// Connects, blocking the calling thread for at most the connect time-out of each host.
    ///
    /// - Throws: `refused` or `notConnected`, with libpq's words (which hold no password) in one line.
    func connect() throws -> OpaquePointer {
        let names = self.keywords.map { strdup($0.name) }
        let values = self.keywords.map { strdup($0.value) }
        defer { for text in names + values { free(text) } }
        let connection = PQconnectdbParams(
            names.map { UnsafePointer($0) } + [nil],
            values.map { UnsafePointer($0) } + [nil],
            0
        )
        guard let connection else { throw PostgresError(.notConnected, "out of memory") }
        guard PQstatus(connection) == CONNECTION_OK else {
            defer { PQfinish(connection) }
            let message = PostgresError.oneLine(String(cString: PQerrorMessage(connection)))
            throw PostgresError(
                Self.isLasting(message) ? .refused : .notConnected,
                "no connection to \(self.summary): \(message)"
            )
        }
        return connection
    }

    /// libpq gives no SQLSTATE for a failed connection, so the words must do; an unknown one is tried again.
    private static func isLasting(_ message: String) -> Bool {
        let signs = ["password authentication failed", "no password supplied", "no pg_hba.conf entry"]
        let isMissing =
            message.contains("does not exist") && (message.contains("database \"") || message.contains("role \""))
        return isMissing || signs.contains { message.contains($0) }
    }
}
