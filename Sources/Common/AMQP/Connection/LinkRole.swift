/// What a connection is for: publishing or consuming. Every member is called on the loop's thread.
protocol LinkRole: Sendable {
    /// No work would be lost if the connection ended now.
    var isIdle: Bool { get }

    /// When an answer that the broker owes is overdue, if it may be silent for `limit` since `start` at the earliest; nil if it owes none.
    func answerDeadline(limit: Duration, start: ContinuousClock.Instant) -> ContinuousClock.Instant?

    /// The connection is up and the topology declared.
    mutating func established(_ connection: RawConnection, unnamedQueue: String?) throws(AMQPError)

    /// The connection is gone.
    mutating func lost()

    mutating func receive(_ event: IncomingEvent) throws(AMQPError)

    /// Sends what waits, at most one slice.
    mutating func transmit(_ connection: RawConnection) throws(AMQPError) -> Transmission

    /// The end is near: take no new work. `connection` is nil while there is none.
    mutating func beginDrain(_ connection: RawConnection?) throws(AMQPError)

    /// The end: nobody may be left waiting.
    mutating func finish()

    /// Gives what has been received to whoever waits for it.
    mutating func deliver()
}

/// How far one slice of sending came.
struct Transmission: Equatable, Sendable {
    enum Rest: Equatable, Sendable {
        /// Nothing is left that could be sent.
        case nothing
        /// There is more.
        case more
        /// The socket's buffer is full.
        case noRoom
    }

    var sent = 0
    var rest = Rest.nothing
}
