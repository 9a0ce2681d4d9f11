/// What went wrong on the way to, or at, the broker: one line that says what, where and what to do.
///
/// Never holds a password.
package struct AMQPError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The kinds of failure a caller can act on.
    package enum Code: Equatable, Sendable {
        /// The broker's address cannot be understood.
        case invalidURL
        /// A message, name or argument cannot be sent; nothing was.
        case invalidArgument
        /// No TCP connection, or no AMQP handshake.
        case unreachable
        /// The broker does not know the user or the password, or refuses the virtual host.
        case accessRefused
        /// The broker closed the channel or the connection with this AMQP reply code (404, 406, ...).
        case refusedByBroker(Int)
        /// The broker cancelled the consumer: its queue is gone or has moved.
        case consumerCancelled
        /// The connection broke: end of file, missed heartbeats, time-out, watchdog.
        case connectionLost
        /// The publisher or consumer is not running any more.
        case stopped
    }

    /// What kind of failure it is.
    package let code: Code
    /// The line for a person.
    package let description: String

    package init(_ code: Code, _ description: String) {
        self.code = code
        self.description = description
    }

    /// True when the broker is still there to be told good-bye: it refused something but kept the connection.
    var leavesConnectionUsable: Bool {
        switch self.code {
        case .consumerCancelled, .invalidArgument, .stopped, .refusedByBroker: true
        case .invalidURL, .unreachable, .accessRefused, .connectionLost: false
        }
    }
}
