import Domain
import Messages

/// What recovery finds in a task: jobs by plan, in numbers and with a few examples. Jobs that are as they should be are only counted.
package struct RecoverySurvey: Sendable {
    /// Jobs with one plan.
    struct Group: Sendable, Codable, Hashable {
        let action: RecoveryAction
        let reason: RecoveryPlan
        /// For people.
        let text: String
        var jobs: Int64 = 0
        /// That these jobs have to make.
        var events: Int64 = 0
        /// At most five.
        var examples: [String] = []

        init(_ plan: RecoveryPlan) {
            self.action = plan.action
            self.reason = plan
            self.text = plan.words
        }
    }

    private static let mostExamples = 5

    private var byPlan: [RecoveryPlan: Group] = [:]
    /// Jobs with something to do about them, in order.
    private(set) var open: [Int64] = []
    /// Of those, the jobs that wait in a range.
    private(set) var openInRanges: [Int64] = []
    /// The jobs of other tasks that are to read what is made again, and let go of it.
    private(set) var takers: Set<JobKey> = []

    /// Those to whom something is done first.
    var groups: [Group] { RecoveryPlan.allCases.compactMap { self.byPlan[$0] }.sorted { $0.rank < $1.rank } }

    /// Jobs that are not as they should be.
    var jobs: Int64 { self.byPlan.values.reduce(0) { $0 + $1.jobs } }

    func jobs(_ action: RecoveryAction) -> Int64 {
        self.byPlan.values.reduce(0) { $0 + ($1.action == action ? $1.jobs : 0) }
    }

    mutating func add(_ row: RecoveryFacts.Row, _ plan: RecoveryPlan) {
        if [.done, .waits, .cancelled, .replaced].contains(plan) { return }
        if plan.action.isChange || plan.action == .carryOut {
            self.open.append(row.job.index)
            if row.condition.state == .waiting { self.openInRanges.append(row.job.index) }
            if plan.action.isChange { self.takers.formUnion(row.takers) }
        }
        var group = self.byPlan[plan] ?? Group(plan)
        group.jobs += 1
        group.events += row.events
        if group.examples.count < Self.mostExamples { group.examples.append(row.example(plan)) }
        self.byPlan[plan] = group
    }

    /// The same without the jobs about which something is to be done: they are looked at again under their locks.
    func withoutOpen() -> RecoverySurvey {
        var rest = RecoverySurvey()
        rest.byPlan = self.byPlan.filter { !$0.key.action.isChange && $0.key.action != .carryOut }
        return rest
    }

    /// One line for the whole, and one for each plan.
    ///
    /// - Parameter total: the jobs of the task; nil: it has none yet.
    func lines(task: Int64, name: String, state: TaskState, total: Int64?) -> [String] {
        let fine = (total ?? 0) - self.jobs
        return ["task \(task) (\(name), \(state.rawValue)): \(fine) of \(total ?? 0) jobs are as they should be"]
            + self.groups.map(\.line)
    }

    /// The row of the task with the plan.
    func adding(to row: String) throws -> String {
        ObjectText.adding("plan", try WireFormat.text(self.groups), to: row)
    }
}

extension RecoverySurvey.Group {
    fileprivate var rank: Int { RecoveryAction.order.firstIndex(of: self.action) ?? RecoveryAction.order.count }

    fileprivate var line: String {
        let more = self.jobs - Int64(self.examples.count)
        let rest = more > 0 ? ", and \(more) more" : ""
        return "\(self.jobs) job\(self.jobs == 1 ? "" : "s") with \(self.events) events \(self.text): "
            + self.examples.joined(separator: ", ") + rest
    }
}

extension RecoveryAction {
    fileprivate static let order: [RecoveryAction] = [
        .waitAgain, .makeAgain, .giveUp, .carryOut, .refuse, .makeInputFirst, .wait, .nothing,
    ]
}

extension RecoveryFacts.Row {
    /// The job, and what an operator has to look at.
    fileprivate func example(_ plan: RecoveryPlan) -> String {
        self.detail(plan).map { "\(self.job) (\($0))" } ?? "\(self.job)"
    }

    /// What an operator has to look at, besides the job.
    func detail(_ plan: RecoveryPlan) -> String? {
        switch plan {
        case .datasetClosed: self.closedDataset.map { "dataset \($0)" }
        case .outputsRead: self.reader.map { "read by \($0)\(self.lack(unless: $0))" }
        case .inputProducible: self.producer.map { "recover \($0)" }
        case .inputLost, .inputUnavailable, .givenUp, .lastCopies: self.lostInput
        default: self.takers.first.map { "job \($0) lets go of it" }
        }
    }

    /// Another task reads what is lost, too, and will not have it while this job keeps it from being made again; nothing if there is none.
    private func lack(unless reader: String) -> String {
        guard let (task, name) = self.lacking else { return "" }
        return ", and task \(task) (\(name)) lacks what is lost: revoke job \(reader) and recover again, "
            + "or end that task without it: millrace task abort \(task)"
    }
}
