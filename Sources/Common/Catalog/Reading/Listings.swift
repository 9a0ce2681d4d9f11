package import Postgres

/// Every listing of the HTTP API.
package enum Listings {
    package static let all: [Listing] = [
        Self.requests, Self.tasks, Self.jobs, Self.attempts, Self.outputs, Self.files, Self.replicas, Self.datasets,
        Self.transfers, Self.verdicts, Self.transitions, Self.sites, Self.storages, Self.clouds, Self.samples,
        Self.simulations, Self.workflows, Self.rules, Self.ruleChanges, Self.tracker, Self.agents, Self.excluded,
        Self.suspicions, Self.submissions, Self.shares,
        Self.services,
        Self.waiting,
        Self.plots, Self.metadata, Self.metadataChanges, Self.containers, Self.damaged, Self.archived, Self.cleanups,
        Self.registrations,
    ]

    package static let requests = Listing(
        "requests",
        from: "request_view",
        key: [.integer("v.request")],
        filters: [
            .integers("request", "v.request"), .texts("state", where: ListConditions.requestState),
            .texts("owner", "v.owner"), .texts("workflow", "v.workflow"),
        ]
    )

    /// What became of a request and its tasks, and what people changed of them: by time, the moves from the log.
    package static func history(ofRequest request: Int64) -> Listing {
        Self.history(
            of: """
                SELECT 'request:' || \(request)::bigint AS entity UNION ALL SELECT 'task:' || t.id FROM task t WHERE t.request = \(request)
                """,
            changes: "c.request = \(request)"
        )
    }

    /// What became of a task, and what people changed of it.
    package static func history(ofTask task: Int64) -> Listing {
        Self.history(
            of: "SELECT 'task:' || \(task)::bigint AS entity",
            changes: "c.request = (SELECT t.request FROM task t WHERE t.id = \(task)) AND c.task = \(task)"
        )
    }

    /// The log is looked up by entity and then by number, whatever the planner thinks: it is by far the longest table.
    private static func history(of entities: SQL, changes: SQL) -> Listing {
        Listing(
            "history",
            from: """
                (SELECT x.at, x.entity, x.version, x.from_state AS "from", x.to_state AS "to", x.cause, x.who
                 FROM (\(fragment: entities)) e CROSS JOIN LATERAL (SELECT * FROM transition l WHERE l.entity = e.entity OFFSET 0) x
                 UNION ALL
                 SELECT c.at, coalesce('task:' || c.task, 'request:' || c.request), -c.id, NULL, NULL, c.what, c.who
                 FROM request_change c WHERE \(fragment: changes))
                """,
            key: [.moment("v.at"), .text("v.entity"), .integer("v.version")],
            filters: []
        )
    }

    package static let tasks = Listing(
        "tasks",
        from: "task_view",
        key: [.integer("v.task")],
        filters: [
            .integers("task", "v.task"), .integers("request", "v.request"), .texts("state", "v.state"),
            .texts("kind", "v.kind"), .texts("name", "v.name"),
        ]
    )

    package static let jobs = Listing(
        "jobs",
        from: "job_view",
        key: [.integer("v.task"), .integer("v.index")],
        filters: [
            .integers("task", "v.task"), .integers("index", where: ListConditions.index),
            .texts("state", where: ListConditions.jobState),
        ]
    )

    package static let attempts = Listing(
        "attempts",
        from: "attempt_view",
        key: [.integer("v.task"), .integer("v.index"), .integer("v.attempt")],
        filters: [
            .integers("task", "v.task"), .integers("index", where: ListConditions.index),
            .integers("attempt", "v.attempt"),
            .texts("site", where: ListConditions.attemptSite), .texts("state", where: ListConditions.attemptState),
            .integers("code", "v.code"), .texts("blame", "v.blame"), .integers("late_code", "v.late_code"),
        ]
    )

    package static let outputs = Listing(
        "outputs",
        from: "output_view",
        key: [.integer("v.task"), .integer("v.index"), .integer("v.attempt"), .text("v.stream")],
        filters: [
            .integers("task", "v.task"), .integers("index", where: ListConditions.index),
            .texts("stream", where: ListConditions.stream), .flag("accepted", where: ListConditions.accepted),
            .texts("lfn", "v.lfn"),
        ]
    )

    package static let files = Listing(
        "files",
        from: "file_view",
        key: [.text("v.lfn")],
        filters: [
            .texts("lfn", "v.lfn"), .prefix("prefix", "v.lfn"), .integers("task", where: ListConditions.fileTask),
            .texts("site", where: ListConditions.fileSite),
        ]
    )

    /// The files of one dataset in the order in which they came into the books: led by the dataset's membership, so that a page costs
    /// what it holds however large the dataset and the catalogue are. Left free, the planner walked both keys from their beginnings, or
    /// every file of the catalogue: each page cost more than the one before.
    package static let datasetFiles = Listing(
        "dataset files",
        joined: "dataset_file m JOIN file_view v ON v.file = m.file",
        whole: "dataset_file m CROSS JOIN LATERAL (SELECT * FROM file_view f WHERE f.file = m.file OFFSET 0) v",
        key: [.integer("m.file", twin: "v.file")],
        filters: Self.files.filters
    )

    /// The condition that keeps one dataset in ``datasetFiles``.
    package static func isDataset(_ name: String) -> SQL {
        "m.dataset = (SELECT d.id FROM dataset d WHERE d.name = \(name))"
    }

    package static let replicas = Listing(
        "replicas",
        from: "replica_view",
        key: [.text("v.lfn"), .text("v.storage")],
        filters: [
            .texts("lfn", "v.lfn"), .texts("storage") { ListConditions.storage("v.storage", $0) },
            .texts("state", where: ListConditions.replicaState),
        ]
    )

    package static let datasets = Listing(
        "datasets",
        from: "dataset_view",
        key: [.text("v.dataset")],
        filters: [.texts("dataset", "v.dataset"), .texts("state", "v.state"), .integers("task", "v.task")]
    )

    /// A transfer that may go at once has no `not_before`.
    package static let transfers = Listing(
        "transfers",
        from: """
            (SELECT lfn, source, destination, state, tries, nullif(not_before, '-infinity') AS not_before, reason, transfer,
                    created, updated FROM transfer_view)
            """,
        key: [.integer("v.transfer")],
        filters: [
            .integers("transfer", "v.transfer"), .texts("source") { ListConditions.storage("v.source", $0) },
            .texts("destination") { ListConditions.storage("v.destination", $0) },
            .texts("state", where: ListConditions.transferState), .texts("lfn", "v.lfn"),
        ]
    )

    /// Files that people registered, verified or not.
    package static let registrations = Listing(
        "registrations",
        from: """
            (SELECT registration, lfn, storage, dataset, state, bytes, adler32, crc32c, events, measured, tries,
                    nullif(not_before, '-infinity') AS not_before, reason, who, created, updated FROM registration_view)
            """,
        key: [.integer("v.registration")],
        filters: [
            .integers("registration", "v.registration"), .texts("lfn", "v.lfn"),
            .texts("storage") { ListConditions.storage("v.storage", $0) }, .texts("dataset", "v.dataset"),
            .texts("state", where: ListConditions.registrationState),
        ]
    )

    package static let verdicts = Listing(
        "verdicts",
        from: "verdict_view",
        key: [.moment("v.at"), .integer("v.task"), .integer("v.index"), .integer("v.attempt")],
        filters: [
            .integers("task", "v.task"), .integers("index", where: ListConditions.index), .texts("site", "v.site"),
            .texts("action", where: ListConditions.verdictAction), .texts("blame", where: ListConditions.verdictBlame),
            .integers("code", "v.code"), .texts("rule", "v.rule"), .texts("class", where: ListConditions.verdictClass),
        ]
    )

    package static let transitions = Listing(
        "transitions",
        from: "transition_view",
        key: [.integer("v.id")],
        filters: [.texts("entity", "v.entity"), .texts("kind", where: ListConditions.transitionKind)]
    )

    /// The condition that keeps the transitions of a job and of all its attempts; how many it had, an archived job no longer says.
    package static func ofJob(task: Int64, index: Int64) -> SQL {
        """
        v.entity IN (SELECT 'job:' || \(task)::bigint || '.' || \(index)::bigint
                     UNION ALL SELECT 'attempt:' || \(task)::bigint || '.' || \(index)::bigint || '.' || a.attempt
                     FROM generate_series(1, coalesce((SELECT j.attempts FROM job j WHERE j.task = \(task) AND j.index = \(index)), 250)) AS a(attempt))
        """
    }

    package static let waiting = Listing(
        "waiting",
        from: """
            (SELECT task, class, priority, first, last, nullif(not_before, '-infinity') AS not_before, excluded, held
             FROM waiting_view)
            """,
        key: [.integer("v.task"), .integer("v.first")],
        filters: [.integers("task", "v.task"), .integers("class", "v.class"), .flag("held", "v.held")]
    )

    static var examples: [AnyStatement] {
        (self.all + [Self.datasetFiles, Self.history(ofRequest: 1), Self.history(ofTask: 1)]).flatMap(\.examples) + [
            Statement(
                "reading.isDataset",
                "SELECT m.file FROM dataset_file m WHERE \(fragment: Self.isDataset("x"))",
                returning: Int64.self
            ).erased,
            Statement(
                "reading.ofJob",
                "SELECT v.id FROM transition_view v WHERE \(fragment: Self.ofJob(task: 1, index: 1))",
                returning: Int64.self
            ).erased,
        ]
    }
}
