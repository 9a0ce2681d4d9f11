/// How long a batch whose handler throws is held and tried again, before it is given back to the queue.
///
/// Given back, a message has used up one of its few deliveries; held, none. So while the process knows that a connection
/// is down, the batch is held long: an outage must not make dead letters of good messages. The broker itself takes
/// deliveries back after 30 minutes.
package struct RetryPolicy: Sendable, Equatable {
    package var firstPause: Duration = .milliseconds(200)
    package var longestPause: Duration = .seconds(10)
    /// In all, when every connection is there: the fault is in the messages or in us.
    package var hold: Duration = .seconds(20)
    /// In all, while a connection is down.
    package var outageHold: Duration = .seconds(600)

    package init() {}

    enum Step: Equatable {
        case pause(Duration)
        case giveBack
    }

    /// What follows the failure number `failures` (from 1) of a batch.
    ///
    /// - Parameters:
    ///   - held: how long the batch has been with us.
    ///   - outage: whether a connection is known to be down.
    ///   - spread: 0 to 1, random: so that several consumers do not come back together.
    func step(failures: Int, held: Duration, outage: Bool, spread: Double) -> Step {
        guard held < (outage ? self.outageHold : self.hold) else { return .giveBack }
        let doubled = self.firstPause * (1 << min(max(failures - 1, 0), 16))
        return .pause(min(doubled, self.longestPause) * (0.5 + spread / 2))
    }
}
