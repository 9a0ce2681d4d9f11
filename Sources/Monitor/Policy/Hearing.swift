import NIOConcurrencyHelpers

/// Since when this process has heard what the world says, without a break.
final class Hearing: Sendable {
    private let since = NIOLockedValueBox<ContinuousClock.Instant?>(nil)
    private let now: @Sendable () -> ContinuousClock.Instant

    init(now: @escaping @Sendable () -> ContinuousClock.Instant = { ContinuousClock.now }) { self.now = now }

    /// Notes whether it is deaf at this moment, and tells for how many seconds it has not been.
    func seconds(deaf: Bool) -> Double {
        let now = self.now()
        let since = self.since.withLockedValue { since -> ContinuousClock.Instant? in
            if deaf { since = nil } else if since == nil { since = now }
            return since
        }
        guard let since else { return 0 }
        let (seconds, attoseconds) = since.duration(to: now).components
        return Double(seconds) + Double(attoseconds) / 1e18
    }
}
