package import Postgres

/// The log as the live events show it, for clients that come back.
package enum ReplayStatements {
    /// What was published after an id: id, kind, and the event as JSON.
    package static func after(_ id: Int64, limit: Int) -> Statement<Int64, String, String> {
        Statement(
            "replay.after",
            """
            SELECT x.id, x.kind, json_build_object('id', x.id, 'entity', x.entity, 'version', x.version, 'from', x.from_state,
                       'to', x.to_state, 'cause', x.cause, 'who', x.who, 'at', x.at, 'detail', x.detail)::text
            FROM transition x WHERE x.id > \(id) AND x.route IS NOT NULL ORDER BY x.id LIMIT \(limit)
            """,
            returning: Int64.self,
            String.self,
            String.self
        )
    }

    static var examples: [AnyStatement] { [Self.after(0, limit: 1).erased] }
}
