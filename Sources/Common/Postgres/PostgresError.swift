/// Whatever goes wrong between the caller and PostgreSQL.
package struct PostgresError: Error, Sendable, CustomStringConvertible {
    package enum Code: Sendable, Hashable {
        /// The server refused a statement; ``PostgresError/sqlState`` says why.
        case server
        /// The URL or an option cannot be used.
        case configuration
        /// The server refuses this user, password or database; trying again does not help.
        case refused
        /// No connection within the acquire time-out.
        case unavailable
        /// There was no connection, or it broke before the statement was sent: nothing happened.
        case notConnected
        /// The connection broke while the statement was under way: it may or may not have taken effect.
        case connectionLost
        /// The connection broke while COMMIT was under way: the transaction may or may not have been committed.
        case commitUnknown
        /// COMMIT answered ROLLBACK: a statement had failed and the body went on regardless.
        case transactionAborted
        /// The client was closed, or the transaction is over.
        case closed
        /// A parameter cannot be sent (a NUL character, more than 65,535 parameters).
        case encoding
        /// A result does not have the declared columns, or a value does not fit.
        case decoding
    }

    package let code: Code
    /// The server's five characters; nil unless the server spoke.
    package let sqlState: String?
    /// One line. May quote data: use ``description`` in logs.
    package let message: String
    /// The server's DETAIL: holds the values of keys, so it is not part of ``description``.
    package let detail: String?
    package let hint: String?
    package let constraint: String?
    package let table: String?
    /// The name of the statement, where it has one.
    package private(set) var statement: String?

    package init(
        _ code: Code,
        _ message: String,
        sqlState: String? = nil,
        detail: String? = nil,
        hint: String? = nil,
        constraint: String? = nil,
        table: String? = nil,
        statement: String? = nil
    ) {
        self.code = code
        self.message = Self.oneLine(message)
        self.sqlState = sqlState
        self.detail = detail
        self.hint = hint
        self.constraint = constraint
        self.table = table
        self.statement = statement
    }

    /// One line that is safe for logs: no parameter values and no password.
    package var description: String {
        var text = "database: \(Self.withoutValues(self.message, sqlState: self.sqlState))"
        let facts = [
            self.sqlState.map { "SQLSTATE \($0)" }, self.constraint.map { "constraint \($0)" },
            self.table.map { "table \($0)" }, self.statement.map { "statement \($0)" },
        ]
        let known = facts.compactMap(\.self)
        if !known.isEmpty { text += " (\(known.joined(separator: ", ")))" }
        return text
    }

    /// The server does not know a prepared statement (a pooler gave the connection another session), or a migration has changed the
    /// columns of its result (`cached plan must not change result type`).
    var isOfPreparedStatement: Bool {
        guard self.code == .server else { return false }
        return self.sqlState == "26000" || (self.sqlState == "0A000" && self.message.hasPrefix("cached plan"))
    }

    /// The server has undone the transaction for the sake of another one: a serialisation failure or a deadlock.
    var isOfContention: Bool { self.code == .server && (self.sqlState == "40001" || self.sqlState == "40P01") }

    /// Whether the server refused a statement with a state of one of these classes, such as 23: an integrity constraint.
    package func isOf(classes: Set<String>) -> Bool {
        self.code == .server && self.sqlState.map { classes.contains(String($0.prefix(2))) } == true
    }

    /// True where the same transaction, run again from its start, may well succeed.
    package var isRetryable: Bool {
        switch self.code {
        case .server: self.isOfContention || self.isOfPreparedStatement
        case .notConnected, .connectionLost: true
        default: false
        }
    }

    func with(code: Code, message: String) -> PostgresError {
        PostgresError(
            code,
            message,
            sqlState: self.sqlState,
            detail: self.detail,
            hint: self.hint,
            constraint: self.constraint,
            table: self.table,
            statement: self.statement
        )
    }

    func named(_ statement: String?) -> PostgresError {
        var copy = self
        copy.statement = copy.statement ?? statement
        return copy
    }

    static func oneLine(_ text: String) -> String {
        text.split(whereSeparator: \.isNewline)
            .map { line in line.drop(while: \.isWhitespace) }
            .filter { !$0.isEmpty }
            .joined(separator: "; ")
    }

    /// Data exceptions (class 22) end in the value they complain about: `...: "abc"`.
    private static func withoutValues(_ message: String, sqlState: String?) -> String {
        guard let sqlState, sqlState.hasPrefix("22"), let quote = message.firstIndex(of: "\"") else { return message }
        var kept = message[..<quote]
        while let last = kept.last, last == " " || last == ":" { kept.removeLast() }
        return String(kept)
    }
}
