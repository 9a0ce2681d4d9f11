import CLibPQ

/// The fields of an error or notice of the server (https://www.postgresql.org/docs/15/protocol-error-fields.html).
struct ServerMessage {
    let result: OpaquePointer

    private func field(_ code: Character) -> String? {
        guard let code = code.asciiValue, let text = PQresultErrorField(self.result, CInt(code)) else { return nil }
        return String(cString: text)
    }

    var severity: String? { self.field("V") }
    var primary: String? { self.field("M") }
    /// The position in the text, in characters from 1.
    var position: Int? { self.field("P").flatMap { Int($0) } }

    /// True if the server ends the session with this message, or libpq itself found the connection broken.
    var endsSession: Bool {
        guard let severity = self.severity else { return true }
        return severity == "FATAL" || severity == "PANIC"
    }

    func error(statement: String?) -> PostgresError {
        let sqlState = self.field("C")
        let message = self.primary ?? String(cString: PQresultErrorMessage(self.result))
        return PostgresError(
            self.endsSession ? .connectionLost : .server,
            message,
            sqlState: sqlState,
            detail: self.field("D"),
            hint: self.field("H"),
            constraint: self.field("n"),
            table: self.field("t"),
            statement: statement
        )
    }
}
