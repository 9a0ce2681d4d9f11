import Domain
import Testing

/// Every condition a job can be in, 302,400 of them.
@Suite struct RecoveryTests {
    static let all: [JobCondition] = {
        var found: [JobCondition] = []
        for state in JobState.allCases {
            for lastEnd in JobCondition.LastEnd.allCases {
                for verdict in JobCondition.VerdictProgress.allCases {
                    for flags in 0..<4 {
                        let job = JobCondition(
                            state: state,
                            isLeased: flags & 1 == 1,
                            lastEnd: lastEnd,
                            verdict: verdict,
                            hasWinner: flags & 2 == 2
                        )
                        found += Self.outputs(job).flatMap(Self.rest)
                    }
                }
            }
        }
        return found
    }()

    private static func outputs(_ job: JobCondition) -> [JobCondition] {
        JobCondition.Streams.allCases.flatMap { streams in
            JobCondition.Events.allCases.flatMap { events in
                JobCondition.Files.allCases.map { files in
                    var job = job
                    (job.streams, job.events, job.files) = (streams, events, files)
                    return job
                }
            }
        }
    }

    private static func rest(_ job: JobCondition) -> [JobCondition] {
        JobCondition.Inputs.allCases.flatMap { inputs in
            JobCondition.Use.allCases.map { use in
                var job = job
                (job.inputs, job.use) = (inputs, use)
                return job
            }
        }
    }

    /// The second formulation: for each plan all of its conditions at once, in no order. Exactly one holds for each job.
    private static func expected(_ job: JobCondition) -> [RecoveryPlan] {
        let isSane = Self.isSane(job)
        let isWaiting = isSane && job.state == .waiting
        let isAborted = isSane && job.state == .aborted
        let isDone = isSane && job.state == .done
        let isGood = job.hasWinner && job.streams == .all && job.events == .equal && job.files == .there
        let isBadAndFree = isDone && !isGood && [.free, .taken].contains(job.use)
        let mayMake = isBadAndFree && job.inputs == .there
        let hasAll = mayMake && job.hasWinner && job.streams == .all
        let needsInput = isWaiting || isAborted && job.use != .closed || isBadAndFree
        let keepsNothing = job.streams == .none || job.files == .allLost
        let all: [(plan: RecoveryPlan, holds: Bool)] = [
            (.attemptLives, job.isLeased),
            (.booksDisagree, !job.isLeased && !isSane),
            (.cancelled, isSane && job.state == .cancelled),
            (.replaced, isSane && job.state == .replaced),
            (.verdictOpen, isSane && job.state == .recovering),
            (.verdictOnItsWay, isSane && job.state == .active),
            (.waits, isWaiting && job.inputs == .there),
            (.nothingAccepted, isAborted && job.use != .closed && job.inputs == .there),
            (.givenUp, isAborted && job.inputs == .lost),
            (.inputLost, job.inputs == .lost && (isWaiting || isBadAndFree && keepsNothing)),
            (.lastCopies, job.inputs == .lost && isBadAndFree && !keepsNothing),
            (.inputUnavailable, needsInput && job.inputs == .unavailable),
            (.inputProducible, needsInput && job.inputs == .producible),
            (.inputClaimed, needsInput && job.inputs == .claimed),
            (.datasetClosed, job.use == .closed && (isDone && !isGood || isAborted && job.inputs != .lost)),
            (.outputsRead, job.use == .read && isDone && !isGood),
            (.done, isDone && isGood),
            (.noWinner, mayMake && !job.hasWinner),
            (.streamsMissing, mayMake && job.hasWinner && job.streams != .all),
            (.eventsFewer, hasAll && job.events == .fewer),
            (.eventsMore, hasAll && job.events == .more),
            (.eventsUnknown, hasAll && job.events == .unknown),
            (.filesSomeLost, hasAll && job.events == .equal && job.files == .someLost),
            (.filesAllLost, hasAll && job.events == .equal && job.files == .allLost),
        ]
        return all.filter(\.holds).map(\.plan)
    }

    /// Not leased, and as the transactions of the services leave a job.
    private static func isSane(_ job: JobCondition) -> Bool {
        let books = job.hasWinner ? job.state == .done : job.streams == .none
        let verdict =
            switch job.state {
            case .recovering: job.verdict == .open
            case .active: job.verdict == .none && job.lastEnd == .failed
            case .waiting, .done, .aborted, .cancelled, .replaced: job.verdict != .open
            }
        return !job.isLeased && books && verdict
    }

    /// What a job is after its plan was carried out.
    private static func after(_ action: RecoveryAction, _ job: JobCondition) -> JobCondition {
        var job = job
        switch action {
        case .waitAgain, .makeAgain, .giveUp:
            job.state = action == .giveUp ? .aborted : .waiting
            (job.hasWinner, job.streams, job.events, job.files) = (false, .none, .unknown, .there)
            // A dataset stays closed; what is withdrawn is read by nobody.
            if [.read, .taken].contains(job.use) { job.use = .free }
        case .nothing, .wait, .makeInputFirst, .carryOut, .refuse: break
        }
        return job
    }

    @Test func everyConditionHasThePlanOfTheSecondFormulation() {
        var seen: [RecoveryPlan: Int] = [:]
        for job in Self.all {
            let plan = RecoveryPolicy.plan(job)
            seen[plan, default: 0] += 1
            let expected = Self.expected(job)
            if expected != [plan] { Issue.record("\(job): planned \(plan), expected \(expected)") }
        }
        #expect(Self.all.count == 302_400 && Set(Self.all).count == Self.all.count)
        #expect(Set(seen.keys) == Set(RecoveryPlan.allCases), "a plan that nothing leads to")
    }

    @Test func noLiveAttemptIsTouched() {
        for job in Self.all where job.isLeased { #expect(RecoveryPolicy.plan(job).action == .wait) }
    }

    /// A job that gets another attempt has no winner beside it, and its state can move to waiting.
    @Test func noJobGetsASecondWinner() {
        for job in Self.all {
            let plan = RecoveryPolicy.plan(job)
            switch plan.action {
            case .waitAgain: #expect(!job.hasWinner && job.streams == .none && job.state == .aborted, "\(job)")
            case .makeAgain: #expect(job.state == .done, "\(job)")
            default: break
            }
            if [.waitAgain, .makeAgain].contains(plan.action) {
                #expect(JobState.isLegal(from: job.state, to: .waiting) && job.inputs == .there, "\(job)")
            }
        }
    }

    @Test func nothingAcceptedIsLostWithoutBeingMadeAgain() {
        for job in Self.all where RecoveryPolicy.plan(job).action.isChange && job.streams != .none {
            #expect([.free, .taken].contains(job.use), "\(job)")
            let isMade = RecoveryPolicy.plan(job).action == .makeAgain
            #expect(isMade ? job.inputs == .there : job.files == .allLost, "\(job)")
            let isGood = job.streams == .all && job.events == .equal && job.files == .there
            #expect(!isGood, "\(job)")
        }
    }

    @Test func aPlanCarriedOutLeavesNothingToDo() {
        for job in Self.all {
            let action = RecoveryPolicy.plan(job).action
            let after = Self.after(action, job)
            let next = RecoveryPolicy.plan(after)
            if action.isChange {
                #expect(next.action == .nothing, "\(job): \(action), then \(next)")
            } else {
                #expect(next == RecoveryPolicy.plan(job))
            }
        }
    }

    @Test func everyPlanHasWordsOfItsOwn() {
        #expect(Set(RecoveryPlan.allCases.map(\.words)).count == RecoveryPlan.allCases.count)
        #expect(Set(RecoveryPlan.allCases.map(\.action)) == Set(RecoveryAction.allCases))
    }
}
