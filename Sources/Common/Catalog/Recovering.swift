package import Domain
package import Postgres

/// What recovery writes. The caller holds the locks of request, task, ranges and jobs.
package enum RecoveryStatements {
    /// The waiting ranges that hold these jobs, locked: ranges come before jobs in the order of locks.
    static func lockRanges(_ task: Int64, _ indexes: [Int64]) -> Statement<Int64> {
        Statement(
            "recovery.lockRanges",
            """
            SELECT w.first FROM waiting w
            WHERE w.task = \(task) AND w.first IN (SELECT r.first FROM \(fragment: Self.ranges(task, indexes)))
            ORDER BY w.first FOR NO KEY UPDATE
            """,
            returning: Int64.self
        )
    }

    /// The ranges that hold jobs, as rows `i(index)` beside `r(first)`. Ranges do not overlap, so only the last that begins at or before a
    /// job can hold it: one look at the index for each job, however many ranges there are.
    private static func ranges(_ task: Int64, _ indexes: [Int64]) -> SQL {
        """
        unnest(\(indexes)) AS i(index) CROSS JOIN LATERAL (
            SELECT w.first, w.last FROM waiting w WHERE w.task = \(task) AND w.first <= i.index ORDER BY w.first DESC LIMIT 1
        ) r WHERE i.index <= r.last
        """
    }

    /// Who and why, for what the log says of files: they have no columns for it.
    static func sayWhy(who: String, cause: String) -> Statement<String, String> {
        Statement(
            "recovery.sayWhy",
            "SELECT set_config('millrace.who', \(who), true), set_config('millrace.cause', \(cause), true)",
            returning: String.self,
            String.self
        )
    }

    /// Jobs as rows `i(task, index)`. The task comes with each: compared with one value the planner expects so few rows of it that
    /// it reads them all (see PlanTests).
    static func keys(_ task: Int64, _ indexes: [Int64]) -> SQL {
        "unnest(\(indexes.map { _ in task }), \(indexes)) AS i(task, index)"
    }

    /// The files that are accepted from jobs, locked.
    package static func lockFiles(_ task: Int64, _ indexes: [Int64]) -> Statement<Int64> {
        Statement(
            "recovery.lockFiles",
            """
            SELECT f.id FROM \(fragment: self.keys(task, indexes)) JOIN accepted ac ON ac.task = i.task AND ac.index = i.index
            JOIN output o ON o.task = ac.task AND o.index = ac.index AND o.attempt = ac.attempt AND o.stream = ac.stream
            JOIN file f ON f.id = o.file ORDER BY f.id FOR NO KEY UPDATE OF f
            """,
            returning: Int64.self
        )
    }

    /// Takes the winners of jobs and what was accepted from them out of the books. Their files count as lost from now on and are
    /// deleted after the grace time; that attempt and its outputs stay as history.
    ///
    /// - Parameters:
    ///   - files: those that are accepted from the jobs.
    ///   - graceSeconds: how long a worker may still be copying one of them.
    package static func withdraw(
        _ task: Int64,
        _ indexes: [Int64],
        files: [Int64],
        who: String,
        cause: String,
        graceSeconds: Double
    ) -> [SQL] {
        let jobs = self.keys(task, indexes)
        return [
            """
            UPDATE transfer t SET state = 'cancelled', version = t.version + 1, token = NULL, lease_until = NULL, worker = NULL,
                reason = \(cause), who = \(who), updated = now()
            FROM unnest(\(files)) AS i(file) WHERE t.file = i.file AND t.state IN ('queued', 'active')
            """,
            """
            INSERT INTO garbage AS g (lfn, storage, not_before, reason)
            SELECT f.lfn, r.storage, clock_timestamp() + make_interval(secs => \(graceSeconds)), \(cause)
            FROM unnest(\(files)) AS i(file) JOIN file f ON f.id = i.file JOIN replica r ON r.file = f.id
            WHERE NOT EXISTS (SELECT 1 FROM registration n WHERE n.lfn = f.lfn AND n.storage = r.storage)
            ORDER BY f.lfn, r.storage
            ON CONFLICT (lfn, storage) DO UPDATE SET not_before = greatest(excluded.not_before, g.not_before + interval '1 microsecond')
            """,
            RegistrationStatements.release(files),
            "UPDATE replica r SET state = 'deleting', at = now() FROM unnest(\(files)) AS i(file) WHERE r.file = i.file",
            "DELETE FROM dataset_file d USING unnest(\(files)) AS i(file) WHERE d.file = i.file",
            "UPDATE file f SET lost = true FROM unnest(\(files)) AS i(file) WHERE f.id = i.file AND NOT f.lost",
            "DELETE FROM accepted a USING \(fragment: jobs) WHERE a.task = i.task AND a.index = i.index",
            "DELETE FROM winner w USING \(fragment: jobs) WHERE w.task = i.task AND w.index = i.index",
        ]
    }

    /// The datasets of people that hold these files, and how many each.
    static func selections(of files: [Int64]) -> Statement<String, Int64> {
        Statement(
            "recovery.selections",
            """
            SELECT d.name, count(*) FROM unnest(\(files)) AS i(file) JOIN dataset_file df ON df.file = i.file
            JOIN dataset d ON d.id = df.dataset AND d.task IS NULL GROUP BY d.name ORDER BY d.name
            """,
            returning: String.self,
            Int64.self
        )
    }

    /// Moves jobs, with the reason of each. Those that wait have their attempts to use anew.
    package static func move(
        _ task: Int64,
        _ jobs: [(index: Int64, cause: String)],
        to state: JobState,
        who: String
    ) -> SQL {
        """
        UPDATE job j SET state = \(state.rawValue), version = j.version + 1, cause = i.cause, who = \(who),
            failures = CASE WHEN \(state == .waiting) THEN 0 ELSE j.failures END
        FROM unnest(\(jobs.map { _ in task }), \(jobs.map(\.index)), \(jobs.map(\.cause))) AS i(task, index, cause)
        WHERE j.task = i.task AND j.index = i.index
        """
    }

    /// Each is a range of one, in the class the job has.
    package static func wait(_ task: Int64, _ indexes: [Int64]) -> SQL {
        """
        INSERT INTO waiting (task, first, last, class, priority, held)
        SELECT j.task, j.index, j.index, coalesce(j.class, t.class), t.priority, range_is_held(t.state, r.state, t.scouts, j.index)
        FROM \(fragment: self.keys(task, indexes))
        CROSS JOIN LATERAL (SELECT * FROM job j WHERE j.task = i.task AND j.index = i.index OFFSET 0) j
        JOIN task t ON t.id = j.task JOIN request r ON r.id = t.request ORDER BY j.index
        """
    }

    /// Cuts jobs out of the ranges they wait in; what is left of a range waits as before.
    static func leaveRanges(_ task: Int64, _ indexes: [Int64]) -> SQL {
        """
        WITH cut AS MATERIALIZED (
            SELECT r.first, range_agg(int8range(i.index, i.index, '[]')) AS gone FROM \(fragment: self.ranges(task, indexes)) GROUP BY r.first
        ), old AS (
            DELETE FROM waiting w USING cut c WHERE w.task = \(task) AND w.first = c.first RETURNING w.*, c.gone
        )
        INSERT INTO waiting (task, first, last, class, priority, not_before, excluded, excluded_nodes, due, held)
        SELECT o.task, lower(p.part), upper(p.part) - 1, o.class, o.priority, o.not_before, o.excluded, o.excluded_nodes, o.due, o.held
        FROM old o CROSS JOIN LATERAL unnest(int8multirange(int8range(o.first, o.last, '[]')) - o.gone) AS p(part)
        """
    }

    /// Open verdicts, as the message that tells of them: index, attempt, site, node, action, class, blame, code, diagnostic, rule,
    /// counted, not before, changes, at.
    static func openVerdicts(
        _ task: Int64,
        _ indexes: [Int64]
    ) -> Statement<
        Int64, Int32, String, String?, String, String, String, Int32, String, String, Bool, Moment?, JSONText, Moment
    > {
        Statement(
            "recovery.openVerdicts",
            """
            SELECT v.index, v.attempt, v.site, v.node, v.action, v.class, v.blame, v.code, v.diagnostic, v.rule, v.counted, v.not_before,
                   v.changes, v.at
            FROM \(fragment: self.keys(task, indexes)) JOIN verdict v ON v.task = i.task AND v.index = i.index AND v.carried_out_at IS NULL
            ORDER BY v.index, v.attempt
            """,
            returning: Int64.self,
            Int32.self,
            String.self,
            String?.self,
            String.self,
            String.self,
            String.self,
            Int32.self,
            String.self,
            String.self,
            Bool.self,
            Moment?.self,
            JSONText.self,
            Moment.self
        )
    }

    static var examples: [AnyStatement] {
        [
            Self.lockRanges(1, []).erased, Self.lockFiles(1, []).erased, Self.sayWhy(who: "x", cause: "y").erased,
            Self.selections(of: []).erased, Command("recovery.move", Self.move(1, [], to: .waiting, who: "x")).erased,
            Command("recovery.wait", Self.wait(1, [])).erased,
            Command("recovery.leaveRanges", Self.leaveRanges(1, [])).erased, Self.openVerdicts(1, []).erased,
        ]
            + Self.withdraw(1, [], files: [], who: "x", cause: "y", graceSeconds: 1).enumerated().map {
                Command("recovery.withdraw.\($0)", $1).erased
            } + RecoveryFacts.examples + TakerStatements.examples
    }
}
