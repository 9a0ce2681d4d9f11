/// Wakes one loop; rings while it is busy are one ring.
struct Bell: Sendable {
    let rings: AsyncStream<Void>
    private let continuation: AsyncStream<Void>.Continuation

    init() { (self.rings, self.continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1)) }

    func ring() { self.continuation.yield() }

    /// Ends the loop.
    func finish() { self.continuation.finish() }
}

/// Calls `body` again and again, with a pause between, until the task is cancelled.
func every(_ pause: () async -> Duration, _ body: () async -> Void) async {
    while !Task.isCancelled {
        do {
            try await Task.sleep(for: pause())
        } catch {
            return
        }
        await body()
    }
}

/// Runs `body`, and gives up on it after a time.
///
/// - Returns: whether it ended in time.
@discardableResult
func within(_ limit: Duration, _ body: @escaping @Sendable () async -> Void) async -> Bool {
    await withTaskGroup(of: Bool.self) { group in
        group.addTask {
            await body()
            return true
        }
        group.addTask {
            do {
                try await Task.sleep(for: limit)
            } catch {
                return true
            }
            return false
        }
        let inTime = await group.next() ?? true
        group.cancelAll()
        return inTime
    }
}
