/// What recovery does about a job.
package enum RecoveryAction: String, CaseIterable, Sendable, Codable {
    /// It is as it should be, or has ended for good.
    case nothing
    /// Its next step belongs to somebody else and is under way: it is left alone.
    case wait
    /// The job waits again and gets a new attempt.
    case waitAgain
    /// What was accepted is withdrawn, and the job waits again.
    case makeAgain
    /// The job is aborted and its events count as damaged.
    case giveUp
    /// Nothing yet: another job has to be recovered first.
    case makeInputFirst
    /// The Scheduler is told again of a verdict that it has not carried out.
    case carryOut
    /// Nothing: an operator has to do something first.
    case refuse

    /// Whether it changes the job.
    package var isChange: Bool {
        switch self {
        case .waitAgain, .makeAgain, .giveUp: true
        case .nothing, .wait, .makeInputFirst, .carryOut, .refuse: false
        }
    }
}
