import Domain
package import Postgres

/// Agents that keep their free cores for jobs that need more of them (``ReservationPolicy``).
extension LeasingStatements {
    /// Those that are served: as ``openDemand(_:)`` sees them.
    static let reservingAgents: SQL = """
        FROM agent_session s JOIN site ON site.name = s.site AND site.access = 'allowed'
        LEFT JOIN excluded_place n ON n.site = s.site AND n.node = s.node
        WHERE s.reserved_for IS NOT NULL AND s.room > 0 AND s.state = 'here' AND n.phase IS DISTINCT FROM 'resting'
        """

    /// The agents that keep cores: agent, class. There are few.
    package static let reserving = Statement(
        "leasing.reserving",
        "SELECT s.id, s.reserved_for \(fragment: reservingAgents)",
        returning: Int32.self,
        Int32.self
    )

    /// Those of them for whose class no job waits any more that they may have.
    package static let reservedInVain = Statement(
        "leasing.reservedInVain",
        """
        SELECT s.id \(fragment: reservingAgents)
          AND NOT EXISTS (SELECT 1 FROM waiting w WHERE w.class = s.reserved_for AND w.due AND NOT w.held AND s.site <> ALL (w.excluded)
                                                    AND (s.node IS NULL OR s.node <> ALL (w.excluded_nodes)))
        """,
        returning: Int32.self
    )

    /// How many agents are here.
    package static let agentsHere = Statement(
        "leasing.agentsHere",
        "SELECT count(*) FROM agent_session WHERE state = 'here'",
        returning: Int64.self
    )

    /// What runs on these agents: agent, the cores of a job, the cores of all jobs that have so many. Looked up by agent and job.
    package static func running(_ holders: [Int32]) -> Statement<Int32, Int32, Int64> {
        Statement(
            "leasing.running",
            """
            SELECT h.holder, c.cores, sum(c.cores)::bigint
            FROM unnest(\(holders)) AS h(holder)
            CROSS JOIN LATERAL (SELECT l.task, l.index FROM lease l WHERE l.holder = h.holder OFFSET 0) l
            CROSS JOIN LATERAL (SELECT j.class FROM job j WHERE j.task = l.task AND j.index = l.index OFFSET 0) j
            JOIN task t ON t.id = l.task JOIN class c ON c.id = coalesce(j.class, t.class)
            GROUP BY h.holder, c.cores
            """,
            returning: Int32.self,
            Int32.self,
            Int64.self
        )
    }
}
