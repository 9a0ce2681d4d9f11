import NIOConcurrencyHelpers
import SocketLoop

/// The event loops of this module: taken for a connection, put back after it, never stopped.
///
/// A task may still call the actor of a connection that is gone (to be told so), and a job given to a stopped loop would
/// never run. So a loop outlives its connections: its thread is parked, and the next connection takes it.
enum LoopShelf {
    private static let spare = NIOLockedValueBox<[SocketLoop]>([])

    static func take() -> SocketLoop {
        self.spare.withLockedValue { $0.popLast() } ?? SocketLoop(name: "postgres")
    }

    /// Only when the loop watches nothing any more.
    static func putBack(_ loop: SocketLoop) { self.spare.withLockedValue { $0.append(loop) } }
}
