/// The rules of one table in the order in which they are tried, and for each code only those that are about it.
struct RuleIndex<Rule: FailureRule>: Sendable {
    private struct Compiled: Sendable {
        let rule: Rule
        let pattern: DiagnosticPattern?
    }

    /// The rules for all codes from `first` up to the next segment.
    private struct Segment: Sendable {
        let first: Int
        let rules: [Compiled]
    }

    /// What the rules say of one failure.
    struct Answer: Sendable {
        /// Nil: no rule is about it.
        let rule: Rule?
        /// Names of rules that are only observed and would have decided.
        let observed: [String]
    }

    private let segments: [Segment]

    /// - Throws: ``RuleError`` naming the rule whose pattern is not one.
    init(_ rules: [Rule]) throws(RuleError) {
        var compiled: [Compiled] = []
        for rule in rules.sorted(by: { $0.precedes($1) }) {
            do {
                let pattern = try rule.match.pattern.map { (text) throws(PatternError) in try DiagnosticPattern(text) }
                compiled.append(Compiled(rule: rule, pattern: pattern))
            } catch {
                throw RuleError(
                    rule: rule.name,
                    reason: "the pattern \(rule.match.pattern ?? "") is refused: \(error.reason)"
                )
            }
        }
        var edges: Set<Int> = [Int.min]
        for codes in rules.compactMap(\.match.codes) {
            edges.insert(codes.lowerBound)
            if codes.upperBound < Int.max { edges.insert(codes.upperBound + 1) }
        }
        self.segments = edges.sorted().map { first in
            Segment(first: first, rules: compiled.filter { $0.rule.match.codes?.contains(first) ?? true })
        }
    }

    func decide(_ failure: Failure, _ attempt: FailedAttempt, blame: Blame? = nil) -> Answer {
        var observed: [String] = []
        for one in self.rules(for: failure.code) where one.rule.match.fits(attempt, blame: blame) {
            guard one.pattern?.matches(failure.diagnostic) ?? true else { continue }
            guard one.rule.state == .observed else { return Answer(rule: one.rule, observed: observed) }
            observed.append(one.rule.name)
        }
        return Answer(rule: nil, observed: observed)
    }

    private func rules(for code: Int) -> [Compiled] {
        var (low, high) = (0, self.segments.count)
        while high - low > 1 {
            let middle = (low + high) / 2
            if self.segments[middle].first <= code { low = middle } else { high = middle }
        }
        return self.segments[low].rules
    }
}
