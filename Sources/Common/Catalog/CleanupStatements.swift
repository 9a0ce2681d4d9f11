import Domain
package import Postgres

/// Clean-ups of cancelled requests: what is asked for, and what is carried out.
package enum CleanupStatements {
    // MARK: Asking

    /// Nobody begins to read these datasets, or puts them anywhere, while it is decided.
    static func lockDatasets(_ datasets: [Int64]) -> Statement<Int64> {
        Statement(
            "cleanup.lockDatasets",
            "SELECT id FROM dataset WHERE id = ANY(\(datasets)) ORDER BY id FOR UPDATE",
            returning: Int64.self
        )
    }

    /// The output datasets of a request: id, name, whether it is closed, files that a clean-up has not taken out yet, their bytes.
    static func datasets(of request: Int64) -> Statement<Int64, String, Bool, Int64, Int64> {
        Statement(
            "cleanup.datasets",
            """
            SELECT d.id, d.name, d.state = 'closed', coalesce(k.files, 0) - coalesce(p.files, 0), coalesce(k.bytes, 0) - coalesce(p.bytes, 0)
            FROM task t JOIN dataset d ON d.task = t.id LEFT JOIN cleanup_part p ON p.dataset = d.id CROSS JOIN LATERAL (
                SELECT sum(k.files)::bigint AS files, sum(k.bytes)::bigint AS bytes FROM dataset_counter k WHERE k.dataset = d.id) k
            WHERE t.request = \(request) ORDER BY d.id
            """,
            returning: Int64.self,
            String.self,
            Bool.self,
            Int64.self,
            Int64.self
        )
    }

    /// A clean-up, locked: state, who forces it, whether it goes for closed datasets.
    static func lock(_ request: Int64) -> Statement<String, String?, Bool> {
        Statement(
            "cleanup.lock",
            "SELECT state, forced_by, closed_too FROM cleanup WHERE request = \(request) FOR NO KEY UPDATE",
            returning: String.self,
            String?.self,
            Bool.self
        )
    }

    /// Whether a request has a dataset that its clean-up has kept, or has not seen.
    static func isLeft(of request: Int64) -> Statement<Bool> {
        Statement(
            "cleanup.isLeft",
            """
            SELECT EXISTS (
                SELECT 1 FROM task t JOIN dataset d ON d.task = t.id LEFT JOIN cleanup_part p ON p.dataset = d.id
                WHERE t.request = \(request) AND (p.dataset IS NULL OR p.state = 'kept'))
            """,
            returning: Bool.self
        )
    }

    /// Records a clean-up, or goes on with one that was stopped.
    static func begin(_ request: Int64, closedToo: Bool, forcedBy: String?, reason: String?, who: String) -> [SQL] {
        [
            """
            INSERT INTO cleanup AS c (request, closed_too, forced_by, reason, who)
            VALUES (\(request), \(closedToo), \(forcedBy), \(reason), \(who))
            ON CONFLICT (request) DO UPDATE SET state = 'open', closed_too = excluded.closed_too, forced_by = excluded.forced_by,
                reason = excluded.reason, who = excluded.who, since = now(), ended = NULL, stopped_by = NULL
            """,
            """
            INSERT INTO cleanup_part AS p (dataset, request) SELECT d.id, t.request FROM task t JOIN dataset d ON d.task = t.id
            WHERE t.request = \(request) ORDER BY d.id
            ON CONFLICT (dataset) DO UPDATE SET state = 'open', not_before = '-infinity', pause_s = 0, waits_for = NULL WHERE p.state = 'kept'
            """,
        ]
    }

    /// An open clean-up goes for closed datasets as well, and if it is forced for what others hold.
    static func widen(_ request: Int64, forcedBy: String?) -> [SQL] {
        [
            "UPDATE cleanup SET forced_by = coalesce(\(forcedBy), forced_by), closed_too = true WHERE request = \(request)",
            "UPDATE cleanup_part SET not_before = '-infinity', pause_s = 0 WHERE request = \(request) AND state = 'open'",
        ]
    }

    /// What has not gone yet is kept.
    static func stop(_ request: Int64, who: String) -> [SQL] {
        [
            "UPDATE cleanup SET state = 'stopped', ended = now(), stopped_by = \(who) WHERE request = \(request)",
            """
            UPDATE cleanup_part SET state = 'kept', waits_for = NULL, position = 0, kept = 0, reader = NULL WHERE request = \(request) AND state = 'open'
            """,
        ]
    }

    // MARK: Deciding

    /// What is known of datasets of a request, see ``CleanupFacts``: name, whether it is closed and holds files that no clean-up has taken
    /// out (of an empty one nothing was handed over), live attempts, request and task of a reader, container, subscription, a request that
    /// goes on with it, a dataset of people with files of it, request and task that leave out what is in it, whether that request has ended.
    ///
    /// What was merged into a dataset is not asked for where that one is named: it is there, whatever becomes of what was merged.
    static func facts(
        _ datasets: [Int64],
        of request: Int64
    ) -> Statement<Int64, String, Bool, Int64, Int64?, Int64?, String?, String?, Int64?, String?, Int64?, Int64?, Bool?>
    {
        Statement(
            "cleanup.facts",
            """
            WITH RECURSIVE later(id, state) AS (
                SELECT id, state FROM request WHERE continues = \(request)
                UNION ALL SELECT r.id, r.state FROM later l JOIN request r ON r.continues = l.id
            )
            SELECT d.id, d.name, d.state = 'closed' AND (SELECT coalesce(sum(k.files), 0) FROM dataset_counter k WHERE k.dataset = d.id)
                       > coalesce((SELECT p.files FROM cleanup_part p WHERE p.dataset = d.id), 0),
                   (SELECT count(*) FROM lease l WHERE l.task = d.task), i.request, i.task, m.name, s.storage,
                   (SELECT min(l.id) FROM later l WHERE l.state NOT IN ('rejected', 'cancelled')),
                   (SELECT min(x.name) FROM dataset_source s JOIN dataset x ON x.id = s.dataset WHERE s.source = d.id),
                   o.request, o.task, o.has_ended
            FROM dataset d
            LEFT JOIN LATERAL (
                SELECT c.name FROM container_member m JOIN container c ON c.id = m.container WHERE m.dataset = d.id ORDER BY c.name LIMIT 1) m ON true
            LEFT JOIN LATERAL (
                SELECT s.storage FROM subscription s WHERE s.dataset = d.id AND s.storage <> d.home ORDER BY s.storage LIMIT 1) s ON true
            LEFT JOIN LATERAL (
                SELECT t.request, t.id AS task FROM task_input i JOIN task t ON t.id = i.task JOIN request r ON r.id = t.request
                WHERE (i.dataset = d.name OR i.parent = d.task AND i.stream = d.stream OR i.container IN (
                        SELECT c.name FROM container_member m JOIN container c ON c.id = m.container WHERE m.dataset = d.id))
                  AND t.request <> \(request) AND r.state IN ('approved', 'running', 'held')
                ORDER BY t.id LIMIT 1) i ON true
            LEFT JOIN LATERAL (
                SELECT t.request, t.id AS task, r.state NOT IN ('approved', 'running', 'held') AS has_ended
                FROM (SELECT d.name UNION SELECT c.name FROM container_member m JOIN container c ON c.id = m.container WHERE m.dataset = d.id) w
                JOIN task_input i ON i.missing_in = w.name JOIN task t ON t.id = i.task JOIN request r ON r.id = t.request
                WHERE t.request <> \(request) AND r.state NOT IN ('rejected', 'cancelled')
                ORDER BY has_ended, t.id LIMIT 1) o ON true
            WHERE d.id = ANY(\(datasets)) ORDER BY d.id
            """,
            returning: Int64.self,
            String.self,
            Bool.self,
            Int64.self,
            Int64?.self,
            Int64?.self,
            String?.self,
            String?.self,
            Int64?.self,
            String?.self,
            Int64?.self,
            Int64?.self,
            Bool?.self
        )
    }

    static func facts(
        row: (
            Int64, String, Bool, Int64, Int64?, Int64?, String?, String?, Int64?, String?, Int64?, Int64?, Bool?
        )
    ) -> (dataset: Int64, facts: CleanupFacts) {
        var facts = CleanupFacts()
        (facts.isClosed, facts.liveAttempts) = (row.2, row.3)
        facts.reader = row.4.flatMap { request in row.5.map { CleanupFacts.Reader(request: request, task: $0) } }
        (facts.container, facts.subscription, facts.continuation) = (row.6, row.7, row.8)
        facts.selection = row.9
        if let request = row.10, let task = row.11, let hasEnded = row.12 {
            facts.deriver = CleanupFacts.Deriver(request: request, task: task, hasEnded: hasEnded)
        }
        return (row.0, facts)
    }

    /// Of these files those that requests which have not ended need. File, task.
    /// - Their jobs read them, or are about to: chosen by a query, out of a container, or through a dataset that people filled from one of
    ///   this request. Readers of the dataset itself are found with it.
    /// - They are in a dataset that people filled, and a derive task leaves out what is in that, or in a container with it.
    package static func read(_ files: [Int64], notBy request: Int64) -> Statement<Int64, Int64> {
        Statement(
            "cleanup.read",
            """
            SELECT n.file, min(n.task) FROM (
                SELECT f.file, t.id AS task FROM request r JOIN task t ON t.request = r.id
                CROSS JOIN unnest(\(files)) AS f(file)
                CROSS JOIN LATERAL (
                    SELECT 1 FROM unit_input u WHERE u.task = t.id AND u.file = f.file
                    UNION ALL SELECT 1 FROM pending_input p WHERE p.task = t.id AND p.file = f.file LIMIT 1) u
                WHERE r.state IN ('approved', 'running', 'held') AND r.id <> \(request)
                  AND EXISTS (
                    SELECT 1 FROM task_input i WHERE i.task = t.id AND (i.query IS NOT NULL OR i.container IS NOT NULL OR i.dataset IN (
                        SELECT x.name FROM task o JOIN dataset d ON d.task = o.id JOIN dataset_source s ON s.source = d.id
                        JOIN dataset x ON x.id = s.dataset WHERE o.request = \(request))))
                UNION ALL
                SELECT f.file, x.task FROM (
                    SELECT DISTINCT i.task, s.dataset
                    FROM task o JOIN dataset d ON d.task = o.id JOIN dataset_source s ON s.source = d.id
                    CROSS JOIN LATERAL (
                        SELECT x.name FROM dataset x WHERE x.id = s.dataset
                        UNION SELECT c.name FROM container_member m JOIN container c ON c.id = m.container WHERE m.dataset = s.dataset) w
                    JOIN task_input i ON i.missing_in = w.name JOIN task t ON t.id = i.task JOIN request r ON r.id = t.request
                    WHERE o.request = \(request) AND r.state IN ('approved', 'running', 'held') AND r.id <> \(request)) x
                CROSS JOIN unnest(\(files)) AS f(file)
                CROSS JOIN LATERAL (SELECT FROM dataset_file m WHERE m.dataset = x.dataset AND m.file = f.file OFFSET 0) m
            ) n GROUP BY n.file ORDER BY n.file
            """,
            returning: Int64.self,
            Int64.self
        )
    }

    // MARK: Carrying out

    /// The first dataset that is due and nobody works on: dataset, request, name, position, kept, closed too, forced, who, reason, reader,
    /// what it waited for when it was looked at last.
    /// One that has been gone through, and holds files that a request reads, is not due before that request has ended.
    static let next = Statement<Int64, Int64, String, Int64, Int64, Bool, Bool, String, String?, Int64?, String?>(
        "cleanup.next",
        """
        SELECT p.dataset, p.request, d.name, p.position, p.kept, c.closed_too, c.forced_by IS NOT NULL, c.who, c.reason, p.reader, p.waits_for
        FROM cleanup_part p JOIN cleanup c ON c.request = p.request JOIN dataset d ON d.id = p.dataset
        WHERE p.state = 'open' AND p.not_before <= clock_timestamp() AND (p.position > 0 OR p.reader IS NULL OR NOT EXISTS (
            SELECT 1 FROM task t JOIN request r ON r.id = t.request WHERE t.id = p.reader AND r.state IN ('approved', 'running', 'held')))
        ORDER BY p.not_before, p.dataset LIMIT 1 FOR NO KEY UPDATE OF p SKIP LOCKED
        """,
        returning: Int64.self,
        Int64.self,
        String.self,
        Int64.self,
        Int64.self,
        Bool.self,
        Bool.self,
        String.self,
        String?.self,
        Int64?.self,
        String?.self
    )

    /// For ``lockFiles(_:after:limit:)``: by key, and not all of the dataset sorted.
    package static let inOrder: SQL = "SET LOCAL enable_sort = off"

    /// The next files of a dataset, locked against whoever begins to read one: file, bytes, whether a clean-up took it out before. By
    /// key alone: with a condition on what was taken out the planner reads the whole dataset for each batch (see PlanTests).
    package static func lockFiles(
        _ dataset: Int64,
        after position: Int64,
        limit: Int
    ) -> Statement<Int64, Int64, Bool> {
        Statement(
            "cleanup.lockFiles",
            """
            SELECT f.id, f.bytes, EXISTS (SELECT 1 FROM deleted_file x WHERE x.file = f.id) FROM (
                SELECT m.file FROM dataset_file m WHERE m.dataset = \(dataset) AND m.file > \(position)
                ORDER BY m.dataset, m.file LIMIT \(limit)
            ) i CROSS JOIN LATERAL (SELECT f.id, f.bytes FROM file f WHERE f.id = i.file FOR UPDATE) f
            """,
            returning: Int64.self,
            Int64.self,
            Bool.self
        )
    }

    /// Takes files out: what moves them ends, their replicas are to be deleted, and they count as lost.
    static func remove(
        _ files: [Int64],
        bytes: Int64,
        part: CleanupPart,
        cause: String,
        graceSeconds: Double
    ) -> [SQL] {
        [
            """
            UPDATE transfer t SET state = 'cancelled', version = t.version + 1, token = NULL, lease_until = NULL, worker = NULL,
                reason = \(cause), who = \(part.who), updated = now()
            FROM unnest(\(files)) AS i(file) WHERE t.file = i.file AND t.state IN ('queued', 'active')
            """,
            """
            INSERT INTO garbage AS g (lfn, storage, not_before, reason, cleanup)
            SELECT f.lfn, r.storage, clock_timestamp() + make_interval(secs => \(graceSeconds)), \(cause), \(part.request)
            FROM unnest(\(files)) AS i(file) JOIN file f ON f.id = i.file JOIN replica r ON r.file = f.id
            WHERE NOT EXISTS (SELECT 1 FROM registration n WHERE n.lfn = f.lfn AND n.storage = r.storage)
            ORDER BY f.lfn, r.storage
            ON CONFLICT (lfn, storage) DO UPDATE SET cleanup = excluded.cleanup,
                not_before = greatest(excluded.not_before, g.not_before + interval '1 microsecond')
            """,
            RegistrationStatements.release(files),
            "UPDATE replica r SET state = 'deleting', at = now() FROM unnest(\(files)) AS i(file) WHERE r.file = i.file",
            "UPDATE file f SET lost = true FROM unnest(\(files)) AS i(file) WHERE f.id = i.file AND NOT f.lost",
            "INSERT INTO deleted_file (file, request) SELECT i.file, \(part.request) FROM unnest(\(files)) AS i(file)",
            """
            UPDATE cleanup_part SET files = files + \(Int64(files.count)), bytes = bytes + \(bytes), waits_for = NULL
            WHERE dataset = \(part.dataset)
            """,
        ]
    }

    static func move(_ dataset: Int64, to position: Int64, kept: Int64, reader: Int64?) -> SQL {
        "UPDATE cleanup_part SET position = \(position), kept = \(kept), reader = \(reader) WHERE dataset = \(dataset)"
    }

    /// - Parameters:
    ///   - seconds: the pause.
    ///   - most: each time that the same keeps it the pause is twice as long, up to this; nil: it is not.
    static func wait(_ dataset: Int64, _ reason: String, seconds: Double, upTo most: Double? = nil) -> SQL {
        """
        UPDATE cleanup_part p SET waits_for = \(reason), pause_s = n.pause, not_before = clock_timestamp() + make_interval(secs => n.pause)
        FROM (SELECT o.dataset, greatest(\(seconds), CASE WHEN o.waits_for = \(reason) THEN least(2 * o.pause_s, \(most ?? 0)) END) AS pause
              FROM cleanup_part o WHERE o.dataset = \(dataset)) n
        WHERE p.dataset = n.dataset
        """
    }

    /// Nothing of the dataset is left: it closes, if nobody closed it before.
    static func empty(_ dataset: Int64, who: String, cause: String) -> [SQL] {
        [
            """
            UPDATE dataset SET state = 'closed', version = version + 1, closed = clock_timestamp(), cause = \(cause), who = \(who)
            WHERE id = \(dataset) AND state = 'open'
            """,
            "UPDATE cleanup_part SET state = 'emptied', waits_for = NULL, kept = 0, reader = NULL WHERE dataset = \(dataset)",
        ]
    }

    /// Clean-ups of which no file is left anywhere.
    static let finish: SQL = """
        UPDATE cleanup c SET state = 'done', ended = now()
        WHERE c.state = 'open' AND NOT EXISTS (SELECT 1 FROM cleanup_part p WHERE p.request = c.request AND p.state = 'open')
          AND NOT EXISTS (SELECT 1 FROM garbage g WHERE g.cleanup = c.request)
        """

    /// A clean-up with its datasets, as JSON.
    package static func cleanup(_ request: Int64) -> Statement<String> {
        Statement(
            "cleanup.cleanup",
            """
            SELECT row_to_json(d)::text FROM (
                SELECT v.*, coalesce((SELECT json_agg(json_build_object('dataset', d.name, 'task', d.task, 'state', p.state,
                        'files', (SELECT coalesce(sum(k.files), 0) FROM dataset_counter k WHERE k.dataset = d.id),
                        'files_removed', p.files, 'bytes_removed', p.bytes, 'waits_for', p.waits_for) ORDER BY d.id)
                    FROM cleanup_part p JOIN dataset d ON d.id = p.dataset WHERE p.request = v.request), '[]') AS parts
                FROM cleanup_view v WHERE v.request = \(request)
            ) d
            """,
            returning: String.self
        )
    }

    static var examples: [AnyStatement] {
        let part = CleanupPart(row: (1, 1, "x", 0, 0, false, false, "x", nil, nil, nil))
        let changes =
            Self.begin(1, closedToo: false, forcedBy: nil, reason: nil, who: "x") + Self.widen(1, forcedBy: "x")
            + Self.stop(1, who: "x") + Self.remove([], bytes: 0, part: part, cause: "x", graceSeconds: 1)
            + [Self.move(1, to: 1, kept: 0, reader: nil), Self.wait(1, "x", seconds: 1), Self.finish]
            + Self.empty(1, who: "x", cause: "x")
        return [
            Self.lockDatasets([]).erased, Self.datasets(of: 1).erased, Self.lock(1).erased, Self.isLeft(of: 1).erased,
            Self.facts([], of: 1).erased,
            Self.read([], notBy: 1).erased, Self.next.erased, Self.lockFiles(1, after: 0, limit: 1).erased,
            Self.cleanup(1).erased,
        ] + changes.enumerated().map { Command("cleanup.change.\($0)", $1).erased }
    }
}
