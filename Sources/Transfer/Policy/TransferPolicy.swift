import Storage

/// What follows a failed transfer: pure.
struct TransferPolicy: Sendable, Hashable {
    /// Seconds before the second try; it doubles with each further one.
    var pauseSeconds = 10.0
    var longestPauseSeconds = 600.0
    /// How often a transfer is tried before it is given up until an operator retries it.
    var attempts = 10

    enum Step: Hashable {
        case again(pauseSeconds: Double)
        case giveUp
    }

    /// - Parameters:
    ///   - tries: made so far, this one included.
    ///   - error: how the last one failed.
    func step(after tries: Int, _ error: StorageError) -> Step {
        guard tries < self.attempts else { return .giveUp }
        // A wrong file at the destination does not go away by waiting; a lost or damaged source may, from another replica.
        if error.scope == .destination && error.class == .exists { return .giveUp }
        return .again(pauseSeconds: min(self.longestPauseSeconds, self.pauseSeconds * Double(1 << min(tries - 1, 20))))
    }
}
