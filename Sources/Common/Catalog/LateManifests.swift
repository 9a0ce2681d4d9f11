package import Domain
package import Postgres

/// Manifests that came when their attempts had ended without them.
package enum LateStatements {
    /// How an attempt of which the books refused a manifest ended: the cause of that.
    package static let refused = "the books refused its manifest"

    /// Token, site, state (nil: live), code, whether the books refused a manifest and whether it is archived of these attempts: task, index,
    /// attempt, then those. In the archive they are found with the 250 jobs that were put there together.
    package static func ends(
        _ attempts: [AttemptKey]
    ) -> Statement<Int64, Int64, Int32, UUIDText, String, String?, Int32?, Bool, Bool> {
        Statement(
            "late.ends",
            """
            WITH i AS MATERIALIZED (
                SELECT * FROM unnest(\(attempts.map(\.task)), \(attempts.map(\.index)), \(attempts.map { Int32($0.attempt) }))
                    AS i(task, index, attempt)
            ), archived AS MATERIALIZED (
                SELECT c.task, a.* FROM (SELECT DISTINCT i.task, i.index / 250 * 250 AS first FROM i) c
                CROSS JOIN LATERAL (
                    SELECT r.rows FROM archived_rows r WHERE r.task = c.task AND r.relation = 'attempt' AND r.first = c.first OFFSET 0) r
                CROSS JOIN LATERAL json_to_recordset(r.rows)
                    AS a(index bigint, attempt int, token uuid, site text, state text, code int, cause text)
            )
            SELECT i.task, i.index, i.attempt, a.token, a.site, a.state, a.code, a.cause IS NOT DISTINCT FROM \(Self.refused), false
            FROM i CROSS JOIN LATERAL (
                SELECT * FROM attempt a WHERE a.task = i.task AND a.index = i.index AND a.attempt = i.attempt OFFSET 0) a
            UNION ALL
            SELECT i.task, i.index, i.attempt, a.token, a.site, a.state, a.code, a.cause IS NOT DISTINCT FROM \(Self.refused), true
            FROM i JOIN archived a ON a.task = i.task AND a.index = i.index AND a.attempt = i.attempt
            """,
            returning: Int64.self,
            Int64.self,
            Int32.self,
            UUIDText.self,
            String.self,
            String?.self,
            Int32?.self,
            Bool.self,
            Bool.self
        )
    }

    /// Notes with each attempt that a manifest came late, the first time. How it ended, and the verdict on that, stay as they are. The
    /// caller holds the locks of the jobs.
    package static func note(_ late: [(key: AttemptKey, failure: Failure)]) -> SQL {
        """
        UPDATE attempt a SET late_code = i.code, late_diagnostic = i.diagnostic, late_at = clock_timestamp()
        FROM unnest(\(late.map(\.key.task)), \(late.map(\.key.index)), \(late.map { Int32($0.key.attempt) }),
                    \(late.map { Int32(clamping: $0.failure.code) }), \(late.map(\.failure.diagnostic)))
             AS i(task, index, attempt, code, diagnostic)
        WHERE a.task = i.task AND a.index = i.index AND a.attempt = i.attempt AND a.late_code IS NULL
        """
    }

    static var examples: [AnyStatement] { [Self.ends([]).erased, Command("late.note", Self.note([])).erased] }
}
