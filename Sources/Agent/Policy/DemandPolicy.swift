/// When an agent asks for work. `room` is absolute, so a later question simply replaces an earlier one.
struct DemandPolicy: Sendable, Equatable {
    /// What may be a reason to ask.
    enum Occasion: Sendable, CaseIterable {
        case connected
        case slotFreed
        case offerTaken
        /// Nothing happened: the slow clock.
        case tick
    }

    /// Between two questions for which nothing else is the reason.
    var interval: Duration
    private(set) var lastAsked: ContinuousClock.Instant?
    private(set) var lastRoom: Int?

    init(interval: Duration = .seconds(30)) { self.interval = interval }

    /// The room to ask for at this moment; nil: do not ask.
    ///
    /// An agent that stops or drains takes its demand back once, with room 0.
    mutating func room(
        _ occasion: Occasion,
        freeCores: Int,
        isDraining: Bool,
        now: ContinuousClock.Instant
    ) -> Int? {
        let room = isDraining ? 0 : max(0, freeCores)
        guard self.shouldAsk(occasion, room, now) else { return nil }
        self.lastAsked = now
        self.lastRoom = room
        return room
    }

    private func shouldAsk(_ occasion: Occasion, _ room: Int, _ now: ContinuousClock.Instant) -> Bool {
        // The centre leases against the room it was told; once we are full by its own offers it knows.
        if room == 0 { return occasion == .tick && (self.lastRoom ?? 0) > 0 }
        guard occasion == .tick, let lastAsked, room == self.lastRoom else { return true }
        return lastAsked.duration(to: now) >= self.interval
    }
}
