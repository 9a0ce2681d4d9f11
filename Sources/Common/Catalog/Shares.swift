package import Postgres

/// How capacity is divided among requests.
package enum ShareStatements {
    /// Every share: name, parent, weight.
    package static let all = Statement<String, String?, Double>(
        "shares.all",
        "SELECT name, parent, weight FROM share ORDER BY name",
        returning: String.self,
        String?.self,
        Double.self
    )

    /// Cores that running jobs use, by the share of their task's class; the empty one: of none.
    package static let used = Statement<String, Int64>(
        "shares.used",
        """
        SELECT c.share, sum(k.active * c.cores)::bigint FROM task t JOIN class c ON c.id = t.class JOIN task_counter k ON k.task = t.id
        WHERE t.state IN ('waiting', 'scouting', 'running', 'finishing', 'paused') GROUP BY c.share
        """,
        returning: String.self,
        Int64.self
    )

    /// A share and how it is used, locked against children and requests: parent, children, requests that have not ended.
    static func lock(_ share: String) -> Statement<String?, Int64, Int64> {
        Statement(
            "shares.lock",
            """
            SELECT s.parent, (SELECT count(*) FROM share c WHERE c.parent = s.name),
                   (SELECT count(*) FROM request r WHERE r.share = s.name AND r.state IN ('new', 'approved', 'running', 'held'))
            FROM share s WHERE s.name = \(share) FOR UPDATE OF s
            """,
            returning: String?.self,
            Int64.self,
            Int64.self
        )
    }

    static func add(_ share: String, parent: String?, weight: Double, who: String) -> SQL {
        "INSERT INTO share (name, parent, weight, who) VALUES (\(share), \(parent), \(weight), \(who))"
    }

    static func weigh(_ share: String, _ weight: Double, who: String) -> SQL {
        "UPDATE share SET weight = \(weight), who = \(who), changed = now() WHERE name = \(share)"
    }

    /// Requests that have ended count for it no more.
    static func remove(_ share: String) -> [SQL] {
        ["UPDATE request SET share = NULL WHERE share = \(share)", "DELETE FROM share WHERE name = \(share)"]
    }

    static func row(_ share: String) -> Statement<String> {
        Statement(
            "shares.row",
            "SELECT row_to_json(v)::text FROM share_view v WHERE share = \(share)",
            returning: String.self
        )
    }

    /// The classes in which tasks of a request run and its jobs wait, with the same class for another share, which is made if it is
    /// new: old, new.
    static func reclass(request: Int64, share: String?) -> Statement<Int32, Int32> {
        Statement(
            "shares.reclass",
            """
            WITH used AS (
                SELECT t.class FROM task t WHERE t.request = \(request)
                UNION SELECT w.class FROM waiting w JOIN task t ON t.id = w.task WHERE t.request = \(request)
                UNION SELECT j.class FROM job j JOIN task t ON t.id = j.task WHERE t.request = \(request) AND j.class IS NOT NULL
            ), old AS (
                SELECT c.* FROM class c JOIN used u ON u.class = c.id
            ), made AS (
                INSERT INTO class (cores, memory_mb, walltime_s, disk_mb, platform, tags, sites, storage, share)
                SELECT cores, memory_mb, walltime_s, disk_mb, platform, tags, sites, storage, coalesce(\(share)::text, '') FROM old ORDER BY id
                ON CONFLICT DO NOTHING RETURNING *
            ), new AS (
                SELECT * FROM made UNION ALL SELECT c.* FROM class c WHERE c.share = coalesce(\(share)::text, '')
            )
            SELECT DISTINCT o.id, n.id FROM old o JOIN new n ON (n.cores, n.memory_mb, n.walltime_s, n.disk_mb, n.platform, n.tags, n.sites, n.storage)
                = (o.cores, o.memory_mb, o.walltime_s, o.disk_mb, o.platform, o.tags, o.sites, o.storage) ORDER BY o.id
            """,
            returning: Int32.self,
            Int32.self
        )
    }

    /// Puts the work of a request into other classes: request, tasks, waiting ranges, jobs. The caller holds the locks of request and
    /// tasks.
    static func move(request: Int64, share: String?, classes: [(old: Int32, new: Int32)]) -> [SQL] {
        let (old, new) = (classes.map(\.old), classes.map(\.new))
        return [
            "UPDATE request SET share = \(share) WHERE id = \(request)",
            """
            UPDATE task t SET class = i.new, updated = now() FROM unnest(\(old), \(new)) AS i(old, new)
            WHERE t.request = \(request) AND t.class = i.old
            """,
            """
            UPDATE waiting w SET class = i.new FROM task t, unnest(\(old), \(new)) AS i(old, new)
            WHERE t.request = \(request) AND w.task = t.id AND w.class = i.old
            """,
            """
            UPDATE job j SET class = i.new FROM task t, unnest(\(old), \(new)) AS i(old, new)
            WHERE t.request = \(request) AND j.task = t.id AND j.class = i.old
            """,
        ]
    }

    /// Gives the work of a request another priority. The caller holds the locks of request and tasks.
    static func prioritise(request: Int64, _ priority: Int) -> [SQL] {
        [
            "UPDATE request SET priority = \(Int32(clamping: priority)) WHERE id = \(request)",
            "UPDATE task SET priority = \(Int32(clamping: priority)), updated = now() WHERE request = \(request)",
            """
            UPDATE waiting w SET priority = \(Int32(clamping: priority)) FROM task t WHERE t.request = \(request) AND w.task = t.id
            """,
        ]
    }

    /// The tasks of a request, locked in their order.
    static func lockTasks(of request: Int64) -> Statement<Int64> {
        Statement(
            "shares.lockTasks",
            "SELECT id FROM task WHERE request = \(request) ORDER BY id FOR NO KEY UPDATE",
            returning: Int64.self
        )
    }

    static var examples: [AnyStatement] {
        [
            Self.all.erased, Self.used.erased, Self.lock("x").erased, Self.row("x").erased,
            Command("shares.add", Self.add("x", parent: nil, weight: 1, who: "x")).erased,
            Command("shares.weigh", Self.weigh("x", 1, who: "x")).erased, Self.reclass(request: 1, share: nil).erased,
            Self.lockTasks(of: 1).erased,
        ] + Self.remove("x").enumerated().map { Command("shares.remove.\($0)", $1).erased }
            + Self.move(request: 1, share: nil, classes: []).enumerated().map {
                Command("shares.move.\($0)", $1).erased
            }
            + Self.prioritise(request: 1, 1).enumerated().map { Command("shares.prioritise.\($0)", $1).erased }
    }
}
