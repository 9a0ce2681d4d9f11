/// What the policy knows of the attempt that failed.
package struct FailedAttempt: Sendable, Hashable {
    package var key: AttemptKey
    package var site: String
    package var taskKind: String
    package var failures: [Failure]
    /// Counted failures of the job before this one, and how many it may have.
    package var countedBefore: Int
    package var maxAttempts: Int
    /// Fingerprints of the job's earlier failed attempts, oldest first.
    package var earlierFingerprints: [String]
    /// Other sites that are allowed and could take the job.
    package var otherSites: Int

    package init(
        key: AttemptKey,
        site: String,
        taskKind: String,
        failures: [Failure],
        countedBefore: Int,
        maxAttempts: Int,
        earlierFingerprints: [String],
        otherSites: Int
    ) {
        self.key = key
        self.site = site
        self.taskKind = taskKind
        self.failures = failures
        self.countedBefore = countedBefore
        self.maxAttempts = maxAttempts
        self.earlierFingerprints = earlierFingerprints
        self.otherSites = otherSites
    }
}

/// What is decided about one failed attempt.
package struct Verdict: Sendable, Hashable {
    package var action: VerdictAction
    package var blame: Blame
    package var code: Int
    package var diagnostic: String
    package var fingerprint: String
    package var rule: String
    /// Why, in one sentence with numbers.
    package var reason: String
    package var counted: Bool
    /// Seconds to wait before the next attempt.
    package var pauseSeconds: Double
    package var excludedSites: [String]
}

/// From a failure and the rules to a verdict: pure, total, and the only place where this is decided.
package struct VerdictPolicy: Sendable {
    private let rules: [CompiledRule]
    /// The same fingerprint so many times running on a job aborts it.
    private let persistence: Int

    private struct CompiledRule: @unchecked Sendable {
        // Regex is not marked Sendable; it is never changed after init and matching does not mutate it.
        let rule: FailureRule
        let regex: Regex<AnyRegexOutput>?
    }

    /// - Throws: ``RuleError`` naming the rule whose pattern is not a regular expression.
    package init(rules: [FailureRule], persistence: Int = 3) throws(RuleError) {
        var compiled: [CompiledRule] = []
        for rule in rules.sorted(by: { ($0.priority, $0.name) < ($1.priority, $1.name) }) {
            guard let pattern = rule.pattern else {
                compiled.append(CompiledRule(rule: rule, regex: nil))
                continue
            }
            do {
                compiled.append(CompiledRule(rule: rule, regex: try Regex(pattern)))
            } catch {
                throw RuleError(rule: rule.name, pattern: pattern, reason: "\(error)")
            }
        }
        self.rules = compiled
        self.persistence = persistence
    }

    package func decide(_ attempt: FailedAttempt) -> Verdict {
        let failure = attempt.failures.cause ?? Failure(.wrapperCrashed, "the report names no failure")
        let fingerprint = Fingerprint.of(failure)
        let rule = self.rules.first { Self.matches($0, failure: failure, attempt: attempt) }?.rule
        let blame = rule?.blame ?? Blame(code: failure.code)
        let counted = blame.isCounted
        var verdict = Verdict(
            action: rule?.action ?? .resubmit,
            blame: blame,
            code: failure.code,
            diagnostic: failure.diagnostic,
            fingerprint: fingerprint,
            rule: rule?.name ?? "no-rule",
            reason: "",
            counted: counted,
            pauseSeconds: 0,
            excludedSites: []
        )
        self.bound(&verdict, attempt: attempt, parameters: rule?.parameters ?? .init())
        return verdict
    }

    /// Applies the bounds: attempts used up, the same failure again and again, too many that do not count.
    private func bound(_ verdict: inout Verdict, attempt: FailedAttempt, parameters: RuleParameters) {
        let run = 1 + attempt.earlierFingerprints.reversed().prefix { $0 == verdict.fingerprint }.count
        let failed = attempt.countedBefore + (verdict.counted ? 1 : 0)
        let uncounted = attempt.earlierFingerprints.count + 1 - failed
        switch verdict.action {
        case .abort:
            verdict.reason = "rule \(verdict.rule) gives up at once"
        case .pause:
            verdict.reason = "rule \(verdict.rule) pauses the task"
        case .resubmit:
            if verdict.counted && failed >= attempt.maxAttempts {
                verdict.action = .abort
                verdict.reason = "failed \(failed) times, as often as its task allows"
            } else if verdict.counted && run >= self.persistence {
                verdict.action = .abort
                verdict.reason = "the same failure \(run) times in a row"
            } else if !verdict.counted, let limit = parameters.uncountedLimit, uncounted >= limit {
                verdict.action = .abort
                verdict.reason = "\(uncounted) failures that do not count, the limit of rule \(verdict.rule)"
            } else {
                verdict.pauseSeconds = Self.pause(first: parameters.pauseSeconds ?? 0, run: run)
                verdict.excludedSites = parameters.elsewhere == true && attempt.otherSites > 0 ? [attempt.site] : []
                verdict.reason =
                    verdict.counted
                    ? "failure \(failed) of \(attempt.maxAttempts) allowed"
                    : "\(verdict.blame.rawValue) failures do not use up the job's attempts"
            }
        }
    }

    /// Doubles with each failure in a row, up to an hour.
    private static func pause(first: Double, run: Int) -> Double {
        guard first > 0 else { return 0 }
        return min(3600, first * Double(1 << min(run - 1, 12)))
    }

    private static func matches(_ compiled: CompiledRule, failure: Failure, attempt: FailedAttempt) -> Bool {
        let rule = compiled.rule
        guard rule.codes.contains(failure.code) else { return false }
        if let site = rule.site, site != attempt.site { return false }
        if let kind = rule.taskKind, kind != attempt.taskKind { return false }
        guard let regex = compiled.regex else { return true }
        return failure.diagnostic.contains(regex)
    }
}

/// A rule that cannot be used.
package struct RuleError: Error, Sendable, CustomStringConvertible {
    package let rule: String
    package let pattern: String
    package let reason: String

    package var description: String {
        "rule \(self.rule): the pattern \(self.pattern) is not a regular expression: \(self.reason)"
    }
}
