/// A question to the broker that waits for its turn on the connection.
struct LinkRequest: Sendable {
    private let body: @Sendable (RawConnection) throws(AMQPError) -> Void
    private let failure: @Sendable (AMQPError) -> Void
    private let isAbandoned: @Sendable () -> Bool

    init<Value: Sendable>(
        _ answer: OneShot<Value>,
        _ body: @escaping @Sendable (RawConnection) throws(AMQPError) -> Value
    ) {
        self.body = { connection throws(AMQPError) in answer.succeed(try body(connection)) }
        self.failure = { answer.fail($0) }
        self.isAbandoned = { answer.isFinished }
    }

    /// Asks and hands on the answer.
    ///
    /// - Throws: the error it also handed on: the broker closes the channel with every refusal.
    func run(_ connection: RawConnection) throws(AMQPError) {
        guard !self.isAbandoned() else { return }
        do {
            try self.body(connection)
        } catch {
            self.failure(error)
            throw error
        }
    }

    func fail(_ error: AMQPError) { self.failure(error) }
}
