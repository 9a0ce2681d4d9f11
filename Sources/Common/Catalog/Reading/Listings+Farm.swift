import Postgres

/// The listings of what the farm is made of: sites, storage, people's tables, processes.
extension Listings {
    package static let sites = Listing(
        "sites",
        from: "site_view",
        key: [.text("v.site")],
        filters: [.texts("site", "v.site"), .texts("access", "v.access"), .texts("cloud", "v.cloud")]
    )

    package static let storages = Listing(
        "storages",
        from: "(SELECT name AS storage, site, kind, base, limit_active, created FROM storage_element)",
        key: [.text("v.storage")],
        filters: [.texts("storage", "v.storage"), .texts("site", "v.site"), .texts("kind", "v.kind")]
    )

    package static let clouds = Listing(
        "clouds",
        from: "(SELECT name AS cloud FROM cloud)",
        key: [.text("v.cloud")],
        filters: [.texts("cloud", "v.cloud")]
    )

    package static let samples = Listing(
        "samples",
        from: "sample",
        key: [.integer("v.gen_id")],
        filters: [
            .integers("gen_id", "v.gen_id"), .texts("root_name", "v.root_name"), .texts("process", "v.process"),
        ]
    )

    package static let simulations = Listing(
        "simulations",
        from: "simulation",
        key: [.integer("v.sim_id")],
        filters: [.integers("sim_id", "v.sim_id")]
    )

    /// Without the documents, which may be long.
    package static let workflows = Listing(
        "workflows",
        from: """
            (SELECT name, version, sha256, owner, created, document ->> 'description' AS description FROM workflow)
            """,
        key: [.text("v.name"), .integer("v.version")],
        filters: [.texts("name", "v.name"), .integers("version", "v.version")]
    )

    package static let rules = Listing(
        "rules",
        from: """
            (SELECT name AS rule, kind, priority, code_first, code_last, pattern, scope, blame, action, parameters, why, active,
                    expires, who, changed FROM failure_rule)
            """,
        key: [.integer("v.priority"), .text("v.rule")],
        filters: [
            .texts("rule", "v.rule"), .texts("kind", "v.kind"), .flag("active", "v.active"),
            .texts("action", "v.action"),
        ]
    )

    /// Who changed which rule, also those that are gone; `row` is the rule as it was then, or had been when it was removed.
    package static let ruleChanges = Listing(
        "rule-changes",
        from: "(SELECT id, at, rule, change, who, row FROM rule_change)",
        key: [.integer("v.id")],
        filters: [.texts("rule", "v.rule"), .texts("change", "v.change"), .texts("who", "v.who")]
    )

    package static let tracker = Listing(
        "tracker",
        from: "(SELECT t.*, s.root_name FROM tracker_view t JOIN sample s ON s.gen_id = t.gen_id)",
        key: [.integer("v.gen_id"), .integer("v.sim_id"), .text("v.username")],
        filters: [
            .integers("gen_id", "v.gen_id"), .integers("sim_id", "v.sim_id"), .texts("username", "v.username"),
        ]
    )

    /// Nodes and sites the Monitor keeps from work; an empty node is the whole site. While a place is probed, `good` is
    /// how many attempts went well there: what was counted before, the Monitor took away when the phase began.
    package static let excluded = Listing(
        "excluded",
        from: """
            (SELECT e.site, e.node, e.phase, e.reason, e.round, e.pause_seconds, e.since, e.excluded_at, e.probes,
                    CASE WHEN e.phase = 'probing' THEN (
                        SELECT coalesce(sum(p.good), 0)::bigint FROM place_tally p
                        WHERE p.site = e.site AND (p.node = e.node OR e.node = '')) END AS good
             FROM excluded_place e)
            """,
        key: [.text("v.site"), .text("v.node")],
        filters: [.texts("site", "v.site"), .texts("phase", "v.phase")]
    )

    /// Files that attempts could not read.
    package static let suspicions = Listing(
        "suspicions",
        from: """
            (SELECT f.lfn, s.task, s.index, s.attempt, s.site, s.code, s.diagnostic, s.at, f.lost,
                    (SELECT count(*) FROM replica r WHERE r.file = f.id AND r.state = 'available') AS good_replicas
             FROM suspicion s JOIN file f ON f.id = s.file)
            """,
        key: [.moment("v.at"), .text("v.lfn"), .integer("v.task"), .integer("v.index"), .integer("v.attempt")],
        filters: [
            .texts("lfn", "v.lfn"), .texts("site", "v.site"), .integers("task", "v.task"), .integers("code", "v.code"),
        ]
    )

    /// How capacity is divided, and who uses how much of it.
    package static let shares = Listing(
        "shares",
        from: "share_view",
        key: [.text("v.share")],
        filters: [.texts("share", "v.share"), .texts("parent", "v.parent")]
    )

    /// What agents sent to their batch systems, by task, and how it ended.
    package static let submissions = Listing(
        "submissions",
        from: "submission_view",
        key: [.integer("v.submission")],
        filters: [
            .integers("task", "v.task"), .integers("request", where: ListConditions.submissionRequest),
            .texts("site", "v.site"), .texts("agent", "v.agent"), .texts("batch", "v.batch"),
        ]
    )

    package static let agents = Listing(
        "agents",
        from: """
            (SELECT site, agent, node, state, room, cores, memory_mb, walltime_s, disk_mb, platform, tags, storage,
                    held_count AS held, last_seen, started,
                    (SELECT c.cores FROM class c WHERE c.id = a.reserved_for AND a.state = 'here' AND a.room > 0) AS reserved FROM agent_session a)
            """,
        key: [.text("v.site"), .text("v.agent")],
        filters: [.texts("site", "v.site"), .texts("agent", "v.agent"), .texts("state", "v.state")]
    )

    /// Every process seen in the last day; alive: seen in the last half minute.
    package static let services = Listing(
        "services",
        from: """
            (SELECT service, instance, host, pid, version, started_at, seen_at, progressed_at, done, trouble,
                    seen_at > clock_timestamp() - interval '30 seconds' AS alive
             FROM service_instance WHERE seen_at > now() - interval '1 day')
            """,
        key: [.text("v.service"), .text("v.instance")],
        filters: [.texts("service", "v.service")]
    )

    /// Artefacts of accepted attempts, such as plots. What was accepted is in the dataset of its stream: so those of archived tasks, whose
    /// jobs are no rows, are shown too.
    package static let plots = Listing(
        "plots",
        from: """
            (SELECT f.lfn, '/api/v1/plots/file?lfn=' || replace(f.lfn, '+', '%2B') AS url, f.bytes, f.task, f.index, s.stream,
                    t.name, t.request, f.created
             FROM task_stream s JOIN task t ON t.id = s.task JOIN dataset d ON d.task = s.task AND d.stream = s.stream
             JOIN dataset_file m ON m.dataset = d.id JOIN file f ON f.id = m.file
             WHERE NOT s.counted AND NOT f.lost)
            """,
        key: [.moment("v.created"), .text("v.lfn")],
        filters: [.integers("task", "v.task"), .integers("request", "v.request")]
    )
}
