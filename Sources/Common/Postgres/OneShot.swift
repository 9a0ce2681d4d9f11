import NIOConcurrencyHelpers

/// A value that is set once, by whoever comes first, and awaited by one task.
final class OneShot<Value: Sendable>: Sendable {
    private enum State {
        case empty
        case awaited(CheckedContinuation<Value, any Error>)
        case done(Result<Value, any Error>)
    }

    private let state = NIOLockedValueBox(State.empty)

    /// - Returns: false if it was set before; then nothing changes.
    @discardableResult
    func complete(_ result: Result<Value, any Error>) -> Bool {
        let (isFirst, continuation) = self.state.withLockedValue {
            state -> (Bool, CheckedContinuation<Value, any Error>?) in
            switch state {
            case .empty:
                state = .done(result)
                return (true, nil)
            case .awaited(let continuation):
                state = .done(result)
                return (true, continuation)
            case .done:
                return (false, nil)
            }
        }
        continuation?.resume(with: result)
        return isFirst
    }

    var isDone: Bool {
        self.state.withLockedValue { if case .done = $0 { true } else { false } }
    }

    /// Waits regardless of cancellation.
    func uncancellableValue(isolation: isolated (any Actor)? = #isolation) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            let result = self.state.withLockedValue { state -> Result<Value, any Error>? in
                if case .done(let result) = state { return result }
                state = .awaited(continuation)
                return nil
            }
            if let result { continuation.resume(with: result) }
        }
    }

    /// Waits; cancellation of the waiting task completes this with `CancellationError`.
    func value(isolation: isolated (any Actor)? = #isolation) async throws -> Value {
        try await withTaskCancellationHandler {
            try await self.uncancellableValue()
        } onCancel: {
            self.complete(.failure(CancellationError()))
        }
    }

    /// Waits no longer than `timeout`, then completes this with `error`.
    func value(within timeout: Duration, orThrow error: @escaping @Sendable () -> any Error) async throws -> Value {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                // Cancelled as soon as the value is there.
                try await Task.sleep(for: timeout)
                self.complete(.failure(error()))
            }
            defer { group.cancelAll() }
            return try await self.value()
        }
    }
}
