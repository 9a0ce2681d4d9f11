package import Domain
package import Postgres

/// What answers "why does this job not run?".
package enum WhyStatements {
    /// State, class, the states of task and request, the task's cause, and the range the job waits in, as JSON.
    package static func job(_ key: JobKey) -> Statement<String, Int32, String, String, String?, String?> {
        Statement(
            "why.job",
            """
            SELECT coalesce(j.state, CASE WHEN w.task IS NOT NULL THEN 'waiting' ELSE 'unknown' END), coalesce(w.class, t.class),
                   t.state, r.state, t.cause,
                   CASE WHEN w.task IS NOT NULL THEN json_build_object('task', w.task, 'class', w.class, 'priority', w.priority,
                       'first', w.first, 'last', w.last, 'not_before', nullif(w.not_before, '-infinity'), 'excluded', w.excluded,
                       'held', w.held)::text END
            FROM task t JOIN request r ON r.id = t.request
            LEFT JOIN job j ON j.task = t.id AND j.index = \(key.index)
            LEFT JOIN waiting w ON w.task = t.id AND \(key.index)::bigint BETWEEN w.first AND w.last
            WHERE t.id = \(key.task) AND (j.task IS NOT NULL OR w.task IS NOT NULL OR \(key.index) < t.jobs_total)
            """,
            returning: String.self,
            Int32.self,
            String.self,
            String.self,
            String?.self,
            String?.self
        )
    }

    /// Seconds until the range of a job is due (0: now), and the sites it excludes.
    package static func range(_ key: JobKey) -> Statement<Double, [String]> {
        Statement(
            "why.range",
            """
            SELECT CASE WHEN due THEN 0 ELSE greatest(extract(epoch FROM not_before - clock_timestamp()), 0)::double precision END,
                   excluded
            FROM waiting WHERE task = \(key.task) AND \(key.index)::bigint BETWEEN first AND last
            """,
            returning: Double.self,
            [String].self
        )
    }

    /// The needs of a class: cores, memory, wall time, disk, platform, tags, sites, storage.
    package static func requirement(
        _ id: Int32
    ) -> Statement<Int32, Int32, Int32, Int32, String, [String], [String], [String]> {
        Statement(
            "why.class",
            """
            SELECT cores, memory_mb, walltime_s, disk_mb, platform, tags, sites, storage FROM class WHERE id = \(id)
            """,
            returning: Int32.self,
            Int32.self,
            Int32.self,
            Int32.self,
            String.self,
            [String].self,
            [String].self,
            [String].self
        )
    }

    /// Every agent ever seen, the last seen first: site, agent, state, access of the site, free cores, and what it offers.
    package static let agents = Statement<
        String, String, String, String, Int32, Int32, Int32, Int32, Int32, String, [String], [String]
    >(
        "why.agents",
        """
        SELECT a.site, a.agent, a.state, s.access, a.room, a.cores, a.memory_mb, a.walltime_s, a.disk_mb, a.platform, a.tags, a.storage
        FROM agent_session a JOIN site s ON s.name = a.site ORDER BY a.last_seen DESC LIMIT 200
        """,
        returning: String.self,
        String.self,
        String.self,
        String.self,
        Int32.self,
        Int32.self,
        Int32.self,
        Int32.self,
        Int32.self,
        String.self,
        [String].self,
        [String].self
    )

    /// The verdicts on a job's attempts, each as JSON, the first first.
    package static func verdicts(_ key: JobKey) -> Statement<String> {
        Statement(
            "why.verdicts",
            """
            SELECT row_to_json(v)::text FROM verdict_view v WHERE v.task = \(key.task) AND v.index = \(key.index) ORDER BY v.attempt
            """,
            returning: String.self
        )
    }

    static var examples: [AnyStatement] {
        let key = JobKey(task: 1, index: 1)
        return [
            Self.job(key).erased, Self.range(key).erased, Self.requirement(1).erased, Self.agents.erased,
            Self.verdicts(key).erased,
        ]
    }
}

/// A job that waits, against every agent: pure.
package struct WaitingReasons: Sendable {
    package var state: String
    package var taskState: String
    package var requestState: String
    package var taskCause: String?
    /// Seconds until its range is due; nil: it is in no range.
    package var dueSeconds: Double?
    package var excludedSites: [String]

    package init(
        state: String,
        taskState: String,
        requestState: String,
        taskCause: String?,
        dueSeconds: Double?,
        excludedSites: [String]
    ) {
        self.state = state
        self.taskState = taskState
        self.requestState = requestState
        self.taskCause = taskCause
        self.dueSeconds = dueSeconds
        self.excludedSites = excludedSites
    }

    /// One agent as the question sees it.
    package struct Agent: Sendable {
        package var site: String
        package var agent: String
        package var state: String
        package var access: String
        package var room: Int
        package var capacity: Capacity

        package init(site: String, agent: String, state: String, access: String, room: Int, capacity: Capacity) {
            self.site = site
            self.agent = agent
            self.state = state
            self.access = access
            self.room = room
            self.capacity = capacity
        }
    }

    /// The first reason why this agent does not get the job; nil: it could, now.
    package func misfit(_ agent: Agent, need: Requirement) -> String? {
        if agent.state != "here" { return "the agent is \(agent.state)" }
        if agent.access != "allowed" { return "the site is \(agent.access)" }
        if self.excludedSites.contains(agent.site) {
            return "the job keeps away from \(agent.site) after a failure there"
        }
        if let misfit = need.misfit(site: agent.site, capacity: agent.capacity) { return misfit.description }
        if agent.room < need.cores { return "the agent has \(agent.room) free cores, the job needs \(need.cores)" }
        return nil
    }

    /// Why, in one sentence.
    package func summary(misfits: [String?]) -> String {
        if self.state == "unknown" {
            return self.taskState == "waiting"
                ? "its task waits for its inputs" : "it is in no range and has no row: its task is \(self.taskState)"
        }
        guard self.state == "waiting" else { return "it does not wait: it is \(self.state)" }
        if self.requestState == "held" { return "its request is held" }
        if self.taskState == "paused" { return "its task is paused: \(self.taskCause ?? "no reason given")" }
        if self.taskState == "waiting" { return "its task waits for its inputs" }
        guard let due = self.dueSeconds else { return "it is between two states; look again" }
        if due > 0 { return "it is tried again in \(Int(due.rounded(.up))) s, after a failure" }
        let fitting = misfits.filter { $0 == nil }.count
        if misfits.isEmpty { return "no agent has ever asked for work" }
        if fitting > 0 { return "it waits for its turn: \(fitting) of \(misfits.count) agents could take it" }
        return "none of \(misfits.count) agents can take it now: see the reason of each"
    }
}
