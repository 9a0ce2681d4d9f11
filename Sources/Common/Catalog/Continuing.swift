import Domain
package import Postgres

/// Tasks that go on where earlier versions of theirs stopped.
package enum ContinuingStatements {
    /// The task and its earlier versions.
    private static func versions(of task: Int64) -> SQL {
        """
        version(task, continues, jobs_total) AS (
            SELECT id, continues, jobs_total FROM task WHERE id = \(task)
            UNION ALL SELECT t.id, t.continues, t.jobs_total FROM version v JOIN task t ON t.id = v.continues
        )
        """
    }

    /// What winners of earlier versions of a task read of these files, in order: file, first event, events. A winner of which nothing is
    /// left counts for nothing. Each file is looked up: the
    /// effort does not grow with what the versions did.
    package static func read(before task: Int64, of files: [Int64]) -> Statement<Int64, Int64, Int64> {
        Statement(
            "continuing.read",
            """
            WITH RECURSIVE \(fragment: Self.versions(of: task))
            SELECT i.file, lower(u.slice), upper(u.slice) - lower(u.slice)
            FROM version v CROSS JOIN unnest(\(files)) AS i(file)
            CROSS JOIN LATERAL (SELECT u.index, u.slice FROM unit_input u WHERE u.task = v.task AND u.file = i.file OFFSET 0) u
            CROSS JOIN LATERAL (SELECT FROM winner w WHERE w.task = v.task AND w.index = u.index OFFSET 0) w
            WHERE v.task <> \(task) AND NOT \(fragment: Holes.isHole(task: "v.task", index: "u.index")) ORDER BY i.file, lower(u.slice)
            """,
            returning: Int64.self,
            Int64.self,
            Int64.self
        )
    }

    /// Whether earlier versions of a task have begun: then what it reads of queries and containers is what they found.
    package static func hasBegun(before task: Int64) -> Statement<Bool> {
        Statement(
            "continuing.hasBegun",
            """
            WITH RECURSIVE \(fragment: Self.versions(of: task))
            SELECT EXISTS (SELECT 1 FROM version v WHERE v.task <> \(task) AND v.jobs_total IS NOT NULL)
            """,
            returning: Bool.self
        )
    }

    /// The files that earlier versions of a task have in their jobs.
    package static func begunFiles(before task: Int64) -> InputFiles.Statement {
        InputFiles.statement(
            "continuing.begunFiles",
            with: "WITH RECURSIVE \(fragment: Self.versions(of: task))",
            from: """
                (SELECT DISTINCT u.file FROM version v JOIN unit_input u ON u.task = v.task WHERE v.task <> \(task)) x
                JOIN file f ON f.id = x.file
                """
        )
    }

    // MARK: What a version has done

    /// The tasks of a request, in order, and those of these names that it left out, of the latest of the requests before it that has one: id, name, state,
    /// number of the first event, most events (nil: all of its inputs), events of jobs that are done and of which something is left, the first of it
    /// and its earlier versions that is archived, its request.
    static func tasks(
        of request: Int64,
        orNamed names: [String]
    ) -> Statement<Int64, String, String, Int64, Int64?, Int64, Int64?, Int64> {
        Statement(
            "continuing.tasks",
            """
            WITH RECURSIVE \(fragment: Self.requests(upTo: request)), latest AS MATERIALIZED (
                SELECT DISTINCT ON (t.name) t.id FROM earlier e JOIN task t ON t.request = e.id
                WHERE t.request = \(request) OR t.name = ANY(\(names)) ORDER BY t.name, t.request DESC
            )
            SELECT t.id, t.name, t.state, t.first_event,
                   CASE WHEN EXISTS (SELECT 1 FROM task_input i WHERE i.task = t.id)
                        THEN (SELECT min(i.events) FROM task_input i WHERE i.task = t.id) ELSE t.events_total END,
                   (SELECT coalesce(sum(j.events_expected), 0)::bigint FROM job j WHERE j.task = t.id AND j.state = 'done')
                   - (SELECT coalesce(sum(j.events_expected), 0)::bigint
                      FROM (SELECT DISTINCT f.task, f.index FROM file f WHERE f.task = t.id AND f.lost) l
                      JOIN job j ON j.task = l.task AND j.index = l.index AND j.state = 'done'
                      WHERE \(fragment: Holes.isHole(task: "j.task", index: "j.index"))),
                   (WITH RECURSIVE version(task) AS (
                        SELECT t.id UNION ALL SELECT e.continues FROM version v JOIN task e ON e.id = v.task WHERE e.continues IS NOT NULL
                    ) SELECT min(a.task) FROM version v JOIN archived_task a ON a.task = v.task),
                   t.request
            FROM latest l JOIN task t ON t.id = l.id ORDER BY t.request DESC, t.position
            """,
            returning: Int64.self,
            String.self,
            String.self,
            Int64.self,
            Int64?.self,
            Int64.self,
            Int64?.self,
            Int64.self
        )
    }

    /// The datasets that a task and its earlier versions filled: stream, name; the oldest first.
    static func outputs(of task: Int64) -> Statement<String, String> {
        Statement(
            "continuing.outputs",
            """
            WITH RECURSIVE \(fragment: Self.versions(of: task))
            SELECT d.stream, d.name FROM version v JOIN dataset d ON d.task = v.task ORDER BY d.task, d.stream
            """,
            returning: String.self,
            String.self
        )
    }

    /// The events in a multirange.
    private static func events(_ slices: StaticString) -> SQL {
        "(SELECT coalesce(sum(upper(s) - lower(s)), 0)::bigint FROM unnest(\(unsafe: slices)) s)"
    }

    /// The files that a task reads, as far as they are known, and what of them it and its earlier versions have read. Of a derive task only the
    /// events count that these have read, or that are missing, and of a lost file only those that were read: files, read, half read, events, events
    /// read, name of the first that is half read, whether more may come, the other events of lost files: without those that a task whose outputs
    /// it reads makes again.
    static func files(of task: Int64) -> Statement<Int64, Int64, Int64, Int64, Int64, String?, Bool, Int64> {
        Statement(
            "continuing.files",
            """
            WITH RECURSIVE \(fragment: Self.versions(of: task)), maker(task, begins_again) AS (
                -- What an earlier version than the last made of nothing, and lost, is not made again.
                SELECT i.parent, true FROM task_input i WHERE i.task = \(task) AND i.parent IS NOT NULL
                UNION
                SELECT t.continues, EXISTS (SELECT 1 FROM task_input i WHERE i.task = t.continues)
                FROM maker m JOIN task t ON t.id = m.task WHERE t.continues IS NOT NULL
            ), done AS MATERIALIZED (
                SELECT u.file, range_agg(u.slice) AS slices
                FROM version v JOIN unit_input u ON u.task = v.task JOIN winner w ON w.task = u.task AND w.index = u.index
                WHERE NOT \(fragment: Holes.isHole(task: "u.task", index: "u.index"))
                GROUP BY u.file
            ), input AS MATERIALIZED (
                SELECT df.file, i.missing_in FROM task_input i JOIN dataset d ON d.name = i.dataset OR d.task = i.parent AND d.stream = i.stream
                JOIN dataset_file df ON df.dataset = d.id WHERE i.task = \(task)
            ), elsewhere AS MATERIALIZED (
                SELECT x.missing_in, m.file, range_agg(m.slice) AS slices
                FROM (SELECT i.missing_in, array_agg(DISTINCT i.file) AS files FROM input i WHERE i.missing_in IS NOT NULL GROUP BY 1) x
                CROSS JOIN LATERAL (\(fragment: DerivedStatements.slices(of: "x.files", in: "x.missing_in"))) m GROUP BY 1, 2
            ), known AS MATERIALIZED (
                SELECT i.file, range_intersect_agg(coalesce(e.slices, '{}')) AS elsewhere
                FROM input i LEFT JOIN elsewhere e ON e.missing_in = i.missing_in AND e.file = i.file GROUP BY i.file
                UNION ALL
                SELECT DISTINCT u.file, '{}'::int8multirange FROM version v JOIN unit_input u ON u.task = v.task
                WHERE NOT EXISTS (SELECT 1 FROM input i WHERE i.file = u.file)
            ), needed AS MATERIALIZED (
                SELECT f.lfn, f.lost, \(fragment: Self.events("w.slices")) AS events,
                       CASE WHEN d.file IS NOT NULL THEN \(fragment: Self.events("w.slices * d.slices")) END AS read,
                       CASE WHEN f.lost AND f.task IN (SELECT m.task FROM maker m WHERE m.begins_again)
                            THEN \(fragment: Holes.isHole(task: "f.task", index: "f.index")) ELSE false END AS is_made_again
                FROM known k JOIN file f ON f.id = k.file LEFT JOIN done d ON d.file = f.id
                CROSS JOIN LATERAL (
                    SELECT int8multirange(int8range(0, f.events)) - (k.elsewhere - coalesce(d.slices, '{}')) AS slices) w
                WHERE f.events > 0 AND NOT isempty(w.slices)
            ), wanted AS (
                SELECT n.lfn, CASE WHEN n.lost THEN n.read ELSE n.events END AS events, n.read FROM needed n WHERE NOT n.lost OR n.read > 0
            )
            SELECT count(*), count(*) FILTER (WHERE w.read >= w.events), count(*) FILTER (WHERE w.read < w.events),
                   coalesce(sum(w.events), 0)::bigint, coalesce(sum(w.read), 0)::bigint, min(w.lfn) FILTER (WHERE w.read < w.events),
                   (SELECT coalesce(bool_or(s.state = 'open' OR num_nonnulls(i.query, i.container) > 0
                                    AND NOT EXISTS (SELECT 1 FROM version v WHERE v.jobs_total IS NOT NULL)), false)
                    FROM task_input i LEFT JOIN dataset s ON s.name = i.dataset WHERE i.task = \(task)),
                   (SELECT coalesce(sum(n.events - coalesce(n.read, 0)), 0)::bigint FROM needed n WHERE n.lost AND NOT n.is_made_again)
            FROM wanted w
            """,
            returning: Int64.self,
            Int64.self,
            Int64.self,
            Int64.self,
            Int64.self,
            String?.self,
            Bool.self,
            Int64.self
        )
    }

    // MARK: Whether it has stopped

    /// A request and those it goes on with.
    private static func requests(upTo request: Int64) -> SQL {
        """
        earlier(id) AS (
            SELECT \(request)::bigint
            UNION ALL SELECT r.continues FROM earlier e JOIN request r ON r.id = e.id WHERE r.continues IS NOT NULL
        )
        """
    }

    /// A request and those it goes on with, locked.
    static func lockVersions(upTo request: Int64) -> Statement<Int64> {
        Statement(
            "continuing.lockVersions",
            """
            WITH RECURSIVE \(fragment: Self.requests(upTo: request))
            SELECT r.id FROM request r WHERE r.id IN (SELECT e.id FROM earlier e) ORDER BY r.id FOR NO KEY UPDATE
            """,
            returning: Int64.self
        )
    }

    /// The first of a request and those it goes on with whose outputs are deleted, or are being deleted, and how far that is: what it did
    /// is gone, and nobody would do it again.
    static func cleaned(before request: Int64) -> Statement<Int64, String> {
        Statement(
            "continuing.cleaned",
            """
            WITH RECURSIVE \(fragment: Self.requests(upTo: request))
            SELECT c.request, c.state FROM earlier e JOIN cleanup c ON c.request = e.id
            WHERE c.state = 'open' OR EXISTS (SELECT 1 FROM deleted_file x WHERE x.request = c.request)
            ORDER BY c.request LIMIT 1
            """,
            returning: Int64.self,
            String.self
        )
    }

    /// The datasets of a request and of those it goes on with, locked against clean-ups.
    static func keepDatasets(before request: Int64) -> Statement<Int64> {
        Statement(
            "continuing.keepDatasets",
            """
            WITH RECURSIVE \(fragment: Self.requests(upTo: request))
            SELECT d.id FROM dataset d WHERE d.task IN (SELECT t.id FROM earlier e JOIN task t ON t.request = e.id) ORDER BY d.id FOR SHARE
            """,
            returning: Int64.self
        )
    }

    /// The request that a request goes on with, and how many there are before it.
    static func before(_ request: Int64) -> Statement<Int64, Int32> {
        Statement(
            "continuing.before",
            """
            WITH RECURSIVE version(id, continues, depth) AS (
                SELECT id, continues, 0 FROM request WHERE id = \(request)
                UNION ALL SELECT r.id, r.continues, v.depth + 1 FROM version v JOIN request r ON r.id = v.continues
            )
            SELECT (SELECT continues FROM request WHERE id = \(request)), max(depth) FROM version HAVING max(depth) > 0
            """,
            returning: Int64.self,
            Int32.self
        )
    }

    /// The request that goes on with a request, if it may still do so or has begun to: id, state, owner, when it was made.
    static func after(_ request: Int64) -> Statement<Int64, String, String, Moment> {
        Statement(
            "continuing.after",
            """
            SELECT n.id, n.state, n.owner, n.created FROM request n
            WHERE n.continues = \(request)
              AND (n.state NOT IN ('rejected', 'cancelled') OR EXISTS (SELECT 1 FROM task t WHERE t.request = n.id))
            ORDER BY n.id DESC LIMIT 1
            """,
            returning: Int64.self,
            String.self,
            String.self,
            Moment.self
        )
    }

    /// Jobs of a request that may still end well, and the first of them: how many, task, index. A range that waits is as many as it holds, whether
    /// they have rows of their own or not.
    static func open(_ request: Int64) -> Statement<Int64, Int64, Int64> {
        Statement(
            "continuing.open",
            """
            SELECT (sum(j.jobs) OVER ())::bigint, j.task, j.index FROM task t CROSS JOIN LATERAL (
                SELECT w.task, w.first AS index, w.last - w.first + 1 AS jobs FROM waiting w WHERE w.task = t.id
                UNION ALL SELECT o.task, o.index, 1 FROM (
                    SELECT j.task, j.index FROM job j WHERE j.task = t.id AND j.state IN ('waiting', 'active', 'recovering')
                    UNION SELECT l.task, l.index FROM lease l WHERE l.task = t.id) o
                WHERE NOT EXISTS (SELECT 1 FROM (
                    SELECT w.last FROM waiting w WHERE w.task = o.task AND w.first <= o.index ORDER BY w.first DESC LIMIT 1) w WHERE w.last >= o.index)
            ) j
            WHERE t.request = \(request) ORDER BY j.task, j.index LIMIT 1
            """,
            returning: Int64.self,
            Int64.self,
            Int64.self
        )
    }

    /// What a version has made stays as it is: a file that came after this would be refused.
    static func closeDatasets(of request: Int64, cause: String, who: String) -> SQL {
        """
        UPDATE dataset SET state = 'closed', version = version + 1, closed = now(), cause = \(cause), who = \(who)
        WHERE task IN (SELECT id FROM task WHERE request = \(request)) AND state = 'open'
        """
    }

    static var examples: [AnyStatement] {
        [
            Self.read(before: 1, of: []).erased, Self.hasBegun(before: 1).erased, Self.begunFiles(before: 1).erased,
            Self.tasks(of: 1, orNamed: []).erased, Self.outputs(of: 1).erased, Self.files(of: 1).erased,
            Self.before(1).erased, Self.after(1).erased, Self.open(1).erased, Self.cleaned(before: 1).erased,
            Self.keepDatasets(before: 1).erased, Self.lockVersions(upTo: 1).erased,
            Command("continuing.closeDatasets", Self.closeDatasets(of: 1, cause: "x", who: "y")).erased,
        ]
    }
}
