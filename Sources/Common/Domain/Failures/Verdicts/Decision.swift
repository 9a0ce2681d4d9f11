/// Applies the parameters of a rule and the bounds to a verdict: attempts used up, the same failure again and again,
/// a rule that fired too often, memory or time that cannot be raised any more.
struct Decision {
    let attempt: FailedAttempt
    let parameters: RuleParameters
    let persistence: Int

    func complete(_ verdict: inout Verdict) {
        verdict.taskAction = self.parameters.task ?? (verdict.action == .pause ? .pause : nil)
        verdict.strike = self.parameters.strike
        verdict.reportsInput = self.parameters.reportInput == true && self.mayReport(verdict)
        switch verdict.action {
        case .abort: verdict.reason = "rule \(verdict.rule) gives up at once"
        case .pause: verdict.reason = "rule \(verdict.rule) pauses the task"
        case .resubmit: self.resubmit(&verdict)
        }
    }

    /// Never the last copy on one symptom, and no file where every file fails.
    private func mayReport(_ verdict: Verdict) -> Bool {
        guard !self.attempt.otherInputsFail else { return false }
        return (self.attempt.goodReplicas ?? 1) > 1 || self.uses(verdict) > 0
    }

    /// How often the rule decided before on this job.
    private func uses(_ verdict: Verdict) -> Int { self.attempt.ruleUses?[verdict.rule] ?? 0 }

    /// How often in a row this fingerprint came, this time included.
    private func run(_ verdict: Verdict) -> Int {
        1 + self.attempt.earlierFingerprints.reversed().prefix { $0 == verdict.fingerprint }.count
    }

    private func resubmit(_ verdict: inout Verdict) {
        var changes: [String] = []
        do throws(Exhausted) {
            try self.checkBounds(verdict)
            try self.raiseMemory(&verdict, &changes)
            try self.raiseTime(&verdict, &changes)
            self.split(&verdict, &changes)
            try self.checkSameness(verdict, changed: !changes.isEmpty)
        } catch {
            verdict.action = .abort
            verdict.memoryMB = nil
            verdict.raisesTask = false
            verdict.walltimeSeconds = nil
            verdict.splitInto = nil
            verdict.eventsPerPart = nil
            verdict.reason = error.reason
            return
        }
        let failures = max(self.run(verdict), self.uses(verdict) + 1)
        verdict.pauseSeconds = RetryPause.seconds(self.parameters, failures: failures, key: self.attempt.key)
        self.exclude(&verdict, &changes)
        let failed = self.attempt.countedBefore + 1
        let begin =
            verdict.counted
            ? "failure \(failed) of \(self.attempt.maxAttempts) allowed" : self.whyUncounted(verdict)
        verdict.reason = ([begin] + changes).joined(separator: ", ")
    }

    private func whyUncounted(_ verdict: Verdict) -> String {
        verdict.blame.isCounted
            ? "its node or site is excluded: what fails there does not use up the job's attempts"
            : "\(verdict.blame.rawValue) failures do not use up the job's attempts"
    }

    /// Why a job is not tried again.
    private struct Exhausted: Error {
        let reason: String
    }

    private func checkBounds(_ verdict: Verdict) throws(Exhausted) {
        let failed = self.attempt.countedBefore + (verdict.counted ? 1 : 0)
        let uses = self.uses(verdict) + 1
        // Smaller jobs are not the same again: how often a job is divided has its own bound.
        if verdict.counted && failed >= self.attempt.maxAttempts && self.size == nil {
            throw Exhausted(reason: "failed \(failed) times, as often as its task allows")
        }
        if verdict.counted {
            guard let limit = self.parameters.limit, uses >= limit else { return }
            throw Exhausted(reason: "rule \(verdict.rule) fired \(uses) times on the job, its limit")
        }
        let uncounted = self.attempt.earlierFingerprints.count + 1 - failed
        let limit = self.parameters.limit ?? VerdictPolicy.uncountedLimit
        if (self.attempt.ruleUses == nil ? uncounted : uses) >= limit {
            let number = self.attempt.ruleUses == nil ? uncounted : uses
            throw Exhausted(reason: "\(number) failures that do not count, the limit of rule \(verdict.rule)")
        }
        if uncounted >= VerdictPolicy.uncountedTotal {
            throw Exhausted(reason: "\(uncounted) failures that do not count, more than any job may have")
        }
    }

    /// An attempt that differs from the last one is not the same again: its rule bounds it.
    private func checkSameness(_ verdict: Verdict, changed: Bool) throws(Exhausted) {
        let run = self.run(verdict)
        guard verdict.counted, !changed, run >= self.persistence else { return }
        throw Exhausted(reason: "the same failure \(run) times in a row")
    }

    private func raiseMemory(_ verdict: inout Verdict, _ changes: inout [String]) throws(Exhausted) {
        guard self.parameters.moreMemory == true || self.parameters.memoryFactor != nil else { return }
        let (given, peak) = (self.attempt.memoryMB, self.attempt.memoryPeakMB)
        let factor = self.parameters.memoryFactor ?? 1
        guard let next = MemoryLadder.next(given: given, peak: peak, cores: self.attempt.cores, factor: factor) else {
            throw Exhausted(
                reason: "needs more than \(given ?? peak ?? 0) MB of memory, which is all that a job is given"
            )
        }
        verdict.memoryMB = next
        let measured = peak.map { " (\($0) MB measured)" } ?? ""
        changes.append("memory from \(given.map { "\($0) MB" } ?? "no limit") to \(next) MB\(measured)")
        let share = self.parameters.taskShare ?? 0.3
        guard self.attempt.raisedShare > share else { return }
        verdict.raisesTask = true
        changes.append("for the whole task since \(Self.percent(self.attempt.raisedShare)) of its jobs needed it")
    }

    private func raiseTime(_ verdict: inout Verdict, _ changes: inout [String]) throws(Exhausted) {
        guard let factor = self.parameters.moreTime, let given = self.attempt.walltimeSeconds else { return }
        let next = min(VerdictPolicy.longestWalltime, (given * max(1, factor)).rounded(.up))
        guard next > given else {
            throw Exhausted(reason: "needs more than \(Int(given)) s of wall time, which is all that a job is given")
        }
        verdict.walltimeSeconds = next
        changes.append("wall time from \(Int(given)) s to \(Int(next)) s")
    }

    /// The most events of a job after a split; nil: the rule wants none, or there is too little to divide.
    private var size: Int? {
        guard let wanted = self.parameters.split, min(wanted, self.attempt.events) > 1 else { return nil }
        return (self.attempt.events + wanted - 1) / wanted
    }

    private func split(_ verdict: inout Verdict, _ changes: inout [String]) {
        guard let size = self.size else { return }
        let parts = (self.attempt.events + size - 1) / size
        verdict.splitInto = parts
        verdict.eventsPerPart = size
        changes.append("its \(self.attempt.events) events go to \(parts) jobs")
    }

    private func exclude(_ verdict: inout Verdict, _ changes: inout [String]) {
        if self.parameters.elsewhere == true, self.attempt.otherSites > 0 {
            verdict.excludedSites = [self.attempt.site]
            changes.append("not at \(self.attempt.site)")
        }
        if self.parameters.otherNode == true, self.attempt.otherNodes > 0, let node = self.attempt.node {
            verdict.excludedNodes = [node]
            changes.append("not on \(node)")
        }
    }

    private static func percent(_ share: Double) -> String { "\(Int((share * 100).rounded())) %" }
}
