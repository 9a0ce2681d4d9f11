import Domain
package import Postgres

/// What people do to datasets and files.
package enum DataStatements {
    /// A dataset, locked: id, state, who fills it, that task's state.
    package static func lock(dataset: String) -> Statement<Int64, String, Int64?, String?> {
        Statement(
            "data.lockDataset",
            """
            SELECT d.id, d.state, d.task, t.state FROM dataset d LEFT JOIN task t ON t.id = d.task
            WHERE d.name = \(dataset) FOR NO KEY UPDATE OF d
            """,
            returning: Int64.self,
            String.self,
            Int64?.self,
            String?.self
        )
    }

    package static func close(dataset: Int64, cause: String, who: String) -> SQL {
        """
        UPDATE dataset SET state = 'closed', version = version + 1, closed = clock_timestamp(), cause = \(cause), who = \(who)
        WHERE id = \(dataset)
        """
    }

    /// Attempts of a task that its agents have not told the end of.
    static func live(task: Int64) -> Statement<Int64> {
        Statement("data.live", "SELECT count(*) FROM lease WHERE task = \(task)", returning: Int64.self)
    }

    package static func dataset(_ name: String) -> Statement<String> {
        Statement(
            "data.dataset",
            "SELECT row_to_json(v)::text FROM dataset_view v WHERE dataset = \(name)",
            returning: String.self
        )
    }

    /// Whether the subscription is new.
    package static func subscribe(dataset: Int64, storage: String, who: String) -> Statement<Bool> {
        Statement(
            "data.subscribe",
            """
            INSERT INTO subscription AS s (dataset, storage, who) VALUES (\(dataset), \(storage), \(who))
            ON CONFLICT (dataset, storage) DO UPDATE SET who = s.who RETURNING xmax = 0
            """,
            returning: Bool.self
        )
    }

    /// Queues what is missing of a dataset at a storage element: files without a replica there, from where there is a good one. What was
    /// declared bad there is replaced, but for what a person registered.
    /// Locks the files by number, and may wait for one: in a transaction only. Returns the transfers.
    ///
    /// - Parameter who: asked for it; nil: a service found it missing.
    package static func fill(dataset: Int64, storage: String, who: String? = nil) -> Statement<Int64> {
        Statement(
            "data.fill",
            """
            WITH missing AS MATERIALIZED (
                SELECT f.id AS file, (SELECT r.storage FROM replica r WHERE r.file = f.id AND r.state = 'available'
                                      ORDER BY r.storage LIMIT 1) AS source,
                       EXISTS (SELECT 1 FROM replica r WHERE r.file = f.id AND r.storage = \(storage) AND r.state = 'bad')
                       AND NOT EXISTS (SELECT 1 FROM registration n WHERE n.lfn = f.lfn AND n.storage = \(storage)) AS replaces
                FROM dataset_file df JOIN file f ON f.id = df.file
                WHERE df.dataset = \(dataset) AND NOT f.lost
                  AND NOT EXISTS (SELECT 1 FROM replica r WHERE r.file = f.id AND r.storage = \(storage) AND r.state <> 'bad')
                ORDER BY f.id FOR SHARE OF f
            ), r AS (
                INSERT INTO replica AS r (file, storage, state) SELECT file, \(storage), 'copying' FROM missing WHERE source IS NOT NULL
                ORDER BY file
                ON CONFLICT (file, storage) DO UPDATE SET state = 'copying', at = now()
            )
            INSERT INTO transfer (file, source, destination, replaces, who)
            SELECT file, source, \(storage), replaces, \(who) FROM missing WHERE source IS NOT NULL
            ORDER BY file ON CONFLICT DO NOTHING RETURNING id
            """,
            returning: Int64.self
        )
    }

    /// Subscriptions of the last hour: what was accepted at the moment of a subscription may have seen none: dataset, storage.
    package static let recentSubscriptions = Statement<Int64, String>(
        "data.recentSubscriptions",
        "SELECT dataset, storage FROM subscription WHERE since > now() - interval '1 hour' ORDER BY dataset, storage",
        returning: Int64.self,
        String.self
    )

    // MARK: Bad and lost files

    /// A file, locked: id, whether it is lost already.
    package static func lock(file: String) -> Statement<Int64, Bool> {
        Statement(
            "data.lockFile",
            "SELECT id, lost FROM file WHERE lfn = \(file) FOR NO KEY UPDATE",
            returning: Int64.self,
            Bool.self
        )
    }

    /// The replicas of a file: storage, state.
    package static func replicas(_ file: Int64) -> Statement<String, String> {
        Statement(
            "data.replicas",
            "SELECT storage, state FROM replica WHERE file = \(file) ORDER BY storage FOR NO KEY UPDATE",
            returning: String.self,
            String.self
        )
    }

    /// A replica has no log: it says itself who condemned it, and why.
    package static func condemn(_ file: Int64, storages: [String], cause: String, who: String) -> SQL {
        """
        UPDATE replica SET state = 'bad', at = now(), cause = \(cause), who = \(who)
        WHERE file = \(file) AND storage = ANY(\(storages))
        """
    }

    /// The file has no good replica any more: what was on the way to anywhere ends.
    package static func lose(_ file: Int64, reason: String, who: String) -> [SQL] {
        [
            """
            UPDATE transfer SET state = 'cancelled', version = version + 1, token = NULL, lease_until = NULL, reason = \(reason),
                who = \(who), updated = now()
            WHERE file = \(file) AND state IN ('queued', 'active')
            """,
            "UPDATE file SET lost = true WHERE id = \(file)",
        ]
    }

    /// Whether a file belongs at a storage element: the home of a dataset of it, or subscribed.
    package static func belongs(_ file: Int64, at storage: String) -> Statement<Bool> {
        Statement(
            "data.belongs",
            """
            SELECT EXISTS (
                SELECT 1 FROM dataset_file df JOIN dataset d ON d.id = df.dataset
                WHERE df.file = \(file) AND (d.home = \(storage) OR EXISTS (
                    SELECT 1 FROM subscription s WHERE s.dataset = d.id AND s.storage = \(storage))))
            """,
            returning: Bool.self
        )
    }

    /// Whether a person registered a file at a storage element: what is there is never touched.
    static func isRegistered(_ file: Int64, at storage: String) -> Statement<Bool> {
        Statement(
            "data.isRegistered",
            """
            SELECT EXISTS (SELECT 1 FROM file f JOIN registration n ON n.lfn = f.lfn WHERE f.id = \(file) AND n.storage = \(storage))
            """,
            returning: Bool.self
        )
    }

    /// Fetches a file again. Returns the transfer, also if it was on its way.
    ///
    /// - Parameter replacing: what has its name there gives way to the copy.
    package static func fetch(
        _ file: Int64,
        from source: String,
        to storage: String,
        replacing: Bool,
        cause: String,
        who: String
    ) -> Statement<Int64> {
        Statement(
            "data.fetch",
            """
            WITH r AS (UPDATE replica SET state = 'copying', at = now() WHERE file = \(file) AND storage = \(storage))
            INSERT INTO transfer AS t (file, source, destination, replaces, reason, who)
            VALUES (\(file), \(source), \(storage), \(replacing), \(cause), \(who))
            ON CONFLICT (file, destination) WHERE state IN ('queued', 'active') DO UPDATE SET replaces = t.replaces OR excluded.replaces
            RETURNING id
            """,
            returning: Int64.self
        )
    }

    /// What made a file: task, index, the task's state, its request, whether its jobs are archived. No row: no job did.
    static func maker(of file: Int64) -> Statement<Int64, Int64, String, Int64, Bool> {
        Statement(
            "data.maker",
            """
            SELECT t.id, f.index, t.state, t.request, EXISTS (SELECT 1 FROM archived_task a WHERE a.task = t.id)
            FROM file f JOIN task t ON t.id = f.task WHERE f.id = \(file)
            """,
            returning: Int64.self,
            Int64.self,
            String.self,
            Int64.self,
            Bool.self
        )
    }

    /// Whether nothing is left of what a job made: each file that was accepted from it is lost, and so is all that was made of these, in
    /// all generations; also while a job that began before the loss still reads one of these.
    static func isHole(_ task: Int64, _ index: Int64) -> Statement<Bool> {
        Statement(
            "data.isHole",
            """
            SELECT \(fragment: Holes.isHole(task: "j.task", index: "j.index", whileRead: true)) FROM (SELECT \(task)::bigint AS task, \(index)::bigint AS index) j
            """,
            returning: Bool.self
        )
    }

    /// What depends on a file, by task: task, its name, request, files of it that were made from the file in all generations, its
    /// jobs that have yet to read the file, and those that have yet to read one of these. Files that no task made come last, without one.
    package static func dependents(_ file: Int64) -> Statement<Int64?, String?, Int64?, Int64, Int64, Int64> {
        Statement(
            "data.dependents",
            """
            WITH RECURSIVE \(fragment: Self.madeFrom(file)), reader AS MATERIALIZED (
                SELECT u.task, u.index, bool_or(d.file = \(file)) AS direct
                FROM (SELECT \(file)::bigint AS file UNION SELECT file FROM down) d JOIN unit_input u ON u.file = d.file GROUP BY u.task, u.index
            )
            SELECT t.id, t.name, t.request, sum(x.made)::bigint, sum(x.waits)::bigint, sum(x.later)::bigint
            FROM (
                SELECT f.task, 1 AS made, 0 AS waits, 0 AS later FROM down d JOIN file f ON f.id = d.file
                UNION ALL
                SELECT y.task, 0, y.direct::int, (NOT y.direct)::int FROM reader y JOIN job j ON j.task = y.task AND j.index = y.index
                WHERE j.state IN ('waiting', 'active', 'recovering')
            ) x LEFT JOIN task t ON t.id = x.task
            GROUP BY t.id ORDER BY t.id
            """,
            returning: Int64?.self,
            String?.self,
            Int64?.self,
            Int64.self,
            Int64.self,
            Int64.self
        )
    }

    /// The datasets that hold a file, or files that were made from it in any generation; no more than so many.
    static func datasets(with file: Int64, limit: Int) -> Statement<String> {
        Statement(
            "data.datasetsWith",
            """
            WITH RECURSIVE \(fragment: Self.madeFrom(file))
            SELECT DISTINCT d.name FROM (SELECT \(file)::bigint AS file UNION SELECT file FROM down) f
            JOIN dataset_file m ON m.file = f.file JOIN dataset d ON d.id = m.dataset ORDER BY 1 LIMIT \(limit)
            """,
            returning: String.self
        )
    }

    /// `down`: the files that were made from this one, in all generations.
    private static func madeFrom(_ file: Int64) -> SQL {
        """
        down AS (
            SELECT p.file FROM file_parent p WHERE p.parent = \(file)
            UNION
            SELECT p.file FROM down d JOIN file_parent p ON p.parent = d.file
        )
        """
    }

    static var examples: [AnyStatement] {
        let changes =
            [
                Self.close(dataset: 1, cause: "x", who: "x"), Self.condemn(1, storages: [], cause: "x", who: "x"),
            ] + Self.lose(1, reason: "x", who: "x")
        return [
            Self.lock(dataset: "x").erased, Self.live(task: 1).erased, Self.dataset("x").erased,
            Self.subscribe(dataset: 1, storage: "x", who: "x").erased, Self.fill(dataset: 1, storage: "x").erased,
            Self.recentSubscriptions.erased, Self.lock(file: "x").erased, Self.replicas(1).erased,
            Self.belongs(1, at: "x").erased, Self.isRegistered(1, at: "x").erased,
            Self.fetch(1, from: "x", to: "y", replacing: true, cause: "x", who: "x").erased,
            Self.dependents(1).erased, Self.datasets(with: 1, limit: 1).erased, Self.maker(of: 1).erased,
            Self.isHole(1, 1).erased,
        ] + changes.enumerated().map { Command("data.change.\($0)", $1).erased }
    }
}
