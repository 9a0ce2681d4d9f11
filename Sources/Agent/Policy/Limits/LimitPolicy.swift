import Domain

/// Whether a step is ended for what it uses.
enum LimitPolicy {
    /// A log larger than this ends its step, whatever the job may use.
    static let logLimit: Int64 = 1 << 30

    /// What is exactly at its limit may go on; what is not known breaks none.
    ///
    /// - Parameter requirement: a `diskMB` of 0 is no limit.
    static func breach(_ usage: StepUsage, _ requirement: Requirement) -> LimitBreach? {
        if usage.isOutOfTime { return .wallTime(limitSeconds: requirement.walltimeSeconds) }
        if let used = usage.memoryBytes, used > Int64(requirement.memoryMB) << 20 {
            return .memory(usedMB: Self.megabytes(used), limitMB: requirement.memoryMB)
        }
        if let used = usage.logBytes, used > Self.logLimit {
            return .log(usedMB: Self.megabytes(used), limitMB: Int(Self.logLimit >> 20))
        }
        if let used = usage.diskBytes, requirement.diskMB > 0, used > Int64(requirement.diskMB) << 20 {
            return .disk(usedMB: Self.megabytes(used), limitMB: requirement.diskMB)
        }
        return nil
    }

    /// Rounded up: what is told is never the limit itself.
    private static func megabytes(_ bytes: Int64) -> Int64 { (bytes + (1 << 20) - 1) >> 20 }
}
