import Domain
import Testing

/// The failure modes of the D0 talk, and DIRAC's DataRecoveryAgent row by row, with what it leaves out.
@Suite struct RecoveryTableTests {
    private static let good = JobCondition(
        state: .done,
        lastEnd: .done,
        hasWinner: true,
        streams: .all,
        events: .equal
    )
    private static let failed = JobCondition(state: .aborted, lastEnd: .failed, verdict: .carriedOut)

    private static func plan(
        _ job: JobCondition,
        _ change: (inout JobCondition) -> Void = { _ in }
    ) -> RecoveryPlan {
        var job = job
        change(&job)
        return RecoveryPolicy.plan(job)
    }

    // MARK: The six modes of the D0 talk

    @Test func aGridJobThatIsLostWholeIsMadeAgainJobByJob() {
        // Silent, then lost, then given up: no batch job of it has anything in the books.
        let jobs = (0..<50).map { _ in JobCondition(state: .aborted, lastEnd: .lost, verdict: .carriedOut) }
        #expect(jobs.allSatisfy { RecoveryPolicy.plan($0) == .nothingAccepted })
        // While its attempts are not yet declared lost it may still come back.
        #expect(Self.plan(.init(state: .active, isLeased: true)) == .attemptLives)
    }

    @Test func ofAGridJobThatIsLostInPartOnlyThatPartIsMadeAgain() {
        #expect(Self.plan(Self.good) == .done)
        #expect(Self.plan(Self.failed) == .nothingAccepted)
    }

    @Test func aJobWithoutAnySkimIsMadeAgain() {
        #expect(Self.plan(.init(state: .done, lastEnd: .done)) == .noWinner)
        #expect(Self.plan(Self.good) { $0.streams = .none } == .streamsMissing)
        // As our books see it: the manifest is refused, and the Monitor decides.
        #expect(Self.plan(.init(state: .active, lastEnd: .failed)) == .verdictOnItsWay)
    }

    @Test func aJobWithNineOfFourteenSkimsIsMadeAgainWhole() {
        #expect(Self.plan(Self.good) { $0.streams = .some } == .streamsMissing)
        #expect(Self.plan(Self.good) { $0.files = .someLost } == .filesSomeLost)
    }

    @Test func anEarlySilentEndIsMadeAgain() {
        #expect(Self.plan(Self.good) { $0.events = .fewer } == .eventsFewer)
        #expect(Self.plan(Self.good) { $0.events = .more } == .eventsMore)
        #expect(Self.plan(Self.good) { $0.events = .unknown } == .eventsUnknown)
    }

    @Test func skimsThatAreEmptyByRightAreComplete() {
        // All streams accepted, no file of them: there is nothing that could be lost.
        #expect(Self.plan(Self.good) { $0.files = .there } == .done)
        #expect(Self.plan(Self.good) { ($0.files, $0.inputs) = (.there, .lost) } == .done)
    }

    // MARK: DIRAC's table

    @Test func rowN1AllOutputsOfAFailedJobWithoutInputsExist() {
        // Outputs count when they are accepted, and then the job is done in the same transaction: a failed one with a winner is
        // a contradiction, and nobody guesses.
        #expect(Self.plan(Self.good) { $0.state = .aborted } == .booksDisagree)
    }

    @Test func rowsN2And14OutputsOfADoneJobAreMissing() {
        #expect(Self.plan(Self.good) { $0.files = .allLost } == .filesAllLost)
        #expect(Self.plan(Self.good) { $0.streams = .none } == .streamsMissing)
        #expect(Self.plan(Self.good) { $0.files = .someLost } == .filesSomeLost)
    }

    @Test func rows1To3TheInputsBelongToAnotherJob() {
        #expect(Self.plan(Self.good) { $0.inputs = .claimed } == .done, "row 1: it has its credit already")
        #expect(Self.plan(Self.good) { ($0.inputs, $0.files) = (.claimed, .allLost) } == .inputClaimed)
        #expect(Self.plan(Self.good) { ($0.inputs, $0.files) = (.claimed, .someLost) } == .inputClaimed)
        #expect(Self.plan(Self.failed) { $0.inputs = .claimed } == .inputClaimed)
    }

    @Test func rows4And5AllInputsAreMissing() {
        #expect(Self.plan(Self.failed) { $0.inputs = .unavailable } == .inputUnavailable, "not given up on a rumour")
        #expect(Self.plan(Self.failed) { $0.inputs = .lost } == .givenUp)
        #expect(Self.plan(.init(state: .waiting, inputs: .lost)) == .inputLost)
        #expect(Self.plan(Self.good) { ($0.inputs, $0.files) = (.lost, .allLost) } == .inputLost)
        #expect(
            Self.plan(Self.good) { ($0.inputs, $0.files) = (.lost, .someLost) } == .lastCopies,
            "DIRAC deletes them"
        )
        #expect(Self.plan(Self.good) { $0.inputs = .lost } == .done, "DIRAC deletes good outputs here")
    }

    @Test func rows6To8AllOutputsExistAndOnlyABookLagsBehind() {
        // Winner, accepted outputs and the job's end are one transaction: what DIRAC repairs here cannot come about.
        for state in [JobState.aborted, .waiting, .recovering] {
            #expect(Self.plan(Self.good) { $0.state = state } == .booksDisagree)
        }
        #expect(Self.plan(Self.good) == .done)
    }

    @Test func rows9To11NothingWasMade() {
        #expect(Self.plan(Self.failed) == .nothingAccepted, "also after too many failures: the operator asks for it")
        #expect(Self.plan(.init(state: .done, lastEnd: .done)) == .noWinner)
    }

    @Test func rows12And13SomeOutputsAreMissing() {
        #expect(Self.plan(Self.good) { $0.files = .someLost } == .filesSomeLost)
        #expect(Self.plan(Self.good) { $0.streams = .some } == .streamsMissing)
        #expect(Self.plan(Self.failed) { $0.streams = .some } == .booksDisagree, "nothing of a failed job is accepted")
    }

    @Test func rows15And16SomethingStrangeOrNotFound() {
        #expect(Self.plan(.init(state: .active, lastEnd: .lost, verdict: .carriedOut)) == .booksDisagree)
        #expect(Self.plan(.init(state: .recovering, lastEnd: .failed, verdict: .carriedOut)) == .booksDisagree)
        #expect(Self.plan(.init(state: .waiting, inputs: .claimed)) == .inputClaimed)
    }

    // MARK: What DIRAC leaves out

    @Test func holePartialOutputsOfAJobWithoutInputs() {
        #expect(Self.plan(Self.good) { ($0.files, $0.inputs) = (.someLost, .there) } == .filesSomeLost)
    }

    @Test func holeSomeInputsAreMissing() {
        // One missing input of many is as bad as all: the job reads all of its events or none.
        #expect(Self.plan(.init(state: .waiting, inputs: .unavailable)) == .inputUnavailable)
        #expect(Self.plan(.init(state: .waiting, inputs: .producible)) == .inputProducible)
        #expect(Self.plan(Self.failed) { $0.inputs = .producible } == .inputProducible)
    }

    @Test func holeKilledCompletedAndStalledJobs() {
        #expect(Self.plan(.init(state: .cancelled, lastEnd: .cancelled)) == .cancelled)
        #expect(Self.plan(.init(state: .recovering, lastEnd: .lost, verdict: .open)) == .verdictOpen)
        #expect(Self.plan(.init(state: .active, isLeased: true)) == .attemptLives)
        #expect(Self.plan(.init(state: .replaced, lastEnd: .failed, verdict: .carriedOut)) == .replaced)
    }

    @Test func holeAJobWithAnEmptyListOfOutputs() {
        #expect(Self.plan(Self.good) { $0.streams = .none } == .streamsMissing)
    }

    @Test func holeDescendants() {
        for fault in [JobCondition.Files.someLost, .allLost] {
            #expect(Self.plan(Self.good) { ($0.files, $0.use) = (fault, .read) } == .outputsRead)
            #expect(Self.plan(Self.good) { ($0.files, $0.use) = (fault, .closed) } == .datasetClosed)
        }
        #expect(Self.plan(Self.failed) { $0.use = .closed } == .datasetClosed, "what it made could not be added")
        #expect(Self.plan(Self.good) { $0.use = .read } == .done)
    }
}
