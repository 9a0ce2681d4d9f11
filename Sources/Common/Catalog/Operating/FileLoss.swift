import Domain

/// What depends on a file that is lost, and how it comes back.
struct FileLoss: Sendable, Encodable {
    /// A task with files that were made from it, in any generation, or with jobs that have yet to read it.
    struct Dependent: Sendable, Encodable, Hashable {
        let task: Int64
        let name: String
        let request: Int64
        let files_made: Int64
        let jobs_waiting: Int64
        /// Jobs that have yet to read a file made from it: that is there.
        let jobs_after: Int64
    }

    /// What there is to do about it.
    struct Remedy: Sendable, Encodable, Hashable {
        /// The job that made the file; nil: none did.
        let job: String?
        /// What recovery does about that job; nil: its task has ended, and is not recovered.
        let plan: RecoveryPlan?
        /// In words.
        let text: String
        /// What to type; nil: nothing, or nothing yet.
        let command: String?
    }

    /// Files made from it, in all generations.
    let files_made: Int64
    let jobs_waiting: Int64
    /// Jobs that have yet to read a file made from it.
    let jobs_after: Int64
    let tasks: [Dependent]
    /// That hold it or files made from it; at most ``mostDatasets``.
    let datasets: [String]
    let remedy: Remedy

    /// More are not named.
    static let mostDatasets = 50

    var lines: [String] {
        let all =
            "\(self.files_made) files were made from it, \(self.jobs_waiting) jobs have yet to read it, \(self.jobs_after) a file made from it"
        let tasks = self.tasks.map {
            "task \($0.task) (\($0.name)) of request \($0.request): \($0.files_made) of these files, \($0.jobs_waiting + $0.jobs_after) of these jobs"
        }
        let more = self.datasets.count == Self.mostDatasets ? " and others" : ""
        let datasets = self.datasets.isEmpty ? [] : ["in datasets: \(self.datasets.joined(separator: ", "))\(more)"]
        let maker = self.remedy.job.map { "job \($0) made it: " } ?? ""
        return [all] + tasks + datasets + ["\(maker)\(self.remedy.text)"]
            + (self.remedy.command.map { ["to do it: \($0)"] } ?? [])
    }
}

extension FileLoss.Remedy {
    /// No job made it.
    static func ofNobody(_ dependents: [FileLoss.Dependent]) -> Self {
        let waiting = dependents.first { $0.jobs_waiting > 0 }
        return Self(
            job: nil,
            plan: nil,
            text: "no job made it, so none can make it again"
                + (waiting == nil ? "" : "; recovery gives up the jobs that have yet to read it"),
            command: waiting.map { "millrace recover \($0.task)" }
        )
    }

    /// Its task runs: recovery makes the job again, or says why not.
    static func ofRunning(_ job: JobKey, _ plan: RecoveryPlan, detail: String?) -> Self {
        Self(
            job: "\(job)",
            plan: plan,
            text: plan.words + (detail.map { " (\($0))" } ?? ""),
            command: plan.action.isChange ? "millrace recover \(job.task)" : nil
        )
    }

    /// What is known of a job whose task has ended.
    enum Ended: Sendable, Hashable {
        /// Nobody can look at what is left of it.
        case archived
        /// Other files of it, or files made from them, are there.
        case partly
        /// Nothing of it is left.
        case hole
        /// Nothing of it is left, and this request goes on with its own already, and counts it as done if it made events of nothing.
        case continued(by: Int64)
    }

    /// Its task has ended and never changes; another version of the request makes what is lost.
    static func ofEnded(_ job: JobKey, _ state: TaskState, request: Int64, _ ended: Ended) -> Self {
        let never = "its task is \(state.rawValue), and a task that has ended is never changed"
        let (text, command): (String, String?) =
            switch ended {
            case .archived:
                (
                    "its jobs are archived: when they are back, another version of request \(request) makes its events again if nothing of the job is left",
                    "millrace task restore \(job.task)"
                )
            case .partly:
                ("other files of the job, or files made from them, are there, so the job is not made again", nil)
            case .hole:
                (
                    "nothing of the job is left, so another version of request \(request) makes its events again",
                    "millrace request derive \(request)"
                )
            case .continued(let next):
                (
                    "nothing of the job is left, but request \(next) goes on with request \(request) already: a version after that one reads again what is lost, "
                        + "and events that were made of nothing are asked for in a new request",
                    nil
                )
            }
        return Self(job: "\(job)", plan: nil, text: "\(never); \(text)", command: command)
    }
}
