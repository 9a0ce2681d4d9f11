import NIOConcurrencyHelpers

/// Counts who is inside, so that the thread behind it ends only when everyone has left and nobody can enter.
///
/// A job given to a loop whose thread has ended would never run, and its caller would wait for ever.
final class Gate: Sendable {
    private struct State {
        var inside = 0
        var isClosed = false
        var closer: CheckedContinuation<Void, Never>?
    }

    private let state = NIOLockedValueBox(State())

    /// Returns false once the gate is closed; otherwise ``leave()`` must follow.
    func enter() -> Bool {
        self.state.withLockedValue { state in
            guard !state.isClosed else { return false }
            state.inside += 1
            return true
        }
    }

    func leave() {
        let closer = self.state.withLockedValue { state -> CheckedContinuation<Void, Never>? in
            state.inside -= 1
            guard state.inside == 0 else { return nil }
            defer { state.closer = nil }
            return state.closer
        }
        closer?.resume()
    }

    /// Lets nobody in any more, and waits until everyone has left. To be called once.
    func close() async {
        await withCheckedContinuation { continuation in
            let isEmpty = self.state.withLockedValue { state in
                state.isClosed = true
                guard state.inside > 0 else { return true }
                state.closer = continuation
                return false
            }
            if isEmpty { continuation.resume() }
        }
    }
}
