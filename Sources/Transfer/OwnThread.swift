import NIOPosix

/// Calls that block, each on a thread that nothing else uses: a storage element that does not answer holds up only those who ask it.
///
/// Whoever calls sees to it that there are not too many at once.
enum OwnThread {
    static func run<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
        let pool = NIOThreadPool(numberOfThreads: 1)
        pool.start()
        let result: Result<Value, any Error>
        do {
            result = .success(try await pool.runIfActive(body))
        } catch {
            result = .failure(error)
        }
        try await pool.shutdownGracefully()
        return try result.get()
    }
}
