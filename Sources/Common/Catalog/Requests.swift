package import Domain
package import Postgres

/// Requests and their tasks: made, approved, moved.
package enum RequestStatements {
    package struct New: Sendable {
        package let workflow: Int64
        package let title: String
        package let parameters: JSONText
        package let seed: Int64
        package let owner: String
        package let group: String
        package let priority: Int
        package let share: String?
        package let origin: Int64?
        package let continues: Int64?
        package let sample: Int64?
        package let simulation: Int64?
        package let submission: UUIDText

        package init(
            workflow: Int64,
            title: String,
            parameters: JSONText,
            seed: Int64,
            owner: String,
            group: String,
            priority: Int,
            share: String? = nil,
            origin: Int64? = nil,
            continues: Int64? = nil,
            sample: Int64?,
            simulation: Int64?,
            submission: UUIDText
        ) {
            self.workflow = workflow
            self.title = title
            self.parameters = parameters
            self.seed = seed
            self.owner = owner
            self.group = group
            self.priority = priority
            self.share = share
            self.origin = origin
            self.continues = continues
            self.sample = sample
            self.simulation = simulation
            self.submission = submission
        }
    }

    /// Makes the request, or finds the one of the same submission: pressing twice makes one.
    package static func create(_ new: New) -> Statement<Int64> {
        Statement(
            "requests.create",
            """
            WITH made AS (
                INSERT INTO request (workflow, title, parameters, seed, owner, grp, priority, share, origin, continues, sample, simulation,
                                     submission, who, cause)
                VALUES (\(new.workflow), \(new.title), \(new.parameters), \(new.seed), \(new.owner), \(new.group), \(Int32(new.priority)),
                        \(new.share), \(new.origin), \(new.continues), \(new.sample), \(new.simulation), \(new.submission), \(new.owner),
                        'goes on where request ' || \(new.continues)::bigint || ' stopped')
                ON CONFLICT (submission) DO NOTHING RETURNING id
            )
            SELECT id FROM made UNION ALL SELECT id FROM request WHERE submission = \(new.submission) LIMIT 1
            """,
            returning: Int64.self
        )
    }

    /// A request, locked: state, version, owner, workflow document, parameters, priority, seed, workflow name.
    package static func lock(
        _ request: Int64
    ) -> Statement<String, Int64, String, JSONText, JSONText, Int32, Int64, String> {
        Statement(
            "requests.lock",
            """
            SELECT r.state, r.version, r.owner, w.document, r.parameters, r.priority, r.seed, w.name
            FROM request r JOIN workflow w ON w.id = r.workflow WHERE r.id = \(request) FOR NO KEY UPDATE OF r
            """,
            returning: String.self,
            Int64.self,
            String.self,
            JSONText.self,
            JSONText.self,
            Int32.self,
            Int64.self,
            String.self
        )
    }

    /// Moves a request whose lock the caller holds.
    package static func move(
        _ request: Int64,
        to state: RequestState,
        heldFrom: RequestState?,
        cause: String?,
        who: String?
    ) -> SQL {
        """
        UPDATE request SET state = \(state.rawValue), version = version + 1, held_from = \(heldFrom?.rawValue), cause = \(cause),
            who = \(who), updated = now()
        WHERE id = \(request)
        """
    }

    /// The class of a requirement, made when it is new.
    package static func classID(_ need: Requirement) -> Statement<Int32> {
        Statement(
            "requests.classID",
            """
            WITH i AS (
                SELECT \(Int32(need.cores)) AS cores, \(Int32(need.memoryMB)) AS memory_mb, \(Int32(need.walltimeSeconds)) AS walltime_s,
                       \(Int32(need.diskMB)) AS disk_mb, \(need.platform) AS platform, \(need.tags) AS tags, \(need.sites) AS sites,
                       \(need.storage) AS storage, \(need.share ?? "")::text AS share
            ), made AS (
                INSERT INTO class (cores, memory_mb, walltime_s, disk_mb, platform, tags, sites, storage, share) SELECT * FROM i
                ON CONFLICT DO NOTHING RETURNING id
            )
            SELECT id FROM made UNION ALL
            SELECT c.id FROM class c JOIN i ON c.cores = i.cores AND c.memory_mb = i.memory_mb AND c.walltime_s = i.walltime_s
                AND c.disk_mb = i.disk_mb AND c.platform = i.platform AND c.tags = i.tags AND c.sites = i.sites AND c.storage = i.storage
                AND c.share = i.share
            LIMIT 1
            """,
            returning: Int32.self
        )
    }

    package struct NewTask: Sendable {
        package let request: Int64
        package let plan: TaskPlan
        package let classID: Int32
        package let priority: Int
        package let spec: JSONText

        package init(request: Int64, plan: TaskPlan, classID: Int32, priority: Int, spec: JSONText) {
            self.request = request
            self.plan = plan
            self.classID = classID
            self.priority = priority
            self.spec = spec
        }
    }

    package static func insertTask(_ task: NewTask) -> Statement<Int64> {
        Statement(
            "requests.insertTask",
            """
            INSERT INTO task (request, name, position, kind, class, priority, spec, jobs_total, events_total, events_per_job, allowed_loss,
                              max_attempts, scouts, files_per_job, bytes_per_job, flush_after_s, group_by, continues, first_event)
            VALUES (\(task.request), \(task.plan.name), \(Int32(task.plan.position)), \(task.plan.kind), \(task.classID),
                    \(Int32(task.priority)), \(task.spec), \(task.plan.jobs), \(task.plan.inputs.isEmpty ? task.plan.events : nil),
                    \(task.plan.eventsPerJob), \(task.plan.allowedLoss), \(Int32(task.plan.maxAttempts)), \(Int32(task.plan.scouts)),
                    \(task.plan.filesPerJob), \(task.plan.bytesPerJob),
                    \(task.plan.flushAfterSeconds.map { Int32(clamping: $0) }), \(task.plan.groupBy), \(task.plan.continues), \(task.plan.firstEvent))
            RETURNING id
            """,
            returning: Int64.self
        )
    }

    package static func makePartitions(_ task: Int64) -> Statement<String> {
        Statement("requests.makePartitions", "SELECT make_partitions(\(task))::text", returning: String.self)
    }

    /// The task's spec carries its id, which exists only now.
    package static func setSpec(_ task: Int64, _ spec: JSONText) -> SQL {
        "UPDATE task SET spec = \(spec) WHERE id = \(task)"
    }

    package static func insertStreams(_ task: Int64, _ outputs: [PlannedOutput]) -> SQL {
        let main = outputs.firstIndex { $0.counted }
        return """
            INSERT INTO task_stream (task, stream, counted, main)
            SELECT \(task), * FROM unnest(\(outputs.map(\.stream)), \(outputs.map(\.counted)), \(outputs.indices.map { $0 == main }))
            """
    }

    package static func insertDatasets(_ task: Int64, _ outputs: [PlannedOutput], who: String) -> SQL {
        """
        INSERT INTO dataset (name, task, stream, home, who)
        SELECT i.name, \(task), i.stream, i.home, \(who)
        FROM unnest(\(outputs.map(\.dataset)), \(outputs.map(\.stream)), \(outputs.map(\.home))) AS i(name, stream, home)
        """
    }

    package static func insertInput(
        task: Int64,
        position: Int,
        parent: Int64?,
        stream: String?,
        dataset: String?,
        events: Int64?,
        missingIn: String? = nil,
        container: String? = nil,
        query: String? = nil
    ) -> SQL {
        """
        INSERT INTO task_input (task, position, parent, stream, dataset, events, missing_in, container, query)
        VALUES (\(task), \(Int32(position)), \(parent), \(stream), \(dataset), \(events), \(missingIn), \(container), \(query))
        """
    }

    /// The tasks of a request: id, name, state.
    package static func tasks(of request: Int64) -> Statement<Int64, String, String> {
        Statement(
            "requests.tasks",
            "SELECT id, name, state FROM task WHERE request = \(request) ORDER BY position FOR NO KEY UPDATE",
            returning: Int64.self,
            String.self,
            String.self
        )
    }

    /// Moves tasks whose request's lock the caller holds.
    package static func moveTask(
        _ task: Int64,
        to state: TaskState,
        pausedFrom: TaskState?,
        cause: String?,
        who: String?
    ) -> SQL {
        """
        UPDATE task SET state = \(state.rawValue), version = version + 1, paused_from = \(pausedFrom?.rawValue), cause = \(cause),
            who = \(who), updated = now()
        WHERE id = \(task)
        """
    }

    /// Ends everything of these tasks that is not terminal: waiting ranges go, rows that wait are cancelled, running ones are
    /// wished dead.
    package static func cancelJobs(tasks: [Int64], cause: String, who: String) -> [SQL] {
        [
            // Ranges before jobs, as leasing locks them. Nobody makes jobs wait again meanwhile: that takes the lock of the task.
            "DELETE FROM waiting WHERE task = ANY(\(tasks))",
            // One statement, so that it sees one moment: a verdict that comes just behind it is left for the Scheduler, which cancels its job.
            """
            WITH j AS (
                UPDATE job SET state = 'cancelled', version = version + 1, cause = \(cause), who = \(who)
                WHERE task = ANY(\(tasks)) AND state IN ('waiting', 'recovering') RETURNING task, index
            )
            UPDATE verdict v SET carried_out_at = clock_timestamp() FROM j
            WHERE v.task = ANY(\(tasks)) AND v.carried_out_at IS NULL AND v.task = j.task AND v.index = j.index
            """,
        ] + FeedingStatements.end(tasks) + [
            """
            INSERT INTO kill_wish (task, index, attempt, holder, reason)
            SELECT task, index, attempt, holder, \(cause) FROM lease WHERE task = ANY(\(tasks)) ON CONFLICT DO NOTHING
            """
        ]
    }

    static var examples: [AnyStatement] {
        let plan = TaskPlan(
            name: "x",
            position: 0,
            kind: "generate",
            events: 1,
            eventsPerJob: 1,
            inputs: [],
            requirement: Requirement(),
            allowedLoss: 0,
            maxAttempts: 3,
            scouts: 0,
            outputs: [],
            steps: [],
            software: [],
            sandbox: []
        )
        let new = New(
            workflow: 1,
            title: "",
            parameters: JSONText("{}"),
            seed: 1,
            owner: "x",
            group: "g",
            priority: 1,
            sample: nil,
            simulation: nil,
            submission: .random()
        )
        return [
            Self.create(new).erased, Self.lock(1).erased,
            Command("requests.move", Self.move(1, to: .held, heldFrom: .running, cause: nil, who: "x")).erased,
            Self.classID(Requirement()).erased,
            Self.insertTask(NewTask(request: 1, plan: plan, classID: 1, priority: 1, spec: JSONText("{}"))).erased,
            Self.makePartitions(1).erased, Command("requests.setSpec", Self.setSpec(1, JSONText("{}"))).erased,
            Command("requests.insertStreams", Self.insertStreams(1, [])).erased,
            Command("requests.insertDatasets", Self.insertDatasets(1, [], who: "x")).erased,
            Command(
                "requests.insertInput",
                Self.insertInput(task: 1, position: 0, parent: nil, stream: nil, dataset: nil, events: nil)
            ).erased,
            Self.tasks(of: 1).erased,
            Command("requests.moveTask", Self.moveTask(1, to: .paused, pausedFrom: .running, cause: nil, who: nil))
                .erased,
        ]
            + Self.cancelJobs(tasks: [], cause: "x", who: "y").enumerated().map {
                Command("requests.cancelJobs.\($0)", $1).erased
            }
    }
}
