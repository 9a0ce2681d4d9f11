import Domain
import Postgres

/// Conditions of filters that a plain comparison would answer by reading a whole table. Each means the same as the comparison.
enum ListConditions {
    /// Jobs in these states: of the tasks, by number, from the first to the last whose counters know any. (`task = ANY` would
    /// lose the index its order.)
    static func jobState(_ states: [String]) -> SQL {
        """
        v.state = ANY(\(states)::text[])
        AND v.task >= (SELECT min(k.task) FROM (\(fragment: Self.tasks(withJobs: states))) k)
        AND v.task <= (SELECT max(k.task) FROM (\(fragment: Self.tasks(withJobs: states))) k)
        """
    }

    private static func tasks(withJobs states: [String]) -> SQL {
        """
        SELECT c.task FROM task_counter c GROUP BY c.task
        HAVING (sum(c.active) > 0 AND 'active' = ANY(\(states)::text[])) OR (sum(c.done) > 0 AND 'done' = ANY(\(states)::text[]))
            OR (sum(c.aborted) > 0 AND 'aborted' = ANY(\(states)::text[]))
            OR (sum(c.recovering) > 0 AND 'recovering' = ANY(\(states)::text[]))
            OR (sum(c.cancelled) > 0 AND ARRAY['cancelled', 'replaced'] && \(states)::text[])
        UNION ALL
        SELECT t.id FROM task t WHERE 'waiting' = ANY(\(states)::text[])
        """
    }

    /// Attempts in these states: those that ended badly, and those that live, have an index each.
    static func attemptState(_ states: [String]) -> SQL {
        if states.allSatisfy({ AttemptState(rawValue: $0) == nil }) { return "false" }
        let bad = [AttemptState.failed, .lost, .cancelled].map(\.rawValue)
        if states.allSatisfy(bad.contains) {
            let ended: SQL = states.count == 1 ? "= \(states[0])" : "= ANY(\(states)::text[])"
            return "v.final_state \(fragment: ended) AND v.final_state IN ('failed', 'lost', 'cancelled')"
        }
        let live = [AttemptState.leased, .running, .finished].map(\.rawValue)
        if states.allSatisfy(live.contains) { return "v.final_state IS NULL AND v.state = ANY(\(states)::text[])" }
        if states == [AttemptState.done.rawValue] { return "v.final_state = 'done'" }
        return "v.state = ANY(\(states)::text[])"
    }

    /// The files of these tasks are found by task and then sorted by name: in the order of names they may be far apart.
    static func fileTask(_ tasks: [Int64]) -> SQL {
        "v.lfn = ANY(ARRAY(SELECT f.lfn FROM file f WHERE f.task = ANY(\(tasks)::bigint[])))"
    }

    /// A kind that the log does not know is not looked for.
    static func transitionKind(_ kinds: [String]) -> SQL {
        let known = kinds.filter(Self.kinds.contains)
        if known.isEmpty { return "false" }
        return known.count == 1 ? "v.kind = \(known[0])" : "v.kind = ANY(\(known)::text[])"
    }

    private static let kinds: Set<String> = [
        "request", "task", "job", "attempt", "file", "dataset", "transfer", "site", "verdict", "place",
    ]
}
