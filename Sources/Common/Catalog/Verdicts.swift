package import Domain
package import Postgres

/// Carrying verdicts out: the Scheduler's side.
package enum VerdictStatements {
    /// Open verdicts of these attempts, with their jobs locked: task, index, attempt, action, not before, changes, reason, the
    /// job's class. Job by job: joined freely, the planner read every job of the task for each of its verdicts.
    package static func open(
        _ attempts: [AttemptKey]
    ) -> Statement<Int64, Int64, Int32, String, Moment?, JSONText, String, Int32> {
        Statement(
            "verdicts.open",
            """
            SELECT i.task, i.index, i.attempt, v.action, v.not_before, v.changes, v.reason, coalesce(j.class, t.class)
            FROM (
                SELECT * FROM unnest(\(attempts.map(\.task)), \(attempts.map(\.index)), \(attempts.map { Int32($0.attempt) }))
                    AS i(task, index, attempt)
                ORDER BY task, index, attempt OFFSET 0) i
            CROSS JOIN LATERAL (
                SELECT v.action, v.not_before, v.changes, v.reason FROM verdict v
                WHERE v.task = i.task AND v.index = i.index AND v.attempt = i.attempt AND v.carried_out_at IS NULL OFFSET 0) v
            CROSS JOIN LATERAL (SELECT t.class FROM task t WHERE t.id = i.task OFFSET 0) t
            CROSS JOIN LATERAL (
                SELECT j.class FROM job j WHERE j.task = i.task AND j.index = i.index AND j.state = 'recovering'
                OFFSET 0 FOR NO KEY UPDATE) j
            """,
            returning: Int64.self,
            Int64.self,
            Int32.self,
            String.self,
            Moment?.self,
            JSONText.self,
            String.self,
            Int32.self
        )
    }

    /// Tasks that go on although a verdict that was carried out ends them: whoever carried it out died in between.
    package static let unended = Statement<Int64>(
        "verdicts.unended",
        """
        SELECT DISTINCT v.task FROM verdict v JOIN task t ON t.id = v.task
        WHERE v.changes->>'task' = 'abort' AND v.carried_out_at IS NOT NULL AND t.state IN ('waiting', 'scouting', 'running', 'finishing', 'paused')
        ORDER BY v.task
        """,
        returning: Int64.self
    )

    /// The tasks of these attempts, locked: id, state, class. Tasks before jobs: the order of locks everywhere. Whoever ends a task has to
    /// wait until its jobs wait again, and finds them; who comes after that finds the task ended.
    package static func lockTasks(_ attempts: [AttemptKey]) -> Statement<Int64, String, Int32> {
        Statement(
            "verdicts.lockTasks",
            "SELECT id, state, class FROM task WHERE id = ANY(\(Set(attempts.map(\.task)).sorted())) ORDER BY id FOR NO KEY UPDATE",
            returning: Int64.self,
            String.self,
            Int32.self
        )
    }

    /// A job that waits again, or jobs with neighbouring indexes that wait for the first time.
    package struct Resubmission: Sendable {
        package let job: JobKey
        /// The index of the last of them.
        package let last: Int64
        package let notBefore: Moment?
        package let excludedSites: [String]
        package let excludedNodes: [String]
        /// The class it waits in.
        package let classID: Int32

        package init(
            job: JobKey,
            last: Int64? = nil,
            notBefore: Moment?,
            excludedSites: [String] = [],
            excludedNodes: [String] = [],
            classID: Int32
        ) {
            self.job = job
            self.last = last ?? job.index
            self.notBefore = notBefore
            self.excludedSites = excludedSites
            self.excludedNodes = excludedNodes
            self.classID = classID
        }

        /// The same for other jobs.
        package func moved(to job: JobKey, last: Int64) -> Resubmission {
            Resubmission(
                job: job,
                last: last,
                notBefore: self.notBefore,
                excludedSites: self.excludedSites,
                excludedNodes: self.excludedNodes,
                classID: self.classID
            )
        }
    }

    /// A resubmission is a range of one.
    package static func wait(_ jobs: [Resubmission]) -> SQL {
        """
        INSERT INTO waiting (task, first, last, class, priority, not_before, excluded, excluded_nodes, due, held)
        SELECT i.task, i.index, i.last, i.class, t.priority, coalesce(i.not_before, '-infinity'),
               string_to_array(i.excluded, ','), string_to_array(i.nodes, ','), coalesce(i.not_before <= clock_timestamp(), true),
               range_is_held(t.state, r.state, t.scouts, i.index)
        FROM unnest(\(jobs.map(\.job.task)), \(jobs.map(\.job.index)), \(jobs.map(\.last)), \(jobs.map(\.classID)), \(jobs.map(\.notBefore)),
                    \(jobs.map { $0.excludedSites.joined(separator: ",") }), \(jobs.map { $0.excludedNodes.joined(separator: ",") }))
             AS i(task, index, last, class, not_before, excluded, nodes)
        JOIN task t ON t.id = i.task JOIN request r ON r.id = t.request
        ORDER BY i.task, i.index
        """
    }

    /// Jobs keep the class a verdict gave them.
    package static func raise(_ jobs: [(job: JobKey, classID: Int32)]) -> SQL {
        """
        UPDATE job j SET class = i.class FROM unnest(\(jobs.map(\.job.task)), \(jobs.map(\.job.index)), \(jobs.map(\.classID)))
            AS i(task, index, class)
        WHERE j.task = i.task AND j.index = i.index
        """
    }

    /// The whole task needs more: what waits of it waits in the new class, but for jobs that have one of their own,
    /// also if that is the same.
    package static func raise(task: Int64, to classID: Int32) -> [SQL] {
        [
            """
            UPDATE waiting w SET class = \(classID) FROM task t
            WHERE w.task = \(task) AND t.id = w.task AND w.class = t.class
              AND NOT EXISTS (SELECT 1 FROM (SELECT j.class FROM job j WHERE j.task = w.task AND j.index = w.first OFFSET 0) j WHERE j.class IS NOT NULL)
            """,
            "UPDATE task SET class = \(classID), updated = now() WHERE id = \(task)",
        ]
    }

    /// The running tasks of the same requests.
    package static func siblings(of tasks: [Int64]) -> Statement<Int64> {
        Statement(
            "verdicts.siblings",
            """
            SELECT s.id FROM task s WHERE s.request IN (SELECT request FROM task WHERE id = ANY(\(tasks)))
              AND s.state IN ('running', 'scouting') ORDER BY s.id
            """,
            returning: Int64.self
        )
    }

    /// The caller holds the locks of the jobs. Open ones are not asked for: the planner would take the index of those and compare each with
    /// each of the batch.
    package static func carriedOut(_ attempts: [AttemptKey]) -> SQL {
        """
        UPDATE verdict v SET carried_out_at = coalesce(v.carried_out_at, clock_timestamp())
        FROM unnest(\(attempts.map(\.task)), \(attempts.map(\.index)), \(attempts.map { Int32($0.attempt) })) AS i(task, index, attempt)
        WHERE v.task = i.task AND v.index = i.index AND v.attempt = i.attempt
        """
    }

    /// Verdicts older than this that nobody carried out: what the sweep looks for. In the order of the index of open ones: with very many,
    /// each page costs what it holds.
    package static func overdue(seconds: Double) -> Statement<Int64, Int64, Int32> {
        Statement(
            "verdicts.overdue",
            """
            SELECT task, index, attempt FROM verdict
            WHERE carried_out_at IS NULL AND at < clock_timestamp() - make_interval(secs => \(seconds)) ORDER BY task, index, attempt
            LIMIT 500
            """,
            returning: Int64.self,
            Int64.self,
            Int32.self
        )
    }

    static var examples: [AnyStatement] {
        [
            Self.lockTasks([]).erased, Self.unended.erased, Self.open([]).erased,
            Command("verdicts.wait", Self.wait([])).erased,
            Command("verdicts.carriedOut", Self.carriedOut([])).erased,
            Command("verdicts.raise", Self.raise([])).erased,
            Command("verdicts.raiseTask.0", Self.raise(task: 1, to: 1)[0]).erased,
            Command("verdicts.raiseTask.1", Self.raise(task: 1, to: 1)[1]).erased, Self.siblings(of: []).erased,
            Self.overdue(seconds: 1).erased,
        ]
    }
}
