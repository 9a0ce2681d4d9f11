package import Postgres

/// Lost files, and who has what was in them. A task ends in spite of one only if nobody will miss it: it is in a merged file, and whoever else
/// reads it has done so.
package enum LostFiles {
    /// Tasks that have not ended, read a dataset and lack a file of it, as rows (task, name): they have not begun, or it has come to them and
    /// is in no job, or it is in a job that may still be done. What was given up is counted where it was given up, and what an earlier version
    /// of the task has read is not read again. Who reads no more than so many events lacks none of them if enough is left.
    ///
    /// - Parameters: the columns that name file and dataset.
    static func lacking(file: StaticString, dataset: StaticString) -> SQL {
        """
        SELECT DISTINCT lt.id AS task, lt.name FROM (
            SELECT li.task, li.events FROM dataset ld JOIN task_input li ON li.parent = ld.task AND li.stream = ld.stream
            WHERE ld.id = \(unsafe: dataset)
            UNION SELECT li.task, li.events FROM dataset ld JOIN task_input li ON li.dataset = ld.name WHERE ld.id = \(unsafe: dataset)
            UNION SELECT li.task, li.events FROM container_member lm JOIN container lc ON lc.id = lm.container
                  JOIN task_input li ON li.container = lc.name WHERE lm.dataset = \(unsafe: dataset)
            UNION SELECT ln.task, NULL FROM input_feed ln WHERE ln.dataset = \(unsafe: dataset)
        ) ly
        CROSS JOIN LATERAL (
            SELECT t.id, t.name, t.state, t.continues FROM task t
            WHERE t.id = ly.task AND t.state NOT IN ('done', 'failed', 'aborted') OFFSET 0) lt
        WHERE (lt.state = 'waiting' AND (ly.events IS NULL OR ly.events > (
                SELECT coalesce(sum(lk.events), 0) FROM dataset_counter lk WHERE lk.dataset = \(unsafe: dataset)) - (
                SELECT coalesce(sum(lx.events), 0) FROM (SELECT f.id, f.events FROM file f WHERE f.lost OFFSET 0) lx
                CROSS JOIN LATERAL (SELECT 1 FROM dataset_file df WHERE df.dataset = \(unsafe: dataset) AND df.file = lx.id OFFSET 0) lm))
            OR EXISTS (SELECT 1 FROM pending_input lp WHERE lp.task = lt.id AND lp.file = \(unsafe: file) OFFSET 0)
            OR EXISTS (
               -- The index that keeps slices from overlapping cannot take an array: it is the one of files that is asked.
               SELECT 1 FROM (SELECT u.task, u.index FROM unit_input u WHERE u.file = ANY(ARRAY[\(unsafe: file)]) OFFSET 0) lu
               CROSS JOIN LATERAL (SELECT q.state FROM job q WHERE q.task = lu.task AND q.index = lu.index OFFSET 0) lq
               WHERE lu.task = lt.id AND lq.state IN ('waiting', 'active', 'recovering') OFFSET 0))
          AND (lt.continues IS NULL OR (SELECT f.events FROM file f WHERE f.id = \(unsafe: file)) > (
            WITH RECURSIVE version(task) AS (
                SELECT lt.continues UNION ALL SELECT t.continues FROM version v JOIN task t ON t.id = v.task WHERE t.continues IS NOT NULL)
            SELECT coalesce(sum(upper(lu.slice) - lower(lu.slice)), 0) FROM version v
            CROSS JOIN LATERAL (
                SELECT u.index, u.slice FROM unit_input u WHERE u.file = ANY(ARRAY[\(unsafe: file)]) AND u.task = v.task OFFSET 0) lu
            CROSS JOIN LATERAL (
                SELECT 1 FROM job q WHERE q.task = v.task AND q.index = lu.index AND q.state = 'done' OFFSET 0) lq))
        """
    }

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
