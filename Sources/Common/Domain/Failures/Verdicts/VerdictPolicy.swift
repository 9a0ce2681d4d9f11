/// From a failure and the rules to a verdict: pure, total, and the only place where this is decided.
package struct VerdictPolicy: Sendable {
    private let blame: RuleIndex<BlameRule>
    private let action: RuleIndex<ActionRule>
    /// The same fingerprint so many times running on a job aborts it.
    private let persistence: Int

    /// A rule of failures that do not count gives a job up at so many, unless it has a limit of its own.
    package static let uncountedLimit = 20
    /// A job with so many failures that do not count is given up whatever the rules: rules that take turns must end
    /// too.
    package static let uncountedTotal = 100
    /// No attempt gets more wall time, seconds: seven days.
    package static let longestWalltime = 604_800.0

    /// - Throws: ``RuleError`` naming the rule whose pattern is not a regular expression.
    package init(_ rules: RuleSet, persistence: Int = 3) throws(RuleError) {
        self.blame = try RuleIndex(rules.blame)
        self.action = try RuleIndex(rules.action)
        self.persistence = persistence
    }

    package func decide(_ attempt: FailedAttempt) -> Verdict {
        let failure = attempt.failures.cause ?? Failure(.wrapperCrashed, "the report names no failure")
        let blamed = self.blame.decide(failure, attempt)
        let blame = blamed.rule?.blame ?? Blame(code: failure.code)
        let answer = self.action.decide(failure, attempt, blame: blame)
        var verdict = Verdict(
            action: answer.rule?.action ?? .resubmit,
            blame: blame,
            code: failure.code,
            diagnostic: failure.diagnostic,
            fingerprint: Fingerprint.of(failure),
            rule: answer.rule?.name ?? "no-rule",
            blameRule: blamed.rule?.name,
            counted: blame.isCounted && !attempt.placeIsExcluded,
            observed: blamed.observed + answer.observed
        )
        Decision(attempt: attempt, parameters: answer.rule?.parameters ?? .init(), persistence: self.persistence)
            .complete(&verdict)
        return verdict
    }
}
