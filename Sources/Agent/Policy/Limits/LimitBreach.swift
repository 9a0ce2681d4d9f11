import Domain

/// A limit for which the agent ended a step.
enum LimitBreach: Sendable, Equatable {
    case wallTime(limitSeconds: Int)
    case memory(usedMB: Int64, limitMB: Int)
    case disk(usedMB: Int64, limitMB: Int)
    case log(usedMB: Int64, limitMB: Int)
    case looping(Stillness, processes: String)

    /// What is reported of a step that was ended for it.
    func failure(step: String) -> Failure {
        let (code, words): (FailureCode, String) =
            switch self {
            case .wallTime(let limit): (.wallTime, "ran longer than \(limit) s and was ended")
            case .memory(let used, let limit): (.memory, "used \(used) MB of memory, the limit is \(limit) MB")
            case .disk(let used, let limit): (.disk, "used \(used) MB of disk, the limit is \(limit) MB")
            case .log(let used, let limit): (.logSize, "wrote \(used) MB of log, the limit is \(limit) MB")
            case .looping(let stillness, let processes):
                (.looping, "\(stillness.words) and was ended\(processes.isEmpty ? "" : "; then ran: \(processes)")")
            }
        return Failure(code, "step \(step) \(words)", source: .executor)
    }
}
