/// What is decided about one failed attempt. A verdict that gives the job up changes nothing for a next attempt: it
/// has no pause, excludes nothing and raises nothing. A strike and a measure for the task stand all the same: they
/// are not the job's.
package struct Verdict: Sendable, Hashable {
    package var action: VerdictAction
    package var blame: Blame
    package var code: Int
    package var diagnostic: String
    package var fingerprint: String
    /// The rule that decided what is done; `no-rule` when none was about the failure.
    package var rule: String
    /// The rule that decided whose fault it is; nil: the code's own blame.
    package var blameRule: String?
    /// Why, in one sentence with numbers.
    package var reason = ""
    /// Whether the failure uses up one of the job's attempts.
    package var counted: Bool
    /// Seconds to wait before the next attempt.
    package var pauseSeconds = 0.0
    /// For the next attempt only.
    package var excludedSites: [String] = []
    /// For the next attempt only.
    package var excludedNodes: [String] = []
    /// Memory of the next attempt, MB for all its cores; nil: as before.
    package var memoryMB: Int?
    /// The whole task gets ``memoryMB`` too.
    package var raisesTask = false
    /// Wall time of the next attempt, seconds; nil: as before.
    package var walltimeSeconds: Double?
    /// The job is replaced by so many, which share its events; nil: it stays one.
    package var splitInto: Int?
    /// The most events each of those has; nil: it stays one.
    package var eventsPerPart: Int?
    /// What is done about the task; nil: nothing.
    package var taskAction: TaskMeasure?
    /// What the failure counts against; nil: nothing.
    package var strike: StrikeTarget?
    /// Whether the input that failed is reported as suspicious.
    package var reportsInput = false
    /// Names of rules that are only observed and would have decided.
    package var observed: [String] = []
}
