import Dispatch
import Glibc

/// A thread that runs one closure: for calls that must stay on their thread, or block for long.
final class OwnThread: Sendable {
    private let body: @Sendable () -> Void

    private init(_ body: @escaping @Sendable () -> Void) { self.body = body }

    /// Returns false if there can be no more threads.
    static func start(_ body: @escaping @Sendable () -> Void) -> Bool {
        var handle = pthread_t()
        let retained = Unmanaged.passRetained(OwnThread(body))
        let status = pthread_create(
            &handle,
            nil,
            { raw in
                guard let raw else { return nil }
                Unmanaged<OwnThread>.fromOpaque(raw).takeRetainedValue().body()
                return nil
            },
            retained.toOpaque()
        )
        guard status == 0 else {
            retained.release()
            return false
        }
        pthread_detach(handle)
        return true
    }
}

/// Runs a call that blocks on a file, away from the threads that tasks share.
func blocking<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
    try await withCheckedThrowingContinuation { continuation in
        DispatchQueue.global().async { continuation.resume(with: Swift.Result { try body() }) }
    }
}
