/// Times and limits of a connection.
package struct AMQPOptions: Equatable, Sendable {
    /// Asked for from the broker; it gives up a peer silent for two of them. Whole seconds, at least 1.
    package var heartbeat: Duration = .seconds(10)
    /// For the TCP connection.
    package var connectTimeout: Duration = .seconds(5)
    /// For the AMQP handshake and log-in.
    package var handshakeTimeout: Duration = .seconds(10)
    /// For each declaration and other question to the broker.
    package var requestTimeout: Duration = .seconds(20)
    /// How long sending may make no progress before the watchdog breaks the connection.
    package var stallLimit: Duration = .seconds(30)
    /// How long a message may wait for its confirm while the broker confirms no other (ten times as long while it does), the times
    /// when it is blocking left out, before the connection is broken off: a channel whose queue has forgotten a message does not remember it by itself. Longer
    /// than the 65 s after which RabbitMQ 3.10 refuses the first message for a queue whose leader does not answer.
    package var confirmLimit: Duration = .seconds(90)
    /// How long a graceful stop waits for confirms (publisher) or settlements (consumer).
    package var drainLimit: Duration = .seconds(10)
    /// Between attempts to connect.
    package var backoff = Backoff()

    package init() {}
}
