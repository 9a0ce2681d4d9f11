import NIOConcurrencyHelpers

/// One event as it goes out to a browser.
struct LiveEvent: Sendable, Equatable {
    let id: Int64
    /// `request`, `task`, `attempt`, ...: the beginning of the entity.
    let kind: String
    /// The JSON of the event.
    let data: String
}

/// Hands events to the clients that listen. Each has a bounded buffer: one that does not keep up is dropped, the others
/// never wait for it.
final class EventHub: Sendable {
    enum Signal: Sendable, Equatable {
        case event(LiveEvent)
        /// Nothing happened for a while: tells a living client from a dead one.
        case heartbeat
    }

    private struct Client: Sendable {
        let continuation: AsyncStream<Signal>.Continuation
        let drop: @Sendable () -> Void
    }

    private struct State: Sendable {
        var clients: [Int: Client] = [:]
        var next = 0
        var isClosed = false
    }

    /// Signals a client may be behind.
    static let usualLimit = 2000

    private let state = NIOLockedValueBox(State())
    private let limit: Int

    init(limit: Int = EventHub.usualLimit) { self.limit = limit }

    var clientCount: Int { self.state.withLockedValue { $0.clients.count } }

    /// A client from now on, until it stops reading, is too slow, or the hub closes.
    ///
    /// - Parameter drop: called when it is too slow: ends its connection, whatever it waits for.
    func subscribe(drop: @escaping @Sendable () -> Void) -> AsyncStream<Signal> {
        let (stream, continuation) = AsyncStream.makeStream(
            of: Signal.self,
            bufferingPolicy: .bufferingOldest(self.limit)
        )
        let id: Int? = self.state.withLockedValue { state in
            guard !state.isClosed else { return nil }
            state.next += 1
            state.clients[state.next] = Client(continuation: continuation, drop: drop)
            return state.next
        }
        guard let id else {
            continuation.finish()
            return stream
        }
        continuation.onTermination = { _ in self.remove(id) }
        return stream
    }

    func publish(_ signals: [Signal]) {
        let clients = self.state.withLockedValue { $0.clients }
        for (id, client) in clients {
            for signal in signals {
                guard case .dropped = client.continuation.yield(signal) else { continue }
                self.remove(id)
                client.continuation.finish()
                client.drop()
                break
            }
        }
    }

    /// Ends every client's stream, and refuses new ones.
    func close() {
        let clients = self.state.withLockedValue { state in
            defer { state.clients = [:] }
            state.isClosed = true
            return state.clients
        }
        for client in clients.values { client.continuation.finish() }
    }

    private func remove(_ id: Int) {
        _ = self.state.withLockedValue { $0.clients.removeValue(forKey: id) }
    }
}
