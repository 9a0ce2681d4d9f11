import Domain

/// All that was seen of the end of a step.
struct StepEvidence: Sendable {
    var step: String
    var end: ProcessEnd
    /// The limit for which the agent ended it: then its signal is ours, and no failure.
    var breach: LimitBreach?
    /// That the kernel ended it, or a part of it, because memory ran out.
    var memory: Failure?
    /// What it left in its work folder.
    var reports: [JobReport] = []
    /// The last lines of its log.
    var tail = ""
    /// The last line that says anything.
    var lastLine: String?
    /// Whether the node's work folder has no space left.
    var isDiskFull = false
}
