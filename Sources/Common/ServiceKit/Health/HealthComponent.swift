import NIOConcurrencyHelpers

/// One part of a process that has work now and then. See ``HealthState``.
package final class HealthComponent: Sendable {
    private struct State {
        /// Without progress since; nil when there is nothing to do.
        var waitingSince: ContinuousClock.Instant?
        /// How many pieces of work are under way.
        var pieces = 0
        var failure: String?
    }

    package let name: String
    private let limit: Duration
    private let now: @Sendable () -> ContinuousClock.Instant
    private let state = NIOLockedValueBox(State())

    init(name: String, limit: Duration, now: @escaping @Sendable () -> ContinuousClock.Instant) {
        self.name = name
        self.limit = limit
        self.now = now
    }

    /// A piece of work is at hand. Each needs its ``ended()``.
    package func began() {
        let now = self.now()
        self.state.withLockedValue { state in
            state.pieces += 1
            if state.waitingSince == nil { state.waitingSince = now }
        }
    }

    /// Some of the work is done: the time without progress begins anew.
    package func progress() {
        let now = self.now()
        self.state.withLockedValue { state in
            state.failure = nil
            state.waitingSince = state.pieces > 0 ? now : nil
        }
    }

    /// A piece of work is no longer ours: done, or given back.
    package func ended() {
        self.state.withLockedValue { state in
            state.pieces = max(0, state.pieces - 1)
            // Work that was given back without progress is still not done: a failure keeps the time running.
            if state.pieces == 0, state.failure == nil { state.waitingSince = nil }
        }
    }

    /// The work does not get on, and why. Readiness fails once this has lasted for the limit.
    package func failing(_ reason: String) {
        let now = self.now()
        self.state.withLockedValue { state in
            state.failure = reason
            if state.waitingSince == nil { state.waitingSince = now }
        }
    }

    func check() -> HealthReport.Check {
        let state = self.state.withLockedValue { $0 }
        guard let since = state.waitingSince else { return HealthReport.Check(name: self.name, ok: true) }
        let waited = since.duration(to: self.now())
        guard waited > self.limit else {
            return HealthReport.Check(name: self.name, ok: true, reason: state.failure)
        }
        let reason = "no progress for \(waited.components.seconds) s, \(self.limit.components.seconds) s are allowed"
        return HealthReport.Check(
            name: self.name,
            ok: false,
            reason: state.failure.map { "\(reason): \($0)" } ?? reason
        )
    }
}
