import Domain
package import Postgres

/// Asking for the archive, and for what was put there.
package enum ArchivingStatements {
    /// The requests of tasks that exist, locked in order: of two operators the second sees what the first asked for.
    static func lockRequests(_ requests: [Int64]) -> Statement<Int64> {
        Statement(
            "archiving.lockRequests",
            "SELECT id FROM request WHERE id = ANY(\(requests)) ORDER BY id FOR NO KEY UPDATE",
            returning: Int64.self
        )
    }

    static func tasks(of requests: [Int64]) -> Statement<Int64> {
        Statement(
            "archiving.tasks",
            "SELECT id FROM task WHERE request = ANY(\(requests)) ORDER BY id",
            returning: Int64.self
        )
    }

    /// Requests that ended so long ago, or were restored so long ago, and have a task that is neither archived nor on its way; those
    /// after `request`, in their order.
    ///
    /// - Parameter closed: only those whose datasets are all closed.
    static func old(seconds: Double, after request: Int64, closed: Bool, limit: Int) -> Statement<Int64> {
        Statement(
            "archiving.old",
            """
            SELECT r.id FROM request r
            WHERE r.id > \(request) AND r.state IN ('finished', 'failed', 'cancelled') AND r.updated < now() - make_interval(secs => \(seconds))
              AND EXISTS (SELECT 1 FROM task t WHERE t.request = r.id
                          AND NOT EXISTS (SELECT 1 FROM archived_task a WHERE a.task = t.id))
              AND NOT (\(closed) AND EXISTS (SELECT 1 FROM task t JOIN dataset d ON d.task = t.id
                                             WHERE t.request = r.id AND d.state = 'open'))
            ORDER BY r.id LIMIT \(limit)
            """,
            returning: Int64.self
        )
    }

    /// Of tasks that have not ended.
    private static let openStates: SQL = "('waiting', 'scouting', 'running', 'finishing', 'paused')"

    /// See ``ArchiveFacts``: task, name, request, title, state, request's state, place, jobs, live, open, open dataset, garbage, reader,
    /// source, mergers, archived sources.
    ///
    /// For hundreds of tasks at once: the list of garbage is gone through once for all of them, and each is asked for what it has to do with,
    /// not each with every task that has not ended.
    package static func facts(
        _ tasks: [Int64]
    ) -> Statement<
        Int64, String, Int64, String, String, String, String?, Int64, Int64, Int64, String?, Int64, Int64?, Int64?,
        [Int64], [Int64]
    > {
        Statement(
            "archiving.facts",
            """
            WITH withdrawn AS MATERIALIZED (
                SELECT f.task, count(*) AS files FROM garbage g CROSS JOIN LATERAL (SELECT f.task FROM file f WHERE f.lfn = g.lfn OFFSET 0) f
                WHERE f.task = ANY(\(tasks)) GROUP BY f.task
            )
            SELECT t.id, t.name, r.id, r.title, t.state, r.state, w.state,
                coalesce(w.jobs, c.rows, 0)::bigint,
                (SELECT count(*) FROM lease l WHERE l.task = t.id) + (SELECT count(*) FROM kill_wish k WHERE k.task = t.id),
                coalesce(c.open, 0)::bigint + (SELECT count(*) FROM verdict v WHERE v.task = t.id AND v.carried_out_at IS NULL),
                (SELECT min(d.name) FROM dataset d WHERE d.task = t.id AND d.state = 'open'),
                coalesce(g.files, 0),
                (SELECT min(o.id) FROM (
                     SELECT i.task FROM task_input i WHERE i.parent = t.id
                     UNION ALL SELECT i.task FROM dataset d JOIN task_input i ON i.dataset = d.name WHERE d.task = t.id
                     -- And those that go on with it: what it did is what they leave out.
                     UNION ALL (WITH RECURSIVE later(task) AS (
                         SELECT n.id FROM task n WHERE n.continues = t.id
                         UNION ALL SELECT n.id FROM later l JOIN task n ON n.continues = l.task
                     ) SELECT l.task FROM later l)
                 ) x CROSS JOIN LATERAL (SELECT o.id FROM task o WHERE o.id = x.task AND o.state IN \(fragment: Self.openStates) OFFSET 0) o),
                (SELECT min(o.id) FROM (
                     SELECT i.parent AS task FROM task_input i WHERE i.task = t.id
                     UNION SELECT d.task FROM task_input i JOIN dataset d ON d.name = i.dataset WHERE i.task = t.id
                     UNION SELECT d.task FROM task_input i JOIN container n ON n.name = i.container
                           JOIN container_member m ON m.container = n.id JOIN dataset d ON d.id = m.dataset WHERE i.task = t.id
                     -- Through a dataset that people filled, by itself or in a container.
                     UNION SELECT d.task FROM task_input i JOIN dataset x ON x.name = i.dataset JOIN dataset_source s ON s.dataset = x.id
                           JOIN dataset d ON d.id = s.source WHERE i.task = t.id
                     UNION SELECT d.task FROM task_input i JOIN container n ON n.name = i.container
                           JOIN container_member m ON m.container = n.id JOIN dataset_source s ON s.dataset = m.dataset
                           JOIN dataset d ON d.id = s.source WHERE i.task = t.id
                     -- What a query found only the slices say.
                     UNION SELECT f.task FROM (
                         SELECT DISTINCT u.file FROM unit_input u
                         WHERE u.task = t.id AND EXISTS (SELECT 1 FROM task_input i WHERE i.task = t.id AND i.query IS NOT NULL)
                     ) u CROSS JOIN LATERAL (SELECT f.task FROM file f WHERE f.id = u.file OFFSET 0) f
                 ) x CROSS JOIN LATERAL (SELECT o.id FROM task o WHERE o.id = x.task AND o.state IN \(fragment: Self.openStates) OFFSET 0) o),
                ARRAY(SELECT m.task FROM merge_input m WHERE m.src_task = t.id
                        AND NOT EXISTS (SELECT 1 FROM archived_task a WHERE a.task = m.task AND a.state <> 'restoring')
                      UNION SELECT a.task FROM archived_task a WHERE a.state = 'restoring' AND t.id = ANY (a.sources) ORDER BY 1),
                ARRAY(SELECT a.task FROM archived_task a WHERE a.task = ANY (w.sources) AND a.state <> 'restoring' ORDER BY 1)
            FROM unnest(\(tasks)) AS i(task) JOIN task t ON t.id = i.task JOIN request r ON r.id = t.request
            LEFT JOIN archived_task w ON w.task = t.id LEFT JOIN withdrawn g ON g.task = t.id
            LEFT JOIN LATERAL (
                SELECT sum(active + recovering) AS open, sum(active + recovering + done + aborted + cancelled) AS rows
                FROM task_counter c WHERE c.task = t.id) c ON true
            ORDER BY t.id
            """,
            returning: Int64.self,
            String.self,
            Int64.self,
            String.self,
            String.self,
            String.self,
            String?.self,
            Int64.self,
            Int64.self,
            Int64.self,
            String?.self,
            Int64.self,
            Int64?.self,
            Int64?.self,
            [Int64].self,
            [Int64].self
        )
    }

    static func facts(
        row: (
            Int64, String, Int64, String, String, String, String?, Int64, Int64, Int64, String?, Int64, Int64?, Int64?,
            [Int64], [Int64]
        )
    ) throws -> ArchiveFacts {
        guard let state = TaskState(rawValue: row.4), let requestState = RequestState(rawValue: row.5) else {
            throw CatalogRefusal(.state, "task \(row.0) is in a state that this program does not know")
        }
        return ArchiveFacts(
            task: row.0,
            name: row.1,
            request: row.2,
            title: row.3,
            state: state,
            requestState: requestState,
            place: row.6.flatMap(ArchiveFacts.Place.init(rawValue:)),
            jobs: row.7,
            live: row.8,
            open: row.9,
            openDataset: row.10,
            garbage: row.11,
            reader: row.12,
            source: row.13,
            mergers: row.14,
            archivedSources: row.15
        )
    }

    /// These tasks are to be archived: what they counted is noted with them.
    static func archive(_ tasks: [Int64], reason: String?, who: String) -> SQL {
        """
        INSERT INTO archived_task (task, state, jobs, done, aborted, events, sources, log, reason, who)
        SELECT t.id, 'archiving', (SELECT count(*) FROM job j WHERE j.task = t.id), coalesce(c.done, 0), coalesce(c.aborted, 0),
               coalesce(c.events, 0), ARRAY(SELECT DISTINCT m.src_task FROM merge_input m WHERE m.task = t.id ORDER BY 1),
               (SELECT coalesce(max(x.id), 0) FROM transition x), \(reason), \(who)
        FROM unnest(\(tasks)) AS i(task) JOIN task t ON t.id = i.task
        LEFT JOIN LATERAL (
            SELECT sum(done)::bigint AS done, sum(aborted)::bigint AS aborted, sum(events)::bigint AS events
            FROM task_counter c WHERE c.task = t.id) c ON true
        ORDER BY t.id
        """
    }

    static func restore(_ tasks: [Int64], reason: String?, who: String) -> SQL {
        """
        UPDATE archived_task SET state = 'restoring', since = now(), reason = \(reason), who = \(who)
        WHERE task = ANY(\(tasks)) AND state <> 'restoring'
        """
    }

    /// Somebody wants to look at these requests: their age counts from now.
    static func touch(requestsOf tasks: [Int64]) -> SQL {
        "UPDATE request SET updated = now() WHERE id IN (SELECT request FROM task WHERE id = ANY(\(tasks)))"
    }

    static func row(_ tasks: [Int64]) -> Statement<String> {
        Statement(
            "archiving.row",
            """
            SELECT json_build_object('tasks', coalesce(json_agg(json_build_object('task', a.task, 'state', a.state, 'since', a.since,
                'who', a.who, 'jobs', a.jobs) ORDER BY a.task), '[]'))::text
            FROM archived_task a WHERE a.task = ANY(\(tasks))
            """,
            returning: String.self
        )
    }

    static var examples: [AnyStatement] {
        [
            Self.lockRequests([]).erased, Self.tasks(of: []).erased,
            Self.old(seconds: 1, after: 0, closed: true, limit: 1).erased,
            Self.facts([]).erased, Command("archiving.archive", Self.archive([], reason: nil, who: "x")).erased,
            Command("archiving.restore", Self.restore([], reason: nil, who: "x")).erased, Self.row([]).erased,
        ]
    }
}
