import Domain

/// What a step says of its own end, in a file that it leaves: more than the eight bits of an exit code can.
struct JobReport: Sendable, Equatable {
    /// Whether it speaks of the end at all.
    enum Word: Sendable { case success, failure, none, unreadable }

    /// What it says went wrong, or that it cannot be read.
    var failures: [Failure]
    var word: Word
    /// How much of which files it says the step read.
    var reads: [ForeignRead] = []

    static let silent = JobReport(failures: [], word: .none)
    static let success = JobReport(failures: [], word: .success)

    static func failed(_ failures: [Failure]) -> JobReport { JobReport(failures: failures, word: .failure) }

    /// - Parameter failures: what was understood all the same.
    static func unreadable(_ file: String, _ reason: String, step: String, _ failures: [Failure] = []) -> JobReport {
        let words = "\(file) of step \(step) cannot be read: \(Diagnostic.line(reason))"
        return JobReport(
            failures: failures + [Failure(.payloadReportBroken, words, source: .wrapper)],
            word: failures.isEmpty ? .unreadable : .failure
        )
    }
}
