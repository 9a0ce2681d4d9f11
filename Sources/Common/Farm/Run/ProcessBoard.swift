import NIOConcurrencyHelpers

/// The process table of a running farm: changed by those who keep the processes, awaited by those who depend on them.
final class ProcessBoard: Sendable {
    private struct Waiter {
        let predicate: @Sendable (ProcessTable) -> Bool
        let continuation: CheckedContinuation<Void, Never>
    }

    private struct State {
        var table = ProcessTable()
        var version = 0
        var waiters: [Int: Waiter] = [:]
        var cancelled: Set<Int> = []
        var nextWaiter = 0
    }

    private let state = NIOLockedValueBox(State())
    private let written = NIOLockedValueBox(0)
    private let recorder: @Sendable (ProcessTable) -> Void

    /// - Parameter recorder: gets every newest table, one at a time.
    init(recorder: @escaping @Sendable (ProcessTable) -> Void) { self.recorder = recorder }

    var table: ProcessTable { self.state.withLockedValue { $0.table } }

    func update(_ change: (inout ProcessTable) -> Void) {
        let (table, version, served) = self.state.withLockedValue { state in
            change(&state.table)
            state.version += 1
            let served = state.waiters.filter { $0.value.predicate(state.table) }
            for key in served.keys { state.waiters[key] = nil }
            return (state.table, state.version, served)
        }
        // Recorded before anybody goes on: a process that is relied on is one that a successor finds.
        self.written.withLockedValue { written in
            guard version > written else { return }
            written = version
            self.recorder(table)
        }
        for waiter in served.values { waiter.continuation.resume() }
    }

    /// Returns when the table is as wanted, or when the task is cancelled.
    func wait(until predicate: @escaping @Sendable (ProcessTable) -> Bool) async {
        let key = self.state.withLockedValue { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isServed = self.state.withLockedValue { state in
                    if predicate(state.table) || state.cancelled.remove(key) != nil { return true }
                    state.waiters[key] = Waiter(predicate: predicate, continuation: continuation)
                    return false
                }
                if isServed { continuation.resume() }
            }
        } onCancel: {
            let waiter = self.state.withLockedValue { state in
                let waiter = state.waiters.removeValue(forKey: key)
                if waiter == nil { state.cancelled.insert(key) }
                return waiter
            }
            waiter?.continuation.resume()
        }
        self.state.withLockedValue { _ = $0.cancelled.remove(key) }
    }

    /// The same, but not for longer than `limit`.
    func wait(_ limit: Duration, until predicate: @escaping @Sendable (ProcessTable) -> Bool) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.wait(until: predicate) }
            group.addTask {
                do {
                    try await Task.sleep(for: limit)
                } catch {
                    return  // The table was as wanted first.
                }
            }
            await group.next()
            group.cancelAll()
        }
    }
}
