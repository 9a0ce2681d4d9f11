/// What is done about a failed attempt.
package enum VerdictAction: String, Sendable, CaseIterable, Codable {
    /// The job waits again.
    case resubmit
    /// The job is given up.
    case abort
    /// The task is paused until an operator has looked; the job waits again in it.
    case pause
}

/// One row of the rule table: which failures it is about, and what to do.
package struct FailureRule: Sendable, Hashable, Codable {
    package var name: String
    /// Rules are tried in ascending priority; the first that matches decides.
    package var priority: Int
    package var codes: ClosedRange<Int>
    /// A regular expression searched in the diagnostic, which may be empty; nil: any diagnostic.
    package var pattern: String?
    package var site: String?
    package var taskKind: String?
    /// Nil: as the code says.
    package var blame: Blame?
    package var action: VerdictAction
    package var parameters: RuleParameters

    package init(
        name: String,
        priority: Int,
        codes: ClosedRange<Int>,
        pattern: String? = nil,
        site: String? = nil,
        taskKind: String? = nil,
        blame: Blame? = nil,
        action: VerdictAction,
        parameters: RuleParameters = .init()
    ) {
        self.name = name
        self.priority = priority
        self.codes = codes
        self.pattern = pattern
        self.site = site
        self.taskKind = taskKind
        self.blame = blame
        self.action = action
        self.parameters = parameters
    }
}

/// How an action is done.
package struct RuleParameters: Sendable, Hashable, Codable {
    /// Pause before the first retry, seconds; it doubles with each failure in a row, up to an hour.
    package var pauseSeconds: Double?
    /// Keep the job away from the site that failed it, if another site is allowed.
    package var elsewhere: Bool?
    /// Give up after so many failures that do not count: every action has a bound.
    package var uncountedLimit: Int?

    package init(pauseSeconds: Double? = nil, elsewhere: Bool? = nil, uncountedLimit: Int? = nil) {
        self.pauseSeconds = pauseSeconds
        self.elsewhere = elsewhere
        self.uncountedLimit = uncountedLimit
    }
}

extension FailureRule {
    /// The rules a new catalogue starts with. Site, network and infrastructure failures are tried again and never use up a
    /// job's attempts; payload failures are tried again until the task's `max_attempts`.
    package static let defaults: [FailureRule] = [
        FailureRule(name: "cancelled", priority: 10, codes: 9101...9101, blame: .operator, action: .abort),
        FailureRule(name: "definition", priority: 20, codes: 3002...3002, action: .abort),
        FailureRule(name: "payload-not-found", priority: 21, codes: 1005...1005, action: .abort),
        FailureRule(
            name: "agent-lost",
            priority: 30,
            codes: 9001...9002,
            action: .resubmit,
            parameters: .init(pauseSeconds: 0, elsewhere: false, uncountedLimit: 20)
        ),
        FailureRule(
            name: "centre",
            priority: 31,
            codes: 9000...9999,
            action: .resubmit,
            parameters: .init(pauseSeconds: 5, elsewhere: false, uncountedLimit: 20)
        ),
        FailureRule(
            name: "software",
            priority: 40,
            codes: 4000...4999,
            action: .resubmit,
            parameters: .init(pauseSeconds: 30, elsewhere: true, uncountedLimit: 10)
        ),
        FailureRule(
            name: "site",
            priority: 41,
            codes: 5000...5999,
            action: .resubmit,
            parameters: .init(pauseSeconds: 0, elsewhere: true, uncountedLimit: 20)
        ),
        FailureRule(
            name: "batch-system",
            priority: 42,
            codes: 6000...6999,
            action: .resubmit,
            parameters: .init(pauseSeconds: 10, elsewhere: true, uncountedLimit: 20)
        ),
        FailureRule(
            name: "input-data",
            priority: 43,
            codes: 7000...7999,
            action: .resubmit,
            parameters: .init(pauseSeconds: 30, elsewhere: true, uncountedLimit: 10)
        ),
        FailureRule(
            name: "stage-out",
            priority: 44,
            codes: 8100...8199,
            action: .resubmit,
            parameters: .init(pauseSeconds: 10, elsewhere: true, uncountedLimit: 20)
        ),
        FailureRule(name: "books-refused", priority: 45, codes: 8200...8299, action: .resubmit),
        FailureRule(name: "output", priority: 46, codes: 8000...8999, action: .resubmit),
        FailureRule(name: "limit", priority: 50, codes: 2000...2999, action: .resubmit),
        FailureRule(
            name: "wrapper",
            priority: 51,
            codes: 3000...3999,
            action: .resubmit,
            parameters: .init(pauseSeconds: 5, elsewhere: true, uncountedLimit: 10)
        ),
        FailureRule(name: "payload", priority: 90, codes: 1000...1999, action: .resubmit),
        FailureRule(name: "anything-else", priority: 99, codes: 0...9999, action: .resubmit),
    ]
}
