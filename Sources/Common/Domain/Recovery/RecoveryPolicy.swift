/// What recovery does about a job: total, from what the books know of it alone.
///
/// It never touches a job with a live attempt, never lets a job with a winner wait without withdrawing that winner, and never
/// withdraws what could not be made again. A job on which a plan was carried out needs nothing more.
package enum RecoveryPolicy {
    package static func plan(_ job: JobCondition) -> RecoveryPlan {
        if job.isLeased { return .attemptLives }
        guard !Self.contradictsItself(job) else { return .booksDisagree }
        switch job.state {
        case .cancelled: return .cancelled
        case .replaced: return .replaced
        case .recovering: return .verdictOpen
        case .active: return .verdictOnItsWay
        case .waiting: return Self.ofWaiting(job.inputs)
        case .aborted: return Self.ofAborted(job)
        case .done: return Self.ofDone(job)
        }
    }

    /// States that no transaction of the services leaves behind: whoever finds one does not know what is true.
    private static func contradictsItself(_ job: JobCondition) -> Bool {
        if job.hasWinner && job.state != .done { return true }
        if job.streams != .none && !job.hasWinner { return true }
        if (job.verdict == .open) != (job.state == .recovering) { return true }
        // Without a lease it is active only between the books' refusal and the verdict on it.
        return job.state == .active && (job.lastEnd != .failed || job.verdict != .none)
    }

    private static func ofWaiting(_ inputs: JobCondition.Inputs) -> RecoveryPlan {
        switch inputs {
        case .there: .waits
        case .lost: .inputLost
        case .unavailable: .inputUnavailable
        case .producible: .inputProducible
        case .claimed: .inputClaimed
        }
    }

    private static func ofAborted(_ job: JobCondition) -> RecoveryPlan {
        // What it made could not be added to a closed dataset.
        guard job.use != .closed else { return job.inputs == .lost ? .givenUp : .datasetClosed }
        return switch job.inputs {
        case .there: .nothingAccepted
        case .lost: .givenUp
        case .unavailable: .inputUnavailable
        case .producible: .inputProducible
        case .claimed: .inputClaimed
        }
    }

    private static func ofDone(_ job: JobCondition) -> RecoveryPlan {
        guard let fault = Self.fault(job) else { return .done }
        switch job.use {
        case .read: return .outputsRead
        case .closed: return .datasetClosed
        // Whoever was to read them lets go.
        case .free, .taken: break
        }
        switch job.inputs {
        case .there: return fault
        // With nothing left to keep, giving it up loses nothing.
        case .lost: return job.streams == .none || job.files == .allLost ? .inputLost : .lastCopies
        case .unavailable: return .inputUnavailable
        case .producible: return .inputProducible
        case .claimed: return .inputClaimed
        }
    }

    /// What is wrong with the outputs of a job that is done; nil: nothing.
    private static func fault(_ job: JobCondition) -> RecoveryPlan? {
        guard job.hasWinner else { return .noWinner }
        guard job.streams == .all else { return .streamsMissing }
        switch job.events {
        case .fewer: return .eventsFewer
        case .more: return .eventsMore
        case .unknown: return .eventsUnknown
        case .equal: break
        }
        return switch job.files {
        case .there: nil
        case .someLost: .filesSomeLost
        case .allLost: .filesAllLost
        }
    }
}
