package import Postgres

/// The relay's view of the transition log: events go out by id, and never before an older transaction could still add a
/// smaller one.
package enum FeedStatements {
    /// Takes or renews the relay's lease. Returns the position when this holder has it; no row: somebody else does.
    package static func lease(holder: String, seconds: Double) -> Statement<Int64, Int64> {
        Statement(
            "feed.lease",
            """
            UPDATE relay SET holder = \(holder), lease_until = clock_timestamp() + make_interval(secs => \(seconds)),
                term = term + CASE WHEN holder IS NOT DISTINCT FROM \(holder) THEN 0 ELSE 1 END
            WHERE holder IS NOT DISTINCT FROM \(holder) OR lease_until < clock_timestamp()
            RETURNING published, term
            """,
            returning: Int64.self,
            Int64.self
        )
    }

    /// The last id drawn from the log's sequence: 0 before the first.
    package static let lastID = Statement<Int64>(
        "feed.lastID",
        "SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM transition_id_seq",
        returning: Int64.self
    )

    /// A transaction id drawn after ``lastID`` was read, in a statement of its own: every transaction that can still hold an id
    /// up to it is older. (Ids are drawn by the log's trigger, after the transaction got its id.)
    package static let horizon = Statement<String>(
        "feed.horizon",
        "SELECT pg_current_xact_id()::text",
        returning: String.self
    )

    /// Whether every transaction older than the horizon has ended.
    package static func isPassed(horizon: String) -> Statement<Bool> {
        Statement(
            "feed.isPassed",
            "SELECT pg_snapshot_xmin(pg_current_snapshot())::text::numeric >= \(horizon)::text::numeric",
            returning: Bool.self
        )
    }

    /// The publishable rows after `after` up to `through`, in their order: id, route, the item of the message as JSON (an
    /// ``EventItem``, written here because the database does it in a tenth of the time), and when it was, seconds since 1970. No more than the difference of the
    /// two: without a limit to reckon with, the planner takes the key.
    package static func rows(after: Int64, through: Int64) -> Statement<Int64, String, String, Int64> {
        Statement(
            "feed.rows",
            """
            SELECT id, route,
                   '{"at":"' || to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') || '"'
                   || coalesce(',"cause":' || to_json(cause)::text, '') || coalesce(',"detail":' || detail::text, '')
                   || ',"entity":' || to_json(entity)::text || coalesce(',"from":' || to_json(from_state)::text, '')
                   || ',"id":' || id || ',"to":' || to_json(to_state)::text || ',"version":' || version || ',"who":' || to_json(who)::text || '}',
                   floor(extract(epoch FROM at))::bigint
            FROM transition WHERE id > \(after) AND id <= \(through) AND route IS NOT NULL ORDER BY id
            """,
            returning: Int64.self,
            String.self,
            String.self,
            Int64.self
        )
    }

    /// Notes how far the feed is published, if this holder still leads and nobody has wound it back meanwhile; and leads on.
    package static func published(
        _ id: Int64,
        after: Int64,
        holder: String,
        term: Int64,
        seconds: Double
    ) -> SQL {
        """
        UPDATE relay SET published = \(id), lease_until = clock_timestamp() + make_interval(secs => \(seconds))
        WHERE holder = \(holder) AND term = \(term) AND published = \(after)
        """
    }

    static var examples: [AnyStatement] {
        [
            Self.lease(holder: "x", seconds: 1).erased, Self.lastID.erased, Self.horizon.erased,
            Self.isPassed(horizon: "1").erased,
            Self.rows(after: 0, through: 1).erased,
            Command("feed.published", Self.published(1, after: 0, holder: "x", term: 1, seconds: 1)).erased,
        ]
    }
}
