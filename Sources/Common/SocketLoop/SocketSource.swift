/// What a ``SocketLoop`` watches: one socket owned by a C library.
///
/// Every member is called on the loop's thread only. A source is normally the actor that runs on the loop.
package protocol SocketSource: AnyObject {
    /// The descriptor to poll, or -1 while there is none (not connected yet, or closed).
    var descriptor: CInt { get }

    /// Which of `POLLIN` and `POLLOUT` to wait for.
    var interest: Int16 { get }

    /// When ``pump()`` must run even though the socket is quiet (heartbeats, time-outs); nil: only on events.
    var deadline: ContinuousClock.Instant? { get }

    /// Reads, dispatches and writes until nothing more can be done without waiting.
    ///
    /// Called after every turn of the mailbox, on every socket event and at the deadline: a job may have left
    /// frames in the library's own buffer while the socket itself stays quiet.
    func pump()
}
