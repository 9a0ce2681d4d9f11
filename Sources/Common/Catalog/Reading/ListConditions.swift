import Domain
import Postgres

/// Conditions of filters that a plain comparison would answer by reading a whole table. Each means the same as the comparison.
enum ListConditions {
    /// Those that have not ended have an index of their own: a page of them costs the same however many have ended since.
    static func requestState(_ states: [String]) -> SQL {
        let open = RequestState.allCases.filter { !$0.isTerminal }.map(\.rawValue)
        guard states.count > 1, states.allSatisfy(open.contains) else { return Self.equal("v.state", states) }
        return "v.state = ANY(\(states)::text[]) AND v.state IN ('new', 'approved', 'running', 'held')"
    }

    /// What agents sent for these requests: by their tasks.
    static func submissionRequest(_ requests: [Int64]) -> SQL {
        "v.task = ANY(ARRAY(SELECT t.id FROM task t WHERE t.request = ANY(\(requests)::bigint[])))"
    }

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

    /// Attempts of these sites: of the tasks, by number, from the first to the last that had any end there or may have some there now.
    static func attemptSite(_ sites: [String]) -> SQL {
        """
        v.site = ANY(\(sites)::text[]) AND v.task >= (SELECT min(k.task) FROM (\(fragment: Self.tasks(at: sites))) k)
        AND v.task <= (SELECT max(k.task) FROM (\(fragment: Self.tasks(at: sites))) k)
        """
    }

    private static func tasks(at sites: [String]) -> SQL {
        """
        SELECT p.task FROM production p WHERE p.site = ANY(\(sites)::text[])
        UNION ALL
        SELECT l.task FROM lease l WHERE l.holder = ANY(ARRAY(SELECT a.id FROM agent_session a WHERE a.site = ANY(\(sites)::text[])))
        """
    }

    /// Jobs, attempts and outputs with these numbers in their tasks: looked up by key in every task that has so many jobs.
    static func index(_ indexes: [Int64]) -> SQL {
        if indexes.allSatisfy({ $0 < 0 }) { return "false" }
        return """
            v.index = ANY(\(indexes)::bigint[])
            AND v.task = ANY(ARRAY(SELECT t.id FROM task t WHERE t.jobs_total IS NULL OR t.jobs_total > \(indexes.min() ?? 0)))
            """
    }

    /// Outputs of these streams: of the tasks, by number, from the first to the last that make one.
    static func stream(_ streams: [String]) -> SQL {
        """
        v.stream = ANY(\(streams)::text[])
        AND v.task >= (SELECT min(s.task) FROM task_stream s WHERE s.stream = ANY(\(streams)::text[]))
        AND v.task <= (SELECT max(s.task) FROM task_stream s WHERE s.stream = ANY(\(streams)::text[]))
        """
    }

    /// Outputs that are not accepted are in few tasks.
    static func accepted(_ flag: Bool) -> SQL {
        flag ? "v.accepted" : "NOT v.accepted AND v.task = ANY(ARRAY(SELECT r.task FROM revoked_task r))"
    }

    /// Nothing is read for the name of a site or storage element that is not there.
    static func fileSite(_ sites: [String]) -> SQL {
        """
        \(fragment: Self.equal("v.site", sites)) AND (SELECT EXISTS (SELECT 1 FROM site s WHERE s.name = ANY(\(sites)::text[])))
        """
    }

    static func storage(_ column: StaticString, _ storages: [String]) -> SQL {
        """
        \(fragment: Self.equal(column, storages))
        AND (SELECT EXISTS (SELECT 1 FROM storage_element s WHERE s.name = ANY(\(storages)::text[])))
        """
    }

    /// A state that there is not is not looked for.
    static func transferState(_ states: [String]) -> SQL {
        if states.allSatisfy({ TransferState(rawValue: $0) == nil }) { return "false" }
        return Self.equal("v.state", states)
    }

    static func registrationState(_ states: [String]) -> SQL {
        if states.allSatisfy({ RegistrationState(rawValue: $0) == nil }) { return "false" }
        return Self.equal("v.state", states)
    }

    /// Those that are bad or on their way out have an index.
    static func replicaState(_ states: [String]) -> SQL {
        if states.allSatisfy({ !["copying", "available", "bad", "deleting"].contains($0) }) { return "false" }
        if states.allSatisfy({ ["bad", "deleting"].contains($0) }) {
            return "\(fragment: Self.equal("v.state", states)) AND v.state IN ('bad', 'deleting')"
        }
        return Self.equal("v.state", states)
    }

    /// What is done about a failure is nearly always to try again: the others have an index.
    static func verdictAction(_ actions: [String]) -> SQL {
        if actions.allSatisfy({ VerdictAction(rawValue: $0) == nil }) { return "false" }
        if actions.contains(VerdictAction.resubmit.rawValue) { return Self.equal("v.action", actions) }
        return "\(fragment: Self.equal("v.action", actions)) AND v.action <> 'resubmit'"
    }

    /// What no failure was ever said to be is not looked for.
    static func verdictBlame(_ blames: [String]) -> SQL {
        """
        \(fragment: Self.equal("v.blame", blames)) AND (SELECT EXISTS (SELECT 1 FROM failure_kind k WHERE k.blame = ANY(\(blames)::text[])))
        """
    }

    static func verdictClass(_ classes: [String]) -> SQL {
        """
        \(fragment: Self.equal("v.class", classes)) AND (SELECT EXISTS (SELECT 1 FROM failure_kind k WHERE k.class = ANY(\(classes)::text[])))
        """
    }

    /// One value alone leaves an index its order.
    private static func equal(_ column: StaticString, _ values: [String]) -> SQL {
        values.count == 1 ? "\(unsafe: column) = \(values[0])" : "\(unsafe: column) = ANY(\(values)::text[])"
    }

    /// A kind that the log does not know is not looked for.
    static func transitionKind(_ kinds: [String]) -> SQL {
        let known = kinds.filter(Self.kinds.contains)
        if known.isEmpty { return "false" }
        return known.count == 1 ? "v.kind = \(known[0])" : "v.kind = ANY(\(known)::text[])"
    }

    private static let kinds: Set<String> = [
        "request", "task", "job", "attempt", "file", "dataset", "transfer", "site", "verdict", "place", "registration",
    ]
}
