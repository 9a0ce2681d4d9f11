import NIOConcurrencyHelpers

/// One transaction on a connection of its own, valid inside the body of ``PostgresClient/withTransaction(_:isolation:_:)``.
package final class PostgresTransaction: Sendable {
    private struct State {
        var isOver = false
        /// The first error that a new attempt may cure, even if the body hid it.
        var retryable: PostgresError?
        var isUnknown = false
    }

    private let connection: PostgresConnection
    private let begin: String
    private let state = NIOLockedValueBox(State())

    init(_ connection: PostgresConnection, _ options: TransactionOptions) {
        self.connection = connection
        self.begin = options.begin
    }

    /// Runs one statement and reads its rows. After an error the transaction can only be rolled back.
    package func query<each Column>(_ statement: Statement<repeat each Column>) async throws -> [(repeat each Column)] {
        let results = try await self.run([statement.erased])
        return try results.first.map { try statement.decode($0) } ?? []
    }

    /// Runs one statement. - Returns: the number of rows changed.
    @discardableResult
    package func execute<each Column>(_ statement: Statement<repeat each Column>) async throws -> Int {
        try await self.run([statement.erased]).first?.affected ?? 0
    }

    /// Runs one statement without a name. - Returns: the number of rows changed.
    @discardableResult
    package func execute(_ sql: SQL) async throws -> Int { try await self.execute([sql]).first ?? 0 }

    /// Sends all statements in one round trip; the first error skips the rest.
    ///
    /// - Returns: the rows changed by each.
    @discardableResult
    package func execute(_ statements: [SQL]) async throws -> [Int] {
        try await self.run(Self.unnamed(statements)).map(\.affected)
    }

    /// Sends the last statements together with COMMIT in one round trip. Nothing may follow in the body but its end.
    @discardableResult
    package func executeAndCommit(_ statements: [SQL]) async throws -> [Int] {
        try await self.commit(after: Self.unnamed(statements)).map(\.affected)
    }

    private static func unnamed(_ statements: [SQL]) -> [AnyStatement] {
        statements.map(AnyStatement.init(unnamed:))
    }

    func run(_ statements: [AnyStatement]) async throws -> [PostgresRows] {
        if self.state.withLockedValue({ $0.isOver }) { throw PostgresError(.closed, "the transaction is over") }
        do {
            return try await self.connection.run(statements, begin: self.begin)
        } catch {
            self.note(error)
            throw error
        }
    }

    private func note(_ error: any Error) {
        guard let error = error as? PostgresError else { return }
        self.state.withLockedValue { state in
            if error.code == .commitUnknown { state.isUnknown = true }
            if error.isRetryable && state.retryable == nil { state.retryable = error }
        }
    }

    // MARK: The client

    /// Commits unless the body did.
    func commit() async throws {
        if self.state.withLockedValue({ $0.isOver }) { return }
        _ = try await self.commit(after: [])
    }

    private func commit(after statements: [AnyStatement]) async throws -> [PostgresRows] {
        let wasOver = self.state.withLockedValue { state in
            defer { state.isOver = true }
            return state.isOver
        }
        if wasOver { throw PostgresError(.closed, "the transaction is over") }
        // A body that ended well although its task was cancelled is not committed.
        try Task.checkCancellation()
        do {
            return try await self.connection.commit(after: statements, begin: self.begin)
        } catch {
            self.note(error)
            throw error
        }
    }

    func rollback() async {
        self.state.withLockedValue { $0.isOver = true }
        await self.connection.rollback()
    }

    func isWorthAnotherTry(after error: any Error) -> Bool {
        self.state.withLockedValue { !$0.isUnknown && $0.retryable != nil } && !Task.isCancelled
    }
}
