/// Past failures decided again with another set of rules: what would have been different.
package struct RuleReplay: Sendable, Hashable {
    /// One kind of difference, with its number and some of the attempts.
    package struct Change: Sendable, Hashable {
        package let before: String
        package let after: String
        package var count = 0
        package var examples: [AttemptKey] = []
    }

    /// Failures that were looked at.
    package private(set) var failures = 0
    /// Those the tested rule decides, for blame or action.
    package private(set) var decided = 0
    /// Those whose verdict is different, the most frequent first.
    package private(set) var changes: [Change] = []

    /// - Parameters:
    ///   - history: failures in the order in which they came.
    ///   - rule: the name of the tested rule.
    ///   - before: the policy without the rule; `after`: with it.
    package init(_ history: some Sequence<FailedAttempt>, rule: String, before: VerdictPolicy, after: VerdictPolicy) {
        var changes: [String: Change] = [:]
        for attempt in history {
            let (old, new) = (before.decide(attempt), after.decide(attempt))
            self.failures += 1
            if new.rule == rule || new.blameRule == rule { self.decided += 1 }
            let (from, to) = (Self.words(old), Self.words(new))
            guard from != to else { continue }
            var change = changes["\(from) > \(to)"] ?? Change(before: from, after: to)
            change.count += 1
            if change.examples.count < 3 { change.examples.append(attempt.key) }
            changes["\(from) > \(to)"] = change
        }
        self.changes = changes.values.sorted { ($1.count, $0.before, $0.after) < ($0.count, $1.before, $1.after) }
    }

    /// What of a verdict people would notice.
    private static func words(_ verdict: Verdict) -> String {
        var words = ["\(verdict.action.rawValue)", "blame \(verdict.blame.rawValue)"]
        if verdict.pauseSeconds > 0 { words.append("after \(Int(verdict.pauseSeconds)) s") }
        if !verdict.excludedSites.isEmpty { words.append("elsewhere") }
        if let memory = verdict.memoryMB { words.append("\(memory) MB") }
        if let time = verdict.walltimeSeconds { words.append("\(Int(time)) s of wall time") }
        if let task = verdict.taskAction { words.append("task: \(task.rawValue)") }
        return words.joined(separator: ", ")
    }
}
