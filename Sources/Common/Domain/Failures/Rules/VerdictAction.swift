/// What is done about a failed attempt.
package enum VerdictAction: String, Sendable, CaseIterable, Codable {
    /// The job waits again.
    case resubmit
    /// The job is given up.
    case abort
    /// The task is paused until an operator has looked; the job waits again in it.
    case pause
}

/// How the pause before the next attempt grows with each failure in a row.
package enum PauseGrowth: String, Sendable, CaseIterable, Codable {
    /// Not at all.
    case fixed
    /// It doubles: 1, 2, 4, 8 times the first.
    case exponential
    /// 1, 4, 9, 16 times the first.
    case squared
}

/// What is done about the whole task of a failed attempt.
package enum TaskMeasure: String, Sendable, CaseIterable, Codable {
    /// The task waits for an operator.
    case pause
    case abort
    /// The running tasks of the same request wait too.
    case pauseSiblings
}

/// What a failure counts against when the Monitor looks for black holes.
package enum StrikeTarget: String, Sendable, CaseIterable, Codable {
    case node
    case site
}

/// Whether a rule decides.
package enum RuleState: String, Sendable, CaseIterable, Codable {
    case active
    /// It is only noted where it would have decided.
    case observed
}
