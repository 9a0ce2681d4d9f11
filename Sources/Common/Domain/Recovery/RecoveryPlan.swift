/// What is to be done about one job, and why.
package enum RecoveryPlan: String, CaseIterable, Sendable, Codable {
    case done, waits, cancelled, replaced, givenUp
    case attemptLives, verdictOnItsWay
    case nothingAccepted
    case noWinner, streamsMissing, eventsFewer, eventsMore, eventsUnknown, filesSomeLost, filesAllLost
    case inputLost
    case inputProducible
    case verdictOpen
    case outputsRead, datasetClosed, inputUnavailable, inputClaimed, lastCopies, booksDisagree

    package var action: RecoveryAction {
        switch self {
        case .done, .waits, .cancelled, .replaced, .givenUp: .nothing
        case .attemptLives, .verdictOnItsWay: .wait
        case .nothingAccepted: .waitAgain
        case .noWinner, .streamsMissing, .eventsFewer, .eventsMore, .eventsUnknown, .filesSomeLost, .filesAllLost:
            .makeAgain
        case .inputLost: .giveUp
        case .inputProducible: .makeInputFirst
        case .verdictOpen: .carryOut
        case .outputsRead, .datasetClosed, .inputUnavailable, .inputClaimed, .lastCopies, .booksDisagree: .refuse
        }
    }

    /// For people, behind a number of jobs: what is done, and why.
    package var words: String {
        switch self {
        case .done: "nothing to do: done, and everything accepted is there"
        case .waits: "nothing to do: they wait for an agent"
        case .cancelled: "nothing to do: cancelled"
        case .replaced: "nothing to do: replaced by smaller jobs"
        case .givenUp: "nothing to do: given up, an input is lost for good"
        case .attemptLives: "left alone: an attempt of theirs is under way"
        case .verdictOnItsWay: "left alone: the books refused the last attempt, and the Monitor's verdict is on its way"
        case .nothingAccepted: "wait again: given up, and nothing of them is accepted"
        case .noWinner: "made again: done, and nothing of them is accepted"
        case .streamsMissing: "made again: not every stream is accepted"
        case .eventsFewer: "made again: the winner read fewer events than it should"
        case .eventsMore: "made again: the winner read more events than it should"
        case .eventsUnknown: "made again: the winner did not say how many events it read"
        case .filesSomeLost: "made again: some accepted files are lost"
        case .filesAllLost: "made again: all accepted files are lost"
        case .inputLost: "given up: an input is declared lost and cannot be made again"
        case .inputProducible: "nothing yet: recover first the job that makes the input"
        case .verdictOpen: "the Scheduler is told again: their verdict is not carried out"
        case .outputsRead:
            "refused: accepted outputs are lost or wrong, and another job has read them, or waits for them in a task that takes nothing new; revoke it, or abort its task, first; if that has ended, make the events in a new request"
        case .datasetClosed:
            "refused: outputs are missing, lost or wrong, and their dataset is closed; make the events in a new request"
        case .inputUnavailable: "refused: an input has no good replica; bring one back, or declare the file lost"
        case .inputClaimed: "refused: their events belong to other jobs; see millrace doctor"
        case .lastCopies:
            "refused: outputs are lost or wrong and the input is lost, so what is left could not be made again; abort its task to end it with what is left, and make the events in a new request"
        case .booksDisagree: "refused: the books contradict themselves; see millrace doctor"
        }
    }
}
