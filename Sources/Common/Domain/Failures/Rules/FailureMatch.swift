/// Which failures a rule is about. Every field that is set must fit; nil fits everything.
package struct FailureMatch: Sendable, Hashable, Codable {
    package var codes: ClosedRange<Int>?
    /// A regular expression, searched as written in the first 2,000 characters of the diagnostic, which may be empty:
    /// see ``DiagnosticPattern``.
    package var pattern: String?
    /// The site of the attempt, exactly; as all names below.
    package var site: String?
    package var node: String?
    package var workflow: String?
    package var taskKind: String?
    /// One of the software versions of the task, such as `geant4/11.2`.
    package var software: String?
    /// The number of the attempt, which counts from 1.
    package var attempts: ClosedRange<Int>?
    /// Whose fault it is, as the rules of blame said: for rules of action only.
    package var blame: Blame?

    package init(
        codes: ClosedRange<Int>? = nil,
        pattern: String? = nil,
        site: String? = nil,
        node: String? = nil,
        workflow: String? = nil,
        taskKind: String? = nil,
        software: String? = nil,
        attempts: ClosedRange<Int>? = nil,
        blame: Blame? = nil
    ) {
        self.codes = codes
        self.pattern = pattern
        self.site = site
        self.node = node
        self.workflow = workflow
        self.taskKind = taskKind
        self.software = software
        self.attempts = attempts
        self.blame = blame
    }

    /// How many fields of the scope are set: all but the codes and the pattern.
    package var scopes: Int {
        [
            self.site != nil, self.node != nil, self.workflow != nil, self.taskKind != nil, self.software != nil,
            self.attempts != nil, self.blame != nil,
        ].count { $0 }
    }

    /// How many codes it is about.
    package var width: Int { self.codes?.count ?? 10_000 }

    /// Whether the scope fits: everything but the codes and the pattern.
    func fits(_ attempt: FailedAttempt, blame: Blame?) -> Bool {
        if let site = self.site, site != attempt.site { return false }
        if let node = self.node, node != attempt.node { return false }
        if let workflow = self.workflow, workflow != attempt.workflow { return false }
        if let kind = self.taskKind, kind != attempt.taskKind { return false }
        if let software = self.software, !attempt.software.contains(software) { return false }
        if let attempts = self.attempts, !attempts.contains(attempt.key.attempt) { return false }
        if let wanted = self.blame, wanted != blame { return false }
        return true
    }
}

extension FailureMatch: CustomStringConvertible {
    /// Such as `1001–1999, pattern "bad_alloc", site DESY`; empty when everything fits.
    package var description: String {
        var parts: [String] = []
        if let codes = self.codes {
            parts.append(codes.count == 1 ? "\(codes.lowerBound)" : "\(codes.lowerBound)–\(codes.upperBound)")
        }
        if let pattern = self.pattern { parts.append("pattern \"\(pattern)\"") }
        if let site = self.site { parts.append("site \(site)") }
        if let node = self.node { parts.append("node \(node)") }
        if let workflow = self.workflow { parts.append("workflow \(workflow)") }
        if let kind = self.taskKind { parts.append("kind \(kind)") }
        if let software = self.software { parts.append("software \(software)") }
        if let attempts = self.attempts {
            let last = attempts.upperBound < RuleCheck.attempts.upperBound ? "–\(attempts.upperBound)" : " and later"
            parts.append("attempt \(attempts.lowerBound)\(attempts.count == 1 ? "" : last)")
        }
        if let blame = self.blame { parts.append("blame \(blame.rawValue)") }
        return parts.joined(separator: ", ")
    }
}
