import Glibc
import NIOConcurrencyHelpers

/// Breaks a connection on which the loop's thread is stuck.
///
/// The library sends without a time limit: a broker that does not read, after an alarm or a dead network, holds the
/// thread for ever inside one call. So the thread notes here when it began to wait, and a task on another thread
/// shuts the socket down when that is too long ago; the stuck call then returns with an error.
final class StallGuard: Sendable {
    private struct Watch {
        /// The open socket; nil as soon as the library may close it, because its number may then be another's.
        var descriptor: CInt?
        /// When the thread entered the library.
        var busySince: ContinuousClock.Instant?
        /// Since when messages have waited for room in the socket's buffer.
        var unsentSince: ContinuousClock.Instant?
        var isBroken = false
    }

    private let watch = NIOLockedValueBox(Watch())

    func attach(_ descriptor: CInt) {
        self.watch.withLockedValue { $0 = Watch(descriptor: descriptor, busySince: $0.busySince) }
    }

    func detach() {
        self.watch.withLockedValue { $0 = Watch(descriptor: nil, busySince: $0.busySince) }
    }

    /// The thread enters the library, or is still getting on in it.
    func enter() { self.watch.withLockedValue { $0.busySince = .now } }

    /// The thread has left the library.
    ///
    /// - Parameters:
    ///   - progressed: messages were sent.
    ///   - hasUnsent: messages wait for room in the socket's buffer.
    func leave(progressed: Bool, hasUnsent: Bool) {
        self.watch.withLockedValue { watch in
            watch.busySince = nil
            if !hasUnsent {
                watch.unsentSince = nil
            } else if progressed || watch.unsentSince == nil {
                watch.unsentSince = .now
            }
        }
    }

    /// Shuts the socket down if no progress was made since `limit` before `now`.
    ///
    /// - Returns: whether it did; once per connection.
    func breakIfStalled(now: ContinuousClock.Instant, limit: Duration) -> Bool {
        self.watch.withLockedValue { watch in
            let waits = [watch.busySince, watch.unsentSince].compactMap { $0 }
            guard let descriptor = watch.descriptor, !watch.isBroken, let since = waits.min(), now - since >= limit
            else { return false }
            watch.isBroken = true
            // Under the lock, so that the descriptor cannot be closed and given to another in between.
            shutdown(descriptor, CInt(SHUT_RDWR))
            return true
        }
    }
}
