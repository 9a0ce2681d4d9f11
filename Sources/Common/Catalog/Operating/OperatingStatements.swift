import Domain
import Postgres

/// Rows as the operator's changes need them: locked, with who changed them last.
enum OperatingStatements {
    /// A request: state, version, owner, who changed it last (nil: a service), when, state it was held from, cause.
    static func lockRequest(
        _ request: Int64
    ) -> Statement<String, Int64, String, String?, Moment, String?, String?> {
        Statement(
            "operating.lockRequest",
            """
            SELECT state, version, owner, who, updated, held_from, cause FROM request WHERE id = \(request) FOR NO KEY UPDATE
            """,
            returning: String.self,
            Int64.self,
            String.self,
            String?.self,
            Moment.self,
            String?.self,
            String?.self
        )
    }

    /// What a request is made of: workflow document, parameters, priority, seed, workflow's name, share.
    static func content(_ request: Int64) -> Statement<JSONText, JSONText, Int32, Int64, String, String?> {
        Statement(
            "operating.content",
            """
            SELECT w.document, r.parameters, r.priority, r.seed, w.name, r.share FROM request r JOIN workflow w ON w.id = r.workflow
            WHERE r.id = \(request)
            """,
            returning: JSONText.self,
            JSONText.self,
            Int32.self,
            Int64.self,
            String.self,
            String?.self
        )
    }

    static func requestOfTask(_ task: Int64) -> Statement<Int64> {
        Statement("operating.requestOfTask", "SELECT request FROM task WHERE id = \(task)", returning: Int64.self)
    }

    /// A task, locked after its request: state, version, who changed it last, when, state it was paused from, its request's state, name.
    static func lockTask(
        _ task: Int64
    ) -> Statement<String, Int64, String?, Moment, String?, String, String> {
        Statement(
            "operating.lockTask",
            """
            SELECT t.state, t.version, t.who, t.updated, t.paused_from, r.state, t.name
            FROM task t JOIN request r ON r.id = t.request WHERE t.id = \(task) FOR NO KEY UPDATE OF t
            """,
            returning: String.self,
            Int64.self,
            String?.self,
            Moment.self,
            String?.self,
            String.self,
            String.self
        )
    }

    /// Aborted jobs wait again, with their attempts to use anew. Returns their indexes.
    static func retryJobs(_ task: Int64, who: String, cause: String) -> Statement<Int64> {
        Statement(
            "operating.retryJobs",
            """
            WITH picked AS MATERIALIZED (
                SELECT task, index FROM job WHERE task = \(task) AND state = 'aborted' ORDER BY index FOR NO KEY UPDATE
            ), j AS (
                UPDATE job j SET state = 'waiting', version = j.version + 1, failures = 0, cause = \(cause), who = \(who)
                FROM picked p WHERE j.task = p.task AND j.index = p.index RETURNING j.task, j.index, j.class
            ), w AS (
                INSERT INTO waiting (task, first, last, class, priority, held)
                SELECT j.task, j.index, j.index, coalesce(j.class, t.class), t.priority,
                       range_is_held(t.state, r.state, t.scouts, j.index)
                FROM j JOIN task t ON t.id = j.task JOIN request r ON r.id = t.request
            )
            SELECT index FROM j ORDER BY index
            """,
            returning: Int64.self
        )
    }

    /// The storage elements, the oldest first.
    static let storages = Statement<String>(
        "operating.storages",
        "SELECT name FROM storage_element ORDER BY created, name",
        returning: String.self
    )

    /// Which of these datasets exist.
    static func datasets(_ names: [String]) -> Statement<String> {
        Statement(
            "operating.datasets",
            "SELECT name FROM dataset WHERE name = ANY(\(names)) ORDER BY name",
            returning: String.self
        )
    }

    /// Which of these are names of datasets or of containers.
    static func datasetsOrContainers(_ names: [String]) -> Statement<String> {
        Statement(
            "operating.datasetsOrContainers",
            "SELECT name FROM dataset WHERE name = ANY(\(names)) UNION SELECT name FROM container WHERE name = ANY(\(names))",
            returning: String.self
        )
    }

    /// Which of these sites exist.
    static func sites(_ names: [String]) -> Statement<String> {
        Statement("operating.sites", "SELECT name FROM site WHERE name = ANY(\(names))", returning: String.self)
    }

    /// A site: access, who changed it last, reason, until when; and whether the moment `until` has passed.
    static func lockSite(_ site: String, until: Moment?) -> Statement<String, String?, String?, Moment?, Bool> {
        Statement(
            "operating.lockSite",
            """
            SELECT access, who, reason, until, coalesce(\(until) <= clock_timestamp(), false) FROM site WHERE name = \(site)
            FOR NO KEY UPDATE
            """,
            returning: String.self,
            String?.self,
            String?.self,
            Moment?.self,
            Bool.self
        )
    }

    static func moveSite(_ site: String, to access: SiteAccess, reason: String?, until: Moment?, who: String) -> SQL {
        """
        UPDATE site SET access = \(access.rawValue), version = version + 1, reason = \(reason), until = \(until), who = \(who)
        WHERE name = \(site)
        """
    }

    /// What an operator decides about a site outranks what the Monitor did; allowing it also lets its nodes back in. What led to it is used
    /// up, or the Monitor would do it again at once. Returns the nodes; empty: the site.
    static func forgetExclusion(_ site: String, nodesToo: Bool) -> Statement<String> {
        Statement(
            "operating.forgetExclusion",
            """
            WITH place AS (
                DELETE FROM excluded_place WHERE site = \(site) AND (node = '' OR \(nodesToo)) RETURNING site, node
            ), tally AS (
                DELETE FROM place_tally t USING place p WHERE t.site = p.site AND p.node IN ('', t.node)
            )
            SELECT node FROM place ORDER BY node
            """,
            returning: String.self
        )
    }

    static func insertSite(_ site: String, cloud: String?, lostAfter: Double, who: String) -> SQL {
        """
        INSERT INTO site (name, cloud, lost_after, who, reason)
        VALUES (\(site), \(cloud), make_interval(secs => \(lostAfter)), \(who), 'added')
        """
    }

    static func insertStorage(_ name: String, site: String?, kind: String, base: String, limit: Int) -> SQL {
        """
        INSERT INTO storage_element (name, site, kind, base, limit_active)
        VALUES (\(name), \(site), \(kind), \(base), \(Int32(clamping: limit)))
        """
    }

    static func insertCloud(_ name: String) -> SQL {
        "INSERT INTO cloud (name) VALUES (\(name)) ON CONFLICT DO NOTHING"
    }

    /// A transfer: state, destination, file's name, who changed it last, when, whether the file is lost, and another transfer that takes it
    /// there.
    static func lockTransfer(_ transfer: Int64) -> Statement<String, String, String, String?, Moment, Bool, Int64?> {
        Statement(
            "operating.lockTransfer",
            """
            SELECT t.state, t.destination, f.lfn, t.who, t.updated, f.lost,
                   (SELECT o.id FROM transfer o WHERE o.file = t.file AND o.destination = t.destination AND o.state IN ('queued', 'active')
                                                  AND o.id <> t.id)
            FROM transfer t JOIN file f ON f.id = t.file
            WHERE t.id = \(transfer) FOR NO KEY UPDATE OF t
            """,
            returning: String.self,
            String.self,
            String.self,
            String?.self,
            Moment.self,
            Bool.self,
            Int64?.self
        )
    }

    /// Queued anew with all its tries, or cancelled; a worker that still copies finds its token gone.
    static func moveTransfer(_ transfer: Int64, to state: TransferState, reason: String, who: String) -> SQL {
        """
        UPDATE transfer SET state = \(state.rawValue), version = version + 1, token = NULL, lease_until = NULL, worker = NULL, tries = 0,
            not_before = '-infinity', reason = \(reason), who = \(who), updated = now()
        WHERE id = \(transfer)
        """
    }

    /// The row of a listing by its key, as JSON.
    static func storage(_ name: String) -> Statement<String> {
        Statement(
            "operating.storage",
            """
            SELECT json_build_object('storage', name, 'site', site, 'kind', kind, 'base', base, 'limit_active', limit_active,
                'created', created)::text FROM storage_element WHERE name = \(name)
            """,
            returning: String.self
        )
    }

    static func transfer(_ id: Int64) -> Statement<String> {
        Statement(
            "operating.transfer",
            """
            SELECT row_to_json(d)::text FROM (
                SELECT lfn, source, destination, state, tries, nullif(not_before, '-infinity') AS not_before, reason, transfer, created,
                       updated
                FROM transfer_view WHERE transfer = \(id)
            ) d
            """,
            returning: String.self
        )
    }

    static func requestRow(_ request: Int64) -> Statement<String> {
        Statement(
            "operating.requestRow",
            "SELECT row_to_json(v)::text FROM request_view v WHERE v.request = \(request)",
            returning: String.self
        )
    }

    static func taskRow(_ task: Int64) -> Statement<String> {
        Statement(
            "operating.taskRow",
            "SELECT row_to_json(v)::text FROM task_view v WHERE v.task = \(task)",
            returning: String.self
        )
    }

    static func siteRow(_ site: String) -> Statement<String> {
        Statement(
            "operating.siteRow",
            "SELECT row_to_json(v)::text FROM site_view v WHERE v.site = \(site)",
            returning: String.self
        )
    }

    static var examples: [AnyStatement] {
        [
            Self.lockRequest(1).erased, Self.content(1).erased, Self.requestOfTask(1).erased, Self.lockTask(1).erased,
            Self.retryJobs(1, who: "x", cause: "y").erased, Self.storages.erased, Self.datasets([]).erased,
            Self.datasetsOrContainers([]).erased,
            Self.sites([]).erased, Self.lockSite("x", until: nil).erased,
            Command("operating.moveSite", Self.moveSite("x", to: .banned, reason: nil, until: nil, who: "x")).erased,
            Self.forgetExclusion("x", nodesToo: true).erased,
            Command("operating.insertSite", Self.insertSite("x", cloud: nil, lostAfter: 1, who: "x")).erased,
            Command("operating.insertStorage", Self.insertStorage("x", site: nil, kind: "posix", base: "/", limit: 1))
                .erased,
            Command("operating.insertCloud", Self.insertCloud("x")).erased, Self.lockTransfer(1).erased,
            Command("operating.moveTransfer", Self.moveTransfer(1, to: .queued, reason: "x", who: "y")).erased,
            Self.storage("x").erased, Self.transfer(1).erased, Self.requestRow(1).erased, Self.taskRow(1).erased,
            Self.siteRow("x").erased,
        ] + CreatingStatements.examples + RuleStatements.examples
    }
}
