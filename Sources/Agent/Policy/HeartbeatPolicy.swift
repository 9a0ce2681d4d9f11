/// How often an agent says that it is alive: as its file says, but never so seldom that the centre would give its attempts to
/// others while it works. The two time-outs belong together and are set in two places, so the agent is told the centre's.
struct HeartbeatPolicy: Sendable, Equatable {
    /// So many heartbeats fit into the time after which the centre gives an agent up: two may be lost.
    static let beatsBeforeLost = 3.0
    /// The first one comes soon, whatever is configured: its answer says how long the centre waits.
    static let firstSeconds = 10.0

    let configuredSeconds: Double
    private(set) var lostAfterSeconds: Double?

    init(configuredSeconds: Int) { self.configuredSeconds = Double(configuredSeconds) }

    /// Takes the centre's word. - Returns: whether it is news, and shortens what is configured.
    mutating func hear(lostAfterSeconds: Double) -> Bool {
        guard lostAfterSeconds > 0, lostAfterSeconds != self.lostAfterSeconds else { return false }
        self.lostAfterSeconds = lostAfterSeconds
        return lostAfterSeconds / Self.beatsBeforeLost < self.configuredSeconds
    }

    /// Between two heartbeats.
    var pause: Duration {
        let longest = self.lostAfterSeconds.map { $0 / Self.beatsBeforeLost } ?? Self.firstSeconds
        return .seconds(min(self.configuredSeconds, longest))
    }
}
