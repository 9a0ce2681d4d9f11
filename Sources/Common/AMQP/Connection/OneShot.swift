import NIOConcurrencyHelpers

/// A value that one task waits for and another side delivers, once. The first of value, error and cancellation wins.
///
/// Cancellation of the waiter takes effect at once, without a visit to the loop; the deliverer learns of it by the
/// result of ``succeed(_:)`` or by ``isFinished``.
final class OneShot<Value: Sendable>: Sendable {
    private enum State {
        case empty
        case waiting(CheckedContinuation<Value, any Error>)
        case finished(Result<Value, any Error>)
        case taken
    }

    private let state = NIOLockedValueBox(State.empty)

    var isFinished: Bool {
        self.state.withLockedValue { state in
            switch state {
            case .empty, .waiting: false
            case .finished, .taken: true
            }
        }
    }

    /// Waits. May be called once.
    ///
    /// - Throws: the error delivered, or `CancellationError`.
    func value() async throws -> Value {
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let ready = self.state.withLockedValue { state -> Result<Value, any Error>? in
                    if case .finished(let result) = state {
                        state = .taken
                        return result
                    }
                    state = .waiting(continuation)
                    return nil
                }
                if let ready { continuation.resume(with: ready) }
            }
        } onCancel: {
            self.fail(CancellationError())
        }
    }

    /// Returns false if there is a value, an error or a cancellation already.
    @discardableResult
    func succeed(_ value: Value) -> Bool { self.finish(.success(value)) }

    @discardableResult
    func fail(_ error: any Error) -> Bool { self.finish(.failure(error)) }

    private func finish(_ result: Result<Value, any Error>) -> Bool {
        let (isFirst, waiter) = self.state.withLockedValue { state in
            switch state {
            case .empty:
                state = .finished(result)
                return (true, CheckedContinuation<Value, any Error>?.none)
            case .waiting(let continuation):
                state = .taken
                return (true, continuation)
            case .finished, .taken: return (false, nil)
            }
        }
        waiter?.resume(with: result)
        return isFirst
    }
}
