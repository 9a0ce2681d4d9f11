import Postgres

/// The listings of what was: production, what was given up, the archive.
extension Listings {
    /// The tracker's damaged events, job by job.
    package static let damaged = Listing(
        "damaged",
        from: "damaged_view",
        key: [.integer("v.task"), .integer("v.index")],
        filters: [
            .integers("gen_id", "v.gen_id"), .integers("sim_id", "v.sim_id"), .texts("username", "v.username"),
            .integers("request", "v.request"), .integers("task", "v.task"), .integers("code", "v.code"),
            .texts("rule", "v.rule"),
        ]
    )

    /// Tasks that are archived, or on their way there or back.
    package static let archived = Listing(
        "archived",
        from: """
            (SELECT a.task, t.request, t.name, a.state, a.since, a.who, a.reason, a.jobs,
                    CASE WHEN a.state = 'archiving' THEN (SELECT min(m.task) FROM merge_input m WHERE m.src_task = a.task)
                         WHEN a.state = 'restoring' THEN (SELECT min(s.task) FROM archived_task s WHERE s.task = ANY (a.sources)) END AS waits_for
             FROM archived_task a JOIN task t ON t.id = a.task)
            """,
        key: [.integer("v.task")],
        filters: [
            .integers("task", "v.task"), .integers("request", "v.request"), .texts("state", "v.state"),
        ]
    )

    /// What is deleted of cancelled requests.
    package static let cleanups = Listing(
        "cleanups",
        from: "cleanup_view",
        key: [.integer("v.request")],
        filters: [
            .integers("request", "v.request"), .texts("state", "v.state"), .texts("who", "v.who"),
        ]
    )
}
