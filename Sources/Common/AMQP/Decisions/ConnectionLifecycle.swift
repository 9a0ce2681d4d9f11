/// When to connect, when to wait, when to end: the life of one connection, without any I/O.
///
/// The shell reports what happened and asks ``next(now:isIdle:)`` in every turn what to do.
struct ConnectionLifecycle: Equatable, Sendable {
    typealias Instant = ContinuousClock.Instant

    enum Phase: Equatable, Sendable {
        /// Not started. Can transition to: `waiting`, `stopped`.
        case idle
        /// An attempt is due at the instant. Can transition to: `connecting`, `stopped`.
        case waiting(until: Instant)
        /// An attempt is being made. Can transition to: `open`, `waiting`.
        case connecting
        /// Up since the instant. Can transition to: `waiting`, `stopped`.
        case open(since: Instant)
        /// The end.
        case stopped
    }

    enum Action: Equatable, Sendable {
        case none
        /// Make a connection and report ``opened(now:)`` or ``failed(now:random:)``.
        case connect
        /// Close what is open: the end.
        case close
    }

    private(set) var phase = Phase.idle
    /// Failures in a row.
    private(set) var failures = 0
    /// While draining: when to end even though work is left.
    private(set) var drainUntil: Instant?
    let backoff: Backoff

    init(backoff: Backoff) { self.backoff = backoff }

    var isDraining: Bool { self.drainUntil != nil }
    var isStopped: Bool { self.phase == .stopped }

    /// When ``next(now:isIdle:)`` may have something to do although nothing happened.
    var deadline: Instant? {
        switch self.phase {
        case .waiting(let until): min(until, self.drainUntil ?? until)
        case .idle, .connecting, .open: self.drainUntil
        case .stopped: nil
        }
    }

    /// Begins. Does nothing if it has begun before.
    mutating func start(now: Instant) {
        guard self.phase == .idle else { return }
        self.phase = .waiting(until: now)
    }

    /// Asks for the end, once no work is left or `drainLimit` has passed. A second request changes nothing.
    mutating func stop(now: Instant, drainLimit: Duration) {
        guard self.drainUntil == nil else { return }
        self.drainUntil = now + drainLimit
    }

    /// What to do now.
    ///
    /// - Parameter isIdle: no message is unconfirmed, no delivery unsettled, no request unanswered.
    mutating func next(now: Instant, isIdle: Bool) -> Action {
        if self.phase != .stopped, self.phase != .connecting, let drainUntil, isIdle || now >= drainUntil {
            self.phase = .stopped
            return .close
        }
        guard case .waiting(let until) = self.phase, now >= until else { return .none }
        self.phase = .connecting
        return .connect
    }

    /// The attempt succeeded.
    mutating func opened(now: Instant) {
        guard self.phase == .connecting else { return }
        self.phase = .open(since: now)
    }

    /// The attempt failed, or the open connection was lost.
    ///
    /// - Parameter random: from 0 to 1, for the jitter.
    mutating func failed(now: Instant, random: Double) {
        switch self.phase {
        case .idle, .waiting, .stopped: return
        case .connecting: self.failures += 1
        case .open(let since): self.failures = now - since >= self.backoff.stableAfter ? 1 : self.failures + 1
        }
        self.phase = .waiting(until: now + self.backoff.pause(failures: self.failures, random: random))
    }
}
