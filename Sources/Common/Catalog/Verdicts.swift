package import Domain
package import Postgres

/// Carrying verdicts out: the Scheduler's side.
package enum VerdictStatements {
    /// Open verdicts of these attempts, with their jobs locked: task, index, attempt, action, not before, excluded sites, reason.
    package static func open(
        _ attempts: [AttemptKey]
    ) -> Statement<Int64, Int64, Int32, String, Moment?, [String], String> {
        Statement(
            "verdicts.open",
            """
            SELECT v.task, v.index, v.attempt, v.action, v.not_before,
                   ARRAY(SELECT jsonb_array_elements_text(coalesce(v.changes -> 'excludedSites', '[]'))), v.reason
            FROM unnest(\(attempts.map(\.task)), \(attempts.map(\.index)), \(attempts.map { Int32($0.attempt) })) AS i(task, index, attempt)
            JOIN verdict v ON v.task = i.task AND v.index = i.index AND v.attempt = i.attempt AND v.carried_out_at IS NULL
            JOIN job j ON j.task = v.task AND j.index = v.index AND j.state = 'recovering'
            ORDER BY v.task, v.index FOR NO KEY UPDATE OF j
            """,
            returning: Int64.self,
            Int64.self,
            Int32.self,
            String.self,
            Moment?.self,
            [String].self,
            String.self
        )
    }

    /// One job that waits again.
    package struct Resubmission: Sendable {
        package let job: JobKey
        package let notBefore: Moment?
        package let excludedSites: [String]

        package init(job: JobKey, notBefore: Moment?, excludedSites: [String]) {
            self.job = job
            self.notBefore = notBefore
            self.excludedSites = excludedSites
        }
    }

    /// A resubmission is a range of one.
    package static func wait(_ jobs: [Resubmission]) -> SQL {
        """
        INSERT INTO waiting (task, first, last, class, priority, not_before, excluded, due, held)
        SELECT i.task, i.index, i.index, t.class, t.priority, coalesce(i.not_before, '-infinity'),
               string_to_array(i.excluded, ','), coalesce(i.not_before <= clock_timestamp(), true),
               t.state = 'paused' OR r.state = 'held'
        FROM unnest(\(jobs.map(\.job.task)), \(jobs.map(\.job.index)), \(jobs.map(\.notBefore)),
                    \(jobs.map { $0.excludedSites.joined(separator: ",") })) AS i(task, index, not_before, excluded)
        JOIN task t ON t.id = i.task JOIN request r ON r.id = t.request
        ORDER BY i.task, i.index
        """
    }

    package static func carriedOut(_ attempts: [AttemptKey]) -> SQL {
        """
        UPDATE verdict v SET carried_out_at = clock_timestamp()
        FROM unnest(\(attempts.map(\.task)), \(attempts.map(\.index)), \(attempts.map { Int32($0.attempt) })) AS i(task, index, attempt)
        WHERE v.task = i.task AND v.index = i.index AND v.attempt = i.attempt AND v.carried_out_at IS NULL
        """
    }

    /// Verdicts older than this that nobody carried out: what the sweep looks for.
    package static func overdue(seconds: Double) -> Statement<Int64, Int64, Int32> {
        Statement(
            "verdicts.overdue",
            """
            SELECT task, index, attempt FROM verdict
            WHERE carried_out_at IS NULL AND at < clock_timestamp() - make_interval(secs => \(seconds)) ORDER BY at LIMIT 500
            """,
            returning: Int64.self,
            Int64.self,
            Int32.self
        )
    }

    /// The rule table, as the Monitor compiles it: name, priority, codes, pattern, scope, blame, action, parameters.
    package static let rules = Statement<String, Int32, Int32, Int32, String?, JSONText, String?, String, JSONText>(
        "verdicts.rules",
        """
        SELECT name, priority, code_first, code_last, pattern, scope, blame, action, parameters FROM failure_rule
        WHERE active AND (expires IS NULL OR expires > now()) ORDER BY priority, name
        """,
        returning: String.self,
        Int32.self,
        Int32.self,
        Int32.self,
        String?.self,
        JSONText.self,
        String?.self,
        String.self,
        JSONText.self
    )

    /// Puts the rules a catalogue starts with; those already there stay as they are.
    package static func seedRules(_ rules: [(rule: FailureRule, scope: JSONText, parameters: JSONText)]) -> SQL {
        """
        INSERT INTO failure_rule (name, priority, code_first, code_last, pattern, scope, blame, action, parameters, who)
        SELECT i.*, 'millrace' FROM unnest(\(rules.map(\.rule.name)), \(rules.map { Int32($0.rule.priority) }),
            \(rules.map { Int32($0.rule.codes.lowerBound) }), \(rules.map { Int32($0.rule.codes.upperBound) }), \(rules.map(\.rule.pattern)),
            \(rules.map(\.scope)), \(rules.map { $0.rule.blame?.rawValue }), \(rules.map(\.rule.action.rawValue)), \(rules.map(\.parameters)))
            AS i(name, priority, code_first, code_last, pattern, scope, blame, action, parameters)
        ON CONFLICT (name) DO NOTHING
        """
    }

    static var examples: [AnyStatement] {
        [
            Self.open([]).erased, Command("verdicts.wait", Self.wait([])).erased,
            Command("verdicts.carriedOut", Self.carriedOut([])).erased,
            Self.overdue(seconds: 1).erased, Self.rules.erased,
            Command("verdicts.seedRules", Self.seedRules([])).erased,
        ]
    }
}
