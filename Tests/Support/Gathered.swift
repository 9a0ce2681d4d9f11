import NIOConcurrencyHelpers

/// Numbers that several tasks gather, and that tells when there are enough of them.
package final class Gathered: Sendable {
    private struct State {
        var numbers: Set<Int> = []
        var waiters: [(count: Int, signal: AsyncStream<Void>.Continuation)] = []
    }

    private let state = NIOLockedValueBox(State())

    package init() {}

    package var all: Set<Int> { self.state.withLockedValue { $0.numbers } }
    package var count: Int { self.state.withLockedValue { $0.numbers.count } }

    /// - Returns: how many there are now.
    @discardableResult
    package func insert(_ numbers: some Sequence<Int>) -> Int {
        let (count, reached) = self.state.withLockedValue { state in
            state.numbers.formUnion(numbers)
            let count = state.numbers.count
            let reached = state.waiters.filter { count > $0.count }
            state.waiters.removeAll { count > $0.count }
            return (count, reached)
        }
        for waiter in reached { waiter.signal.finish() }
        return count
    }

    /// Waits until there are more than so many, or the task is cancelled.
    package func more(than count: Int) async {
        let (signals, signal) = AsyncStream.makeStream(of: Void.self)
        let isThere = self.state.withLockedValue { state in
            guard state.numbers.count <= count else { return true }
            state.waiters.append((count, signal))
            return false
        }
        if isThere { return }
        for await _ in signals {}
    }
}
