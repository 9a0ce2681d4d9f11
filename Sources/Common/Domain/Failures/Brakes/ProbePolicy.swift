/// How an excluded node or site comes back.
package struct ProbeSettings: Sendable, Hashable, Codable {
    /// Seconds between the exclusion and the first probes.
    package var pauseSeconds: Double
    /// Seconds that the pause never exceeds.
    package var pauseLimitSeconds: Double
    /// So many jobs are let in at once as probes.
    package var probes: Int
    /// After so many good probes in a row the place is open again.
    package var goodNeeded: Int

    package init(
        pauseSeconds: Double = 600,
        pauseLimitSeconds: Double = 86_400,
        probes: Int = 3,
        goodNeeded: Int = 3
    ) {
        self.pauseSeconds = pauseSeconds
        self.pauseLimitSeconds = pauseLimitSeconds
        self.probes = probes
        self.goodNeeded = goodNeeded
    }
}

/// How far an excluded place is on its way back.
package struct ProbeState: Sendable, Hashable, Codable {
    package enum Phase: String, Sendable, CaseIterable, Codable {
        /// It gets nothing.
        case resting
        /// It gets probes.
        case probing
        /// It is open again.
        case returned
    }

    package var phase: Phase
    /// Seconds of the present or last rest.
    package var pauseSeconds: Double
    /// Counts the rests, from 1: a probe of an earlier round says nothing any more.
    package var round: Int
    package var running: Int
    package var goodInRow: Int

    package init(phase: Phase, pauseSeconds: Double, round: Int, running: Int, goodInRow: Int) {
        self.phase = phase
        self.pauseSeconds = pauseSeconds
        self.round = round
        self.running = running
        self.goodInRow = goodInRow
    }
}

/// Lets an excluded place back in by probes: after a pause some jobs, open again after enough good ones in a row, a
/// pause twice as long after a bad one.
package struct ProbePolicy: Sendable {
    package enum Event: Sendable, Hashable {
        /// So many seconds have passed since the rest began.
        case rested(seconds: Double)
        case probeStarted(round: Int)
        case probeGood(round: Int)
        /// Failed, and blamed on the site.
        case probeBad(round: Int)
        /// Ended in a way that says nothing of the place: cancelled, or the payload's own fault.
        case probeVoid(round: Int)
    }

    package let settings: ProbeSettings

    package init(_ settings: ProbeSettings = .init()) { self.settings = settings }

    /// A place that has just been excluded.
    package var excluded: ProbeState {
        ProbeState(
            phase: .resting,
            pauseSeconds: min(self.settings.pauseSeconds, self.settings.pauseLimitSeconds),
            round: 1,
            running: 0,
            goodInRow: 0
        )
    }

    /// How many probes may start now.
    package func admitted(_ state: ProbeState) -> Int {
        guard state.phase == .probing else { return 0 }
        // No more than can still be needed.
        let wanted = min(max(1, self.settings.probes), max(1, self.settings.goodNeeded) - state.goodInRow)
        return max(0, wanted - state.running)
    }

    /// The state after an event. Events that do not belong to the present round change nothing.
    package func state(after event: Event, in state: ProbeState) -> ProbeState {
        var next = state
        switch event {
        case .rested(let seconds):
            if state.phase == .resting, seconds >= state.pauseSeconds { next.phase = .probing }
        case .probeStarted(state.round) where state.phase == .probing:
            next.running += 1
        case .probeGood(state.round) where state.phase == .probing:
            next.running = max(0, state.running - 1)
            next.goodInRow += 1
            if next.goodInRow >= max(1, self.settings.goodNeeded) { next.phase = .returned }
        case .probeVoid(state.round) where state.phase == .probing:
            next.running = max(0, state.running - 1)
        case .probeBad(state.round) where state.phase == .probing:
            next = ProbeState(
                phase: .resting,
                pauseSeconds: min(self.settings.pauseLimitSeconds, state.pauseSeconds * 2),
                round: state.round + 1,
                running: 0,
                goodInRow: 0
            )
        case .probeStarted, .probeGood, .probeBad, .probeVoid: break
        }
        return next
    }
}
