import Domain
import Testing

@Suite struct StateTests {
    /// Every pair of states: legal exactly when the table says so, and nothing leaves a terminal state but a correction.
    private func check<State: StateMachine>(_ type: State.Type) {
        for from in State.allCases {
            for to in State.allCases {
                let row = State.transitions.first { $0.from == from && $0.to == to }
                #expect(State.isLegal(from: from, to: to) == (row != nil))
                if from.isTerminal, let row { #expect(row.movers == [.operator], "\(State.kind): \(from) -> \(to)") }
            }
        }
        let reachable = Set(State.transitions.map(\.to))
        #expect(reachable == Set(State.allCases), "\(State.kind): a state nobody can reach")
        #expect(State.transitions.contains { $0.from == nil })
        for row in State.transitions { #expect(!row.movers.isEmpty && !row.when.isEmpty) }
    }

    @Test func everyMachineHasASoundTable() {
        self.check(RequestState.self)
        self.check(TaskState.self)
        self.check(JobState.self)
        self.check(AttemptState.self)
        self.check(TransferState.self)
        self.check(DatasetState.self)
        self.check(SiteAccess.self)
        self.check(FileState.self)
        self.check(VerdictState.self)
        self.check(PlaceState.self)
    }

    @Test func anActionIsAllowedOnlyWhereItsMoveIsLegal() {
        let targets: [RequestAction: [RequestState]] = [
            .approve: [.approved], .reject: [.rejected], .hold: [.held], .release: [.approved, .running],
            .cancel: [.cancelled],
        ]
        // What moves nothing is not for what has ended.
        #expect(RequestAction.extend.allowedIn.allSatisfy { !$0.isTerminal && $0 != .new })
        #expect(RequestAction.change.allowedIn.allSatisfy { !$0.isTerminal })
        // A request that still makes something has not left anything undone.
        #expect(RequestAction.derive.allowedIn.allSatisfy { $0 == .held || $0.isTerminal && $0 != .rejected })
        for action in RequestAction.allCases where ![.extend, .change, .derive, .clean, .clone].contains(action) {
            for state in action.allowedIn {
                let legal = (targets[action] ?? []).contains { RequestState.isLegal(from: state, to: $0) }
                #expect(legal, "\(action) in \(state)")
            }
        }
        // Where there is nothing made yet, or what was made is handed over, nothing is deleted.
        #expect(
            RequestAction.clean.allowedIn.allSatisfy { $0 == .cancelled || RequestAction.cancel.allowedIn.contains($0) }
        )
        #expect(!RequestAction.approve.allowedIn.contains(.running))
    }

    /// Jobs without events: they are counted themselves.
    @Test(arguments: [
        (Int64(10), Int64(0), 0.0, TaskState.done), (10, 1, 0.0, .failed), (10, 1, 0.1, .done), (10, 2, 0.1, .failed),
        (0, 0, 0.0, .done), (10, 10, 1.0, .done), (100, 29, 0.29, .done), (100, 30, 0.29, .failed),
    ])
    func aTaskEndsByItsAllowedLoss(jobs: Int64, aborted: Int64, allowed: Double, end: TaskState) {
        #expect(TaskState.end(jobs: jobs, aborted: aborted, events: 0, lost: 0, allowedLoss: allowed) == end)
    }

    /// Of 100 events in ten jobs one job was split into ten: a whole job and a part are more than a tenth, though not of the jobs.
    @Test func partsOfASplitJobWeighWhatTheyHold() {
        let end = { TaskState.end(jobs: 19, aborted: $0, events: 100, lost: $1, allowedLoss: 0.1) }
        #expect(end(2, 11) == .failed)
        #expect(end(1, 10) == .done)
        #expect(end(10, 10) == .done, "all parts are as much as the job was")
    }

    /// Every small task: it is done exactly when what was given up is no larger a part of what there was than is allowed, in whole numbers.
    @Test func everySmallTaskEndsByTheShareOfItsEvents() {
        for (jobs, events) in (0...6).flatMap({ jobs in (0...6).map { (Int64(jobs), Int64($0)) } }) {
            for (aborted, lost) in (0...jobs).flatMap({ aborted in (0...events).map { (aborted, $0) } }) {
                for twentieths in Int64(0)...20 {
                    let (given, all) = lost == 0 ? (aborted, jobs) : (lost, events)
                    let isDone = aborted == 0 || given * 20 <= twentieths * all
                    let expected: TaskState = isDone ? .done : .failed
                    let end = TaskState.end(
                        jobs: jobs,
                        aborted: aborted,
                        events: events,
                        lost: lost,
                        allowedLoss: Double(twentieths) / 20
                    )
                    #expect(
                        end == expected,
                        "\(aborted) of \(jobs) jobs, \(lost) of \(events) events, \(twentieths) twentieths"
                    )
                }
            }
        }
    }

    @Test func rolesContainEachOther() {
        #expect(Role.administrator > .operator)
        #expect(Role.operator > .physicist)
        #expect(Role.physicist > .viewer)
    }
}
