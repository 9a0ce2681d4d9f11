import Logging

extension PostgresClient {
    /// Runs `body` in a transaction and commits it; rolls back if it throws.
    ///
    /// The whole body runs again, up to ``PostgresOptions/transactionAttempts`` times, after a serialisation failure, a
    /// deadlock, or the loss of the connection before COMMIT was sent: it must have no effect outside the database.
    /// BEGIN travels with the first statement; a body without statements costs no round trip.
    ///
    /// - Throws: what `body` throws; ``PostgresError``, among them `commitUnknown` if the connection broke during
    ///   COMMIT, so that the caller must find out or repeat idempotent work.
    @discardableResult
    package func withTransaction<Result: Sendable>(
        _ options: TransactionOptions = .readCommitted,
        isolation: isolated (any Actor)? = #isolation,
        _ body: (PostgresTransaction) async throws -> Result
    ) async throws -> Result {
        var attempt = 1
        while true {
            let lease = try await self.acquire()
            let transaction = PostgresTransaction(lease.connection, options)
            do {
                let result = try await body(transaction)
                try await transaction.commit()
                await self.release(lease)
                return result
            } catch {
                await transaction.rollback()
                await self.release(lease)
                guard attempt < self.options.transactionAttempts, transaction.isWorthAnotherTry(after: error) else {
                    throw error
                }
                self.logger.debug("transaction attempt \(attempt) failed, again: \(error)")
                try await Task.sleep(for: self.options.retry.delay(after: attempt))
                attempt += 1
            }
        }
    }
}
