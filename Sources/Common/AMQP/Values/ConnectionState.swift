/// How a publisher's or consumer's connection is doing.
package enum ConnectionState: Equatable, Sendable {
    /// `run()` has not begun.
    case idle
    case connecting
    /// Connected, topology declared, and (a consumer) consuming.
    case connected
    /// Connected, but the broker takes no messages now (memory or disk alarm); `reason` is its own.
    case blocked(reason: String)
    /// Not connected, because of this; tried again after the back-off.
    case disconnected(AMQPError)
    /// `run()` has ended.
    case stopped
}
