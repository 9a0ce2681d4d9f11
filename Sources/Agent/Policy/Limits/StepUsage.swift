/// What a step was seen to use at one moment; nil: that was not looked at, or could not be seen.
struct StepUsage: Sendable, Equatable {
    /// Whether the job's wall time is over.
    var isOutOfTime = false
    var memoryBytes: Int64?
    var logBytes: Int64?
    /// Of the work folder.
    var diskBytes: Int64?
}
