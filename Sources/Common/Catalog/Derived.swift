package import Postgres

/// What a derive task makes anew: only what is missing.
package enum DerivedStatements {
    /// The events of these files of which a dataset, or any dataset of a container, has what was made of them, in order: file, first event,
    /// events. Each file is looked up: the effort grows with what was made of these, not with the dataset.
    package static func made(in name: String, of files: [Int64]) -> Statement<Int64, Int64, Int64> {
        Statement(
            "derived.made",
            """
            SELECT m.file, lower(m.slice), upper(m.slice) - lower(m.slice)
            FROM (\(fragment: Self.slices(of: "\(files)", in: "\(name)::text"))) m ORDER BY m.file, lower(m.slice)
            """,
            returning: Int64.self,
            Int64.self,
            Int64.self
        )
    }

    /// Rows of `file` and `slice`, one for each job of which something is there: what it read of the file. Something is there if a file that
    /// was accepted from it, or one into which that was merged, in any number of merges, is in the dataset and not lost; or if all that it
    /// was to add was accepted as empty.
    ///
    /// Of a file that no job made, and of one whose job is archived, only the parents are known: what has one of these for a parent was made of all
    /// of it. Whether the job is archived is asked of its row, which leaves with what it read: so each job is counted, and once, while its task is on
    /// its way into the archive or back.
    ///
    /// - Parameters:
    ///   - files: parameter or column: an array of their numbers.
    ///   - name: parameter or column: the name of the dataset or container.
    static func slices(of files: SQL, in name: SQL) -> SQL {
        """
        WITH RECURSIVE \(fragment: Self.destination(name)), made AS MATERIALIZED (
            SELECT i.file, u.slice, a.file AS output, u.task, u.index, a.stream
            FROM unnest(\(fragment: files)) AS i(file)
            CROSS JOIN LATERAL (SELECT u.task, u.index, u.slice FROM unit_input u WHERE u.file = i.file OFFSET 0) u
            CROSS JOIN LATERAL (
                SELECT a.stream, o.file FROM accepted a JOIN output o
                    ON o.task = a.task AND o.index = a.index AND o.attempt = a.attempt AND o.stream = a.stream
                WHERE a.task = u.task AND a.index = u.index OFFSET 0) a
            UNION ALL
            SELECT i.file, int8range(0, w.events), p.file, NULL, NULL, NULL
            FROM unnest(\(fragment: files)) AS i(file)
            CROSS JOIN LATERAL (SELECT p.file FROM file_parent p WHERE p.parent = i.file OFFSET 0) p
            CROSS JOIN LATERAL (SELECT f.task, f.index FROM file f WHERE f.id = p.file OFFSET 0) f
            LEFT JOIN LATERAL (SELECT j.index FROM job j WHERE j.task = f.task AND j.index = f.index OFFSET 0) j ON true
            CROSS JOIN LATERAL (SELECT w.events FROM file w WHERE w.id = i.file AND w.events > 0 OFFSET 0) w
            WHERE j.index IS NULL
        ), \(fragment: Self.held)
        SELECT m.file, m.slice FROM (
            SELECT m.file, m.slice, m.task, m.index, m.output IS NULL AS is_empty, m.output IN (SELECT h.output FROM held h) AS is_held,
                   (m.task, m.stream) IN (SELECT f.task, f.stream FROM filling f) AS fills
            FROM made m
        ) m GROUP BY m.file, m.slice, m.task, m.index
        HAVING bool_or(m.is_held) OR bool_or(m.fills AND m.is_empty) AND NOT bool_or(m.fills AND NOT m.is_empty)
        """
    }

    /// `named`: the datasets that are meant. `filling`: the streams of tasks that fill them, and those that merges add to these, in any number of
    /// merges: an output without events has no file, and belongs to what its stream fills. What a merge found by a query is not among them:
    /// the query finds files.
    private static func destination(_ name: SQL) -> SQL {
        """
        named AS MATERIALIZED (
            SELECT d.id AS dataset FROM dataset d WHERE d.name = \(fragment: name)
            UNION SELECT cm.dataset FROM container c JOIN container_member cm ON cm.container = c.id WHERE c.name = \(fragment: name)
        ), filling(task, stream) AS (
            SELECT d.task, d.stream FROM named n
            CROSS JOIN LATERAL (SELECT d.task, d.stream FROM dataset d WHERE d.id = n.dataset AND d.task IS NOT NULL OFFSET 0) d
            UNION
            SELECT s.task, s.stream FROM filling f
            CROSS JOIN LATERAL (SELECT t.id FROM task t WHERE t.id = f.task AND t.kind = 'merge' OFFSET 0) t
            CROSS JOIN LATERAL (SELECT i.parent, i.stream, i.dataset, i.container FROM task_input i WHERE i.task = t.id OFFSET 0) i
            CROSS JOIN LATERAL (
                SELECT i.parent AS task, i.stream WHERE i.parent IS NOT NULL
                UNION ALL SELECT d.task, d.stream FROM dataset d WHERE d.name = i.dataset AND d.task IS NOT NULL
                UNION ALL
                SELECT d.task, d.stream FROM container c JOIN container_member cm ON cm.container = c.id
                CROSS JOIN LATERAL (SELECT d.task, d.stream FROM dataset d WHERE d.id = cm.dataset AND d.task IS NOT NULL OFFSET 0) d
                WHERE c.name = i.container
                OFFSET 0) s
        )
        """
    }

    /// `held`: the outputs in `made` of which something is there: they, or what they were merged into; a file that people registered counts as
    /// merged from its parents. What was merged may be lost. (`IS TRUE`: the datasets are looked up in a hash table, and never joined.)
    private static let held: SQL = """
        down(output, file) AS (
            SELECT m.output, m.output FROM made m WHERE m.output IS NOT NULL
            UNION
            SELECT d.output, p.file FROM down d
            CROSS JOIN LATERAL (SELECT p.file FROM file_parent p WHERE p.parent = d.file OFFSET 0) p
            CROSS JOIN LATERAL (
                SELECT FROM file f LEFT JOIN task t ON t.id = f.task WHERE f.id = p.file AND (f.task IS NULL OR t.kind = 'merge') OFFSET 0) f
        ), held AS MATERIALIZED (
            SELECT DISTINCT d.output FROM down d
            CROSS JOIN LATERAL (SELECT m.dataset FROM dataset_file m WHERE m.file = d.file OFFSET 0) m
            CROSS JOIN LATERAL (SELECT FROM file f WHERE f.id = d.file AND NOT f.lost OFFSET 0) f
            WHERE (m.dataset IN (SELECT n.dataset FROM named n)) IS TRUE
        )
        """

    // MARK: What is counted on

    /// The datasets whose files count as made for a task: those that its inputs name, or that are in containers which they name, and those
    /// out of which people filled one of these; with the files that clean-ups have taken out of each so far. In order.
    package static func counted(for task: Int64) -> Statement<Int64, Int64> {
        Statement(
            "derived.counted",
            """
            SELECT c.dataset, coalesce(p.files, 0) FROM (
                SELECT DISTINCT c.dataset FROM task_input i CROSS JOIN LATERAL counted_in(i.missing_in) AS c(dataset)
                WHERE i.task = \(task) AND i.missing_in IS NOT NULL
            ) c LEFT JOIN cleanup_part p ON p.dataset = c.dataset ORDER BY c.dataset
            """,
            returning: Int64.self,
            Int64.self
        )
    }

    /// Locks datasets against clean-ups: a step that takes files out of one has ended, or waits.
    package static func keep(_ datasets: [Int64]) -> Statement<Int64> {
        Statement(
            "derived.keep",
            "SELECT id FROM dataset WHERE id = ANY(\(datasets)) ORDER BY id FOR SHARE",
            returning: Int64.self
        )
    }

    static var examples: [AnyStatement] {
        [Self.made(in: "x", of: []).erased, Self.counted(for: 1).erased, Self.keep([]).erased]
    }
}
