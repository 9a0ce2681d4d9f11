import NIOConcurrencyHelpers

/// The state of a connection for everyone to see: the present one, and a stream of the changes.
final class StateBoard: Sendable {
    private struct Board {
        var state = ConnectionState.idle
        var queueName: String?
        var watchers: [UInt64: AsyncStream<ConnectionState>.Continuation] = [:]
        var nextWatcher: UInt64 = 0
    }

    private let board = NIOLockedValueBox(Board())
    /// Held while watchers are told, so that each sees the changes in their order. Apart from `board`: telling a watcher may
    /// wait for the runtime, which may at that moment be waiting in `onTermination` for `board`.
    private let order = NIOLock()

    var state: ConnectionState { self.board.withLockedValue { $0.state } }

    /// The name the broker gave to the queue without one.
    var queueName: String? {
        get { self.board.withLockedValue { $0.queueName } }
        set { self.board.withLockedValue { $0.queueName = newValue } }
    }

    func set(_ state: ConnectionState) {
        self.order.withLock {
            let watchers = self.board.withLockedValue { board -> [AsyncStream<ConnectionState>.Continuation] in
                guard board.state != state else { return [] }
                board.state = state
                defer { if state == .stopped { board.watchers.removeAll() } }
                return Array(board.watchers.values)
            }
            for watcher in watchers {
                watcher.yield(state)
                if state == .stopped { watcher.finish() }
            }
        }
    }

    /// The present state and all that follow, until `.stopped`. A slow reader misses the oldest of over 64 changes.
    func changes() -> AsyncStream<ConnectionState> {
        let (stream, continuation) = AsyncStream.makeStream(
            of: ConnectionState.self,
            bufferingPolicy: .bufferingNewest(64)
        )
        let id = self.order.withLock { () -> UInt64? in
            continuation.yield(self.state)
            return self.board.withLockedValue { board -> UInt64? in
                guard board.state != .stopped else { return nil }
                board.nextWatcher += 1
                board.watchers[board.nextWatcher] = continuation
                return board.nextWatcher
            }
        }
        guard let id else {
            continuation.finish()
            return stream
        }
        continuation.onTermination = { [weak self] reason in
            // Our own `finish` comes from under the lock, and has nothing left to remove.
            guard case .cancelled = reason else { return }
            self?.board.withLockedValue { _ = $0.watchers.removeValue(forKey: id) }
        }
        return stream
    }
}
