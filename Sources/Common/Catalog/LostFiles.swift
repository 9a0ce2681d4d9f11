package import Postgres

/// Lost files, and who has what was in them. A task ends in spite of one only if nobody will miss it: it is in a merged file, and whoever else
/// reads it has done so.
package enum LostFiles {
    /// Tasks that have not ended, read a dataset and lack a file of it, as rows (task, name): they have not begun, or it has come to them and
    /// is in no job, or it is in a job that may still be done. What was given up is counted where it was given up.
    ///
    /// Nobody lacks events that an earlier version of the task has read, or of which what the task compares with (``DerivedStatements``) has what
    /// was made; nor who reads no more than so many, if enough is left. One that goes on with a task that has read a container reads no more
    /// of it than that did.
    ///
    /// - Parameters: the columns that name file and dataset.
    static func lacking(file: StaticString, dataset: StaticString) -> SQL {
        """
        SELECT DISTINCT lt.id AS task, lt.name FROM (
            SELECT li.task, false AS is_gathered, li.missing_in FROM dataset ld JOIN task_input li ON li.parent = ld.task AND li.stream = ld.stream
            WHERE ld.id = \(unsafe: dataset)
            UNION SELECT li.task, false, li.missing_in FROM dataset ld JOIN task_input li ON li.dataset = ld.name WHERE ld.id = \(unsafe: dataset)
            UNION SELECT li.task, true, li.missing_in FROM container_member lm JOIN container lc ON lc.id = lm.container
                  JOIN task_input li ON li.container = lc.name WHERE lm.dataset = \(unsafe: dataset)
            UNION SELECT ln.task, false, NULL FROM input_feed ln WHERE ln.dataset = \(unsafe: dataset)
        ) ly
        CROSS JOIN LATERAL (
            SELECT t.id, t.name, t.state, t.continues FROM task t
            WHERE t.id = ly.task AND t.state NOT IN ('done', 'failed', 'aborted') OFFSET 0) lt
        CROSS JOIN LATERAL (SELECT int8range(0, f.events) AS events FROM file f WHERE f.id = \(unsafe: file) OFFSET 0) lf
        CROSS JOIN LATERAL (\(fragment: Self.earlier(file: file))) le
        WHERE (lt.state = 'waiting' AND NOT (ly.is_gathered AND le.has_begun AND NOT le.has_file)
                 AND NOT coalesce(CASE WHEN EXISTS (SELECT 1 FROM task_input li WHERE li.task = lt.id AND li.events IS NOT NULL)
                                       THEN (\(fragment: Self.isEnoughLeft)) END, false)
                 AND (ly.missing_in IS NULL OR NOT lf.events <@ (
                     SELECT coalesce(range_agg(ls.slice), '{}') FROM (\(fragment: DerivedStatements.slices(of: "ARRAY[\(unsafe: file)]", in: "ly.missing_in"))) ls))
            OR EXISTS (SELECT 1 FROM pending_input lp WHERE lp.task = lt.id AND lp.file = \(unsafe: file) OFFSET 0)
            OR EXISTS (
               -- The index that keeps slices from overlapping cannot take an array: it is the one of files that is asked.
               SELECT 1 FROM (SELECT u.task, u.index FROM unit_input u WHERE u.file = ANY(ARRAY[\(unsafe: file)]) OFFSET 0) lu
               CROSS JOIN LATERAL (SELECT q.state FROM job q WHERE q.task = lu.task AND q.index = lu.index OFFSET 0) lq
               WHERE lu.task = lt.id AND lq.state IN ('waiting', 'active', 'recovering') OFFSET 0))
          AND (lt.continues IS NULL OR NOT lf.events <@ le.read)
        """
    }

    /// What earlier versions of the task `lt` did with a file: whether one has begun, whether one has it in a job, and the events of it that
    /// jobs read which are done. One of which nothing is left is no such job, what it did is done again; nor is one of which nothing may be left in a moment.
    private static func earlier(file: StaticString) -> SQL {
        """
        WITH RECURSIVE version(task, continues, jobs_total) AS (
            SELECT t.id, t.continues, t.jobs_total FROM task t WHERE t.id = lt.continues
            UNION ALL SELECT t.id, t.continues, t.jobs_total FROM version v JOIN task t ON t.id = v.continues)
        SELECT coalesce(bool_or(v.jobs_total IS NOT NULL), false) AS has_begun, count(u.index) > 0 AS has_file,
               coalesce(range_agg(u.slice) FILTER (WHERE u.is_done), '{}') AS read
        FROM version v
        LEFT JOIN LATERAL (
            SELECT u.index, u.slice, q.state = 'done' AND NOT \(fragment: Holes.isHole(task: "v.task", index: "u.index", whileRead: true)) AS is_done
            FROM (SELECT u.index, u.slice FROM unit_input u WHERE u.file = ANY(ARRAY[\(unsafe: file)]) AND u.task = v.task OFFSET 0) u
            CROSS JOIN LATERAL (SELECT q.state FROM job q WHERE q.task = v.task AND q.index = u.index OFFSET 0) q OFFSET 0) u ON true
        """
    }

    /// Whether the task `lt` reads no more events than are left without what is lost in all that it names; null: there is no such limit, or how much
    /// it may read of what is left is not known here. Datasets of tasks have no file in common, those of people may.
    private static let isEnoughLeft: SQL = """
        SELECT (SELECT min(i.events) FROM task_input i WHERE i.task = lt.id)
               <= CASE WHEN bool_and(x.task IS NOT NULL) THEN sum(coalesce(k.events, 0) - coalesce(l.events, 0)) END
        FROM (
            SELECT d.id, d.task FROM task_input i JOIN dataset d ON d.task = i.parent AND d.stream = i.stream WHERE i.task = lt.id
            UNION SELECT d.id, d.task FROM task_input i JOIN dataset d ON d.name = i.dataset WHERE i.task = lt.id
            UNION SELECT d.id, d.task FROM task_input i JOIN container c ON c.name = i.container
                  JOIN container_member m ON m.container = c.id JOIN dataset d ON d.id = m.dataset WHERE i.task = lt.id
        ) x
        CROSS JOIN LATERAL (SELECT sum(k.events) AS events FROM dataset_counter k WHERE k.dataset = x.id) k
        CROSS JOIN LATERAL (
            -- By task: the names of all that was ever deleted stay, and are many.
            SELECT sum(f.events) AS events FROM (SELECT f.id, f.events FROM file f WHERE f.task = x.task AND f.lost OFFSET 0) f
            CROSS JOIN LATERAL (SELECT FROM dataset_file df WHERE df.dataset = x.id AND df.file = f.id OFFSET 0) df) l
        WHERE lt.continues IS NULL AND NOT EXISTS (SELECT 1 FROM task_input i WHERE i.task = lt.id AND i.missing_in IS NOT NULL)
        """

    /// Files of a task's datasets that are not at their home: how many are not lost, how many are and keep the task from ending, the first
    /// of these, and who lacks that one although it is merged. By key, and closely at lost files only: services ask again and again.
    package static func away(_ task: Int64) -> Statement<Int64, Int64, String?, String?> {
        Statement(
            "lostFiles.away",
            """
            WITH RECURSIVE away AS MATERIALIZED (
                SELECT df.file, d.id AS dataset FROM dataset d
                CROSS JOIN LATERAL (SELECT df.file FROM dataset_file df WHERE df.dataset = d.id OFFSET 0) df
                WHERE d.task = \(task)
                  AND NOT EXISTS (SELECT 1 FROM replica r WHERE r.file = df.file AND r.storage = d.home AND r.state = 'available')
            ), lost AS MATERIALIZED (
                SELECT a.file, a.dataset, f.lfn, f.events FROM away a
                CROSS JOIN LATERAL (SELECT f.lfn, f.events FROM file f WHERE f.id = a.file AND f.lost OFFSET 0) f
            ), merged(source, file, lost, is_empty) AS (
                SELECT file, file, true, events = 0 FROM lost
                UNION
                SELECT m.source, c.id, c.lost, m.is_empty FROM merged m
                CROSS JOIN LATERAL (SELECT p.file FROM file_parent p WHERE p.parent = m.file OFFSET 0) p
                CROSS JOIN LATERAL (SELECT c.id, c.lost, c.task FROM file c WHERE c.id = p.file AND (c.events > 0 OR m.is_empty) OFFSET 0) c
                CROSS JOIN LATERAL (SELECT t.id FROM task t WHERE t.id = c.task AND t.kind = 'merge' OFFSET 0) t
            ), held AS MATERIALIZED (
                SELECT l.lfn, q.reader FROM lost l
                LEFT JOIN (SELECT DISTINCT source FROM merged WHERE NOT lost) m ON m.source = l.file
                LEFT JOIN LATERAL (
                    SELECT k.task || ' (' || k.name || ')' AS reader FROM (\(fragment: Self.lacking(file: "l.file", dataset: "l.dataset"))) k
                    WHERE m.source IS NOT NULL ORDER BY k.task LIMIT 1) q ON true
                WHERE m.source IS NULL OR q.reader IS NOT NULL
            )
            SELECT (SELECT count(*) FROM away) - (SELECT count(*) FROM lost), count(*), min(h.lfn),
                   (SELECT h.reader FROM held h ORDER BY h.lfn LIMIT 1)
            FROM held h
            """,
            returning: Int64.self,
            Int64.self,
            String?.self,
            String?.self
        )
    }

    /// What a task that has nothing to do any more waits for, in words.
    package static func cause(lost: Int64, such lfn: String?, lackedBy reader: String?) -> String {
        guard lost > 0, let lfn else { return "every job is terminal" }
        let files = lost == 1 ? "1 lost file keeps it from ending" : "\(lost) lost files keep it from ending"
        let why = reader.map { "task \($0) lacks, although it is merged" } ?? "is in no merged file that is there"
        return "\(files): \(lfn), which \(why); millrace task check tells what can be done"
    }

    static var examples: [AnyStatement] { [Self.away(1).erased] }
}
