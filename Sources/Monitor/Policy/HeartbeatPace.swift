import NIOConcurrencyHelpers

/// How long heartbeats wait for others, so that all of them are one statement: a small part of the time after which their agents would
/// be given up.
final class HeartbeatPace: Sendable {
    /// An answer says what an agent is to end, and those who wished it should see it end soon.
    static let longestSeconds = 3.0
    /// Of the shortest time after which an agent that beats here is given up: a hundredth of a site's five minutes is three seconds.
    static let share = 0.01

    /// Of all that were heard: agents that are given up soon may be silent in one batch and beat before the next.
    private let shortestLostAfter = NIOLockedValueBox(0.0)

    /// Notes after how many seconds of silence an agent that was heard is given up.
    func hear(lostAfterSeconds: Double) {
        self.shortestLostAfter.withLockedValue { shortest in
            shortest = shortest > 0 ? min(shortest, lostAfterSeconds) : lostAfterSeconds
        }
    }

    /// From one batch to the next; none before the first agent was heard.
    var pause: Duration {
        .seconds(min(Self.longestSeconds, self.shortestLostAfter.withLockedValue { $0 } * Self.share))
    }
}
